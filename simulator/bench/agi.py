"""`bench agi`: our FastAGI transport beside the other ones for Python, each in a process of its own, under the same fake Asterisk."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.bench.agi_servers import NAMES, version_of
from simulator.bench.figures import median
from simulator.bench.process_figures import processor_seconds, raise_file_limit, resident_kib
from simulator.bench.report import Chart, Report, Table, number
from simulator.home import ROOT

OURS = NAMES[0]
MOST_KIB = 10.0
WARM_UP_SESSIONS = 20
START_S = 20.0
OPEN_S = 60.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AgiOptions:
    """What is measured: numbers of sessions, rounds of which the median counts, seconds of load in each."""

    sizes: Sequence[int] = (100, 1000, 5000)
    rounds: int = 3
    seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class Run:
    """One server at one size, once or as the median of its rounds; times are of the server's turn, from reply to next command."""

    per_s: float
    p50_ms: float
    p99_ms: float
    kib_per_session: float
    cpu_us: float  # of the server, per command
    load_busy: float  # share of a core that the fake Asterisk took


class Failed(Exception):
    """A server did not take the load; the message says why."""


@dataclass(slots=True)
class Results:
    """server -> size -> its rounds; `failures` are sentences by server and size."""

    runs: dict[str, dict[int, list[Run]]] = field(default_factory=dict)
    failures: dict[tuple[str, int], str] = field(default_factory=dict)

    def add(self, name: str, size: int, run: Run) -> None:
        self.runs.setdefault(name, {}).setdefault(size, []).append(run)

    def middle(self, name: str, size: int) -> Run | None:
        """The median of each figure; None where the server failed."""
        runs = self.runs.get(name, {}).get(size, [])
        if not runs or (name, size) in self.failures:
            return None
        columns = zip(*((r.per_s, r.p50_ms, r.p99_ms, r.kib_per_session, r.cpu_us, r.load_busy) for r in runs), strict=True)
        return Run(*(median(column) for column in columns))


def bench_agi(options: AgiOptions, say: Say) -> Report:
    """Measure; the rounds of all servers are interleaved, so that a disturbance hits all alike."""
    raise_file_limit(max(options.sizes) + 256)
    results = Results()
    for turn in range(options.rounds):
        for size in options.sizes:
            for name in NAMES:
                if (name, size) in results.failures:
                    continue
                try:
                    run = measure(name, size, options.seconds)
                except Failed as reason:
                    results.failures[name, size] = str(reason)
                    say(f"  {name} with {size} sessions: {reason}")
                    continue
                say(f"  round {turn + 1} of {options.rounds}: {name}, {size} sessions: {run.per_s:,.0f} commands/s")
                results.add(name, size, run)
    return report(options, results)


def measure(name: str, size: int, seconds: float) -> Run:
    """One server, started for this alone, under `size` sessions. Raises Failed."""
    with _start("simulator.bench.agi_servers", name) as server:
        try:
            port = _line(server, START_S)
            _load(port, WARM_UP_SESSIONS, 0.2, lambda: None)
            before = _settled_kib(server)
            kept: dict[str, float] = {}

            def idle() -> None:
                kept["kib"], kept["cpu"] = (_settled_kib(server) - before) / size, processor_seconds(server.pid)

            load = _load(port, size, seconds, idle)
            # The load's warm-up is counted in the processor time, and so in proportion here.
            share = load["seconds"] / load["whole_seconds"]
            cpu = (processor_seconds(server.pid) - kept["cpu"]) * share
            return Run(load["per_s"], load["p50_ms"], load["p99_ms"], kept["kib"], 1e6 * cpu / max(1, load["commands"]), load["load_busy"])
        finally:
            _end(server)


