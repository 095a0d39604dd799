"""The wait in a queue: music, announcements, and every way out of it without an agent."""

import asyncio

import pytest

from simulator.phone import Sound, answer_after, sine
from tests.e2e.e2e_house import AGENT_HZ, CALLER_HZ, House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_speech_then_music_then_the_agent(house: House) -> None:
    """A caller hears the menu, music while waiting, and then the agent; the agent hears the caller."""
    guest = await house.dial("4000")
    await guest.at_node("language")
    assert await guest.listen(2.0) is Sound.SPEECH
    await guest.call.press("13")
    await guest.event("contact_queued")
    assert await guest.listen(1.5) is Sound.MUSIC
    phone = await house.agent("wang")
    await guest.event("contact_connected", agent="wang")
    answered = await phone.next_call(1)
    guest.call.play(sine(CALLER_HZ, 1.0), repeat=True)
    assert await guest.call.hears(AGENT_HZ, 3) >= 0
    assert await answered.hears(CALLER_HZ, 3) >= 0


async def test_the_position_is_announced(house: House) -> None:
    """After the first interval a waiting caller hears speech, and then music again."""
    guest = await house.dial("4100")
    await guest.event("contact_queued")
    queue = await house.site.get("/api/queues/billing", "viewer")
    assert [(contact["call"], contact["position"]) for contact in queue["contacts"]] == [(guest.id, 1)]
    assert await guest.listen(2.0) is Sound.MUSIC
    await guest.call.pause(1.2)
    assert await guest.listen(1.2) is Sound.SPEECH
    await guest.call.pause(3.0)
    assert await guest.listen(1.5) is Sound.MUSIC


async def test_an_offer_interrupts_an_announcement(house: House) -> None:
    """In the middle of the announcement the agent's phone rings within half a second of being ready, not at its end."""
    await house.agent("wang", answer_after(0.1))
    await house.ask("wang", "pause", "coffee")
    guest = await house.dial("4100")
    await guest.event("contact_queued")
    await guest.call.pause(3.4)
    asked = asyncio.get_running_loop().time()
    await house.ask("wang", "resume")
    made = await guest.event("offer_made")
    ringing = await guest.event("offer_ringing")
    assert ringing["at_ms"] - made["at_ms"] < 500
    await guest.event("contact_connected")
    assert asyncio.get_running_loop().time() - asked < 2


async def test_a_full_queue_takes_nobody(house: House) -> None:
    """The second caller of a queue with one place hears so at once; the first one keeps the place until the longest wait is over."""
    first = await house.dial("4104", "caller")
    await first.event("contact_queued")
    second = await house.dial("4104", "caller2")
    assert (await second.event("contact_left"))["data"]["outcome"] == "full"
    await second.at_node("full")
    await second.over()
    timed_out = await first.event("contact_timed_out", within=5)
    assert 2900 <= timed_out["data"]["waited_ms"] < 4500
    await first.at_node("too_long")
    assert (await first.over())["data"]["ended_by"] == "system"


async def test_a_key_leads_out(house: House) -> None:
    """Only the exit key of the queue node ends the wait, and its own node follows."""
    guest = await house.dial("4105")
    await guest.event("contact_queued")
    await guest.call.press("5")
    await guest.call.pause(0.5)
    assert guest.told("contact_left") == []
    await guest.call.press("9")
    left = await guest.event("contact_left")
    assert (left["data"]["outcome"], left["data"]["key"]) == ("exit_key", "9")
    await guest.at_node("message")
    await guest.over()


async def test_priority_beats_age(house: House) -> None:
    """Who came later with a higher priority is served first, and stands first in the queue."""
    early = await house.dial("4100", "caller")
    await early.event("contact_queued")
    urgent = await house.dial("4103", "caller2")
    await urgent.event("contact_queued")
    queue = await house.site.get("/api/queues/billing", "viewer")
    assert [contact["call"] for contact in queue["contacts"]] == [urgent.id, early.id]
    await house.agent("wang", answer_after(0, 0.3))
    await urgent.event("contact_connected")
    await early.event("contact_connected")
    assert (await urgent.event("contact_connected"))["at_ms"] < (await early.event("contact_connected"))["at_ms"]
