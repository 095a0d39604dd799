"""`bench router`: what a routing decision costs, how many contacts a second one router and one Redis take, what a waiting one occupies.

Decisions and the router's memory are measured on the board alone; contacts per second, Redis's memory and round trips with a real router
process, a process that loads it, and a Redis of its own.
"""

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from simulator.bench.figures import percentile
from simulator.bench.own_redis import OwnRedis
from simulator.bench.process_figures import processor_seconds
from simulator.bench.report import Chart, Report, Table, number
from simulator.bench.router_floor import QUEUES, WANTS, bytes_per_waiting, decisions
from simulator.home import ROOT

DECISION_MS, GROWTH, PER_S, TRIPS, ROUTER_BYTES, REDIS_BYTES = 5.0, 1.3, 3_000.0, 4.0, 4_096.0, 2_048.0
FROM_CLIENTS = ("evalsha", "eval", "xread", "xrevrange", "time", "script|load")  # the others run inside scripts
END_S = 20.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RouterOptions:
    """Sizes. `small` and `large` are agents and waiting contacts of the decisions; `under_way` contacts are there under load."""

    small: int = 1_000
    large: int = 10_000
    decisions: int = 25_000
    rounds: int = 5
    waiting: int = 10_000
    agents: int = 400
    under_way: int = 900
    seconds: float = 10.0
    warm_up: float = 3.0


@dataclass(frozen=True, slots=True)
class Decisions:
    """Milliseconds per decision at one size; `cost` is the mean processor time."""

    size: int
    cost: float
    p50: float
    p99: float
    worst: float


@dataclass(frozen=True, slots=True)
class Sustained:
    """Contacts from arrival to end, per second, and who worked for them (cores)."""

    per_s: float
    trips: float
    router: float
    redis: float
    load: float
    largest_batch: int
    skipped: int


def bench_router(options: RouterOptions, say: Say) -> Report:
    """All measurements, one after the other. Raises NoRedis, TimeoutError."""
    found = _decisions(options, say)
    router_bytes = bytes_per_waiting(options.small, options.waiting)
    say(f"  a waiting contact in the router: {router_bytes:,.0f} bytes")
    redis_bytes = _redis_bytes(options)
    say(f"  a waiting contact in Redis: {redis_bytes:,.0f} bytes")
    sustained = _sustained(options)
    say(f"  {sustained.per_s:,.0f} contacts/s, {sustained.trips:.2f} round trips each")
    return _report(found, router_bytes, redis_bytes, sustained, options)


def _decisions(options: RouterOptions, say: Say) -> list[Decisions]:
    """Both sizes in turn, some rounds; of each size the round with the lowest cost: what others took longer another program took."""
    sizes, count = (options.small, options.large), options.decisions // options.rounds
    rounds = [[decisions(size, size, count) for size in sizes] for _ in range(options.rounds)]
    found = []
    for size, tries in zip(sizes, zip(*rounds, strict=True), strict=True):
        best = min(tries, key=lambda tried: mean(one.cost for one in tried))
        took = [one.took for one in best]
        found.append(Decisions(size, mean(one.cost for one in best), percentile(took, 50), percentile(took, 99), max(took)))
        cost_us = 1000 * found[-1].cost
        say(f"  {size:,} agents, {size:,} waiting: {cost_us:.0f} us of processor time a decision, p99 {found[-1].p99:.2f} ms")
    return found


# -- with processes ---------------------------------------------------------------------------------------------------------


def _redis_bytes(options: RouterOptions) -> float:
    with _redis() as redis, _part("route", redis, options.agents) as router:
        with _part("wait", redis, options.agents, "--count", "200") as first:
            _steady(first)
        before = redis.memory()
        with _part("wait", redis, options.agents, "--count", str(options.waiting)) as waiting:
            _steady(waiting)
            found = (redis.memory() - before) / (options.waiting - 200)
        _end(router)
    return found


def _sustained(options: RouterOptions) -> Sustained:
    more = ("--count", str(options.under_way), "--seconds", str(options.seconds), "--warm-up", str(options.warm_up))
    with _redis() as redis, _part("route", redis, options.agents) as router, _part("load", redis, options.agents, *more) as load:
        _steady(load)
        calls, router_s, redis_s = redis.calls(), processor_seconds(router.pid), processor_seconds(redis.pid)
        found = _figures_of(load, "\n")
        router_s, redis_s = processor_seconds(router.pid) - router_s, processor_seconds(redis.pid) - redis_s
        trips = sum(redis.calls().get(name, 0) - calls.get(name, 0) for name in FROM_CLIENTS)
        routed = _end(router)
    seconds = found["seconds"]
    return Sustained(
        found["ended"] / seconds,
        trips / max(1, found["ended"]),
        router_s / seconds,
        redis_s / seconds,
        found["busy_s"] / seconds,
        routed["largest_batch"],
        routed["skipped"],
    )


