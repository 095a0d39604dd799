"""The service level of a queue: who left it within a window of time, how, and the formulas that make a share of it. Pure.

What is in it and what each formula is called is in docs/metrics.md. A contact counts once, in the queue and at the moment that it leaves:
answered, abandoned, refused because the queue is closed, or otherwise. Times are milliseconds.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from routing.domain.events.contacts import (
    WITHOUT_AGENT,
    ContactAbandoned,
    ContactConnected,
    ContactLeft,
    ContactMoved,
    ContactOverflowed,
    ContactTimedOut,
)
from routing.domain.events.envelope import Event

Formula = Literal["offered", "answered", "abandoned", "abandoned_late", "abandoned_in_time", "abandoned_short"]
WINDOW_MS = 30 * 60_000


@dataclass(slots=True)
class Tally:
    """How many contacts left a queue, by the way they left it. `missed`: neither answered nor abandoned, and not because it was closed."""

    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    abandoned_in_time: int = 0
    abandoned_short: int = 0
    missed: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """A formula: what it says in words, and its two numbers."""

    words: str
    good: Callable[[Tally], int]
    of: Callable[[Tally], int]

    def percent(self, tally: Tally) -> float | None:
        """None when there is nothing to make a share of."""
        of = self.of(tally)
        return 100 * self.good(tally) / of if of else None


def _both(tally: Tally) -> int:
    return tally.answered + tally.abandoned


FORMULAS: Mapping[Formula, Share] = {
    "offered": Share(
        "answered within threshold / (offered - refused because closed - short abandons)",
        lambda tally: tally.answered_in_time,
        lambda tally: _both(tally) + tally.missed - tally.abandoned_short,
    ),
    "answered": Share(
        "answered within threshold / answered",
        lambda tally: tally.answered_in_time,
        lambda tally: tally.answered,
    ),
    "abandoned": Share(
        "answered within threshold / (answered + abandoned)",
        lambda tally: tally.answered_in_time,
        _both,
    ),
    "abandoned_late": Share(
        "answered within threshold / (answered + abandoned after threshold)",
        lambda tally: tally.answered_in_time,
        lambda tally: _both(tally) - tally.abandoned_in_time,
    ),
    "abandoned_in_time": Share(
        "(answered within threshold + abandoned within threshold) / (answered + abandoned)",
        lambda tally: tally.answered_in_time + tally.abandoned_in_time,
        _both,
    ),
    "abandoned_short": Share(
        "(answered within threshold + short abandons) / (answered + abandoned)",
        lambda tally: tally.answered_in_time + tally.abandoned_short,
        _both,
    ),
}
Departure = tuple[int, str, int]  # when, how, after what wait


LEAVING = frozenset({ContactConnected, *WITHOUT_AGENT, ContactMoved, ContactOverflowed})  # most events are others


def departure(event: Event) -> tuple[str, Departure] | None:
    """The queue that a contact leaves by this event, and how."""
    if type(event.data) not in LEAVING:
        return None
    match event.data:
        case ContactConnected(waited_ms=waited_ms):
            return event.queue, (event.at_ms, "answered", waited_ms)
        case ContactAbandoned(waited_ms=waited_ms):
            return event.queue, (event.at_ms, "abandoned", waited_ms)
        case ContactLeft(waited_ms=waited_ms, outcome="closed"):
            return event.queue, (event.at_ms, "closed", waited_ms)
        case ContactTimedOut(waited_ms=waited_ms) | ContactLeft(waited_ms=waited_ms):
            return event.queue, (event.at_ms, "missed", waited_ms)
        case ContactMoved(before=before) | ContactOverflowed(before=before):  # sent on to another queue
            return before, (event.at_ms, "missed", 0)
    return None


@dataclass(slots=True)
class Departures:
    """Who left one queue lately. What is kept is counted as it comes and goes, so that a question costs the same however many they are."""

    _all: deque[Departure] = field(default_factory=deque)
    _tally: Tally = field(default_factory=Tally)
    _limits: tuple[int, int] = (0, 0)  # threshold and short abandon that `_tally` is counted by

    def add(self, one: Departure) -> None:
        """The newest."""
        self._all.append(one)
        self._count(one, 1)

    def take_in(self, others: "Departures") -> None:
        """Add others of this queue, where they belong in time."""
        self._all = deque(sorted([*others._all, *self._all], key=lambda one: one[0]))
        for one in others._all:
            self._count(one, 1)

    def tally(self, since_ms: int, threshold_ms: int, short_ms: int) -> Tally:
        """Those since then; older ones are forgotten."""
        while self._all and self._all[0][0] < since_ms:
            self._count(self._all.popleft(), -1)
        if self._limits != (threshold_ms, short_ms):
            self._limits, self._tally = (threshold_ms, short_ms), Tally()
            for one in self._all:
                self._count(one, 1)
        return self._tally

    def _count(self, one: Departure, by: int) -> None:
        (_, how, waited_ms), (threshold_ms, short_ms), tally = one, self._limits, self._tally
        setattr(tally, how, getattr(tally, how) + by)
        if how in ("answered", "abandoned") and waited_ms <= threshold_ms:
            setattr(tally, f"{how}_in_time", getattr(tally, f"{how}_in_time") + by)
        if how == "abandoned" and waited_ms <= short_ms:
            tally.abandoned_short += by
