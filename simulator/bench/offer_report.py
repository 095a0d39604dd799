"""What `bench offer` says about its measurements, and whether the targets are met. Pure.

Of several runs the median counts, figure by figure. Beside another version of the program its p50 is what ours is compared with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.bench import offer_trace
from simulator.bench.figures import Spread, median
from simulator.bench.offer_trace import Trace
from simulator.bench.report import Chart, Report, Table, number

HOTLINE, BEFORE, APP_QUEUE = "hotline", "before", "app_queue"
P50_MS, P99_MS = 10.0, 50.0
ARRIVAL_P99_MS = 30.0
OF_BEFORE = 0.8  # of the p50 of another version, as the median of all rows
WORDS = {
    "arrival": "a caller arrives, agents are ready",
    "free": "an agent becomes free, callers wait",
    "free, announcing": "the same while announcements play",
}


@dataclass(frozen=True, slots=True)
class Size:
    """How many callers wait for how many agents."""

    waiting: int
    agents: int

    @property
    def text(self) -> str:
        return f"{self.waiting}/{self.agents}"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement of one system, in ms; `what` is a key of WORDS."""

    system: str
    size: Size
    what: str
    found: Spread


def report(measured: Sequence[Row], sizes: Sequence[Size], traces: Sequence[Trace] = ()) -> Report:
    """Tables, one chart for each kind of measurement, the line and the misses."""
    rows, made = medians(measured), Report("offer")
    systems = [system for system in (HOTLINE, BEFORE, APP_QUEUE) if any(row.system == system for row in rows)]
    for what, words in WORDS.items():
        some = [row for row in rows if row.what == what]
        if not some:
            continue
        made.tables.append(Table(f"{words}: ms until the INVITE at the agent's phone", _COLUMNS, [_cells(row) for row in some]))
        here = [size for size in sizes if any(row.size == size for row in some)]
        series = {
            f"{system} {figure}": [_figure(some, system, size, figure) for size in here] for system in systems for figure in ("p50", "p99")
        }
        made.charts.append(Chart(f"{words} (waiting/agents)", "ms", [size.text for size in here], series, P99_MS, logarithmic=True))
    largest = max(sizes, key=lambda size: (size.waiting, size.agents))
    for system in systems:
        for figure in ("p50", "p99"):
            made.line[f"{system}_{figure}_ms"] = _figure([row for row in rows if row.what == "free"], system, largest, figure)
    made.figures = {
        "rows": [_facts(row) for row in rows],
        "targets": {"p50_ms": P50_MS, "p99_ms": P99_MS, "arrival_p99_ms": ARRIVAL_P99_MS, "of_before": OF_BEFORE},
        "traces": offer_trace.facts(traces),
    }
    made.misses = [miss for row in rows if row.system == HOTLINE for miss in _misses(row)]
    made.tables += offer_trace.tables(traces, WORDS)
    if BEFORE in systems:
        _compare(made, rows)
    return made


def medians(measured: Sequence[Row]) -> list[Row]:
    """One row for each system, size and kind, in the order in which they came first; of several runs the median of each figure."""
    groups: dict[tuple[str, Size, str], list[Spread]] = {}
    for row in measured:
        groups.setdefault((row.system, row.size, row.what), []).append(row.found)
    return [
        Row(
            *key,
            Spread(
                sum(each.count for each in found),
                median([each.p50 for each in found]),
                median([each.p99 for each in found]),
                max(each.worst for each in found),
                sum(each.missed for each in found),
            ),
        )
        for key, found in groups.items()
    ]


def _compare(made: Report, rows: Sequence[Row]) -> None:
    """Ours as a share of the other version's, row by row; what counts is the median of all rows."""
    other = {(row.size, row.what): row.found for row in rows if row.system == BEFORE}
    pairs = [(row, other[row.size, row.what]) for row in rows if row.system == HOTLINE and (row.size, row.what) in other]
    cells = [
        [WORDS[row.what], row.size.text, number(row.found.p50 / before.p50, 2), number(row.found.p99 / before.p99, 2)]
        for row, before in pairs
    ]
    for what in WORDS:
        if ratios := [row.found.p50 / before.p50 for row, before in pairs if row.what == what]:
            made.line[f"{what.replace(', ', '_')}_of_before"] = median(ratios)
    whole = made.line["of_before"] = median([row.found.p50 / before.p50 for row, before in pairs])
    made.tables.append(Table("this version's figures as a share of the other's", ("", "waiting/agents", "p50", "p99"), cells))
    if whole > OF_BEFORE:
        made.misses.append(f"p50 is {number(whole, 2)} of the version before, as the median of all rows; at most {OF_BEFORE:g} is allowed")


_COLUMNS = ("waiting/agents", "system", "offers", "p50", "p99", "worst", "missed")


def _cells(row: Row) -> list[str]:
    found = row.found
    return [
        row.size.text,
        row.system,
        str(found.count),
        *(number(value) for value in (found.p50, found.p99, found.worst)),
        str(found.missed),
    ]


def _facts(row: Row) -> dict[str, object]:
    found = row.found
    return {
        "system": row.system,
        "waiting": row.size.waiting,
        "agents": row.size.agents,
        "what": row.what,
        "offers": found.count,
        "p50_ms": found.p50,
        "p99_ms": found.p99,
        "worst_ms": found.worst,
        "missed": found.missed,
    }


def _figure(rows: Sequence[Row], system: str, size: Size, figure: str) -> float:
    return next((float(getattr(row.found, figure)) for row in rows if row.system == system and row.size == size), float("nan"))


def _misses(row: Row) -> list[str]:
    where, found = f"{row.size.text}, {WORDS[row.what]}", row.found
    missed = [f"{where}: {found.missed} offers never came"] if found.missed else []
    for name, value, target in (("p50", found.p50, P50_MS), ("p99", found.p99, ARRIVAL_P99_MS if row.what == "arrival" else P99_MS)):
        if value > target:
            missed.append(f"{where}: {name} {number(value)} ms; at most {target:g} ms are allowed")
    return missed
