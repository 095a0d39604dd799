"""Events as compact JSON text, and back: `docs/events.schema.json` says how the text looks.

The text has the fields of the envelope that are not empty, the type, its version, and the fields of the data that are not None. What a
newer server told is kept: fields that this version does not know are passed over, and a type or a version of a type that it does not know
is an UnknownEvent, which is written again as it was read.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from routing.domain.contact_facts import Steps
from routing.domain.events.envelope import Event, EventData, UnknownEvent
from routing.domain.events.registry import EVENTS
from routing.store.codec import Unreadable, parse, part_reader, steps_from, write

Revive = Callable[[Any], Any]
OF_FLOWS = ("flow", "flow_version", "node")
ENVELOPE = ("call", "contact", "agent", "queue", *OF_FLOWS)  # left out where they do not apply
KNOWN = frozenset({"id", "type", "at_ms", "domain", *ENVELOPE, "data", "v"})


@dataclass(frozen=True, slots=True)
class Shape:
    """How one class of data is written: its fields as the text names them, and how to get and to revive their values."""

    cls: type[EventData]
    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    known: frozenset[str]  # the names, in a set
    renamed: tuple[tuple[str, str], ...]  # name in the text, in the class, where these differ
    revived: tuple[tuple[str, Revive], ...]


def wire_name(attribute: str) -> str:
    """`from_` -> `from`, which is no name in Python."""
    return attribute.removesuffix("_")


def plain(hint: Any) -> Any:
    """A type without its description, and without None."""
    if get_origin(hint) is Annotated:
        return plain(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        left = [one for one in get_args(hint) if one is not NoneType]
        return plain(left[0]) if len(left) == 1 else hint
    return hint


def _reviver(hint: Any) -> Revive | None:
    kind: Any = plain(hint)
    if kind == Steps:
        return lambda value: tuple(steps_from(value))
    if get_origin(kind) is tuple:
        return tuple
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if is_dataclass(kind):
        return part_reader(kind)
    return None


def _shape(cls: type[EventData]) -> Shape:
    hints = get_type_hints(cls, include_extras=True)
    own = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    names = tuple(map(wire_name, own))
    values: Callable[[Any], tuple[Any, ...]] = attrgetter(*own) if len(own) > 1 else lambda data: (getattr(data, own[0]),)
    renamed = tuple((name, attribute) for name, attribute in zip(names, own, strict=True) if name != attribute)
    revived = tuple((name, revive) for name in own if (revive := _reviver(hints[name])))
    return Shape(cls, names, values, frozenset(names), renamed, revived)


SHAPES: dict[type[EventData], Shape] = {cls: _shape(cls) for cls in EVENTS.values()}


def event_text(event: Event) -> str:
    """One line of ASCII."""
    return write(event_fields(event))


def event_fields(event: Event) -> dict[str, Any]:
    """The text as plain data, but for parts of the data, which `write` makes plain."""
    data = event.data
    found: dict[str, Any] = {"id": event.id, "type": event.type, "at_ms": event.at_ms, "domain": event.domain}
    if event.call:
        found["call"] = event.call
    if event.contact:
        found["contact"] = event.contact
    if event.agent:
        found["agent"] = event.agent
    if event.queue:
        found["queue"] = event.queue
    if event.flow or event.flow_version or event.node:
        found |= {name: value for name in OF_FLOWS if (value := getattr(event, name))}
    if type(data) is UnknownEvent:
        found |= data.beside
        told = data.fields
    else:
        shape = SHAPES[type(data)]
        told = {name: value for name, value in zip(shape.names, shape.values(data), strict=True) if value is not None}
    if told:
        found["data"] = told
    found["v"] = event.v
    return found


def event_from(text: str) -> Event:
    """Unreadable when it is no event, or one of a known type that lacks a field."""
    found = parse(text)
    try:
        get = found.get
        return Event(
            found["id"],
            found["at_ms"],
            _data(found),
            get("domain", "main"),
            get("call", ""),
            get("contact", ""),
            get("agent", ""),
            get("queue", ""),
            get("flow", ""),
            get("flow_version", ""),
            get("node", ""),
        )
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise Unreadable(f"an event cannot be read from {text[:200]!r}: {error!r}") from None


def _data(found: dict[str, Any]) -> EventData:
    type, version, told = found["type"], found.get("v", 1), found.get("data") or {}
    cls = EVENTS.get(type)
    if cls is None or version > cls.VERSION:
        return UnknownEvent(str(type), told, version, {name: value for name, value in found.items() if name not in KNOWN})
    return data_from(SHAPES[cls], told, version)


def data_from(shape: Shape, told: dict[str, Any], version: int) -> EventData:
    """The data of a known type, from the fields of this version of it."""
    for earlier in range(version, shape.cls.VERSION):
        told = shape.cls.EARLIER[earlier](told)
    if not told.keys() <= shape.known:
        told = {name: value for name, value in told.items() if name in shape.known}
    for name, revive in shape.revived:
        if told.get(name) is not None:
            told[name] = revive(told[name])
    for name, attribute in shape.renamed:
        told[attribute] = told.pop(name)
    return shape.cls(**told)
