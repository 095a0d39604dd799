"""From text with positions to typed settings: pydantic decides, and each of its complaints becomes a Problem at the exact place.

Also the value types that flows and settings share: Duration, Key, Text. Knows nothing of flows.
"""

import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from sources.problems import Position, Problem, ProblemsFound, suggest
from sources.source import Source, Where

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(ms|s|m|h|d)")
KEYS = tuple("0123456789*#")


class Settings(BaseModel):
    """The base of everything read from YAML: frozen, and an unknown setting is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def parse_duration(value: Any) -> int:
    """Milliseconds of `500ms`, `30s`, `1.5m`, `1h`, `1d` and of a plain `0`. Raises ValueError with a sentence."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text)
    if match is None:
        hint = f" - a number needs its unit, as in {text}s" if re.fullmatch(r"[0-9.]+", text) else ""
        raise ValueError(f"expected a duration such as 30s, 5m, 1h or 1d, found {_shown(value)}{hint}")
    return round(float(match[1]) * _UNITS_MS[match[2]])


def _key(value: Any) -> str:
    if str(value) not in KEYS:
        raise ValueError(f'expected one key, 0 to 9, "*" or "#", found {_shown(value)}')
    return str(value)


def _keys(value: Any) -> str:
    text = str(value)
    if not isinstance(value, str) or any(key not in KEYS for key in text):
        raise ValueError(f'expected keys such as 0 or "12*", found {_shown(value)}')
    return text


