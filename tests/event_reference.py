"""Writes what docs say of events from their classes: the tables of docs/events.md, and docs/events.schema.json (JSON Schema).

`python -m tests.event_reference` writes both; `tests/unit/docs/test_docs_events.py` shows that they are written.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from inspect import get_annotations
from pathlib import Path
from textwrap import fill
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from routing.domain.contact_facts import Steps
from routing.domain.events.envelope import EventData
from routing.domain.events.registry import EVENTS, SECTIONS
from routing.store.wire import wire_name

DOCS = Path(__file__).resolve().parents[1] / "docs"
REFERENCE, SCHEMA = DOCS / "events.md", DOCS / "events.schema.json"
ENVELOPE: dict[str, tuple[str, str]] = {
    "id": ("string", "unique over all servers and restarts"),
    "type": ("string", "past tense, subject first"),
    "at_ms": ("integer", "when, in milliseconds since 1970-01-01 UTC"),
    "domain": ("string", "the routing domain"),
    "call": ("string", "the call: `call-` and Asterisk's Uniqueid"),
    "contact": ("string", "one stay in a queue"),
    "agent": ("string", "as in config/"),
    "queue": ("string", "as in config/"),
    "flow": ("string", "its name"),
    "flow_version": ("string", "made from the flow's text"),
    "node": ("string", "where in the flow"),
    "team": ("string", "the agent's at that moment"),
    "data": ("object", "what belongs to this type alone"),
    "v": ("integer", "version of the type"),
}
ALWAYS = ("id", "type", "at_ms", "domain", "v")


# -- docs/events.md ---------------------------------------------------------------------------------------------------------


def drawn() -> str:
    """docs/events.md with the sections as the classes are now."""
    text = REFERENCE.read_text(encoding="utf-8")
    for section in SECTIONS:
        name = section.__name__.rpartition(".")[2]
        begin, end = f"<!-- {name}: written by tests/event_reference.py -->\n", f"<!-- end of {name} -->\n"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{_section(section)}{end}{rest.partition(end)[2]}"
    return text


def _section(section: ModuleType) -> str:
    who = fill(_words(section.__doc__).partition(". ")[2], 120, break_long_words=False, break_on_hyphens=False)
    shown: dict[type, str] = {}
    rows = [f"| `{cls.TYPE}` | {_words(cls.__doc__)} | {_data(cls, shown)} |" for cls in section.TYPES]
    return "\n".join(["", who, "", "| type | when | data |", "|---|---|---|", *rows, "", ""])


def _data(cls: type[EventData], shown: dict[type, str]) -> str:
    """The fields with their meaning. Those that several types share are written once; `shown` says at which type."""
    parts = []
    for owner, own in _owned(cls):
        if owner in shown:
            parts.append(f"as in `{shown[owner]}`")
        else:
            parts += map(_field, own)
            shown[owner] = cls.TYPE
    return ", ".join(parts)


def _field(field: Field[Any]) -> str:
    what = [part for part in (_values(field.type), _meaning(field.type)) if part]
    inner = _plain(field.type)
    if get_origin(inner) is not None and is_dataclass(get_args(inner)[-1]):
        inner = get_args(inner)[-1]
    if is_dataclass(inner):
        return f"`{wire_name(field.name)}` ({'; '.join(what)}: {', '.join(map(_field, fields(inner)))})"
    return f"`{wire_name(field.name)}`" + (f" ({'; '.join(what)})" if what else "")


def _values(hint: Any) -> str:
    kind = _plain(hint)
    values = [value.value for value in kind] if isinstance(kind, type) and issubclass(kind, Enum) else get_args(kind)
    return ", ".join(filter(None, map(str, values))) if get_origin(kind) is Literal or (values and not get_origin(kind)) else ""


# -- docs/events.schema.json ------------------------------------------------------------------------------------------------


def schema() -> dict[str, Any]:
    """Of one line of the log. A type or a version that it does not list is one of another version of Hotline, and valid."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One event of Hotline",
        "type": "object",
        "properties": {name: {"type": kind, "description": words} for name, (kind, words) in ENVELOPE.items()},
        "required": list(ALWAYS),
        "allOf": [_of_type(cls) for cls in EVENTS.values()],
        "$defs": dict(_definitions()),
    }


def _definitions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Of each type, and of what several types have in common."""
    for cls in EVENTS.values():
        shared = {owner.__name__: own for owner, own in _owned(cls) if owner is not cls}
        own = next((own for owner, own in _owned(cls) if owner is cls), [])
        yield from ((name, _object(fields, "")) for name, fields in shared.items())
        yield cls.TYPE, _object(own, _words(cls.__doc__)) | ({"allOf": [{"$ref": f"#/$defs/{name}"} for name in shared]} if shared else {})


def written() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _of_type(cls: type[EventData]) -> dict[str, Any]:
    known = {"type": {"const": cls.TYPE}, "v": {"const": cls.VERSION}}
    return {"if": {"properties": known}, "then": {"properties": {"data": {"$ref": f"#/$defs/{cls.TYPE}"}}, "required": ["data"]}}


def _object(own: Iterable[Field[Any]], words: str, *, is_part: bool = False) -> dict[str, Any]:
    """Fields without a default are always there; of a part none need be."""
    known = {wire_name(field.name): field for field in own}
    needed = [name for name, field in known.items() if field.default is field.default_factory is MISSING and not is_part]
    made: dict[str, Any] = {"type": "object"} | ({"description": words} if words else {})
    return made | {"properties": {name: _described(field) for name, field in known.items()}} | ({"required": needed} if needed else {})


def _described(field: Field[Any]) -> dict[str, Any]:
    words = _meaning(field.type)
    return _kind(_plain(field.type)) | ({"description": words} if words else {})


def _kind(kind: Any) -> dict[str, Any]:
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if kind == Steps:
        return {"type": "array", "items": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2}}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _kind(get_args(kind)[0])}
    if get_origin(kind) is Mapping or getattr(get_origin(kind), "__name__", "") == "Mapping":
        return {"type": "object", "additionalProperties": _kind(get_args(kind)[1])}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [value.value for value in kind]}
    if is_dataclass(kind):
        return _object(_known(kind), "", is_part=True)
    return {"type": {str: "string", int: "integer", float: "number", bool: "boolean"}[kind]}


# -- both -------------------------------------------------------------------------------------------------------------------


def _owned(cls: type[EventData]) -> Iterator[tuple[type, list[Field[Any]]]]:
    """The fields of a class, the shared ones first, each group with the class that has them."""
    for owner in reversed(cls.__mro__):
        own = [field for field in _known(cls) if field.name in get_annotations(owner)]
        if own:
            yield owner, own


def _known(cls: Any) -> Iterator[Field[Any]]:
    """The fields of a class, with their types."""
    hints = get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        field.type = hints[field.name]
        yield field


def _plain(hint: Any) -> Any:
    """A type without its description, and without None."""
    if get_origin(hint) is Annotated:
        return _plain(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        left = [one for one in get_args(hint) if one is not NoneType]
        return _plain(left[0]) if len(left) == 1 else hint
    return hint


def _meaning(hint: Any) -> str:
    return str(get_args(hint)[1]) if get_origin(hint) is Annotated else ""


def _words(text: str | None) -> str:
    return " ".join((text or "").split())


if __name__ == "__main__":
    REFERENCE.write_text(drawn(), encoding="utf-8")
    SCHEMA.write_text(written(), encoding="utf-8")
