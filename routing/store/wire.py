"""Dataclasses as JSON text by msgspec. For each class there is a struct that looks as the text does; the class itself knows nothing of it.

The fields of a flat part (FLAT) stand beside those of what it is in, another dataclass is an object of its own, without what is empty
in it. A trailing underscore of a name is not written; `wire` in a field's metadata is its name in the text. `was` is the name that it
had in the version before: both are written, and either is read. A field that this version does not know is passed over when it is read;
a value that is not of the field's type is an error.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from functools import cache, reduce
from operator import attrgetter, or_
from types import UnionType
from typing import Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from routing.domain.contact_facts import ContactFacts, ContactWishes
from routing.domain.phone_address import PhoneAddress, parse_phone, phone_of, phone_text

T = TypeVar("T")
FLAT = (ContactFacts, ContactWishes)
Values = Callable[[Any], tuple[Any, ...]]
Convert = Callable[[Any], Any]
# Types that one word of text stands for.
WORDS: dict[Any, tuple[Convert, Convert]] = {PhoneAddress: (str, phone_of), PhoneAddress | None: (phone_text, parse_phone)}


class Unreadable(ValueError):
    """A text that cannot be turned into what it should be; the message shows its beginning."""


@dataclass(frozen=True, slots=True)
class Wire(Generic[T]):
    """How a class is written: `write` makes its struct, `decode` reads a text into one, `read` makes an instance of that."""

    struct: type[msgspec.Struct]
    names: tuple[str, ...]  # of the struct's fields, in the order of the class
    write: Callable[[T], msgspec.Struct]
    read: Callable[[Any], T]
    decode: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Column:
    """A field of a struct: its name there, the way to its value from an instance of the class, and how to convert that, if need be."""

    name: str
    way: str
    hint: Any
    default: Any  # MISSING: there is none
    converts: tuple[Convert, Convert] | None  # to the struct's value, and back
    was: str = ""  # the name that it had in the version before


def wire_of(cls: type[T], tag: str | None = None, *, empties: bool = False) -> Wire[T]:
    """With a `tag` the text has `type`. `empties`: a field is left out only where it is None, not where it has an empty default."""
    columns = [_optional(column) if column.was else column for column in _columns(cls, empties)]
    renamed = [(column.name, column.was, column.default) for column in columns if column.was]
    written = [*columns, *(replace(column, name=column.was) for column in columns if column.was)]
    required_first = sorted(written, key=lambda column: column.default is not MISSING)
    definitions = [(c.name, c.hint) if c.default is MISSING else (c.name, c.hint, c.default) for c in required_first]
    tagged: Any = {"tag": tag, "tag_field": "type"} if tag else {}
    struct = msgspec.defstruct(cls.__name__, definitions, omit_defaults=True, **tagged)
    to_struct = _converted(_values([c.way for c in required_first]), [c.converts and c.converts[0] for c in required_first])
    from_struct = _converted(_values([c.name for c in columns]), [c.converts and c.converts[1] for c in columns])
    make = _maker(cls)

    def write(item: T) -> msgspec.Struct:
        return struct(*to_struct(item))

    def read(found: Any) -> T:
        return cast(T, make(from_struct(found)))

    def read_either(found: Any) -> T:
        for name, was, default in renamed:
            if getattr(found, name) == default:
                setattr(found, name, getattr(found, was))
            if getattr(found, name) is msgspec.UNSET:
                raise Unreadable(f"`{name}` is missing")
        return read(found)

    names = tuple(column.name for column in columns)
    return Wire(struct, names, write, read_either if renamed else read, msgspec.json.Decoder(struct).decode)


def _optional(column: _Column) -> _Column:
    """A field that has two names: a text may lack either."""
    return replace(column, hint=column.hint | msgspec.UnsetType, default=msgspec.UNSET) if column.default is MISSING else column


def _maker(cls: Any) -> Callable[[tuple[Any, ...]], Any]:
    """What makes an instance of the values of its fields, those of its flat parts in their place."""
    own, hints = fields(cls), get_type_hints(cls)
    names = [field.name for field in own]
    flat = [(at, hints[name], len(fields(hints[name]))) for at, name in enumerate(names) if hints[name] in FLAT]
    by_name = any(field.kw_only for field in own)

    def make(values: tuple[Any, ...]) -> Any:
        for at, part, length in flat:
            values = (*values[:at], part(*values[at : at + length]), *values[at + length :])
        return cls(**dict(zip(names, values, strict=True))) if by_name else cls(*values)

    return make


def wire_name(attribute: str) -> str:
    """`from_` -> `from`, which is no name in Python."""
    return attribute.removesuffix("_")


def text_of(found: msgspec.Struct) -> str:
    """One line of ASCII; half a surrogate pair is written as it is."""
    try:
        raw = _encode(found)
        if raw.isascii():
            return raw.decode("ascii")
    except UnicodeEncodeError:
        pass
    return plain_json(msgspec.to_builtins(found, enc_hook=as_text))


def decoder(kind: Any) -> Callable[[str], Any]:
    """What reads a text into a struct, or one of some tagged ones. ValueError when it does not fit, Unreadable when it is none."""
    decode = msgspec.json.Decoder(kind).decode

    def read(text: str) -> Any:
        try:
            try:
                return decode(text)
            except msgspec.ValidationError:
                raise
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                return msgspec.convert(json_object(text), kind)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None

    return read


def json_object(text: str) -> dict[str, Any]:
    """What msgspec refuses: halves of surrogate pairs, which a channel may hand over, NaN, and texts that are none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"expected a JSON object, found {text[:200]!r}: {error}") from None
    if not isinstance(found, dict):
        raise Unreadable(f"expected a JSON object, found {text[:200]!r}")
    return found


