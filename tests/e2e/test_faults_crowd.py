"""A node is killed while two hundred callers are with it, at every stage: all of them go on, nobody loses the place."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import yaml

from routing.clock import SystemClock
from simulator.bench.crowd import DIAL_GAP_S, Floor
from simulator.bench.process_figures import raise_file_limit
from simulator.bench.site import TOGETHER
from simulator.phone import Call, CallState, Phone, answer_after
from tests.e2e.e2e_house import OwnSite, render_prompts
from tests.e2e.fault_house import Broken, broken_site, edit

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
MENU, DIGITS, WAITING, TALKING = "7001", "7002", "7003", "7004"
CROWD = {MENU: 40, DIGITS: 40, WAITING: 80, TALKING: 40}
ALL = sum(CROWD.values())
FIRST_PHONE = 3001
ACCOUNTS = ("caller", "caller2", "caller3")
BACK_WITHIN_S = 15.0

FLOWS = {
    "menu": """
  start: {type: menu, prompt: {en: Press 1.}, timeout: 60s, options: {"1": over}, failure: over}""",
    "digits": """
  start: {type: collect, prompt: {en: Your number.}, save: number, min_length: 8, max_length: 8, timeout: 60s,
    inter_digit_timeout: 60s, failure: over, next: over}""",
    "waiting": """
  start: {type: queue, queue: unstaffed, otherwise: over}""",
    "talking": """
  start: {type: queue, queue: staffed, otherwise: over}""",
}
QUEUES = """
defaults: {wrap_up: 0s, max_wait: 1h, max_waiting: 1000, announce_position: {first: 0s, every: 0s}}
queues: {staffed: {}, unstaffed: {}}
"""


def for_a_crowd(site: OwnSite) -> None:
    """A number for each stage, and agents for those who talk."""
    for flow in (site.folder / "dialplans").iterdir():
        flow.unlink()
    for name, start in FLOWS.items():
        text = f"flow: {name}\nlanguages: [en]\nstart: start\nnodes:{start}\n  over: {{type: hangup}}\n"
        (site.folder / f"dialplans/{name}.yaml").write_text(text)
    people = {
        f"a{number}": {"name": f"Agent {number}", "phone": str(FIRST_PHONE + number), "queues": ["staffed"]}
        for number in range(CROWD[TALKING])
    }
    people["late"] = {"name": "Late", "phone": "3999", "queues": ["unstaffed"]}
    (site.folder / "config/agents.yaml").write_text(yaml.safe_dump({"agents": people}))
    (site.folder / "config/queues.yaml").write_text(QUEUES)
    numbers = dict(zip((MENU, DIGITS, WAITING, TALKING), FLOWS, strict=True))
    (site.folder / "config/numbers.yaml").write_text(yaml.safe_dump({"numbers": numbers}))
    edit(site, "hotline.yaml", {"limits.calls": 500})


class Crowd:
    """Two hundred callers and forty agents at one site."""

    def __init__(self, house: Broken) -> None:
        self.house = house
        self.calls: dict[str, list[Call]] = {}
        self.floor: Floor
        self._phones: list[Phone] = []

    async def come(self) -> None:
        """All are where they want to be, in turn: the order of calling is mixed."""
        site = self.house.site
        agents = [site.phone(str(FIRST_PHONE + number), media=False) for number in range(CROWD[TALKING])]
        callers = [site.phone(account, media=False) for account in ACCOUNTS]
        self._phones = [*agents, *callers]
        for first in range(0, len(agents), TOGETHER):
            await asyncio.gather(*(phone.register(600) for phone in agents[first : first + TOGETHER]))
        self.floor = Floor(agents)
        for number in range(CROWD[TALKING]):
            await self.house.ask(f"a{number}", "log_in")
        dialled = [number for number, count in CROWD.items() for _ in range(count)]
        random.Random(1).shuffle(dialled)
        for place, dialled_number in enumerate(dialled):
            call = await callers[place % len(callers)].call(dialled_number)
            self.calls.setdefault(dialled_number, []).append(call)
            await asyncio.sleep(DIAL_GAP_S)
        await asyncio.gather(*(call.answered(20) for calls in self.calls.values() for call in calls))
        await self.floor.until_talking(CROWD[TALKING], 20)
        await self.house.until(lambda: len(self.house.told("contact_queued")) == CROWD[WAITING] + CROWD[TALKING], 10, "all wait or talk")
        await self.house.until(lambda: len(self.house.told("contact_connected")) == CROWD[TALKING], 10, "all talks are told")
        await asyncio.gather(*(call.press("123") for call in self.calls[DIGITS]))

    async def queue(self) -> list[tuple[str, int]]:
        """Who waits, in order, and since when."""
        rows = (await self.house.site.get("/api/queues/unstaffed"))["contacts"]
        return [(row["id"], row["enqueued_at_ms"]) for row in rows]

    @property
    def up(self) -> Counter[str]:
        return Counter({number: sum(call.state is CallState.TALKING for call in calls) for number, calls in self.calls.items()})

    async def go(self) -> None:
        """Agents end the talks, the others hang up; the phones are put away."""
        await self.floor.hang_up()
        await self.floor.until_talking(0, 10)
        for number in (MENU, DIGITS, WAITING):
            await asyncio.gather(*(call.hang_up() for call in self.calls[number]))
        await asyncio.gather(*(call.ended(20) for call in self.calls[TALKING]))
        await self.house.until(lambda: len(self.house.told("call_ended")) >= ALL, 20, "all calls are over")
        for first in range(0, len(self._phones), TOGETHER):
            await asyncio.gather(*(phone.close() for phone in self._phones[first : first + TOGETHER]))


@asynccontextmanager
async def a_crowd(nodes: int) -> AsyncIterator[Crowd]:
    raise_file_limit(8192)
    async with broken_site(for_a_crowd, limits__nodes=nodes) as house:
        await render_prompts(house.site)
        if nodes > 1:
            await house.both_listed()
        crowd = Crowd(house)
        await crowd.come()
        yield crowd
        await crowd.go()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("nodes", [1, 2])
async def test_killed_with_two_hundred_callers(nodes: int, measured: list[str]) -> None:
    """No call is lost, nobody who waits loses place or time, talks go on, and whatever begins has one end."""
    async with a_crowd(nodes) as crowd:
        house = crowd.house
        before, number = await crowd.queue(), await house.leader(nodes)
        held = await house.calls_at(number)
        talking = {event["call"] for event in house.told("contact_connected")}
        expected = set(held) - talking
        assert len(before) == CROWD[WAITING]
        mark, killed_ms = len(house.feed.events), SystemClock().now_ms()
        house.kill("node" if number == 0 else f"node-{number}")
        await house.until(lambda: expected <= _resumed(house, mark), BACK_WITHIN_S, "all calls are back")
        took = sorted(event["at_ms"] - killed_ms for event in house.feed.events[mark:] if event["type"] == "call_resumed")
        routed = (await house.feed.wait_for("contact_taken_over", within=BACK_WITHIN_S, after=mark))["at_ms"] - killed_ms
        measured.append(
            f"killed the leader of {nodes} with {len(held)} of {ALL} calls: {len(expected)} back after {took[0]:.0f} ms (first), "
            f"{took[len(took) // 2]:.0f} (half), {took[-1]:.0f} (last); routing again after {routed:.0f} ms"
        )
        await house.feed.wait_for("server_lost", within=10, after=mark)
        await asyncio.sleep(0.5)  # nobody is moved once more when the loss is noticed
        assert Counter(event["call"] for event in house.told("call_resumed")) == Counter(expected)
        await house.serving()
        assert await crowd.queue() == before
        assert crowd.up == Counter(CROWD)
        assert house.told("call_ended") == []
        assert house.told("contact_abandoned") == house.told("contact_left") == []
        assert len(crowd.floor.talking) == CROWD[TALKING]
        await house.agent("late", answer_after(0.1))
        assert (await house.feed.wait_for("contact_connected", within=8, after=mark))["contact"] == before[0][0]


def _resumed(house: Broken, mark: int) -> set[str]:
    return {event["call"] for event in house.feed.events[mark:] if event["type"] == "call_resumed"}
