"""How long somebody will wait: the Markovian queue-length predictor with abandonment, and the moving means that it lives on. Pure.

Ibrahim and Whitt, "Real-time delay estimation in overloaded multiserver queues with abandonments", Management Science 55 (2009), QL_m:
with k people ahead, n agents who take H each, and patience that runs out at the rate theta, E[W] = sum of 1 / (n/H + i theta) for
i = 0..k. docs/metrics.md has the complete formula, with contacts of other classes and queues who compete for the same agents.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 12  # at most: who is ahead depends on the wait, and the wait on who is ahead
CLOSE = 0.01
FAR_MS = 7 * 24 * 3_600_000.0


@dataclass(slots=True)
class Mean:
    """A moving mean of amounts per case: old cases count less, half after `half` more. It leans on a prior as on `trust` cases."""

    half: float = 100.0
    trust: float = 3.0
    total: float = 0.0
    cases: float = 0.0

    def add(self, amount: float, cases: float = 1.0) -> None:
        """`amount` more, in so many cases (0: an amount that belongs to a case counted already)."""
        keep = 0.5 ** (cases / self.half)
        self.total, self.cases = self.total * keep + amount, self.cases * keep + cases

    def value(self, prior: float | None) -> float | None:
        """Amount per case; the prior alone when nothing was measured."""
        if prior is None:
            return self.total / self.cases if self.cases else None
        return (self.total + self.trust * prior) / (self.cases + self.trust)


@dataclass(slots=True)
class Rate:
    """Arrivals per millisecond, those of the last `span_ms` above all."""

    span_ms: float = 900_000.0
    weight: float = 0.0
    at_ms: int = 0
    since_ms: int = 0

    def add(self, now_ms: int) -> None:
        if not self.since_ms:
            self.since_ms = self.at_ms = now_ms
        self.weight, self.at_ms = self._faded(now_ms) + 1, max(now_ms, self.at_ms)

    def value(self, now_ms: int) -> float:
        """Per millisecond; 0 before there were two."""
        seen_ms = self.span_ms * (1 - math.exp(-max(0, now_ms - self.since_ms) / self.span_ms))
        return self._faded(now_ms) / max(seen_ms, 60_000.0) if self.since_ms else 0.0

    def _faded(self, now_ms: int) -> float:
        return self.weight * math.exp(-max(0, now_ms - self.at_ms) / self.span_ms)


@dataclass(frozen=True, slots=True)
class Rival:
    """A class of contacts that competes for some of my agents; rates are contacts per millisecond.

    `ahead(wait_ms)` is how many of them are to be taken before me if I wait so long. `shared` is the rate of the agents whom we share:
    they take no more of that class than this. `own` is the rate of its other agents, who relieve mine.
    """

    ahead: Callable[[float], float]
    shared: float
    own: float


def drain_ms(ahead: float, rate: float, leaving: float) -> float:
    """Time until `ahead` people and then one more were taken: `rate` are taken per ms, each one ahead leaves with `leaving` per ms."""
    if leaving <= 0 or rate / leaving > 1e9:
        return (ahead + 1) / rate
    first = rate / leaving
    return (_digamma(first + ahead + 1) - _digamma(first)) / leaving


def expected_ms(rivals: list[Rival], rate: float, leaving: float, own: float = 0.0) -> float:
    """The wait at which who is ahead of me then, and how long they take, agree. `own`: the rate of all agents of rivals who are not mine.

    Of each rival class my agents take what its other agents cannot, up to what the shared ones can. An agent whom several rivals have
    beside me relieves each of them by a part only.
    """
    claimed = sum(rival.own for rival in rivals)
    part = min(1.0, own / claimed) if claimed else 0.0

    def ahead(waited: float) -> float:
        done = _taken(waited, leaving)
        return sum(min(rival.shared * done, max(0.0, rival.ahead(waited) - part * rival.own * done)) for rival in rivals)

    return _crossing(lambda waited: drain_ms(ahead(waited), rate, leaving) - waited, drain_ms(0, rate, leaving))


def _crossing(excess: Callable[[float], float], step: float) -> float:
    """Where a function that is positive at 0 and falls in the long run becomes 0: doubled until negative, then regula falsi (Illinois)."""
    low, at_low, high = 0.0, excess(0.0), step
    at_high, kept = excess(high), 0
    while at_high > CLOSE * high:
        if high > FAR_MS:
            return high
        low, at_low, high = high, at_high, 2 * high
        at_high = excess(high)
    for _ in range(ROUNDS):
        if abs(at_high) <= CLOSE * high:
            return high
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        at_middle = excess(middle)
        if abs(at_middle) <= CLOSE * middle:
            return middle
        if at_middle > 0:
            low, at_low, at_high, kept = middle, at_middle, at_high / 2 if kept > 0 else at_high, 1
        else:
            high, at_high, at_low, kept = middle, at_middle, at_low / 2 if kept < 0 else at_low, -1
    return (low + high) / 2


def _taken(waited: float, leaving: float) -> float:
    """How many are gone after `waited` ms, per unit of the rate at which they are taken: those who left by themselves count, too."""
    return math.expm1(min(50.0, waited * leaving)) / leaving if leaving > 0 else waited


def _digamma(x: float) -> float:
    """The derivative of ln gamma, for x > 0: recurrence up to 6, then the asymptotic series (12 digits)."""
    shift = 0.0
    while x < 6:
        shift -= 1 / x
        x += 1
    square = 1 / (x * x)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    return shift + math.log(x) - 0.5 / x - series
