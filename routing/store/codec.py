"""Records, messages and orders as compact JSON text, and back. Nothing here knows where the text is kept.

The text is an object with the fields of the dataclass; a field that has its empty default is left out. Messages and orders carry
`type`, the class's name in snake_case. The facts and wishes of a contact are no objects of their own: their fields stand beside the
others. A field that this version does not know is ignored, so that a newer server may add one; a type that it does not know is an error,
for the reader to decide about. Events have a codec of their own (event_codec.py).
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, cast, get_args

from routing.domain.agent_state import AgentState
from routing.domain.agent_work import AgentWork
from routing.domain.contact_facts import ContactFacts, ContactWishes
from routing.domain.contact_state import ContactState
from routing.domain.messages import Message, Order
from routing.domain.model import Agent, CallerHistory, Contact

T = TypeVar("T")


class Unreadable(ValueError):
    """A text that cannot be turned into what it should be; the message shows its beginning."""


def steps_from(value: Any) -> list[tuple[int, str]]:
    return [(int(after_ms), str(expression)) for after_ms, expression in value]


def part_reader(cls: Any) -> Callable[[Any], Any]:
    """What reads a part of a message or an event that is an object of its own."""
    known = frozenset(field.name for field in fields(cls))

    def read(value: dict[str, Any]) -> Any:
        return cls(**(value if value.keys() <= known else {name: one for name, one in value.items() if name in known}))

    return read


PARTS = (ContactFacts, ContactWishes)  # whose fields are written beside those of what holds them
# The fields whose JSON value is not yet the field's value.
REVIVED: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("contact", "state"): ContactState,
    ("agent", "state"): AgentState,
    ("contact", "steps"): steps_from,
    ("contact", "put_off"): steps_from,
    ("contact_arrived", "steps"): steps_from,
    ("talk_held", "steps"): steps_from,
    ("agent_held", "state"): AgentState,
    ("agent_held", "work"): part_reader(AgentWork),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How one class is written: its fields and the ones that are left out when empty."""

    kind: str
    cls: type
    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    optional: frozenset[str]
    revived: dict[str, Callable[[Any], Any]]
    parts: tuple[tuple[str, type, tuple[str, ...]], ...]  # field that is a part, its class, the names written for it


def kind_of(cls: type) -> str:
    """`ContactArrived` -> `contact_arrived`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


def _written(cls: type) -> Iterator[tuple[Field[Any], str]]:
    """The fields that are written for a class, those of its parts in their place, each with the way to its value."""
    for field in fields(cls):
        if field.type in PARTS:
            yield from ((inner, f"{field.name}.{inner.name}") for inner in fields(cast(Any, field.type)))
        else:
            yield field, field.name


def _shape(cls: type) -> Shape:
    kind, written = kind_of(cls), list(_written(cls))
    empty = {field.name for field, _ in written if field.default in ("", 0) or field.default_factory is not MISSING}
    revived = {name: revive for (owner, name), revive in REVIVED.items() if owner == kind}
    first, *others = (way for _, way in written)
    values: Callable[[Any], tuple[Any, ...]] = attrgetter(first, *others) if others else lambda item: (getattr(item, first),)
    parts = {field.name: cast(type, field.type) for field in fields(cls) if field.type in PARTS}
    named = tuple((name, part, tuple(inner.name for inner in fields(part))) for name, part in parts.items())
    return Shape(kind, cls, tuple(field.name for field, _ in written), values, frozenset(empty), revived, named)


SHAPES: dict[type, Shape] = {cls: _shape(cls) for cls in (Contact, Agent, CallerHistory, *get_args(Message), *get_args(Order))}
MESSAGES: dict[str, Shape] = {SHAPES[cls].kind: SHAPES[cls] for cls in get_args(Message)}
ORDERS: dict[str, Shape] = {SHAPES[cls].kind: SHAPES[cls] for cls in get_args(Order)}


def _part(value: Any) -> dict[str, Any]:
    """A frozen part of a message or an event, without what is empty in it."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{value!r} cannot be written")
    names, values = _fields_of(type(value))
    return {name: found for name, found in zip(names, values(value), strict=True) if found}


@cache
def _fields_of(cls: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(field.name for field in fields(cls))
    return names, attrgetter(*names)


write = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=_part).encode


def record_text(record: Contact | Agent | CallerHistory) -> str:
    """A contact, an agent or a caller; its kind is known from where the text is kept."""
    return write(_fields(SHAPES[type(record)], record))


def tagged_text(item: Message | Order) -> str:
    """A message or an order, with its `type`."""
    shape = SHAPES[type(item)]
    return write({"type": shape.kind, **_fields(shape, item)})


def contact_from(text: str) -> Contact:
    return _revive(SHAPES[Contact], parse(text), text, Contact)


def agent_from(text: str) -> Agent:
    return _revive(SHAPES[Agent], parse(text), text, Agent)


def caller_from(text: str) -> CallerHistory:
    return _revive(SHAPES[CallerHistory], parse(text), text, CallerHistory)


def message_from(text: str) -> Message:
    """Unreadable when the type is unknown to this version."""
    return cast(Message, _tagged(MESSAGES, "message", text))


def order_from(text: str) -> Order:
    """Unreadable when the type is unknown to this version."""
    return cast(Order, _tagged(ORDERS, "order", text))


def _fields(shape: Shape, item: Any) -> dict[str, Any]:
    optional = shape.optional
    return {name: value for name, value in zip(shape.names, shape.values(item), strict=True) if value or name not in optional}


def _tagged(shapes: dict[str, Shape], what: str, text: str) -> Any:
    found = parse(text)
    shape = shapes.get(str(found.get("type")))
    if shape is None:
        known = ", ".join(shapes)
        raise Unreadable(f"{what} of unknown type {found.get('type')!r} (from a newer server?); known: {known}; it reads {text[:200]!r}")
    return _revive(shape, found, text, shape.cls)


def parse(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"expected a JSON object, found {text[:200]!r}: {error}") from None
    if not isinstance(found, dict):
        raise Unreadable(f"expected a JSON object, found {text[:200]!r}")
    return found


def _revive(shape: Shape, found: dict[str, Any], text: str, cls: type[T]) -> T:
    try:
        known = {name: found[name] for name in shape.names if name in found}
        for name, revive in shape.revived.items():
            if name in known:
                known[name] = revive(known[name])
        for field, part, names in shape.parts:
            known[field] = part(**{name: known.pop(name) for name in names if name in known})
        return cls(**known)
    except (TypeError, ValueError) as error:
        raise Unreadable(f"a {shape.kind} cannot be read from {text[:200]!r}: {error}") from None
