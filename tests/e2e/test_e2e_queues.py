"""Queues that send callers elsewhere or keep their place: overflow, tiers, an empty queue, a supervisor, a lost line."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import yaml

from simulator.phone import Sound
from tests.e2e.e2e_house import AGENT_HZ, Guest, House, OwnSite, open_site
from tests.e2e.fault_house import edit

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

QUEUES = {
    "brimming": {"overflow": [{"waited": "2s", "to": "helping"}]},
    "helping": {},
    "layered": {"tier_delays": ["0s", "3s"]},
    "deserted": {"stay_when": "staffed", "stay_grace": "1s"},
    "keeping": {"keep_place": "1m"},
}
MEMBERS = {"wang": ["layered", "deserted", "keeping"], "li": ["helping", {"queue": "layered", "tier": 2}]}
NUMBERS = {queue: str(number) for number, queue in enumerate(QUEUES, 4130)}


def with_queues(site: OwnSite) -> None:
    """Numbers from 4130 on lead to QUEUES; who is sent away by no_agents hears something of its own."""
    text = (site.folder / "dialplans/any.yaml").read_text()
    for queue, number in NUMBERS.items():
        flow = text.replace("flow: any", f"flow: {queue}").replace("billing", queue).replace("otherwise:", "no_agents: nobody, otherwise:")
        (site.folder / f"dialplans/{queue}.yaml").write_text(flow + "  nobody: {type: hangup, prompt: {zh: 现在没有坐席。}}\n")
        edit(site, "numbers.yaml", {f"numbers.{number}": queue})
        edit(site, "queues.yaml", {f"queues.{queue}": QUEUES[queue]})
    path = site.folder / "config/agents.yaml"
    people = yaml.safe_load(path.read_text())
    for agent, queues in MEMBERS.items():
        people["agents"][agent]["queues"] += queues
    path.write_text(yaml.safe_dump(people, allow_unicode=True))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def queues_site(request: pytest.FixtureRequest) -> AsyncIterator[OwnSite]:
    """A site for the tests of this file."""
    async with open_site(lambda: request.session.testsfailed > 0, with_queues) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def house(queues_site: OwnSite) -> AsyncIterator[House]:
    async with House(queues_site) as house:
        yield house


async def waiting(house: House, queue: str, account: str = "caller") -> Guest:
    """A caller who waits in a queue."""
    guest = await house.dial(NUMBERS[queue], account)
    await guest.event("contact_queued")
    return guest


async def test_who_has_waited_too_long_is_served_by_another_queue(house: House) -> None:
    """The contact goes there with its wait; the music goes on, and the agent of the other queue has the caller."""
    await house.agent("li")
    guest = await waiting(house, "brimming")
    moved = await guest.event("contact_moved", 5)
    assert (moved["data"]["before"], moved["queue"], moved["data"]["reason"]) == ("brimming", "helping", "overflow")
    connected = await guest.event("contact_connected", 5)
    assert connected["agent"] == "li"
    assert connected["data"]["waited_ms"] >= 2_000
    row = next(row for row in (await house.site.get("/api/calls"))["calls"] if row["id"] == guest.id)
    assert (row["contact"], row["queue"], row["stage"], row["agent"]) == (moved["contact"], "helping", "talking", "li")
    await guest.call.hears(AGENT_HZ, 3)
    await guest.call.hang_up()
    assert (await guest.event("contact_ended"))["queue"] == "helping"


async def test_the_second_tier_is_asked_when_its_time_has_come(house: House) -> None:
    """The first tier talks; a free agent of the second takes the next caller after three seconds, not before."""
    await house.agent("wang")
    await house.agent("li")
    first = await waiting(house, "layered")
    assert (await first.event("contact_connected"))["agent"] == "wang"
    second = await waiting(house, "layered", "caller2")
    connected = await second.event("contact_connected", 8)
    assert connected["agent"] == "li"
    assert connected["data"]["waited_ms"] >= 3_000
    await first.call.hang_up()
    await second.call.hang_up()


async def test_whoever_waits_for_nobody_is_told(house: House) -> None:
    """The last agent logs out: after the grace the flow goes on at no_agents, in words."""
    await house.agent("wang")
    await house.ask("wang", "pause", "coffee")
    guest = await waiting(house, "deserted")
    assert await guest.listen(0.5) is Sound.MUSIC
    await house.ask("wang", "log_out")
    left = await guest.event("contact_left", 5)
    assert left["data"]["outcome"] == "no_agents"
    await guest.at_node("nobody")
    await guest.over()


async def test_a_caller_cut_off_is_first_again(house: House) -> None:
    """The line breaks, another caller joins, the first calls again from the same number: served first, the other next."""
    await house.agent("wang")
    await house.ask("wang", "pause", "coffee")
    lost = await waiting(house, "keeping")
    await lost.call.pause(1.0)
    await lost.call.hang_up()
    await lost.event("contact_abandoned")
    other = await waiting(house, "keeping", "caller2")
    again = await waiting(house, "keeping")
    assert (await again.event("contact_queued"))["data"]["place_ms"] > 1_000
    rows = (await house.site.get("/api/queues/keeping"))["contacts"]
    assert [row["call"] for row in rows] == [again.id, other.id]
    await house.ask("wang", "resume")
    await again.event("contact_connected")
    await again.call.hang_up()
    await other.event("contact_connected", 8)
    await other.call.hang_up()


async def test_a_supervisor_changes_who_comes_next_and_where(house: House) -> None:
    """Over HTTP: a later caller is put first, another one moved to a queue where somebody is free."""
    await house.agent("wang")
    await house.agent("li")
    await house.ask("wang", "pause", "coffee")
    first, second = await waiting(house, "keeping"), await waiting(house, "keeping", "caller2")
    third = await waiting(house, "keeping", "caller3")
    contact = (await third.event("contact_queued"))["contact"]
    await house.site.post(f"/api/contacts/{contact}", {"action": "prioritise", "priority": 600}, role="supervisor")
    contact = (await second.event("contact_queued"))["contact"]
    await house.site.post(f"/api/contacts/{contact}", {"action": "move", "queue": "helping"}, role="supervisor")
    assert (await second.event("contact_connected"))["agent"] == "li"
    await house.ask("wang", "resume")
    await third.event("contact_connected")
    assert first.told("contact_connected") == []
    for guest in (third, second):
        await guest.call.hang_up()
    await first.event("contact_connected", 8)
    await first.call.hang_up()
