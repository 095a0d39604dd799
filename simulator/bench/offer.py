"""`bench offer`: how long a free agent and a waiting caller need to find each other, beside app_queue on the same Asterisk.

Free-to-offer is from the agent's BYE to the next INVITE at the same phone; arrival-to-offer from a caller's INVITE to the INVITE at an
agent's phone, while others wait for somebody else. Both are measured at the phones, in one process with one clock.
"""

import asyncio
import random
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from time import perf_counter

from simulator.bench import app_queue, site
from simulator.bench.crowd import Callers, Floor
from simulator.bench.figures import Spread, spread
from simulator.bench.offer_report import Row, Size, report
from simulator.bench.process_figures import raise_file_limit
from simulator.bench.report import Report
from simulator.bench.site import BenchSite
from simulator.phone import Phone

SEED = 1
# Between two talks that end: talks end one by one on two cores, so that what is measured is the way of an offer and not a queue for the
# processor. Irregular, so that app_queue's tick of a second does not fall in step.
GAP_S = (0.03, 0.09)
GAP_OF_FEW_S = (0.08, 0.16)  # who was released has hung up by then, and does not seem to wait still
FEW = 20
LEAST_TALK_S = 0.1
OFFER_S = 15.0
SETTLE_S = 0.8
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class OfferOptions:
    """What is measured: `samples` offers to freed agents at the small sizes, fewer to callers who arrive, and to freed agents while
    announcements play, at the sizes `announced`. Of app_queue there are fewest: each takes half a second, some many seconds."""

    state: Path
    sizes: Sequence[Size]
    samples: int = 200
    announced: Collection[Size] = ()

    def freed(self, system: str, size: Size) -> int:
        """How many freed agents are measured of a system: half as many at the larger sizes, so that the whole takes minutes."""
        of_ours = self.samples if size.waiting + size.agents <= 2 * FEW else max(3, self.samples // 2)
        return of_ours if system == "hotline" else max(3, self.samples // 16)

    def arrivals(self, system: str) -> int:
        """How many callers who arrive."""
        return max(3, self.samples // (6 if system == "hotline" else 16))

    def freed_while_announcing(self, system: str) -> int:
        """How many freed agents while announcements play."""
        return max(3, self.samples // (3 if system == "hotline" else 60))


@dataclass(frozen=True, slots=True)
class System:
    """Who gives out the calls, and the numbers that lead to its queues."""

    name: str
    queue: str
    announced: str
    unstaffed: str


SYSTEMS = (
    System("hotline", site.QUEUE, site.ANNOUNCED, site.UNSTAFFED),
    System("app_queue", app_queue.QUEUE, app_queue.ANNOUNCED, app_queue.UNSTAFFED),
)


async def bench_offer(options: OfferOptions, say: Say) -> Report:
    """Start a site for each number of agents and measure both systems on it. Raises SiteFailed, app_queue.NotLoaded."""
    raise_file_limit(8192)
    rows: list[Row] = []
    for agents, sizes in groupby(options.sizes, lambda size: size.agents):
        with tempfile.TemporaryDirectory(prefix="hl-bench-") as folder:
            bench = BenchSite(Path(folder), agents, lambda line: None)
            try:
                await bench.start()
                await app_queue.load(bench)
                rows += await _measured(bench, list(sizes), options, say)
            finally:
                await bench.stop()
    return report(rows, options.sizes)


async def _measured(bench: BenchSite, sizes: Sequence[Size], options: OfferOptions, say: Say) -> list[Row]:
    """Every size with the same agents, at phones that are there all the time."""
    phones, callers = await bench.agent_phones(sizes[0].agents), bench.caller_phones()
    floor, rows = Floor(phones), list[Row]()
    try:
        for size in sizes:
            rows += await Measuring(floor, callers, size, options, say).all()
    finally:
        await asyncio.gather(*(phone.close() for phone in (*phones, *callers)))
    return rows


class Measuring:
    """One size on one running site, with agents at the phones of `floor`."""

    def __init__(self, floor: Floor, callers: Sequence[Phone], size: Size, options: OfferOptions, say: Say) -> None:
        self._floor = floor
        self._callers = callers
        self._size = size
        self._options = options
        self._say = say
        self._chance = random.Random(SEED)

    async def all(self) -> list[Row]:
        """Both systems: arrivals, freed agents, freed agents while announcements play."""
        options, rows = self._options, []
        for system in SYSTEMS:
            rows.append(self._row(system, "arrival", await self._arrivals(system)))
            rows.append(self._row(system, "free", await self._freed(system.queue, options.freed(system.name, self._size))))
            if self._size in options.announced:
                found = await self._freed(system.announced, options.freed_while_announcing(system.name))
                rows.append(self._row(system, "free, announcing", found))
        return rows

    def _row(self, system: System, what: str, found: Spread) -> Row:
        self._say(f"  {self._size.text} {system.name}: {what}: p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms ({found.count} offers)")
        return Row(system.name, self._size, what, found)

    async def _arrivals(self, system: System) -> Spread:
        """Callers arrive one by one while all agents are ready and others wait where nobody answers."""
        waiting = Callers(self._callers, system.unstaffed, self._chance)
        times: list[float] = []
        missed = 0
        try:
            await waiting.come(self._size.waiting)
            await asyncio.sleep(SETTLE_S)
            for _ in range(self._options.arrivals(system.name)):
                offered = self._floor.next_offer()
                arrived_at = perf_counter()
                call = await self._callers[0].call(system.queue)
                try:
                    times.append(1000 * (await asyncio.wait_for(offered, OFFER_S) - arrived_at))
                    await call.pause(self._chance.uniform(*GAP_S))
                except TimeoutError:
                    missed += 1
                await self._floor.hang_up()
                await call.hang_up()
                await self._floor.until_talking(0, OFFER_S)
                await asyncio.sleep(self._chance.uniform(*GAP_S))
        finally:
            await waiting.leave()
        return spread(times, missed)

    async def _freed(self, number: str, samples: int) -> Spread:
        """Agents end their talks one by one while callers wait; who was released calls again, so that as many wait all the time."""
        size, crowd = self._size, Callers(self._callers, number, self._chance)
        offers: list[asyncio.Task[float]] = []
        try:
            await crowd.come(size.waiting + size.agents)
            await self._floor.until_talking(size.agents, OFFER_S)
            await asyncio.sleep(SETTLE_S)
            for _ in range(samples):
                await crowd.until_answered(size.agents + 1)
                offers.append(asyncio.create_task(self._free(await self._floor.long_talk(LEAST_TALK_S))))
                await asyncio.sleep(self._chance.uniform(*(GAP_S if size.waiting >= FEW else GAP_OF_FEW_S)))
            found = await asyncio.gather(*offers, return_exceptions=True)
        finally:
            await crowd.leave()
            await self._floor.hang_up()
            await self._floor.until_talking(0, OFFER_S)
        times = [1000 * value for value in found if isinstance(value, float)]
        return spread(times, len(found) - len(times))

    async def _free(self, phone: Phone) -> float:
        """The agent hangs up; seconds until the next INVITE."""
        offered = self._floor.next_offer(phone)
        freed_at = perf_counter()
        await self._floor.talking[phone].hang_up()
        return await asyncio.wait_for(offered, OFFER_S) - freed_at