def _text(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {"": value}
    if isinstance(value, Mapping) and value and all(isinstance(item, str) for item in value.values()):
        return {str(language): str(item) for language, item in value.items()}
    raise ValueError(f"expected text, or text per language such as {{zh: ..., en: ...}}, found {_shown(value)}")


Duration = Annotated[int, BeforeValidator(parse_duration)]  # milliseconds; written 500ms, 30s, 5m, 1h
Key = Annotated[str, BeforeValidator(_key)]  # one key of a telephone
Keys = Annotated[str, BeforeValidator(_keys)]  # several keys, or none
Text = Annotated[dict[str, str], BeforeValidator(_text)]  # language -> text; the language "" serves every language


def text_in(text: Mapping[str, str], language: str, default: str = "") -> str:
    """The text for a language: its own, else the one for every language, else the one for `default`, else any."""
    for key in (language, "", default):
        if key in text:
            return text[key]
    return next(iter(text.values()), "")


M = TypeVar("M", bound=BaseModel)


def build(model: type[M], source: Source, at: Where = (), data: Any = None) -> M:
    """The settings at a place of a file, typed. `data` replaces what stands there. Raises ProblemsFound with every mistake."""
    if data is None:
        data = find(source, at)
    if not isinstance(data, dict):
        raise ProblemsFound([source.named(Problem(source.where(at), f"expected settings (name: value), found {_shown(data)}"))])
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ProblemsFound(map(source.named, _problems(error, model, source, at, data))) from None


def mistakes(model: type[M], source: Source | None) -> tuple[Problem, ...]:
    """What is wrong with these settings; nothing of a file of which nothing is left."""
    if source is None:
        return ()
    try:
        build(model, source)
    except ProblemsFound as found:
        return found.problems
    return ()


def find(source: Source, at: Where) -> Any:
    """The data at a place; {} where there is nothing."""
    found = source.data
    for step in at:
        if isinstance(found, dict) and step in found:
            found = found[str(step)]
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return {}
    return found


def _problems(error: ValidationError, model: type[BaseModel], source: Source, at: Where, data: Any) -> Iterable[Problem]:
    found: dict[tuple[Position, str], Problem] = {}
    for detail in error.errors(include_url=False):
        if not source.complete and _may_be_left_out(detail):
            continue
        path, on_key = _way(detail["loc"], data)
        message, hint, position = _explained(detail, path, on_key, model, source, at)
        first = found.get((position, "union")) if _is_choice(detail) else None
        if first is not None:  # another branch of "a or b" at the same place
            expected = message.removeprefix("expected ").split(", found")[0]
            if expected not in first.message:
                message = first.message.replace(", found", f" or {expected}, found", 1)
                found[(position, "union")] = Problem(position, message, first.hint)
            continue
        found[(position, "union" if _is_choice(detail) else message)] = Problem(position, message, hint)
    return found.values()


def _may_be_left_out(detail: Any) -> bool:
    """Whether what is missing here may stand in a part of the file that could not be read."""
    if detail["type"] == "extra_forbidden":
        return bool(detail["loc"][-1] == "<<")  # reported as a merge key
    return detail["type"] in ("missing", "too_short") or detail["input"] in ("", {}, [])


def _is_choice(detail: Any) -> bool:
    return detail["type"] in _EXPECTED


def _way(loc: tuple[str | int, ...], data: Any) -> tuple[Where, bool]:
    """The part of pydantic's loc that exists in the data (it also names union branches), with a last missing or extra name kept."""
    path: list[str | int] = []
    for number, step in enumerate(loc):
        last = number == len(loc) - 1
        if step == "[key]" and last:
            return tuple(path), True
        if isinstance(data, dict) and (step in data or str(step) in data):
            step = step if step in data else str(step)
            path.append(step)
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            path.append(step)
            data = data[step]
        elif last and isinstance(data, dict):
            path.append(step)
    return tuple(path), False


def _explained(detail: Any, path: Where, on_key: bool, model: type[BaseModel], source: Source, at: Where) -> tuple[str, str, Position]:
    kind, found = detail["type"], detail["input"]
    here = (*at, *path)
    if kind == "extra_forbidden":
        return f"unknown setting '{path[-1]}'", suggest(str(path[-1]), _settings_at(model, path[:-1])), source.where_key(here)
    if kind == "missing":
        inside = source.where_key(here[:-1]) if here[:-1] else source.where()
        return f"missing setting '{path[-1]}'", "", inside
    position = source.where_key(here) if on_key else source.where(here)
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        return f"unknown value {_shown(found)}", suggest(str(found), choices), position
    if kind in ("value_error", "assertion_error"):
        return str(detail["ctx"]["error"]), "", position
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, found {_shown(found)}", _as_list(found) if kind == "list_type" else "", position
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"expected {words} {detail['ctx'][bound]:g}, found {_shown(found)}", "", position
    if kind == "too_short":
        return f"expected a list of at least {detail['ctx']['min_length']}, found an empty one", "", position
    said = str(detail["msg"])
    said = said[0].lower() + said[1:]
    return f"{said.replace('input should', 'must')}, found {_shown(found)}", "", position


def _as_list(found: Any) -> str:
    if isinstance(found, str) and found:
        return f"write [{found}]" if len(found) <= 60 else ""
    return "put it into brackets, as in [{...}]" if isinstance(found, dict) and found else ""


_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_EXPECTED = {
    "string_type": "text",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "yes or no",
    "bool_type": "yes or no",
    "dict_type": "settings (name: value)",
    "model_type": "settings (name: value)",
    "model_attributes_type": "settings (name: value)",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "date_from_datetime_parsing": "a date such as 2026-10-01",
    "date_parsing": "a date such as 2026-10-01",
    "none_required": "nothing",
}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "settings" if value else "nothing"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    return "nothing" if text == "" else f"'{text if len(text) <= 60 else text[:57] + '...'}'"


def _settings_at(model: Any, path: Where) -> list[str]:
    """The settings that the model on the way `path` knows."""
    for step in path:
        model = _inner(model, step)
    inner = _model(model)
    if inner is None:
        return []
    return [field.alias or name for name, field in inner.model_fields.items()]


def _inner(annotation: Any, step: str | int) -> Any:
    found = _model(annotation)
    if found is not None and isinstance(step, str):
        for name, field in found.model_fields.items():
            if step in (name, field.alias):
                return field.annotation
    for option in _options(annotation):
        arguments = get_args(option)
        if arguments and get_origin(option) not in (Union, UnionType):
            return arguments[-1] if arguments[-1] is not Ellipsis else arguments[0]
    return None


def _model(annotation: Any) -> type[BaseModel] | None:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _options(annotation: Any) -> list[Any]:
    """The branches of a union, without Annotated; the annotation alone otherwise."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [inner for option in get_args(annotation) for inner in _options(option)]
    return [annotation]
