"""What `bench calls` says about its measurements, and whether the targets are met. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.bench.report import Chart, Report, Table, number

PARTS = ("asterisk", "server", "redis", "phones")
BEGAN, ENDED, CONNECTED = "call_arrived", "call_ended", "contact_connected"


@dataclass(frozen=True, slots=True)
class Level:
    """One number of calls at once: calls that went through and failed, and cores used by each of PARTS."""

    calls: int
    talk_s: float
    agents: int
    per_s: float
    complete: int
    failed: int
    cores: Mapping[str, float]

    def ms_per_call(self, part: str) -> float:
        """Processor time of a complete call; infinite when there was none."""
        return 1000 * self.cores[part] / self.per_s if self.per_s else float("inf")


def report(levels: Sequence[Level], placed: int, failures: Sequence[str], counts: Mapping[str, int]) -> Report:
    """`placed` calls in all, `counts` events of each type in the log, which must agree."""
    made = Report("calls")
    columns = [
        "calls at once",
        "talk s",
        "agents",
        "complete calls",
        "calls/s",
        "failed",
        *(f"{part}" for part in PARTS),
        "ms/call of server",
        "of Asterisk",
    ]
    made.tables.append(Table("complete calls (menu, queue, agent, end) and cores used", columns, [_cells(level) for level in levels]))
    places = [f"{level.calls} calls, {level.talk_s:g} s talk" for level in levels]
    made.charts = [
        Chart("processor use", "cores", places, {part: [level.cores[part] for level in levels] for part in PARTS}),
        Chart("complete calls", "1/s", places, {"calls/s": [level.per_s for level in levels]}),
    ]
    logged = {type: counts.get(type, 0) for type in (BEGAN, CONNECTED, ENDED)}
    made.figures = {"levels": [_facts(level) for level in levels], "event_log": logged, "placed": placed, "failures": list(failures[:20])}
    largest = max(levels, key=lambda level: level.calls)
    made.line = {
        "calls_at_once": largest.calls,
        "calls_per_s": largest.per_s,
        "most_calls_per_s": max(level.per_s for level in levels),
        "calls": placed,
        "failed": len(failures),
        **{f"{part}_cores": largest.cores[part] for part in PARTS},
    }
    made.misses = _misses(levels, placed, failures, logged)
    return made


def _misses(levels: Sequence[Level], placed: int, failures: Sequence[str], logged: Mapping[str, int]) -> list[str]:
    missed = []
    if failures:
        missed.append(f"{len(failures)} of {placed} calls failed; the first: {failures[0]}")
    for level in levels:
        if level.complete == 0:
            missed.append(f"at {level.calls} calls at once none came to its end while it was measured")
        if level.cores["server"] >= level.cores["asterisk"]:
            missed.append(
                f"at {level.calls} calls at once the server takes {level.cores['server']:.2f} cores, Asterisk {level.cores['asterisk']:.2f}"
            )
    for type, count in logged.items():
        if count != placed:
            missed.append(f"the event log has {count} {type} for {placed} calls")
    return missed


def _cells(level: Level) -> list[str]:
    return [
        str(level.calls),
        number(level.talk_s),
        str(level.agents),
        str(level.complete),
        number(level.per_s),
        str(level.failed),
        *(number(level.cores[part], 3) for part in PARTS),
        number(level.ms_per_call("server")),
        number(level.ms_per_call("asterisk")),
    ]


def _facts(level: Level) -> dict[str, object]:
    return {
        "calls": level.calls,
        "talk_s": level.talk_s,
        "agents": level.agents,
        "per_s": level.per_s,
        "complete": level.complete,
        "failed": level.failed,
        "cores": dict(level.cores),
        "ms_per_call": {part: level.ms_per_call(part) for part in PARTS},
    }
