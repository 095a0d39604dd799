"""Reads what clients send: JSON bodies from anywhere, checked down to the last field, refused with a sentence."""

import json
from dataclasses import dataclass
from typing import Any, get_args

from aiohttp import web

from ivr.loading.problems import suggest
from routing.messages import AgentAction
from server.http.errors import ApiError

ACTIONS: tuple[AgentAction, ...] = get_args(AgentAction)
LONGEST_REASON = 80


@dataclass(frozen=True, slots=True)
class StateChange:
    """A body of POST /api/agents/{id}."""

    action: AgentAction
    reason: str = ""


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
    unknown = sorted(set(body) - {"action", "reason"})
    if unknown:
        raise ApiError(400, "bad_request", f"Unknown field {unknown[0][:40]!r}; there are action and reason.")
    action, reason = body.get("action"), body.get("reason", "")
    if not isinstance(action, str) or action not in ACTIONS:
        given = action[:40] if isinstance(action, str) else json.dumps(action)[:40]
        hint = suggest(given, ACTIONS)
        raise ApiError(
            400, "bad_request", f"Unknown action {given!r} - {hint if hint.endswith('?') else 'possible: ' + ', '.join(ACTIONS)}"
        )
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise ApiError(400, "bad_request", f"The reason must be text of one line, {LONGEST_REASON} characters at most.")
    if reason and action != "pause":
        raise ApiError(400, "bad_request", "Only a pause has a reason.")
    return StateChange(action, reason)
