"""The handlers behind the routes: each takes a request and the facilities, and answers or raises ApiError."""

import os
from collections.abc import Awaitable

from aiohttp import web

from routing.client.requests import NoReply
from routing.domain.events.calls import CallEnded
from routing.domain.model import Contact
from routing.domain.orders import Reply
from routing.domain.phone_address import parse_phone
from routing.read_model.earlier_log import EARLIER_MS
from server.http import answers
from server.http.bodies import AgentChange, AgentsAsked, ContactChange
from server.http.errors import ApiError
from server.http.renamed import with_earlier_names
from server.http.requests import read_change, read_object, read_parameters
from server.http.roles import ROLE, Role
from server.http.services import ApiServices

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(request: web.Request, services: ApiServices) -> web.Response:
    """The process is alive and its event loop turns. Nothing else is looked at.

    By `pid` whoever started it knows that it is this one; `runs` says with which program and settings.
    """
    said = {"status": "alive", "server": services.server, "version": services.version, "pid": os.getpid(), "runs": services.runs}
    return web.json_response(said)


async def readyz(request: web.Request, services: ApiServices) -> web.Response:
    """200 when calls can be taken, 503 otherwise, with the state of each component."""
    states = await services.health.ready()
    ready = not any(states.values())
    components: dict[str, dict[str, object]] = {name: {"ready": not why, "message": why} for name, why in states.items()}
    for name in services.health.mended_by_others():
        if states.get(name):
            components[name] = with_earlier_names(components[name] | {"external": True})
    health = {"ready": ready, "components": components, "warnings": list(services.health.warnings()), "pid": os.getpid()}
    return web.json_response(health, status=200 if ready else 503)


async def metrics(request: web.Request, services: ApiServices) -> web.Response:
    """Metrics for Prometheus. No token is needed from this machine itself."""
    return web.Response(body=await services.metrics(), headers={"Content-Type": METRICS_TYPE})


async def queues(request: web.Request, services: ApiServices) -> web.Response:
    """Every queue at a glance."""
    now_ms = services.clock.now_ms()
    names = services.view.directory.queues
    return web.json_response({"at_ms": now_ms, "queues": [answers.queue(services.view, name, now_ms) for name in names]})


async def queue(request: web.Request, services: ApiServices) -> web.Response:
    """One queue with its agents and everyone who waits."""
    name, now_ms = request.match_info["name"], services.clock.now_ms()
    if name not in services.view.directory.queues:
        raise ApiError(404, "unknown_queue", f"There is no queue {name[:40]!r}; GET /api/queues lists them.")
    return web.json_response({"at_ms": now_ms, **answers.queue_in_full(services.view, name, services.country, now_ms)})


async def agents(request: web.Request, services: ApiServices) -> web.Response:
    """Every agent, or those of a team (?team=NAME): state, phone, skills, the contact they have."""
    now_ms, country = services.clock.now_ms(), services.country
    team = read_parameters(AgentsAsked, request.query.items()).team
    if team:
        _known_team(team, services)
    found = [answers.agent(services.view, agent, country, now_ms) for agent in services.view.agents.values()]
    return web.json_response({"at_ms": now_ms, "agents": [row for row in found if team in (None, row["team"])]})


async def teams(request: web.Request, services: ApiServices) -> web.Response:
    """Every team: its names, its leaders and who is in it now."""
    now_ms = services.clock.now_ms()
    return web.json_response({"at_ms": now_ms, "teams": answers.teams(services.view.directory, now_ms)})


async def agent(request: web.Request, services: ApiServices) -> web.Response:
    """One agent."""
    now_ms, id = services.clock.now_ms(), _agent_id(request, services)
    data = _may_see_data(request)
    found = answers.agent(services.view, services.view.agents[id], services.country, now_ms, data=data)
    return web.json_response({"at_ms": now_ms, **found})


