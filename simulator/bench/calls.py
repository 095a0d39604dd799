"""`bench calls`: complete calls - menu, queue, agent, talk, end - at several numbers of calls at once, and who pays for them.

Each caller presses a key in the menu, waits for an agent, talks, is hung up on, and calls again. There are fewer agents than callers,
so that some wait with music all the time.
"""

import asyncio
import math
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from simulator.bench.calls_report import Level, report
from simulator.bench.crowd import DIAL_GAP_S
from simulator.bench.process_figures import raise_file_limit
from simulator.bench.report import Report
from simulator.bench.site import MENU, BenchSite
from simulator.phone import Call, CallOver, CallRefused, EndedBy, IncomingCall, Phone, PhoneError

SEED = 1
AGENTS_PER_CALL = 2 / 3
BRIEF_TALK_S = 0.2
LISTEN_S = (0.3, 0.8)  # before the key is pressed, in the middle of the prompt
AGAIN_S = (0.05, 0.25)
STAGE_S = 60.0  # nobody waits longer for anything
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CallsOptions:
    """What is measured: numbers of calls at once, seconds at each, seconds of talk in a call; and `brief` calls at once with hardly
    any talk, for what a call costs that is nothing but beginning and end."""

    state: Path
    levels: Sequence[int]
    seconds: float = 20.0
    talk_s: float = 10.0
    brief: int = 40


@dataclass(slots=True)
class Tally:
    """Calls so far; `failures` has a sentence for each that did not go as it should."""

    placed: int = 0
    complete: int = 0
    failures: list[str] = field(default_factory=list)


async def bench_calls(options: CallsOptions, say: Say) -> Report:
    """Run all levels on one site, then ask the event log for its own count. Raises SiteFailed."""
    raise_file_limit(8192)
    most = _agents(max(*options.levels, options.brief))
    tally, levels = Tally(), []
    with tempfile.TemporaryDirectory(prefix="hl-bench-") as folder:
        bench = BenchSite(Path(folder), most, lambda line: None)
        try:
            await bench.start()
            callers = bench.caller_phones()
            for level, talk_s in (*((level, options.talk_s) for level in options.levels), (options.brief, BRIEF_TALK_S)):
                agents = await bench.agent_phones(_agents(level))
                try:
                    found = await Traffic(bench, callers, agents, options, talk_s, tally).measure(level)
                finally:
                    await bench.log_out(range(len(agents)))
                    await asyncio.gather(*(phone.close() for phone in agents))
                levels.append(found)
                say(f"  {level} calls at once, {talk_s:g} s of talk: {found.per_s:.1f} calls/s, {found.failed} failed")
            await asyncio.gather(*(phone.close() for phone in callers))
            await asyncio.sleep(1)
            counts = await bench.event_counts()
        finally:
            await bench.stop()
    return report(levels, tally.placed, tally.failures, counts)


class Traffic:
    """Callers and agents at one level."""

    def __init__(
        self, bench: BenchSite, callers: Sequence[Phone], agents: Sequence[Phone], options: CallsOptions, talk_s: float, tally: Tally
    ) -> None:
        self._site = bench
        self._callers = callers
        self._agents = len(agents)
        self._seconds = options.seconds
        self._talk_s = talk_s
        self._tally = tally
        self._chance = random.Random(SEED)
        self._over = False
        for phone in agents:
            phone.on_invite = self._answer

    async def measure(self, level: int) -> Level:
        """Bring the callers in, measure, let their calls run to the end."""
        tally = self._tally
        failed_before = len(tally.failures)
        people = []
        for place in range(level):
            people.append(asyncio.create_task(self._live(self._callers[place % len(self._callers)])))
            await asyncio.sleep(max(DIAL_GAP_S, self._talk_s / level))  # so that talks do not end all at once later
        before, complete_before, began = self._site.processor_seconds(), tally.complete, perf_counter()
        await asyncio.sleep(self._seconds)
        after, complete, lasted_s = self._site.processor_seconds(), tally.complete - complete_before, perf_counter() - began
        self._over = True
        await asyncio.gather(*people)
        cores = {name: (after[name] - before[name]) / lasted_s for name in after}
        return Level(level, self._talk_s, self._agents, complete / lasted_s, complete, len(tally.failures) - failed_before, cores)

    async def _live(self, phone: Phone) -> None:
        while not self._over:
            self._tally.placed += 1
            call = await phone.call(MENU)
            try:
                await self._go_through(call)
                self._tally.complete += 1
            except (CallOver, CallRefused, PhoneError, TimeoutError) as reason:
                self._tally.failures.append(f"{type(reason).__name__}: {reason}")
                await call.hang_up()
            await asyncio.sleep(self._chance.uniform(*AGAIN_S))

    async def _go_through(self, call: Call) -> None:
        talk_s = self._talk_s
        await call.answered(STAGE_S)
        await call.pause(self._chance.uniform(*LISTEN_S))
        chosen_at = perf_counter()
        await call.press("1")
        by = await call.ended(STAGE_S + talk_s)
        lasted_s = perf_counter() - chosen_at
        if by is not EndedBy.THEM or lasted_s < talk_s:
            raise PhoneError(f"it ended by {by} {lasted_s:.1f} s after the menu, without its talk of {talk_s:g} s")

    async def _answer(self, call: IncomingCall) -> None:
        call.ring()
        call.answer()
        await call.pause(self._talk_s)
        await call.hang_up()


def _agents(level: int) -> int:
    return max(1, math.floor(level * AGENTS_PER_CALL))
