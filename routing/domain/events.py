"""The event envelope that every part of Hotline writes and reads (docs/events.md lists the types)."""

from dataclasses import dataclass, field
from typing import Any

VERSION = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: `type` is past tense, `at_ms` milliseconds since 1970 UTC, empty text where a field does not apply."""

    id: str
    type: str
    at_ms: int
    domain: str = "main"
    call: str = ""
    contact: str = ""
    agent: str = ""
    queue: str = ""
    flow: str = ""
    flow_version: str = ""
    node: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    v: int = VERSION