async def change_agent(request: web.Request, services: ApiServices) -> web.Response:
    """Change an agent's state: {"action": "log_in|log_out|pause|resume|end_wrap_up|extend_wrap_up|dispose|join_queue|leave_queue"}.

    The answer's `state` is the state then. During a contact a pause or log-out is noted and happens after it.
    """
    id = _agent_id(request, services)
    change = read_change(AgentChange, await read_object(request))
    if change.queue:
        _known_queue(change.queue, services)
    phone = parse_phone(change.phone)
    if phone and change.phone not in services.site().phones and phone != services.view.directory.agents[id].phone:
        message = f"There is no phone {change.phone[:40]!r}; the SIP accounts of config/agents.yaml are the site's phones."
        raise ApiError(400, "unknown_phone", message)
    asked = services.routing_client.ask(
        id,
        change.action,
        reason=change.reason,
        phone=phone,
        queue=change.queue,
        disposition=change.disposition,
        contact=change.contact,
    )
    state = await _granted(asked)
    return web.json_response({"id": id, "action": change.action, "state": state})


async def contact(request: web.Request, services: ApiServices) -> web.Response:
    """One contact: who waits or is connected, where, for how long."""
    now_ms = services.clock.now_ms()
    found = _contact(request, services)
    data = _may_see_data(request)
    return web.json_response({"at_ms": now_ms, **answers.contact(services.view, found, services.country, now_ms, data=data)})


async def change_contact(request: web.Request, services: ApiServices) -> web.Response:
    """Change a waiting contact: prioritise with a priority, move with a queue, or withdraw."""
    found = _contact(request, services)
    change = read_change(ContactChange, await read_object(request))
    if change.queue:
        _known_queue(change.queue, services)
    state = await _granted(services.routing_client.ask_contact(found.id, change.action, priority=change.priority, queue=change.queue))
    return web.json_response({"id": found.id, "action": change.action, "state": state})


async def _granted(asked: Awaitable[Reply]) -> str:
    """The state that routing replies with; ApiError when it refuses or is silent."""
    try:
        reply = await asked
    except NoReply as silence:
        message = f"{str(silence)[:1].upper()}{str(silence)[1:]}."
        raise ApiError(503, "no_reply", message, {"Retry-After": "2"}) from None
    if reply.error:
        raise ApiError(409, "not_allowed", f"{reply.error[:1].upper()}{reply.error[1:].rstrip('.')}.")
    return reply.state


async def calls(request: web.Request, services: ApiServices) -> web.Response:
    """The live calls of all servers."""
    now_ms = services.clock.now_ms()
    return web.json_response({"at_ms": now_ms, "calls": answers.calls(services.view, now_ms)})


async def lost_calls(request: web.Request, services: ApiServices) -> web.Response:
    """Calls that were cut off in the last twelve hours, with the number to call back."""
    now_ms = services.clock.now_ms()
    lost = [(event, event.data) for event in services.view.lost_calls if event.at_ms >= now_ms - EARLIER_MS]
    rows = [{"call": event.call, "ended_at_ms": event.at_ms, "ani": over.ani or ""} for event, over in lost if isinstance(over, CallEnded)]
    return web.json_response({"at_ms": now_ms, "calls": rows})


def _may_see_data(request: web.Request) -> bool:
    """What a flow hands the agent is for agents, and for those who may do more: not for a board on the wall."""
    return request[ROLE] >= Role.AGENT


def _known_queue(name: str, services: ApiServices) -> None:
    if name not in services.view.directory.queues:
        raise ApiError(400, "unknown_queue", f"There is no queue {name[:40]!r}; GET /api/queues lists them.")


def _known_team(name: str, services: ApiServices) -> None:
    if name not in services.view.directory.teams:
        raise ApiError(400, "unknown_team", f"There is no team {name[:40]!r}; GET /api/teams lists them.")


def _contact(request: web.Request, services: ApiServices) -> Contact:
    id = request.match_info["id"]
    found = services.view.contacts.get(id)
    if found is None:
        message = f"There is no contact {id[:40]!r} now; GET /api/queues/NAME lists those who wait."
        raise ApiError(404, "unknown_contact", message)
    return found


def _agent_id(request: web.Request, services: ApiServices) -> str:
    id = request.match_info["id"]
    if id not in services.view.agents:
        raise ApiError(404, "unknown_agent", f"There is no agent {id[:40]!r}; GET /api/agents lists them.")
    return id
