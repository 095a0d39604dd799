"""The place in a queue: who comes back has it again, a list of callers and supervisors change it, and a closed queue gives none."""

import pytest

from simulator.phone import answer_after
from tests.e2e.e2e_house import Guest, House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def order(house: House) -> list[str]:
    """The calls that wait in billing, in order."""
    return [contact["call"] for contact in (await house.site.get("/api/queues/billing"))["contacts"]]


async def contact_of(guest: Guest, number: int = 0) -> str:
    """The contact of a caller in billing: the first, or one after it."""
    await guest.event("contact_queued", queue="billing")
    await guest.at_node("waiting")
    return str([event["contact"] for event in guest.told("contact_queued")][number])


async def test_a_closed_queue_and_the_way_back_from_a_menu(house: House) -> None:
    """The queue outside of its hours leads on at once; the first caller goes into a menu, comes back, and is first again."""
    first = await house.dial("4110")
    await first.event("node_left", exit="closed")
    await contact_of(first)
    second = await house.dial("4100", "caller2")
    await contact_of(second)
    await first.call.press("9")
    await first.at_node("menu")
    await house.until(lambda: len(first.told("contact_left")) == 2, 5, "the first caller has left both queues")
    assert await order(house) == [second.id]
    await first.call.press("1")
    await house.until(lambda: len(first.told("contact_queued")) == 2, 8, "the first caller is back")
    assert await order(house) == [first.id, second.id]
    await house.agent("wang", answer_after(0, 0.3))
    await first.event("contact_connected")


async def test_a_supervisor_orders_the_queue(house: House) -> None:
    """Prioritised, a later caller goes first; moved, a caller rings agents of the other queue; withdrawn, the flow says goodbye."""
    await house.agent("smith", answer_after(0, 0.3))
    await house.site.post("/api/agents/smith", {"action": "leave_queue", "queue": "billing"})
    assert (await house.site.get("/api/agents/smith"))["left_queues"] == ["billing"]
    first, second, third = await house.dial("4110"), await house.dial("4110", "caller2"), await house.dial("4100", "caller3")
    contacts = [await contact_of(guest) for guest in (first, second, third)]
    assert await order(house) == [third.id, first.id, second.id]  # the list of callers gives 30 s
    reply = await house.site.post(f"/api/contacts/{contacts[1]}", {"action": "prioritise", "priority": 600}, "supervisor")
    assert reply == {"id": contacts[1], "action": "prioritise", "state": "waiting"}
    await second.event("contact_prioritised")
    assert await order(house) == [second.id, third.id, first.id]

    await house.site.post(f"/api/contacts/{contacts[0]}", {"action": "withdraw"}, "supervisor")
    await first.at_node("withdrawn")
    await first.over()

    await house.agent("wang", answer_after(0, 5))
    await second.event("contact_connected", agent="wang")
    await house.site.post(f"/api/contacts/{contacts[2]}", {"action": "move", "queue": "technical"}, "supervisor")
    connected = await third.event("contact_connected", agent="smith")
    assert connected["queue"] == "technical"
