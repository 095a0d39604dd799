"""Answers in the very moment in which the offer is taken back: either nobody has talked or they talk, and everything says the same."""

import asyncio

import pytest

from simulator.phone import answer_on, sine
from tests.e2e.e2e_house import AGENT_HZ, House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LATER_MS = (-4, -2, -1, 0, 1, 2, 3, 4, 6)  # the answer after the request


@pytest.mark.parametrize("action", ["pause", "log_out"])
async def test_an_agent_leaves_in_the_moment_of_the_answer(house: House, action: str) -> None:
    """Withdrawn: the agent is gone, the caller waits. Connected: they talk, and the agent is gone after that. The offer ends once."""
    gone = {"pause": "paused", "log_out": "logged_out"}[action]
    signal = asyncio.Event()
    wang = await house.agent("wang", answer_on(signal, say=sine(AGENT_HZ, 1.0)))
    for later_ms in LATER_MS:
        if await house.now("wang") != "ready":
            await house.ask("wang", "log_in" if await house.now("wang") == "logged_out" else "resume")
        signal.clear()
        mark = len(house.feed.events)
        guest = await house.dial("4100")
        ringing = await house.feed.wait_for("offer_ringing", within=5, after=mark, agent="wang")
        call = await wang.next_call(1)
        asked = asyncio.create_task(_after(-later_ms, house.ask("wang", action, "")))
        await asyncio.sleep(max(0, later_ms) / 1000)
        signal.set()
        await asked
        await asyncio.sleep(0.5)  # let whatever crosses arrive
        decided = house.feed.find("contact_connected", mark, call=guest.id) or house.feed.find("offer_withdrawn", mark, call=guest.id)
        assert decided is not None
        contact = await house.site.get(f"/api/contacts/{ringing['contact']}")
        if decided["type"] == "contact_connected":
            assert (contact["state"], await house.now("wang")) == ("connected", "on_contact")
            await guest.call.hears(AGENT_HZ, 3, start=len(guest.call.heard))
        else:
            assert (contact["state"], await house.now("wang")) == ("waiting", gone)
            assert await call.ended(1)
        assert house.feed.find("contact_left", mark) is None
        await guest.call.hang_up()
        await guest.over()
        await house.state("wang", gone)


async def _after(ms: int, what: object) -> None:
    await asyncio.sleep(max(0, ms) / 1000)
    await what  # type: ignore[misc]
