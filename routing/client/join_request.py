"""How a caller comes to a queue: what a server knows of them when they join."""

from dataclasses import dataclass, field, fields
from typing import Any

from routing.domain.messages import ContactArrived
from routing.ports import RingOutcome


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A caller who wants to join a queue; `steps` as in `model.Contact`.

    `preferred` agents are waited for, for `preferred_ms` (0: the queue's time), those of `exclude` never asked; `place_ms` counts for the
    place beside the wait. `expected_wait_ms` (0: unknown) and `service_level` (percent) are how this server sees the queue.
    A caller who waited before and is `back` brings `contact`, `enqueued_at_ms` and how the last offer there ended.
    """

    call: str
    queue: str
    steps: list[tuple[int, str]] = field(default_factory=lambda: [(0, "")])
    priority: int = 0
    exit_keys: str = ""
    ani: str = ""
    language: str = ""
    data: dict[str, str] = field(default_factory=dict)
    contact: str = ""
    enqueued_at_ms: int = 0
    back: bool = False
    last_offer: str = ""
    last_outcome: RingOutcome = "withdrawn"
    preferred: list[str] = field(default_factory=list)
    preferred_ms: int = 0
    exclude: list[str] = field(default_factory=list)
    place_ms: int = 0
    expected_wait_ms: int = 0
    service_level: float = 100.0

    def arrived(self, contact: str, server: str, now_ms: int) -> ContactArrived:
        """The same as a message to the router."""
        shared: dict[str, Any] = {name: getattr(self, name) for name in _SHARED}
        return ContactArrived(contact, server=server, **{**shared, "enqueued_at_ms": self.enqueued_at_ms or now_ms})


_SHARED = {field.name for field in fields(JoinRequest)} & {field.name for field in fields(ContactArrived)} - {"contact"}
