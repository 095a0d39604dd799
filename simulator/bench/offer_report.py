"""What `bench offer` says about its measurements, and whether the targets are met. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.bench.figures import Spread
from simulator.bench.report import Chart, Report, Table, number

P50_MS, P99_MS = 10.0, 50.0
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


def report(rows: Sequence[Row], sizes: Sequence[Size]) -> Report:
    """Tables, one chart for each kind of measurement, the line and the misses."""
    made = Report("offer")
    for what, words in WORDS.items():
        some = [row for row in rows if row.what == what]
        if not some:
            continue
        made.tables.append(Table(f"{words}: ms until the INVITE at the agent's phone", _COLUMNS, [_cells(row) for row in some]))
        here = [size for size in sizes if any(row.size == size for row in some)]
        series = {
            f"{system} {figure}": [_figure(some, system, size, figure) for size in here]
            for system in ("hotline", "app_queue")
            for figure in ("p50", "p99")
        }
        made.charts.append(Chart(f"{words} (waiting/agents)", "ms", [size.text for size in here], series, P99_MS, logarithmic=True))
    largest = max(sizes, key=lambda size: (size.waiting, size.agents))
    for system in ("hotline", "app_queue"):
        for figure in ("p50", "p99"):
            made.line[f"{system}_{figure}_ms"] = _figure([row for row in rows if row.what == "free"], system, largest, figure)
    made.figures = {"rows": [_facts(row) for row in rows], "targets": {"p50_ms": P50_MS, "p99_ms": P99_MS}}
    made.misses = [miss for row in rows if row.system == "hotline" for miss in _misses(row)]
    return made


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
    for name, value, target in (("p50", found.p50, P50_MS), ("p99", found.p99, P99_MS)):
        if value > target:
            missed.append(f"{where}: {name} {number(value)} ms; at most {target:g} ms are wanted")
    return missed
