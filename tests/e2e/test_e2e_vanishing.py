"""Phones that vanish: power lost in a talk, while ringing, before the offer; nobody is held in dead air, and the next agent is rung."""

from typing import Any

import pytest

from simulator.phone import Sound, answer_after, classify, ignore, sine
from tests.e2e.e2e_house import AGENT_HZ
from tests.e2e.fault_house import broken_site

pytestmark = pytest.mark.e2e

QUICK: dict[str, Any] = {"asterisk__rtp_timeout": "2s"}


async def test_an_agents_phone_loses_power_in_a_talk() -> None:
    """No BYE, no sound: after the RTP time-out the caller is out of the dead air, and the agent is free of the contact."""
    async with broken_site(**QUICK) as house:
        phone = await house.agent("wang", answer_after(0.1, say=sine(AGENT_HZ, 1.0)))
        guest = await house.dial("4100")
        await guest.event("contact_connected", agent="wang")
        await guest.call.hears(AGENT_HZ, 5)
        await phone.unplug()
        house.unplugged.add("wang")
        ended = await guest.event("contact_ended", within=10)
        assert (ended["data"]["ended_by"], ended["data"].get("reason")) == ("system", "no_audio_from_agent")
        assert "reason" not in (await guest.over(10))["data"]  # the caller went on in the flow


async def test_the_callers_line_falls_silent_in_a_talk() -> None:
    """Asterisk gives the caller up; the events say that, and not that somebody hung up."""
    async with broken_site(**QUICK) as house:
        await house.agent("wang", answer_after(0.1, say=sine(AGENT_HZ, 1.0)))
        guest = await house.dial("4100")
        await guest.event("contact_connected", agent="wang")
        await guest.call.hears(AGENT_HZ, 5)
        guest.call.fall_silent()
        talk = await guest.event("contact_ended", within=10)
        call = await guest.over(10)
        for event in (talk, call):
            assert (event["data"]["ended_by"], event["data"].get("reason")) == ("system", "no_audio_from_caller")
        assert [event["data"]["ended_by"] for event in guest.told("call_ended")] == ["system"]


@pytest.mark.parametrize("number", ["4100", "4000"], ids=["in a queue", "in a menu"])
async def test_the_callers_line_falls_silent_before_a_talk(number: str) -> None:
    """A contact that waited is abandoned, for that reason."""
    async with broken_site(**QUICK) as house:
        guest = await house.dial(number)
        if number == "4100":
            await guest.event("contact_queued")
        guest.call.fall_silent()
        call = await guest.over(15)
        assert (call["data"]["ended_by"], call["data"].get("reason")) == ("system", "no_audio_from_caller")
        if number == "4100":
            assert (await guest.event("contact_abandoned"))["data"]["reason"] == "no_audio_from_caller"


async def test_an_agents_phone_loses_power_while_it_rings() -> None:
    """The offer comes to nothing, and the next agent gets the caller at the old place."""
    async with broken_site(**QUICK) as house:
        phone = await house.agent("wang", ignore())
        guest = await house.dial("4100")
        await guest.event("offer_ringing", agent="wang")
        await phone.unplug()
        house.unplugged.add("wang")
        await house.agent("li", answer_after(0.1, say=sine(AGENT_HZ, 1.0)))
        await guest.event("contact_connected", within=15, agent="li")
        await guest.call.hears(AGENT_HZ, 5)
        await guest.call.hang_up()
        await guest.over(10)


async def test_an_agents_phone_is_gone_before_it_is_rung() -> None:
    """Unplugged without a word: it is offered once at most, told as unreachable, and the next agent is rung; the caller hears music."""
    async with broken_site(**QUICK) as house:
        phone = await house.agent("wang")
        await house.agent("li", answer_after(0.1, say=sine(AGENT_HZ, 1.0)), log_in=False)
        await phone.unplug()
        house.unplugged.add("wang")
        guest = await house.dial("4100")
        start = len(guest.call.heard)
        await guest.event("offer_unreachable", within=10, agent="wang")
        await guest.call.pause(1.5)
        assert classify(guest.call.heard.samples(start)) is not Sound.SILENCE
        await house.ask("li", "log_in")
        await guest.event("contact_connected", within=10, agent="li")
        assert len([event for event in guest.told("offer_made") if event["agent"] == "wang"]) == 1
        await guest.call.hang_up()
        await guest.over(10)
