"""Reads what clients send into the models of bodies.py. Every problem is answered at once: where, what was found, what was expected."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, get_args

from aiohttp import web
from pydantic import BaseModel, ValidationError

from server.http.bodies import Change, Parameters
from server.http.errors import ApiError, FieldProblem
from sources.problems import suggest

MOST_PROBLEMS = 10
_LONGEST_SHOWN = 40
C = TypeVar("C", bound=Change)
P = TypeVar("P", bound=Parameters)


async def read_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object. ApiError 400 when it is none; aiohttp raises 413 when it is too large."""
    raw = await request.read()
    try:
        found = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        why = (
            f"{error.msg} at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        )
        raise ApiError(400, "malformed_json", f"The body is not JSON: {why}.") from None
    if not isinstance(found, dict):
        raise ApiError(400, "bad_request", 'The body must be a JSON object such as {"action": "pause"}.')
    return found


def read_change(model: type[C], body: Mapping[str, Any]) -> C:
    """The body of a change. ApiError 400 with every problem: of the fields one by one, then of fields and action together."""
    change, problems = None, []
    try:
        change = model.model_validate(body)
    except ValidationError as error:
        problems = [_field_problem(detail, model, body) for detail in error.errors(include_url=False)]
    problems += _misfits(model, body)
    if change is None or problems:
        raise _refusal(problems)
    return change


def read_parameters(model: type[P], pairs: Iterable[tuple[str, str]]) -> P:
    """The parameters of an address. ApiError 400 with every problem; a parameter that is given twice is one."""
    pairs = list(pairs)
    times = Counter(name for name, _ in pairs)
    twice = [FieldProblem(name, f"The parameter {_shown(name)} is given {times[name]} times.") for name in times if times[name] > 1]
    try:
        read = model.model_validate(dict(pairs))
    except ValidationError as error:
        raise _refusal([*(_parameter_problem(detail, model) for detail in error.errors(include_url=False)), *twice]) from None
    if twice:
        raise _refusal(twice)
    return read


def _refusal(problems: list[FieldProblem]) -> ApiError:
    """One error for all of them; of a body full of nonsense the first few."""
    shown = problems[:MOST_PROBLEMS]
    more = [f"There are {len(problems) - len(shown)} problems more."] if len(problems) > len(shown) else []
    return ApiError(400, "bad_request", " ".join([*(problem.message for problem in shown), *more]), problems=shown)


def _misfits(model: type[Change], body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Fields that the action does not take, and the one that it needs and does not have."""
    action = body.get("action")
    if not isinstance(action, str) or action not in get_args(model.model_fields["action"].annotation):
        return
    given = [name for name in model.takes if body.get(name) not in (None, "")]
    for name in given:
        if action not in model.takes[name]:
            yield FieldProblem(name, f"The field {name} belongs to {' and '.join(model.takes[name])}, not to {action}.")
    needed = model.needs.get(action)
    if needed and needed not in given:
        yield FieldProblem(needed, f"{action} needs the field {needed}.")


def _field_problem(detail: Any, model: type[Change], body: Mapping[str, Any]) -> FieldProblem:
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        return FieldProblem(name[:_LONGEST_SHOWN], f"Unknown field {_shown(name)}; there are {_listed(model)}.")
    if name == "action":
        return FieldProblem(name, _action_message(detail, model))
    return FieldProblem(name, f"The {name} must be {model.model_fields[name].description}, found {_shown(body[name])}.")


def _action_message(detail: Any, model: type[Change]) -> str:
    actions = get_args(model.model_fields["action"].annotation)
    possible = f"possible: {', '.join(actions)}."
    if detail["type"] == "missing":
        return f"The field action is missing - {possible}"
    found = detail["input"]
    hint = suggest(found[:_LONGEST_SHOWN], actions) if isinstance(found, str) else ""
    return f"Unknown action {_shown(found)} - {hint if hint.endswith('?') else possible}"


def _parameter_problem(detail: Any, model: type[Parameters]) -> FieldProblem:
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        known = f"this address takes {_listed(model) if model.model_fields else 'none'}"
        return FieldProblem(name[:_LONGEST_SHOWN], f"Unknown parameter {_shown(name)}; {known}.")
    return FieldProblem(name, f"The parameter {name} must be {model.model_fields[name].description}, found {_shown(detail['input'])}.")


def _listed(model: type[BaseModel]) -> str:
    *others, last = model.model_fields
    return f"{', '.join(others)} and {last}" if others else last


def _shown(found: Any) -> str:
    """What was sent, short and on one line."""
    text = repr(found[:_LONGEST_SHOWN]) if isinstance(found, str) else json.dumps(found)[:_LONGEST_SHOWN]
    return text if len(text) <= 2 * _LONGEST_SHOWN else text[: 2 * _LONGEST_SHOWN]
