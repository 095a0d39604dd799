"""The envelope of an event, and what every class of data has in common. How both become text is the codec's business."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from routing.domain.quick import quick

Fields = dict[str, Any]  # the data of an event as JSON has it


class EventData:
    """What belongs to one type of event. The docstring of a class says when it is written, beside each field stands what it means: both are
    the rows of docs/events.md (tests/event_reference.py). Each type is one frozen dataclass, and stands in registry.py.

    A field that is None is left out of the text, every other one is written. A field that a text lacks has its default; a text without
    a field that has none cannot be read. So a new field gets a default, and readers pass over fields that they do not know. A
    trailing underscore is not written: `from_` is `from`.

    VERSION is raised only when those who know the version before would misunderstand the new one: they take such an event for one of
    unknown type. EARLIER makes of the fields of version n, its key, those of version n + 1.
    """

    __slots__ = ()
    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1
    EARLIER: ClassVar[Mapping[int, Callable[[Fields], Fields]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class UnknownEvent(EventData):
    """Of a type, or a version of a type, that this version of Hotline does not know: a newer server wrote it. Readers pass over it;
    written again it is what it was. `beside`: what its envelope has and ours has not."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    v: int = 1
    beside: Mapping[str, Any] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: `at_ms` is milliseconds since 1970 UTC, `data` what its type has; "" where a field does not apply."""

    id: str
    at_ms: int
    data: EventData
    domain: str = "main"
    call: str = ""
    contact: str = ""
    agent: str = ""
    queue: str = ""
    flow: str = ""
    flow_version: str = ""
    node: str = ""
    team: str = ""  # the agent's at that moment

    @property
    def type(self) -> str:
        """In the past tense, subject first."""
        return self.data.type if isinstance(self.data, UnknownEvent) else self.data.TYPE

    @property
    def v(self) -> int:
        """The version of its type."""
        return self.data.v if isinstance(self.data, UnknownEvent) else self.data.VERSION
