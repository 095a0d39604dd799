"""Events as compact JSON text, and back: `docs/events.schema.json` says how the text looks.

The text has the fields of the envelope that are not empty, the type, its version, and the fields of the data that are not None. What a
newer server wrote is kept: fields that this version does not know are passed over, and a type or a version of a type that it does not know
is an UnknownEvent, which is written again as it was read.
"""

import json
from collections.abc import Callable
from operator import attrgetter
from typing import Any, cast

import msgspec

from routing.domain.events.envelope import Event, EventData, UnknownEvent
from routing.domain.events.registry import EVENTS
from routing.store.wire import Unreadable, Wire, as_text, json_object, plain_json, text_of, wire_of

_NO_DATA = msgspec.Raw(b"{}")


class _Envelope(msgspec.Struct, omit_defaults=True):
    """An event as its text has it; what stands in `data` is read when the type is known."""

    id: str
    type: str
    at_ms: int
    domain: str = msgspec.field(default_factory=lambda: "main")  # such a default is written, too
    call: str = ""
    contact: str = ""
    agent: str = ""
    queue: str = ""
    flow: str = ""
    flow_version: str = ""
    node: str = ""
    team: str = ""
    data: msgspec.Raw = _NO_DATA
    v: int = msgspec.field(default_factory=lambda: 1)


ENVELOPE = ("call", "contact", "agent", "queue", "flow", "flow_version", "node", "team")  # left out where they do not apply
KNOWN = frozenset(_Envelope.__struct_fields__)
WIRES: dict[type[EventData], Wire[Any]] = {cls: wire_of(cls, empties=True) for cls in EVENTS.values()}
_about: Callable[[Event], Any] = attrgetter(*ENVELOPE)
_decode = msgspec.json.Decoder(_Envelope).decode


def event_text(event: Event) -> str:
    """One line of ASCII."""
    if type(event.data) is UnknownEvent and event.data.beside:
        return plain_json(event_fields(event))
    return text_of(_envelope(event))


def event_fields(event: Event) -> dict[str, Any]:
    """The text as plain data."""
    beside = event.data.beside if isinstance(event.data, UnknownEvent) else {}
    return {**msgspec.to_builtins(_envelope(event), enc_hook=as_text), **beside}


def _envelope(event: Event) -> _Envelope:
    data = event.data
    if isinstance(data, UnknownEvent):
        kind, told, v = data.type, cast(Any, data.fields or _NO_DATA), data.v
    else:
        wire, kind, v = WIRES[type(data)], data.TYPE, data.VERSION
        told = wire.write(data) if wire.names else cast(Any, _NO_DATA)
    call, contact, agent, queue, flow, flow_version, node, team = _about(event)
    return _Envelope(event.id, kind, event.at_ms, event.domain, call, contact, agent, queue, flow, flow_version, node, team, told, v)


def event_from(text: str) -> Event:
    """Unreadable when it is no event, or one of a known type that lacks a field."""
    try:
        try:
            found = _decode(text)
            return _event(found, found.data, text)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeError, RecursionError):  # half a surrogate pair, or no JSON
            plain = json_object(text)
            data = plain.pop("data", {})
            return _event(msgspec.convert(plain, _Envelope), data, text)
    except Unreadable:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, msgspec.ValidationError) as error:
        raise Unreadable(f"an event cannot be read from {text[:200]!r}: {error}") from None


def _event(found: _Envelope, told: Any, text: str) -> Event:
    """`told` is the data as JSON or as plain data."""
    about = (found.domain, found.call, found.contact, found.agent, found.queue, found.flow, found.flow_version, found.node, found.team)
    return Event(found.id, found.at_ms, _data(found, told, text), *about)


def _data(found: _Envelope, told: Any, text: str) -> EventData:
    cls = EVENTS.get(found.type)
    if cls is None or found.v > cls.VERSION:
        whole = json_object(text)
        beside = {name: value for name, value in whole.items() if name not in KNOWN}
        return UnknownEvent(found.type, whole.get("data") or {}, found.v, beside)
    wire = WIRES[cls]
    if found.v < cls.VERSION:
        told = told if isinstance(told, dict) else json.loads(bytes(told))
        for version in range(found.v, cls.VERSION):
            told = cls.EARLIER[version](told)
    data: EventData = wire.read(msgspec.convert(told, wire.struct) if isinstance(told, dict) else wire.decode(told))
    return data