def report(options: AgiOptions, results: Results) -> Report:
    """Tables, charts and the judgement."""
    made = Report("agi")
    rows, figures = [], []
    for size in options.sizes:
        for name in NAMES:
            run, failure = results.middle(name, size), results.failures.get((name, size), "")
            rows.append([f"{name} {version_of(name)}".strip(), f"{size:,}", *(_cells(run) if run else ["failed", *["-"] * 5])])
            facts = {"server": name, "sessions": size, "failure": failure}
            figures.append(facts | ({field: getattr(run, field) for field in Run.__slots__} if run else {}))
    columns = ["server", "sessions", "commands/s", "p50 ms", "p99 ms", "KiB/idle session", "CPU us/command", "load's core"]
    made.tables.append(Table(f"AGI commands, median of {options.rounds} rounds of {options.seconds:g} s", columns, rows))
    made.figures = {"runs": figures, "versions": {name: version_of(name) for name in NAMES}}
    made.charts = [
        _chart(options, results, "commands per second", "1/s", "per_s"),
        _chart(options, results, "memory per idle session", "KiB", "kib_per_session", MOST_KIB),
    ]
    made.misses = list(_misses(options, results))
    ours = results.middle(OURS, options.sizes[-1])
    if ours:
        made.line = {
            "sessions": options.sizes[-1],
            "commands_per_s": ours.per_s,
            "p99_ms": ours.p99_ms,
            "kib_per_session": ours.kib_per_session,
            "best_other_per_s": _best_other(results, options.sizes[-1]),
        }
    return made


def _misses(options: AgiOptions, results: Results) -> list[str]:
    missed = []
    for size in options.sizes:
        ours, best = results.middle(OURS, size), _best_other(results, size)
        if ours is None:
            missed.append(f"our server failed at {size} sessions: {results.failures.get((OURS, size), 'no figures')}")
            continue
        if ours.per_s <= best:
            missed.append(f"{ours.per_s:,.0f} commands/s at {size} sessions, the best other one has {best:,.0f}")
        # Below some hundred sessions the pages of the process say nothing about one session.
        if size >= 500 and ours.kib_per_session > MOST_KIB:
            missed.append(f"{ours.kib_per_session:.1f} KiB per idle session at {size} sessions; at most {MOST_KIB:g} are allowed")
    return missed


def _best_other(results: Results, size: int) -> float:
    return max((run.per_s for name in NAMES[1:] if (run := results.middle(name, size))), default=0.0)


def _cells(run: Run) -> list[str]:
    return [
        number(run.per_s, 0),
        number(run.p50_ms, 2),
        number(run.p99_ms, 2),
        number(run.kib_per_session),
        number(run.cpu_us),
        f"{100 * run.load_busy:.0f} %",
    ]


def _chart(options: AgiOptions, results: Results, title: str, unit: str, figure: str, target: float = float("nan")) -> Chart:
    series = {
        name: [getattr(run, figure) if (run := results.middle(name, size)) else float("nan") for size in options.sizes] for name in NAMES
    }
    return Chart(title, unit, [f"{size:,} sessions" for size in options.sizes], series, target)


# -- the two processes ---------------------------------------------------------------------------------------------------


def _load(port: str, sessions: int, seconds: float, idle: Callable[[], None]) -> dict[str, Any]:
    """Let the fake Asterisk place its sessions; `idle` is called when all are there and nothing moves."""
    with _start("simulator.bench.agi_load", port, str(sessions), str(seconds), "--within", str(OPEN_S)) as load:
        try:
            said = _line(load, OPEN_S + 10)
            if said == "idle":
                idle()
                _write_line(load, "go")
                said = _line(load, seconds + 30)
            found: dict[str, Any] = json.loads(said)
        finally:
            _end(load)
    if "failed" in found:
        raise Failed(found["failed"])
    return found


def _settled_kib(server: subprocess.Popen[str]) -> int:
    """Its memory after it has collected its garbage."""
    _write_line(server, "settle")
    _line(server, OPEN_S)
    return resident_kib(server.pid)


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _write_line(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    except OSError as reason:
        raise Failed(f"it has ended (code {process.poll()}): {reason}") from None


def _line(process: subprocess.Popen[str], within_s: float) -> str:
    """The next line that it says. Raises Failed when none comes."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], within_s)[0]:
        raise Failed(f"no answer within {within_s:.0f} s")
    line = process.stdout.readline().strip()
    if not line:
        raise Failed(f"it ended with code {process.wait(5)} and without a word")
    return line


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
