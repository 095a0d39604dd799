"""Reads what clients send: JSON bodies from anywhere, checked down to the last field, refused with a sentence."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from aiohttp import web

from routing.domain.messages import AgentAction, ContactAction
from server.http.errors import ApiError
from sources.problems import suggest

ACTIONS: tuple[AgentAction, ...] = get_args(AgentAction)
CONTACT_ACTIONS: tuple[ContactAction, ...] = get_args(ContactAction)
LONGEST_REASON = 80
PRIORITIES = range(-3_600, 86_401)  # as in a flow

# Field -> the actions it belongs to; NEEDED: those that make no sense without it.
FIELDS: Mapping[str, tuple[AgentAction, ...]] = {
    "reason": ("pause",),
    "phone": ("log_in",),
    "queue": ("join_queue", "leave_queue"),
    "disposition": ("dispose", "end_wrap_up"),
}
NEEDED: Mapping[AgentAction, str] = {"join_queue": "queue", "leave_queue": "queue", "dispose": "disposition"}
CONTACT_FIELDS: Mapping[ContactAction, str] = {"prioritise": "priority", "move": "queue"}
A = TypeVar("A", bound=str)


@dataclass(frozen=True, slots=True)
class StateChange:
    """A body of POST /api/agents/{id}."""

    action: AgentAction
    reason: str = ""
    phone: str = ""
    queue: str = ""
    disposition: str = ""


@dataclass(frozen=True, slots=True)
class ContactChange:
    """A body of POST /api/contacts/{id}."""

    action: ContactAction
    priority: int = 0
    queue: str = ""


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


def read_state_change(body: dict[str, Any]) -> StateChange:
    """ApiError 400 names what is wrong."""
    _no_others(body, ("action", *FIELDS))
    action = _action(body, ACTIONS)
    given = {name: _CHECKS[name](body[name]) for name in FIELDS if body.get(name, "") != ""}
    for name in given:
        if action not in FIELDS[name]:
            raise _bad(f"The field {name} belongs to {' and '.join(FIELDS[name])}, not to {action}.")
    if NEEDED.get(action, "") not in ("", *given):
        raise _bad(f"{action} needs the field {NEEDED[action]}.")
    return StateChange(action, **given)


def read_contact_change(body: dict[str, Any]) -> ContactChange:
    """ApiError 400 names what is wrong."""
    _no_others(body, ("action", "priority", "queue"))
    action = _action(body, CONTACT_ACTIONS)
    needed = CONTACT_FIELDS.get(action)
    for name in sorted({"priority", "queue"} & body.keys()):
        if name != needed:
            raise _bad(f"The field {name} does not belong to {action}.")
    if needed and needed not in body:
        raise _bad(f"{action} needs the field {needed}.")
    if needed == "priority":
        return ContactChange(action, priority=_priority(body["priority"]))
    return ContactChange(action, queue=_one_line("queue", body["queue"]) if needed else "")


def _no_others(body: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise _bad(f"Unknown field {unknown[0][:40]!r}; there are {', '.join(known[:-1])} and {known[-1]}.")


def _action(body: dict[str, Any], actions: tuple[A, ...]) -> A:
    action = body.get("action")
    for known in actions:
        if action == known:
            return known
    possible = f"possible: {', '.join(actions)}."
    if "action" not in body:
        raise _bad(f"The field action is missing - {possible}")
    given = action[:40] if isinstance(action, str) else json.dumps(action)[:40]
    hint = suggest(given, actions)
    raise _bad(f"Unknown action {given!r} - {hint if hint.endswith('?') else possible}")


def _one_line(name: Literal["reason", "phone", "queue"], value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_REASON or not value.isprintable():
        raise _bad(f"The {name} must be text of one line, {LONGEST_REASON} characters at most.")
    return value


def _disposition(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,4}", value):
        raise _bad('The disposition must be a code of 1 to 4 digits as text, such as "1".')
    return value


def _priority(value: Any) -> int:
    if type(value) is not int or value not in PRIORITIES:
        raise _bad(f"The priority must be a whole number of seconds from {PRIORITIES[0]} to {PRIORITIES[-1]}.")
    return value


def _bad(message: str) -> ApiError:
    return ApiError(400, "bad_request", message)


_CHECKS: Mapping[str, Callable[[Any], str]] = {
    "reason": lambda value: _one_line("reason", value),
    "phone": lambda value: _one_line("phone", value),
    "queue": lambda value: _one_line("queue", value),
    "disposition": _disposition,
}
