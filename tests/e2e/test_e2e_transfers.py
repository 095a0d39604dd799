"""Agents who pass callers on, by keys and by REFER: whole numbers, odd targets, and who has the caller then."""

import contextlib

import pytest

from simulator.phone import Call, CallOver, Phone, answer_after, sine
from tests.e2e.e2e_house import AGENT_HZ, Guest, House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

OTHER_HZ = 660.0


async def talking(house: House, number: str = "4100") -> tuple[Phone, Guest, Call]:
    """Wang's phone, a caller who talks to Wang, and Wang's side of it."""
    wang = await house.agent("wang", answer_after(0.1))
    guest = await house.dial(number)
    await guest.event("contact_connected")
    talk = await wang.next_call(1)
    await talk.pause(0.5)
    return wang, guest, talk


async def test_the_whole_number_is_taken(house: House) -> None:
    """## and after a moment a number of four digits: the colleague with that number talks to the caller."""
    _, guest, talk = await talking(house)
    zhao = await house.agent("zhao", answer_after(0.1, say=sine(OTHER_HZ, 1.0)), log_in=False)
    await talk.press("##")
    await talk.pause(1.0)
    await talk.press("1003", gap_ms=200)
    await zhao.next_call(8)
    await guest.call.hears(OTHER_HZ, 5)
    assert (await guest.event("call_transferred"))["data"]["dnis"] == "1003"
    await guest.call.hang_up()
    await guest.over()


async def test_the_hash_ends_the_number(house: House) -> None:
    """Whoever does not want to wait for the pause keys # behind the number, and it is no part of the number."""
    _, guest, talk = await talking(house)
    zhao = await house.agent("zhao", answer_after(0.1, say=sine(OTHER_HZ, 1.0)), log_in=False)
    await talk.press("##")
    await talk.pause(0.5)
    with contextlib.suppress(CallOver):  # it is over before the # is
        await talk.press("1003#")
    await zhao.next_call(8)
    await guest.call.hears(OTHER_HZ, 5)
    assert (await guest.event("call_transferred"))["data"]["dnis"] == "1003"
    await guest.call.hang_up()
    await guest.over()


async def test_a_colleague_is_asked_by_keys(house: House) -> None:
    """*2 and the whole number, the colleague answers, the agent hangs up: caller and colleague talk."""
    _, guest, talk = await talking(house)
    zhao = await house.agent("zhao", answer_after(0.1, say=sine(OTHER_HZ, 1.0)), log_in=False)
    await talk.press("*2")
    await talk.pause(1.0)
    await talk.press("1003#", gap_ms=200)
    await (await zhao.next_call(8)).answered(5)
    await talk.hears(OTHER_HZ, 5)
    start = len(guest.call.heard)
    await talk.hang_up()
    await guest.call.hears(OTHER_HZ, 5, start=start)
    await guest.call.hang_up()
    await guest.over()


ODD = [
    "4000,1(x)",
    "1003%2C1",
    "%24%7BEXTEN%7D",
    "1003%22%3D",
    "sip:bob@other.example",
    "1003;user=phone",
    "4" * 40,
]


async def test_an_odd_target_is_refused_with_words(house: House) -> None:
    """The caller hears words and waits again as before: whoever is free gets them; no call is lost, nothing is dialled."""
    wang, guest, talk = await talking(house)
    for target in ODD:
        mark = len(house.feed.events)
        assert await talk.refer(target) >= 200
        await house.feed.wait_for("transfer_ended", within=5, after=mark, call=guest.id, outcome="not_allowed")
        await house.feed.wait_for("contact_connected", within=10, after=mark, call=guest.id)
        talk = await wang.next_call(1)
        await talk.pause(0.3)
    await guest.call.hang_up()
    await guest.over()


async def test_what_is_no_target_at_all_leaves_the_talk_as_it_is(house: House) -> None:
    """Asterisk refuses it; caller and agent talk on."""
    _, guest, talk = await talking(house)
    for target in ("4000%0D%0AEvent:%20Hangup", "", "9" * 200, "%00", "%E4%BD%A0", "-x", "4000%20"):
        assert await talk.refer(target) == 404
        await talk.pause(0.1)
    assert guest.told("contact_ended") == []
    talk.play(sine(AGENT_HZ, 1.0), repeat=True)
    await guest.call.hears(AGENT_HZ, 5, start=len(guest.call.heard))
    await guest.call.hang_up()
    await guest.over()
