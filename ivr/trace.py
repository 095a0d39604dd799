"""What happened in one call, step by step, for the author of a flow: each step with its time and its place in the file (`main/nodes/menu`).

An Events that keeps what it is told and may pass it on. Sensitive values never reach it: nodes mask before they emit.
"""

from dataclasses import dataclass, field
from typing import Any

from ivr.ports import Clock, Events

MAX_STEPS = 5000


@dataclass(frozen=True, slots=True)
class Step:
    """One event: `path` is where in the flow, `at_ms` when."""

    at_ms: int
    path: str
    type: str
    data: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = " ".join(f"{name}={value}" for name, value in self.data.items() if value not in ("", None))
        return f"{self.path}: {self.type}" + (f" {told}" if told else "")


class Trace:
    """The record of one call, bounded; `then` gets every event as well."""

    def __init__(self, clock: Clock, then: Events | None = None) -> None:
        self.steps: list[Step] = []
        self._clock = clock
        self._then = then

    def emit(self, type: str, /, **data: Any) -> None:
        if self._then is not None:
            self._then.emit(type, **data)
        if len(self.steps) < MAX_STEPS:
            own = {name: value for name, value in data.items() if name not in ("flow", "node", "flow_version", "language")}
            node = data.get("node", "")
            path = f"{data.get('flow', '')}/nodes/{node}" if node else str(data.get("flow", ""))
            self.steps.append(Step(self._clock.now_ms(), path, type, own))

    def visited(self) -> list[str]:
        """The nodes in the order in which they were entered."""
        return [step.path.rsplit("/", 1)[-1] for step in self.steps if step.type == "node_entered"]
