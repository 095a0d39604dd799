"""Who hangs up when: the outcome, who ended it, and that no agent stays taken."""

import pytest

from simulator.phone import CallState, EndedBy, answer_after, ignore
from tests.e2e.e2e_house import House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_in_a_prompt(house: House) -> None:
    """The caller leaves in the middle of a menu's prompt."""
    guest = await house.dial("4000")
    await guest.at_node("language")
    await guest.call.pause(0.5)
    await guest.call.hang_up()
    ended = await guest.over()
    assert (ended["data"]["ended_by"], ended["data"]["stage"], ended["node"]) == ("caller", "in_flow", "language")
    assert (await guest.event("flow_ended"))["data"]["reason"] == "caller_gone"


async def test_while_entering_digits(house: House) -> None:
    """The caller leaves with half a number entered."""
    guest = await house.dial("4001")
    await guest.at_node("number")
    await guest.call.press("123")
    await guest.call.hang_up()
    assert (await guest.over())["data"]["ended_by"] == "caller"
    assert guest.told("lookup_answered") == []


async def test_in_the_queue(house: House) -> None:
    """The caller leaves while waiting: abandoned, and nobody is rung afterwards."""
    guest = await house.dial("4100")
    await guest.event("contact_queued")
    await guest.call.pause(0.5)
    await guest.call.hang_up()
    assert (await guest.event("contact_abandoned"))["data"]["waited_ms"] >= 400
    assert (await guest.over())["data"]["ended_by"] == "caller"
    await house.agent("wang")
    assert (await house.site.get("/api/queues/billing"))["waiting"] == 0
    assert guest.told("offer_made") == []


async def test_while_the_agents_phone_rings(house: House) -> None:
    """The caller leaves while a phone rings: it stops at once, and its agent is ready for the next."""
    phone = await house.agent("wang", ignore())
    guest = await house.dial("4100")
    await guest.event("offer_ringing")
    await guest.call.hang_up()
    ringing = await phone.next_call(1)
    assert await ringing.ended(5) is EndedBy.CANCELLED
    assert ringing.at["ended"] - guest.call.at["bye"] < 1
    await guest.event("contact_abandoned")
    await guest.event("offer_withdrawn")
    assert (await guest.over())["data"]["ended_by"] == "caller"
    assert await house.now("wang") == "ready"


async def test_in_the_talk(house: House) -> None:
    """The caller hangs up first: the agent's leg ends, wrap-up follows and then ready."""
    phone = await house.agent("wang")
    guest = await house.dial("4100")
    await guest.event("contact_connected")
    await guest.call.pause(0.5)
    await guest.call.hang_up()
    assert await (await phone.next_call(1)).ended(3) is EndedBy.THEM
    ended = await guest.event("contact_ended")
    assert ended["data"]["ended_by"] == "caller"
    assert 300 <= ended["data"]["talk_ms"] < 3000
    assert (await guest.over())["data"]["ended_by"] == "caller"
    wrap_up = await house.feed.wait_for("agent_wrap_up_started", within=2, agent="wang", after=house.feed.events.index(ended))
    await house.feed.wait_for("agent_ready", within=3, agent="wang", after=house.feed.events.index(wrap_up))


async def test_the_agent_first(house: House) -> None:
    """The agent hangs up first: the caller's call ends by the flow, and the wrap-up lasts as long as the queue says."""
    await house.agent("wang", answer_after(0, 0.6))
    guest = await house.dial("4100")
    ended = await guest.event("contact_ended")
    assert ended["data"]["ended_by"] == "agent"
    assert (await guest.over())["data"]["ended_by"] == "system"
    assert guest.call.state is CallState.ENDED
    await house.state("wang", "ready", 3)
    wrap_up = await house.feed.wait_for("agent_wrap_up_started", within=1, agent="wang", after=house.feed.events.index(ended))
    ready = await house.feed.wait_for("agent_ready", within=1, agent="wang", after=house.feed.events.index(wrap_up))
    assert 950 <= ready["at_ms"] - wrap_up["at_ms"] < 1500
