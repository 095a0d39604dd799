"""`bench offer`: how long a free agent and a waiting caller need to find each other, beside app_queue on the same Asterisk.

Free-to-offer is from the agent's BYE to the next INVITE at the same phone; arrival-to-offer from a caller's INVITE to the INVITE at an
agent's phone, while others wait for somebody else. Both are measured at the phones, in one process with one clock. Another version of the
program is measured by turns with this one, on a site of its own that is there all the time.
"""

import asyncio
import contextlib
import gc
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from time import perf_counter

from simulator.bench import app_queue, site
from simulator.bench.crowd import Callers, Floor
from simulator.bench.figures import Spread, spread
from simulator.bench.offer_report import APP_QUEUE, BEFORE, HOTLINE, Row, Size, report
from simulator.bench.offer_trace import Trace, Window, read, traces
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
    beside: Path | None = None  # another version of the program
    runs: int = 1
    trace: bool = False

    def freed(self, system: str, size: Size) -> int:
        """How many freed agents are measured of a system: half as many at the larger sizes, so that the benchmark takes minutes."""
        of_ours = self.samples if size.waiting + size.agents <= 2 * FEW else max(3, self.samples // 2)
        return max(3, self.samples // 16) if system == APP_QUEUE else of_ours

    def arrivals(self, system: str) -> int:
        """How many callers who arrive."""
        return max(3, self.samples // (16 if system == APP_QUEUE else 6))

    def freed_while_announcing(self, system: str) -> int:
        """How many freed agents while announcements play."""
        return max(3, self.samples // (60 if system == APP_QUEUE else 3))


@dataclass(frozen=True, slots=True)
class System:
    """Who gives out the calls, the numbers that lead to its queues, and the phones at the site that it runs on."""

    name: str
    queue: str
    announced: str
    unstaffed: str
    floor: Floor
    callers: Sequence[Phone]


@dataclass(slots=True)
class Found:
    """What was measured: rows of every run, and the offers one by one where steps are traced."""

    rows: list[Row] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)


async def bench_offer(options: OfferOptions, say: Say) -> Report:
    """Start a site for each number of agents and measure both systems on it. Raises SiteFailed, app_queue.NotLoaded."""
    raise_file_limit(8192)
    found, steps = Found(), dict[str, list[tuple[float, str]]]()
    for run in range(options.runs):
        if options.runs > 1:
            say(f"run {run + 1} of {options.runs}")
        for agents, sizes in groupby(options.sizes, lambda size: size.agents):
            with tempfile.TemporaryDirectory(prefix="hl-bench-") as folder:
                async with _sites(Path(folder), agents, options) as sites:
                    await _measured(sites, list(sizes), options, found, say, run)
                for name in sites if options.trace else ():
                    steps.setdefault(name, []).extend(read(Path(folder) / name / "trace"))
    found.traces = traces(found.windows, {name: sorted(some) for name, some in steps.items()})
    return report(found.rows, options.sizes, found.traces)


@contextlib.asynccontextmanager
async def _sites(folder: Path, agents: int, options: OfferOptions) -> AsyncIterator[dict[str, BenchSite]]:
    """Ours, with app_queue in its Asterisk, and that of the other version."""
    sites: dict[str, BenchSite] = {}
    try:
        for name, home in ((HOTLINE, None), (BEFORE, options.beside)):
            if name == BEFORE and home is None:
                continue
            sites[name] = BenchSite(folder / name, agents, lambda line: None)
            sites[name].home = home or sites[name].home
            if options.trace:
                sites[name].environment["HOTLINE_TRACE"] = str(folder / name / "trace")
            await sites[name].start()
        await app_queue.load(sites[HOTLINE])
        yield sites
    finally:
        await asyncio.gather(*(each.stop() for each in sites.values()))


async def _measured(sites: dict[str, BenchSite], sizes: Sequence[Size], options: OfferOptions, found: Found, say: Say, run: int) -> None:
    """Every size with the same agents, at phones that are there all the time; each run begins with another system."""
    systems = list[System]()
    for name, bench in sites.items():
        floor, callers = Floor(await bench.agent_phones(sizes[0].agents)), bench.caller_phones()
        systems.append(System(name, site.QUEUE, site.ANNOUNCED, site.UNSTAFFED, floor, callers))
    ours = systems[0]
    systems.append(System(APP_QUEUE, app_queue.QUEUE, app_queue.ANNOUNCED, app_queue.UNSTAFFED, ours.floor, ours.callers))
    try:
        for number, size in enumerate(sizes, run):
            turn = number % len(systems)
            for kind in ("arrival", "free", "free, announcing"):
                for system in [*systems[turn:], *systems[:turn]]:
                    await Measuring(system, size, options, found, say).measure(kind)
    finally:
        phones = {phone for system in systems for phone in (*system.floor.phones, *system.callers)}
        await asyncio.gather(*(phone.close() for phone in phones))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage collection in this process: a pause of the phones would look like one of the hotline."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Measuring:
    """One size on one running system. What is found goes to `found`."""

    def __init__(self, system: System, size: Size, options: OfferOptions, found: Found, say: Say) -> None:
        self._system = system
        self._floor = system.floor
        self._callers = system.callers
        self._size = size
        self._options = options
        self._found = found
        self._say = say
        self._chance = random.Random(SEED)

    async def measure(self, what: str) -> None:
        """One of "arrival", "free", and at the sizes for it "free, announcing"."""
        options, system, size = self._options, self._system, self._size
        with _undisturbed():
            if what == "arrival":
                found = await self._arrivals(system)
            elif what == "free":
                found = await self._freed(system.queue, options.freed(system.name, size), what)
            elif size in options.announced:
                found = await self._freed(system.announced, options.freed_while_announcing(system.name), what)
            else:
                return
        self._say(f"  {size.text} {system.name}: {what}: p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms ({found.count} offers)")
        self._found.rows.append(Row(system.name, size, what, found))

    def _keep(self, what: str, began: float, ended: float) -> float:
        """Milliseconds of one offer, which is kept for the trace."""
        if self._options.trace and self._system.name != APP_QUEUE:
            self._found.windows.append(Window(self._system.name, what, began, ended))
        return 1000 * (ended - began)

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
                    times.append(self._keep("arrival", arrived_at, await asyncio.wait_for(offered, OFFER_S)))
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

    async def _freed(self, number: str, samples: int, what: str) -> Spread:
        """Agents end their talks one by one while callers wait; who was released calls again, so that as many wait all the time."""
        size, crowd = self._size, Callers(self._callers, number, self._chance)
        offers: list[asyncio.Task[float]] = []
        try:
            await crowd.come(size.waiting + size.agents)
            await self._floor.until_talking(size.agents, OFFER_S)
            await asyncio.sleep(SETTLE_S)
            for _ in range(samples):
                await crowd.until_answered(size.agents + 1)
                offers.append(asyncio.create_task(self._free(await self._floor.long_talk(LEAST_TALK_S), what)))
                await asyncio.sleep(self._chance.uniform(*(GAP_S if size.waiting >= FEW else GAP_OF_FEW_S)))
            found = await asyncio.gather(*offers, return_exceptions=True)
        finally:
            await crowd.leave()
            await self._floor.hang_up()
            await self._floor.until_talking(0, OFFER_S)
        times = [value for value in found if isinstance(value, float)]
        return spread(times, len(found) - len(times))

    async def _free(self, phone: Phone, what: str) -> float:
        """The agent hangs up; milliseconds until the next INVITE."""
        offered = self._floor.next_offer(phone)
        freed_at = perf_counter()
        await self._floor.talking[phone].hang_up()
        return self._keep(what, freed_at, await asyncio.wait_for(offered, OFFER_S))
