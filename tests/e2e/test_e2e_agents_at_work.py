"""Agents change their state with their phones and over HTTP."""

import aiohttp
import pytest

from simulator.phone import Phone, answer_after, ignore
from tests.e2e.e2e_house import House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _key(phone: Phone, code: str) -> None:
    """Dial a feature code and hear what it says."""
    call = await phone.call(code)
    await call.answered(5)
    await call.ended(10)


async def test_feature_codes(house: House) -> None:
    """*40 logs in, *42 with a digit pauses for that reason, *43 resumes, *41 logs out, all by the phone that dials."""
    phone = await house.agent("wang", log_in=False)
    await _key(phone, "*40")
    await house.state("wang", "ready")
    await _key(phone, "*421")
    paused = await house.site.get("/api/agents/wang")
    assert (paused["state"], paused["reason"]) == ("paused", "coffee")
    await _key(phone, "*43")
    await house.state("wang", "ready")
    await _key(phone, "*41")
    await house.state("wang", "logged_out")
    assert house.latest("state", "li") in ("", "logged_out")


async def test_log_in_at_a_phone_that_is_nobodys(house: House) -> None:
    """*40 there asks for number and PIN; keys may come before the questions are over. Wrong ones change nothing.

    Then calls ring there, and what is keyed there is for this agent.
    """
    routing_client = await house.phone("1020")
    for keys, heard in (("1003#1111#", False), ("1003#258047#", True)):
        call = await routing_client.call("*40")
        await call.answered(5)
        await call.press(keys)
        if heard:
            await call.ended(10)
        else:
            await call.pause(1)
            assert house.latest("state", "zhao") in ("", "logged_out")
            await call.hang_up()
    await house.state("zhao", "ready")
    routing_client.on_invite = answer_after(0, 0.5)
    guest = await house.dial("4108")
    await guest.event("contact_connected", agent="zhao")
    offered = await guest.event("offer_made")
    assert offered["data"]["phone"] == "1020"
    await house.state("zhao", "wrap_up")
    await _key(routing_client, "*45")
    await house.feed.wait_for("agent_wrap_up_extended", within=5, agent="zhao")
    await _key(routing_client, "*4631")
    disposed = await house.feed.wait_for("contact_disposed", within=5, agent="zhao")
    assert (disposed["data"]["disposition"], disposed["contact"]) == ("31", offered["contact"])
    await _key(routing_client, "*41")
    await house.state("zhao", "logged_out")


async def test_the_wrap_up_is_ended_by_phone(house: House) -> None:
    """*44 in the wrap-up makes the agent ready at once; the next caller rings while the code's call is barely over."""
    await house.agent("zhao", log_in=False)
    phone = await house.agent("wang", answer_after(0, 0.3))
    first = await house.dial("4100", "caller")
    await house.state("wang", "wrap_up")
    await _key(phone, "*44")
    await house.state("wang", "ready")
    second = await house.dial("4100", "caller2")
    await second.event("contact_connected", agent="wang")
    await first.over()


async def test_a_pause_during_a_talk_comes_after_it(house: House) -> None:
    """A pause asked for over HTTP while talking takes effect after the wrap-up."""
    await house.agent("wang", answer_after(0))
    guest = await house.dial("4100")
    await guest.event("contact_connected")
    assert await house.ask("wang", "pause", "meeting") == "on_contact"
    await guest.call.hang_up()
    await guest.event("contact_ended")
    await house.state("wang", "paused")
    assert (await house.site.get("/api/agents/wang"))["reason"] == "meeting"


async def test_states_over_http(house: House) -> None:
    """Log-in, pause, resume and log-out over HTTP; a move that makes no sense is refused with 409."""
    assert await house.ask("wang", "log_in") == "ready"
    assert await house.ask("wang", "pause", "coffee") == "paused"
    assert await house.ask("wang", "resume") == "ready"
    with pytest.raises(aiohttp.ClientResponseError) as refused:
        await house.ask("wang", "end_wrap_up")
    assert refused.value.status == 409
    assert await house.ask("wang", "log_out") == "logged_out"


async def test_a_log_out_takes_the_offer_back(house: House) -> None:
    """An agent who logs out while the phone rings: it stops, and the next agent gets the caller."""
    phone = await house.agent("wang", ignore())
    guest = await house.dial("4100")
    await guest.event("offer_ringing", agent="wang")
    await house.ask("wang", "log_out")
    await guest.event("offer_withdrawn", agent="wang")
    await (await phone.next_call(1)).ended(2)
    await house.agent("li")
    assert (await guest.event("contact_connected"))["agent"] == "li"