def as_text(value: Any) -> str:
    """A text of a class of its own, such as the name of a node in a flow."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{value!r} cannot be written")


_encode = msgspec.json.Encoder(enc_hook=as_text).encode
plain_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def _columns(cls: Any, empties: bool, way: str = "") -> Iterator[_Column]:
    hints = get_type_hints(cls)
    for field in fields(cls):
        hint = hints[field.name]
        if hint in FLAT:
            yield from _columns(hint, empties, f"{field.name}.")
        else:
            yield _column(field, hint, way + field.name, empties)


def _column(field: Field[Any], hint: Any, way: str, empties: bool) -> _Column:
    name = field.metadata.get("wire") or wire_name(field.name)
    if hint in WORDS:
        return _Column(name, way, str, "" if field.default is None else MISSING, WORDS[hint])
    if not (isinstance(hint, type) and is_dataclass(hint)):
        return _Column(name, way, _any_word(hint), _default(field, empties), None, field.metadata.get("was", ""))
    part = _part(cast(Any, hint))
    default = MISSING if field.default_factory is MISSING else msgspec.field(default_factory=part.struct)
    return _Column(name, way, part.struct, default, (part.write, part.read))


@cache
def _part(cls: Any) -> Wire[Any]:
    return wire_of(cls)


def _any_word(hint: Any) -> Any:
    """The type without its closed lists of words: one that a newer server uses is kept as it is."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return reduce(or_, (str if get_origin(kind) is Literal else kind for kind in kinds))


def _default(field: Field[Any], empties: bool) -> Any:
    """As msgspec has it: a plain default is left out of the text, one that is made each time is written."""
    if field.default_factory is not MISSING:
        made = field.default_factory
        return msgspec.field(default_factory=(lambda: made()) if empties else made)
    if field.default is MISSING or field.default is None or (not empties and field.default in ("", 0, ())):
        return field.default
    return msgspec.field(default_factory=lambda: field.default)


def _values(ways: list[str]) -> Values:
    if len(ways) > 1:
        return attrgetter(*ways)
    return lambda item: tuple(getattr(item, way) for way in ways)


def _converted(values: Values, converts: list[Convert | None]) -> Values:
    """The values, some of them converted."""
    places = [(at, convert) for at, convert in enumerate(converts) if convert]
    if not places:
        return values

    def convert_some(item: Any) -> tuple[Any, ...]:
        found = list(values(item))
        for at, convert in places:
            found[at] = convert(found[at])
        return tuple(found)

    return convert_some