@contextmanager
def _redis() -> Iterator[OwnRedis]:
    with tempfile.TemporaryDirectory(prefix="hl-bench-") as folder:
        redis = OwnRedis(Path(folder))
        redis.start()
        try:
            yield redis
        finally:
            redis.stop()


@contextmanager
def _part(part: str, redis: OwnRedis, agents: int, *more: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "simulator.bench.router_parts", part, redis.url, str(agents), *more]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _steady(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    while (line := process.stdout.readline()) and line.strip() != "steady":
        pass  # what a library logs
    if not line:
        raise TimeoutError("a process of the benchmark ended before it was under way")


def _figures_of(process: "subprocess.Popen[str]", line: str) -> dict[str, Any]:
    """Its last line, after it was sent one."""
    said, _ = process.communicate(line, timeout=600)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def _end(router: "subprocess.Popen[str]") -> dict[str, Any]:
    router.terminate()
    said, _ = router.communicate(timeout=END_S)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


# -- the report -------------------------------------------------------------------------------------------------------------


def _report(found: list[Decisions], router_bytes: float, redis_bytes: float, load: Sustained, options: RouterOptions) -> Report:
    small, large = found
    growth = large.cost / small.cost
    judged = (
        ("decision p99 at the larger size, ms", large.p99, DECISION_MS, large.p99 <= DECISION_MS),
        (f"cost per decision, {large.size:,} / {small.size:,}", growth, GROWTH, growth < GROWTH),
        ("contacts per second", load.per_s, PER_S, load.per_s >= PER_S),
        ("Redis round trips per contact", load.trips, TRIPS, load.trips <= TRIPS),
        ("bytes per waiting contact, router", router_bytes, ROUTER_BYTES, router_bytes <= ROUTER_BYTES),
        ("bytes per waiting contact, Redis", redis_bytes, REDIS_BYTES, redis_bytes <= REDIS_BYTES),
    )
    report = Report(
        "router", misses=[f"{what}: {number(value, 2)}, target {number(goal, 2)}" for what, value, goal, met in judged if not met]
    )
    rows = [[f"{one.size:,}", *(number(value, 3) for value in (one.cost, one.p50, one.p99, one.worst))] for one in found]
    columns = ("agents = waiting", "processor time, mean ms", "took p50", "p99", "worst")
    report.tables += [
        Table(f"Decisions over {QUEUES * WANTS} requirement classes (from a message to the changes to be committed)", columns, rows),
        Table(
            f"Sustained: {options.under_way:,} contacts under way, {options.agents} agents, one router, one Redis",
            ("contacts/s", "round trips each", "router, cores", "Redis, cores", "load, cores", "per core of the router", "largest batch"),
            [
                [
                    number(load.per_s, 0),
                    *(number(value, 2) for value in (load.trips, load.router, load.redis, load.load)),
                    number(load.per_s / load.router if load.router else math.nan, 0),
                    str(load.largest_batch),
                ]
            ],
        ),
        Table("Targets", ("what", "found", "target"), [[what, number(value, 2), number(goal, 2)] for what, value, goal, _ in judged]),
    ]
    sizes = [f"{one.size:,}" for one in found]
    series = {"processor time, mean": [one.cost for one in found], "took, p99": [one.p99 for one in found]}
    report.charts += [
        Chart("A routing decision, by agents and as many waiting", "ms", sizes, series, DECISION_MS, logarithmic=True),
        Chart("Contacts routed per second", "1/s", ["one router, one Redis"], {"contacts": [load.per_s]}, PER_S),
        Chart("A waiting contact", "bytes", ["router", "Redis"], {"bytes": [router_bytes, redis_bytes]}),
    ]
    report.line = {
        "decision_p99_ms": large.p99,
        "growth": growth,
        "contacts_per_s": load.per_s,
        "router_bytes": router_bytes,
        "redis_bytes": redis_bytes,
    }
    cores = {"router": load.router, "redis": load.redis, "load": load.load}
    report.figures = {
        "decisions": [
            {"size": one.size, "cost_ms": one.cost, "p50_ms": one.p50, "p99_ms": one.p99, "worst_ms": one.worst} for one in found
        ],
        "redis_trips": load.trips,
        "cores": cores,
        "largest_batch": load.largest_batch,
        "skipped": load.skipped,
    }
    return report
