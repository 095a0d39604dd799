"""Makes the HTTP application from the table of routes: errors as JSON, roles, safe headers. Where it listens is decided by the caller."""

import ipaddress
from collections.abc import Mapping

from aiohttp import web

from server.http.errors import BODY_LIMIT, SAFE_HEADERS, ApiError, Handler, errors_as_json
from server.http.requests import read_parameters
from server.http.roles import ROLE, Role, read_tokens, role_of
from server.http.routes import ROUTES, Route
from server.http.services import ApiServices

_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def make_api(services: ApiServices) -> web.Application:
    """The application, ready for a Listener. ValueError when a token is too short to protect anything."""
    tokens = read_tokens(services.tokens)
    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[errors_as_json(services.ids)])
    app.on_response_prepare.append(_add_safe_headers)
    for route in ROUTES:
        if route.method == "GET":
            app.router.add_get(route.path, _guarded(route, services, tokens))  # HEAD too
        else:
            app.router.add_route(route.method, route.path, _guarded(route, services, tokens))
    return app


def _guarded(route: Route, services: ApiServices, tokens: Mapping[Role, str]) -> Handler:
    """The handler of a route, behind the check of the role; an answer is never older than an earlier answer to the same client, from
    whichever server."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request[ROLE] = role_of(request.headers.get("Authorization", ""), tokens)
        if not (route.open_on_loopback and _from_this_machine(request)):
            _require(route.role, request[ROLE])
        if route.parameters is not None:
            read_parameters(route.parameters, request.query.items())
        if not route.at_once:
            await services.catch_up()
        return await route.handler(request, services)

    return handle


def _require(needed: Role, found: Role) -> None:
    if found >= needed:
        return
    if found == Role.ANYBODY:
        message = (
            f"Send 'Authorization: Bearer TOKEN' with the token of the role {needed.title} (secrets.json in the state folder has them)."
        )
        raise ApiError(401, "unauthorized", message, {"WWW-Authenticate": 'Bearer realm="hotline"'})
    raise ApiError(403, "forbidden", f"This needs the role {needed.title}; the role of the token given is {found.title}.")


def _from_this_machine(request: web.Request) -> bool:
    """Behind a proxy on this machine everybody seems to come from here: such requests do not count."""
    if any(name in request.headers for name in _PROXY_HEADERS):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


async def _add_safe_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SAFE_HEADERS)
