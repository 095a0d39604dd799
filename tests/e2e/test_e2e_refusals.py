"""Agents who do not take a call: each way is told apart, the caller keeps the place, the next agent rings."""

import pytest

from simulator.phone import Policy, dead, ignore, only_trying, reject
from tests.e2e.e2e_house import House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    ("policy", "outcome", "state", "reason"),
    [
        (reject(603, after_s=0.3), "declined", "ready", ""),
        (reject(486), "busy", "ready", ""),
        (ignore(), "rang_out", "paused", "rang_out"),
        (dead, "unreachable", "paused", "unreachable"),
        (only_trying(), "unreachable", "paused", "unreachable"),
    ],
    ids=["declines", "is busy", "lets it ring", "has a dead phone", "has a phone that never rings"],
)
async def test_the_next_agent_rings(house: House, policy: Policy, outcome: str, state: str, reason: str) -> None:
    """The first agent's refusal is told as what it is; the second gets the caller, whose wait is counted from the beginning."""
    await house.agent("wang", policy)
    await house.agent("li")
    guest = await house.dial("4100")
    queued = await guest.event("contact_queued")
    refused = await guest.event(f"offer_{outcome}", agent="wang")
    assert await house.now("wang") == state
    assert (await house.site.get("/api/agents/wang"))["reason"] == reason
    connected = await guest.event("contact_connected")
    assert connected["agent"] == "li"
    assert connected["data"]["waited_ms"] == pytest.approx(connected["at_ms"] - queued["data"]["enqueued_at_ms"], abs=5)
    assert connected["at_ms"] - refused["at_ms"] < 1500
    assert len(guest.told("contact_queued")) == 1
    assert [event["agent"] for event in guest.told("offer_made")] == ["wang", "li"]


async def test_a_refusal_is_remembered(house: House) -> None:
    """The only agent declines: the same caller is not offered to them again at once, and the next caller is."""
    await house.agent("wang", reject(603))
    first = await house.dial("4100", "caller")
    await first.event("offer_declined")
    second = await house.dial("4100", "caller2")
    assert (await second.event("offer_made"))["agent"] == "wang"
    await second.event("offer_declined")
    assert len(first.told("offer_made")) == 1
