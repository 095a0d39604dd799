"""The right agent among several: skill, language, the longest idle one, and only one whose phone can ring."""

import pytest

from simulator.phone import answer_after
from tests.e2e.e2e_house import House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_language_and_skill_choose_the_agent(house: House) -> None:
    """Of four agents, an English caller with a technical question gets the one who has both."""
    for agent in ("wang", "li", "smith", "chen"):
        await house.agent(agent)
    english = await house.dial("4000", "caller")
    await english.call.press("22")
    assert (await english.event("offer_made"))["agent"] == "chen"
    good_at_billing = await house.dial("4101", "caller2")
    assert (await good_at_billing.event("offer_made"))["agent"] == "smith"
    for guest in (english, good_at_billing):
        await guest.event("contact_connected")


async def test_the_longest_idle_agent_is_next(house: House) -> None:
    """Among equals whoever has waited longest since their last call; nobody gets two calls in a row."""
    for agent in ("zhao", "li", "wang"):
        await house.agent(agent, answer_after(0, 0.2))
    served = []
    for number in range(4):
        guest = await house.dial("4100", ("caller", "caller2")[number % 2])
        served.append((await guest.event("contact_connected"))["agent"])
        await guest.over()
    assert served == ["zhao", "li", "wang", "zhao"]


async def test_an_agent_on_a_direct_call_is_not_offered(house: House) -> None:
    """Two agents who talk to each other get no caller; one is offered as soon as they have hung up."""
    wang = await house.agent("wang")
    await house.agent("li")
    direct = await wang.call("1002")
    await direct.answered()
    for agent in ("wang", "li"):
        await house.until(lambda id=agent: house.latest("phone_state", id) == "busy", 3, f"the phone of {agent} is busy")  # type: ignore[misc]
    guest = await house.dial("4100")
    await guest.event("contact_queued")
    await guest.call.pause(1.0)
    assert guest.told("offer_made") == []
    await direct.hang_up()
    await guest.event("contact_connected")


async def test_an_agent_without_a_phone_is_not_offered(house: House) -> None:
    """An agent who is logged in with no phone registered is passed over, and offered once it is."""
    await house.ask("wang", "log_in")
    guest = await house.dial("4100")
    await guest.event("contact_queued")
    await guest.call.pause(0.8)
    assert guest.told("offer_made") == []
    await house.agent("wang", log_in=False)
    assert (await guest.event("contact_connected"))["agent"] == "wang"
