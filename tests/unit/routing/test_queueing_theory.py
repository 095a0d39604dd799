"""The board at work against queueing theory: Poisson callers, exponential talks, equal agents, first come first served.

M/M/c by Erlang's recursion (A. K. Erlang, 1917); M/M/c+M, where callers hang up after an exponential patience, by the stationary
distribution of its birth-death chain (C. Palm, 1957: Erlang A). The board knows nothing of either.
"""

import math
from itertools import pairwise
from statistics import fmean, stdev

import pytest

from routing.domain.model import QueuePolicy
from tests.routing_house import START_MS, directory, person
from tests.unit.routing.traffic import Stream, Told, Traffic

pytestmark = [pytest.mark.unit, pytest.mark.unmeasured]
HOURS, WARM_UP_H, BATCHES = 84.0, 4.0, 20
AT_ONCE_MS = 5  # whoever is connected within that found somebody free
CERTAINTY = 3.88  # of Student's distribution with 19 degrees of freedom: 99.9 %


def erlang_c(load: float, agents: int) -> float:
    """The probability of waiting at all; `load` in erlangs, below `agents`."""
    blocked = 1.0
    for busy in range(1, agents + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked / (1 - load / agents * (1 - blocked))


def erlang_a(arrivals: float, served: float, impatient: float, agents: int) -> tuple[float, float]:
    """The shares of callers who wait and who hang up; rates per second of arrivals, of an agent's services, of a caller's patience."""
    weights = [1.0]
    while weights[-1] > 1e-12 * max(weights) or len(weights) <= agents:
        at = len(weights)
        weights.append(weights[-1] * arrivals / (min(at, agents) * served + max(0, at - agents) * impatient))
    total = sum(weights)
    waiting = sum((at - agents) * weight for at, weight in enumerate(weights) if at > agents) / total
    return sum(weights[agents:]) / total, impatient * waiting / arrivals


def interval(values: list[float]) -> tuple[float, float]:
    """Where the mean of such batches lies with 99.9 % certainty."""
    middle, spread = fmean(values), CERTAINTY * stdev(values) / math.sqrt(len(values))
    return middle - spread, middle + spread


def batches(told: list[Told]) -> list[list[Told]]:
    """Those served, by equal stretches of time."""
    width = 3_600_000 * (HOURS - WARM_UP_H) / BATCHES
    edges = [START_MS + 3_600_000 * WARM_UP_H + width * number for number in range(BATCHES + 1)]
    return [[one for one in told if begin <= one.at_ms < end] for begin, end in pairwise(edges)]


def at_work(agents: int, stream: Stream, seed: int, strategy: str = "longest_idle") -> Traffic:
    people = [person(f"a{number}", ("support",)) for number in range(agents)]
    policy = QueuePolicy("support", strategy=strategy, wrap_up_ms=0, max_wait_ms=10**12, max_waiting=10**6)
    made = Traffic(directory(*people, queues=(policy,)), [stream], seed, ring_s=0.0)
    made.run(HOURS, WARM_UP_H)
    return made


@pytest.mark.parametrize(("agents", "load", "strategy"), [(1, 0.7, "longest_idle"), (3, 2.4, "random"), (8, 6.5, "linear")])
def test_waits_of_patient_callers_are_those_of_erlang_c(agents: int, load: float, strategy: str) -> None:
    """How many wait, and for how long: whoever the strategy picks, callers are served as fast as that many agents can."""
    talk_s = 120.0
    made = at_work(agents, Stream("support", 3600 * load / talk_s, talk_s), seed=agents, strategy=strategy)
    waited = erlang_c(load, agents)
    low, high = interval([fmean(one.waited_ms > AT_ONCE_MS for one in batch) for batch in batches(made.told)])
    assert low < waited < high
    low, high = interval([fmean(one.waited_ms for one in batch) / 1000 for batch in batches(made.told)])
    assert low < waited * talk_s / (agents - load) < high
    assert made.left == 0


@pytest.mark.parametrize(("agents", "load", "patience_s"), [(2, 2.6, 60.0), (5, 5.0, 90.0)])
def test_callers_who_lose_patience_are_those_of_erlang_a(agents: int, load: float, patience_s: float) -> None:
    """Also under more load than the agents can serve: as many hang up as must, and of those who are served as many had to wait."""
    talk_s = 120.0
    made = at_work(agents, Stream("support", 3600 * load / talk_s, talk_s, patience_s), seed=10 + agents)
    wait, lost = erlang_a(load / talk_s, 1 / talk_s, 1 / patience_s, agents)
    arrivals = 3600 * load / talk_s * HOURS
    assert made.left / arrivals == pytest.approx(lost, rel=0.05)
    low, high = interval([fmean(one.waited_ms > AT_ONCE_MS for one in batch) for batch in batches(made.told)])
    assert low < (wait - lost) / (1 - lost) < high
