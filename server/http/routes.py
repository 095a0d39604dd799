"""The one table of the HTTP interface: method, path, the least role that may use it, handler. What is not in it does not exist.

An agent's token is not yet bound to one agent: whoever has it may change the state of any agent, as a phone on the same desk could.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from server.http import handlers
from server.http.bodies import AgentsAsked, Parameters
from server.http.roles import Role
from server.http.services import ApiServices


@dataclass(frozen=True, slots=True)
class Route:
    """A row. `open_on_loopback`: from this machine itself (not through a proxy) it needs no token. `at_once`: Redis is not asked first
    how far the event log goes. `parameters`: what may stand behind the `?`; None: anything, which nobody reads."""

    method: str
    path: str
    role: Role
    handler: Callable[[web.Request, ApiServices], Awaitable[web.Response]]
    open_on_loopback: bool = False
    at_once: bool = False
    parameters: type[Parameters] | None = Parameters

    @property
    def summary(self) -> str:
        """What it is for: the first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().splitlines()[0]


async def index(request: web.Request, services: ApiServices) -> web.Response:
    """This list of what can be asked, and the role each needs."""
    routes = [{"method": route.method, "path": route.path, "role": route.role.title, "summary": route.summary} for route in ROUTES]
    return web.json_response({"server": services.server, "version": services.version, "routes": routes})


ROUTES = (
    Route("GET", "/healthz", Role.ANYBODY, handlers.healthz, at_once=True, parameters=None),
    Route("GET", "/readyz", Role.ANYBODY, handlers.readyz, at_once=True, parameters=None),
    Route("GET", "/metrics", Role.VIEWER, handlers.metrics, open_on_loopback=True, at_once=True, parameters=None),
    Route("GET", "/api", Role.VIEWER, index, at_once=True),
    Route("GET", "/api/queues", Role.VIEWER, handlers.queues),
    Route("GET", "/api/queues/{name}", Role.VIEWER, handlers.queue),
    Route("GET", "/api/agents", Role.VIEWER, handlers.agents, parameters=AgentsAsked),
    Route("GET", "/api/agents/{id}", Role.VIEWER, handlers.agent),
    Route("POST", "/api/agents/{id}", Role.AGENT, handlers.change_agent),
    Route("GET", "/api/teams", Role.VIEWER, handlers.teams),
    Route("GET", "/api/contacts/{id}", Role.VIEWER, handlers.contact),
    Route("POST", "/api/contacts/{id}", Role.SUPERVISOR, handlers.change_contact),
    Route("GET", "/api/calls", Role.VIEWER, handlers.calls),
    Route("GET", "/api/calls/lost", Role.SUPERVISOR, handlers.lost_calls),
)
