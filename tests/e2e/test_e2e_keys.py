"""One key is one key: held over the end of a prompt, short, long, and in rows that come faster than Asterisk takes them."""

import asyncio

import pytest
from e2e_house import Guest, House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

HOLDS_MS = (40, 80, 120, 160, 200, 240)
MOMENTS = 12
STEP_MS = 30


async def notice_ms(guest: Guest) -> int:
    """How long the notice takes whom nobody interrupts."""
    entered = await guest.event("node_entered", node="notice")
    left = await guest.event("node_left", node="notice")
    return int(left["at_ms"] - entered["at_ms"])


async def press_around_the_end(guest: Guest, hold_ms: int, notice_ms: int) -> int:
    """One key a round, let go a little later before or after the notice's end in each; how many."""
    for moment in range(MOMENTS):
        mark = len(guest.feed.events)
        await guest.feed.wait_for("node_entered", within=15, after=mark, call=guest.id, node="notice")
        await guest.call.pause(max(0, notice_ms - hold_ms + STEP_MS * (moment - MOMENTS // 2)) / 1000)
        await guest.call.press("1", digit_ms=hold_ms)
        await guest.feed.wait_for("node_entered", within=15, after=mark, call=guest.id, node="second")
    await guest.feed.wait_for("node_left", within=15, after=mark, call=guest.id, node="second")
    return MOMENTS


def counted(guest: Guest, node: str) -> list[str]:
    return [event["data"]["keys"] for event in guest.told("input_received") if event["node"] == node and event["data"]["keys"]]


async def test_a_key_held_over_the_end_of_a_prompt_counts_once(house: House) -> None:
    """It answers the menu behind the prompt, at whichever moment; the next menu, which has the same key, is not answered by it."""
    guests = [await house.dial("4111", ("caller", "caller2", "caller3")[place % 3]) for place in range(len(HOLDS_MS))]
    lengths = [await notice_ms(guest) for guest in guests]
    pressed = await asyncio.gather(*(press_around_the_end(*each) for each in zip(guests, HOLDS_MS, lengths, strict=True)))
    assert [counted(guest, "first") for guest in guests] == [["1"] * count for count in pressed]
    assert [counted(guest, "second") for guest in guests] == [[] for _ in guests]


@pytest.mark.parametrize(("tone_ms", "pause_ms"), [(100, 40), (100, 20), (60, 40), (40, 20), (40, 60), (160, 20), (240, 40)])
async def test_keys_of_a_dialler_count_once_each(house: House, tone_ms: int, pause_ms: int) -> None:
    """Stored numbers come with pauses shorter than Asterisk keeps between keys; no key is doubled, nor the one that ends the entry."""
    guest = await house.dial("4111")
    await guest.call.press("0")
    await guest.at_node("entry")
    for _ in range(2):  # the second time while the question is put
        mark = len(guest.feed.events)
        # The last packet of a key is sent 20 ms before its end: so much longer is the pause on the wire.
        await guest.call.press("1223456#", digit_ms=tone_ms, gap_ms=pause_ms - 20)
        entered = await guest.feed.wait_for("input_received", within=15, after=mark, call=guest.id, node="entry")
        assert entered["data"]["keys"] == "1223456"
        await guest.call.pause(1.0)
    assert counted(guest, "entry") == ["1223456"] * 2
    assert [event["data"]["keys"] for event in guest.told("input_received") if event["node"] == "entry"] == ["1223456"] * 2
