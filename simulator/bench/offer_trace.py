"""What the servers wrote down of their steps (`server/step_trace.py`), set beside the offers that were measured at the phones. Pure but for
`read`.

A step belongs to an offer when it happened between the offer's beginning and end, by the one clock of the machine. Offers come one by one,
but others may do something meanwhile: a step counts with its first time in an offer, and how many offers had it is printed.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.bench.figures import Spread, percentile, spread
from simulator.bench.report import Table, number

DIAL = "AGI EXEC Dial"
# From the first word that Asterisk says to the server to the server's last word, for each kind of measurement.
FIRST_WORD = {"free": f"{DIAL} done", "free, announcing": f"{DIAL} done", "arrival": "AGI session begins"}
LAST_WORD = DIAL
SELDOM = 0.5  # steps that fewer offers had are not shown
Steps = Sequence[tuple[float, str]]  # seconds of perf_counter, the name; in the order of time


@dataclass(frozen=True, slots=True)
class Window:
    """One offer as the phones saw it, in seconds of perf_counter."""

    system: str
    what: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step in all offers: when it came, in ms after the offer began, and how much later than the step before it (medians)."""

    name: str
    offers: int
    p50: float
    p99: float
    after_ms: float


@dataclass(frozen=True, slots=True)
class Trace:
    """All offers of one kind in one system: their steps, and the server's own share of them in ms."""

    system: str
    what: str
    offers: int
    steps: Sequence[Step]
    share: Spread


def read(folder: Path) -> Steps:
    """The steps of all servers that left a file in a folder."""
    steps = []
    for file in folder.glob("*.steps"):
        for line in file.read_text(encoding="utf-8").splitlines():
            at_ns, _, name = line.partition("\t")
            steps.append((int(at_ns) / 1e9, name))
    return sorted(steps)


def traces(windows: Iterable[Window], steps: Mapping[str, Steps]) -> list[Trace]:
    """One for each system and kind; `steps` by system."""
    kinds: dict[tuple[str, str], list[Window]] = {}
    for window in windows:
        kinds.setdefault((window.what, window.system), []).append(window)
    return [_trace(system, what, found, steps[system]) for (what, system), found in kinds.items() if steps.get(system)]


def _trace(system: str, what: str, windows: Sequence[Window], steps: Steps) -> Trace:
    times: dict[str, list[float]] = {}
    shares: list[float] = []
    for window in windows:
        first = _first_times(window, steps)
        for name, at in first.items():
            times.setdefault(name, []).append(1000 * (at - window.began))
        begin, end = first.get(FIRST_WORD[what]), first.get(LAST_WORD)
        if begin is not None and end is not None and end > begin:
            shares.append(1000 * (end - begin))
    ended = [1000 * (window.ended - window.began) for window in windows]
    rows = sorted((percentile(found, 50), name, found) for name, found in times.items() if len(found) >= SELDOM * len(windows))
    rows.append((percentile(ended, 50), "INVITE at the agent's phone", ended))
    before, shown = 0.0, []
    for at, name, found in rows:
        shown.append(Step(name, len(found), at, percentile(found, 99), at - before))
        before = at
    return Trace(system, what, len(windows), shown, spread(shares) if shares else Spread(0, math.nan, math.nan, math.nan))


def _first_times(window: Window, steps: Steps) -> dict[str, float]:
    """When each step came first; of Dial the one behind the first word."""
    inside = steps[bisect_left(steps, (window.began, "")) : bisect_right(steps, (window.ended, "\uffff"))]
    first: dict[str, float] = {}
    begun = False
    for at, name in inside:
        begun = begun or name == FIRST_WORD[window.what]
        if name != LAST_WORD or begun:
            first.setdefault(name, at)
    return first


def tables(found: Sequence[Trace], words: Mapping[str, str]) -> list[Table]:
    """One for each trace, and one of the shares."""
    shown = [
        Table(
            f"{trace.system}: {words[trace.what]}: the steps of {trace.offers} offers, in ms",
            ("step", "offers", "p50", "p99", "after the one before"),
            [[step.name, str(step.offers), number(step.p50, 2), number(step.p99, 2), number(step.after_ms, 2)] for step in trace.steps],
        )
        for trace in found
    ]
    rows = [
        [words[trace.what], trace.system, str(trace.share.count), number(trace.share.p50, 2), number(trace.share.p99, 2)] for trace in found
    ]
    return [*shown, Table("the server's own share, in ms", ("", "system", "offers", "p50", "p99"), rows)] if found else []


def facts(found: Sequence[Trace]) -> list[dict[str, object]]:
    """For the JSON file."""
    return [
        {
            "system": trace.system,
            "what": trace.what,
            "offers": trace.offers,
            "share_p50_ms": trace.share.p50,
            "share_p99_ms": trace.share.p99,
            "steps": [{"name": step.name, "offers": step.offers, "p50_ms": step.p50, "p99_ms": step.p99} for step in trace.steps],
        }
        for trace in found
    ]
