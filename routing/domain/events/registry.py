"""All types of events, by name."""

from collections.abc import Mapping
from types import ModuleType

from routing.domain.events import agents, calls, contacts, flows, offers, servers
from routing.domain.events.envelope import EventData
from routing.domain.quick import quick

SECTIONS: tuple[ModuleType, ...] = (calls, flows, contacts, offers, agents, servers)  # as in docs/events.md
EVENTS: Mapping[str, type[EventData]] = {cls.TYPE: quick(cls) for section in SECTIONS for cls in section.TYPES}
