"""One key is one key: held over the end of a prompt, short, long, and in rows that come faster than Asterisk takes them."""

import asyncio

import pytest

from tests.e2e.e2e_house import Guest, House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

HOLDS_MS = (40, 80, 120, 160, 200, 240)
MOMENTS = 12
STEP_MS = 25
TIMEOUT_MS = 2000  # of the first menu


async def prompt_ms(guest: Guest) -> int:
    """How long the first menu's prompt takes whom nobody interrupts."""
    entered = await guest.event("node_entered", node="first")
    left = await guest.event("node_left", node="first", exit="no_input")
    return int(left["at_ms"] - entered["at_ms"]) - TIMEOUT_MS


async def press_over_the_end(guest: Guest, hold_ms: int, prompt_ms: int) -> None:
    """One key a round, let go from a little before to well after the prompt's end."""
    for moment in range(MOMENTS):
        mark = len(guest.feed.events)
        await guest.feed.wait_for("node_entered", within=15, after=mark, call=guest.id, node="first")
        await guest.call.pause(max(0, prompt_ms - hold_ms + STEP_MS * (moment - 3)) / 1000)
        await guest.call.press("1", digit_ms=hold_ms)
        await guest.feed.wait_for("node_left", within=15, after=mark, call=guest.id, node="second")


def counted(guest: Guest, node: str) -> list[str]:
    return [event["data"]["keys"] for event in guest.told("input_received") if event["node"] == node and event["data"]["keys"]]


async def test_a_key_held_over_the_end_of_a_prompt_counts_once(house: House) -> None:
    """It answers the menu, at whichever moment it is let go; the next menu, which has the same key, is not answered by it."""
    guests = [await house.dial("4111", ("caller", "caller2", "caller3")[place % 3]) for place in range(len(HOLDS_MS))]
    lengths = [await prompt_ms(guest) for guest in guests]
    await asyncio.gather(*(press_over_the_end(*each) for each in zip(guests, HOLDS_MS, lengths, strict=True)))
    assert [counted(guest, "second") for guest in guests] == [[] for _ in guests]
    assert [counted(guest, "first") for guest in guests] == [["1"] * MOMENTS for _ in guests]


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
