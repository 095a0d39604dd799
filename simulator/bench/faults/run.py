"""`bench faults`: every fault of the table on a site of its own with forty live callers, and a table of what they noticed."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simulator.bench.faults.crowd import Backend, Crowd
from simulator.bench.faults.deeds import Deed
from simulator.bench.faults.site import DIGITS, MENU, TALKING, FaultSite
from simulator.bench.faults.verdict import Verdict, check_ends, check_orders, check_rings, hear, see_who_is_gone
from simulator.bench.process_figures import raise_file_limit
from simulator.bench.report import Report, Table
from simulator.books import loose_ends

SETTLE_S = 5.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FaultOptions:
    """Which faults, and by how much smaller the crowd is than forty (1: forty, 5: eight)."""

    deeds: Sequence[Deed]
    share: int = 1


async def bench_faults(options: FaultOptions, say: Say) -> Report:
    """Run all, one after the other. Raises SiteFailed, TimeoutError."""
    raise_file_limit(8192)
    verdicts = []
    for deed in options.deeds:
        verdict = await _try(deed, options.share)
        verdicts.append(verdict)
        say(f"  {deed.name}: " + ", ".join(f"{count} {kind}" for kind, count in verdict.counts().items()))
    return report(verdicts, options)


def report(verdicts: Sequence[Verdict], options: FaultOptions) -> Report:
    """The table; every count that is not zero is a miss."""
    made = Report("faults")
    callers = sum(options.deeds[0].plan.values()) // options.share
    rows = [[v.name, *map(str, v.counts().values()), f"{v.longest_silence_s:.1f}"] for v in verdicts]
    columns = ["fault", "lost", "wrong", "silent", "stuck", "longest silence s"]
    made.tables.append(Table(f"what {callers} live callers noticed", columns, rows))
    made.figures = {"faults": [{"fault": v.name, **v.counts(), "longest_silence_s": v.longest_silence_s} for v in verdicts]}
    made.line = {"faults": len(verdicts), "callers": callers, **{k: sum(v.counts()[k] for v in verdicts) for k in Verdict("").counts()}}
    made.misses = [sentence for verdict in verdicts for sentence in verdict.sentences]
    return made


async def _try(deed: Deed, share: int) -> Verdict:
    backend = Backend()
    port = await backend.start()
    with tempfile.TemporaryDirectory(prefix="hl-faults-") as folder:
        plan = {number: max(1, count // share) for number, count in deed.plan.items()}
        agents = plan.get(TALKING, deed.shape.agents // share)  # so that whoever waits waits for a talk to end
        site = FaultSite(Path(folder), replace(deed.shape, agents=agents), port)
        try:
            await site.start(900)
            crowd = Crowd(site, backend, plan)
            try:
                await crowd.come()
                return await _judge(deed, crowd)
            finally:
                await crowd.leave()
        finally:
            await site.stop()
            await backend.stop()


async def _judge(deed: Deed, crowd: Crowd) -> Verdict:
    """Do it, let it settle, look who is still there, bring all calls to their end, and close the books."""
    site, verdict = crowd.site, Verdict(deed.name)
    loop = asyncio.get_running_loop()
    mark, began_ms = len(site.feed.events), site.feed.events[-1]["at_ms"]
    await crowd.listen()
    await deed.act(crowd)
    if not deed.ends_site and not await site.ready():
        verdict.stuck.append("the site was not ready again after 30 s")
    await asyncio.sleep(0 if deed.ends_site else SETTLE_S)
    if not deed.ends_calls:
        hear(verdict, crowd.people, loop.time())
        see_who_is_gone(verdict, crowd.people, site.feed.events, ends_calls=False)
        await _to_the_end(crowd, mark if deed.asks_again else -1)
    if deed.joins:
        check_rings(verdict, crowd, site.feed.events, began_ms)
    await _books_closed(crowd)
    if deed.ends_calls:
        see_who_is_gone(verdict, crowd.people, site.feed.events, ends_calls=True)
    else:
        check_orders(verdict, crowd, site.feed.events)
    check_ends(verdict, site.feed.events, {} if deed.ends_site or deed.ends_calls else await site.agent_states())
    return verdict


async def _to_the_end(crowd: Crowd, mark: int) -> None:
    """Callers do what they came for."""
    await crowd.finish_digits(mark)
    for person in crowd.of(MENU):
        await crowd.key(person, "1")
    try:
        await crowd.finish_queue()
        async with asyncio.timeout(20):
            while any(person.is_up for person in crowd.of(DIGITS)):  # noqa: ASYNC110 - ten calls, no one event
                await asyncio.sleep(0.1)
    except TimeoutError:
        pass  # whoever is left over is counted as stuck


async def _books_closed(crowd: Crowd, within_s: float = 15.0) -> None:
    """Wait until every end has been written, for a time: what has none by then is stuck."""
    try:
        async with asyncio.timeout(within_s):
            while loose_ends(crowd.site.feed.events, still=True):  # noqa: ASYNC110 - the end of waiting is nobody's event
                await asyncio.sleep(0.1)
    except TimeoutError:
        pass
