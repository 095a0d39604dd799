"""What happened in one call, step by step, for the author of a flow: each step with its time and its place in the file (`main/nodes/menu`).

Sensitive values never reach it: nodes mask before they emit.
"""

from dataclasses import dataclass, field
from typing import Any

from ivr.ports import Clock, FlowPlace
from ivr.testing import RecordedEvents

MAX_STEPS = 5000


@dataclass(frozen=True, slots=True)
class Step:
    """One event: `path` is where in the flow, `at_ms` when."""

    at_ms: int
    path: str
    type: str
    data: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = " ".join(f"{name}={value}" for name, value in self.data.items() if value not in ("", None))
        return f"{self.path}: {self.type}" + (f" {words}" if words else "")


class Trace(RecordedEvents):
    """The steps of one call, so many at most."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self._clock = clock

    def record(self, place: FlowPlace, type: str, **facts: Any) -> None:
        if len(self.steps) < MAX_STEPS:
            path = f"{place.flow}/nodes/{place.node}" if place.node else place.flow
            own = {name: value for name, value in facts.items() if name != "language"}
            self.steps.append(Step(self._clock.now_ms(), path, type, own))

    def visited(self) -> list[str]:
        """The nodes in the order in which they were entered."""
        return [step.path.rsplit("/", 1)[-1] for step in self.steps if step.type == "node_entered"]
