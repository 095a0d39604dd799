"""Classes of callers who wait for the same agents: one for each queue, list of requirement steps and Asterisk that has the calls.

The Asterisk belongs to it because agents whose phones it cannot ring cannot serve them.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field

Steps = tuple[tuple[int, str], ...]
Place = tuple[float, str]  # order_ms and contact


@dataclass(slots=True)
class WaitingClass:
    """Who waits in one class, in the order of their places: all, and those for whom a phone rings."""

    queue: str
    steps: Steps
    asterisk: str  # that has their calls
    all: list[Place] = field(default_factory=list)
    offered: list[Place] = field(default_factory=list)

    def ahead(self, place: Place) -> int:
        """How many stand before that place; for some of them a phone rings."""
        return bisect_left(self.all, place)

    def waiting(self, place: Place) -> int:
        """How many stand before that place with no agent in sight."""
        return bisect_left(self.all, place) - bisect_left(self.offered, place)

    def text(self, now_ms: int) -> str:
        """The requirement of the one who has waited longest."""
        waited_ms = int(now_ms - self.all[0][0]) if self.all else 0
        return self.steps[step_after(self.steps, waited_ms)][1]

    def put_in(self, place: Place, *, offered: bool) -> None:
        """Somebody waits at that place; `offered`: a phone rings for them."""
        insort(self.all, place)
        if offered:
            insort(self.offered, place)

    def take_out(self, place: Place) -> None:
        """Whoever waits at that place does no more; harmless when nobody does."""
        _take_out(self.all, place)
        _take_out(self.offered, place)


def step_after(steps: Steps, waited_ms: float) -> int:
    """The number of the step that is in force after that wait, from 0."""
    return max((at for at, (after_ms, _) in enumerate(steps) if after_ms <= waited_ms), default=0)


def _take_out(places: list[Place], place: Place) -> None:
    at = bisect_left(places, place)
    if at < len(places) and places[at] == place:
        del places[at]
