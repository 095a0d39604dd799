"""Listens for HTTP on one address and lets go again. Here, too, every error is JSON: of bytes that aiohttp cannot read as a request."""

import asyncio
import errno
import logging

from aiohttp import web
from aiohttp.web_request import BaseRequest

from server.http.crowd import Crowd
from server.http.errors import SAFE_HEADERS, ApiError, Handler, error_response

log = logging.getLogger("http")
_QUIET = logging.getLogger("http.access")  # a line per request would say what /metrics says in numbers
_QUIET.setLevel(logging.CRITICAL)

MOST, MOST_EACH = 512, 128  # connections at once, and of one address
REQUEST_WITHIN_S = 20.0  # until a connection has sent the head of its first, or its next, request
_LOG_EVERY_S = 60.0


class CannotListen(OSError):
    """The address cannot be listened on; the message says why and what to do."""


class Listener:
    """`start`, then `stop`. Port 0 takes a free one; `port` says which."""

    def __init__(self, app: web.Application, host: str, port: int, *, most: int = MOST) -> None:
        self._crowd: Crowd[_Connection] = Crowd(most, min(most // 2, MOST_EACH))
        app.middlewares.insert(0, _while_answered)
        self._runner = web.AppRunner(app, access_log=None)
        self._server: asyncio.Server | None = None
        self.host = host
        self.port = port

    async def start(self) -> None:
        """Raises CannotListen."""
        await self._runner.setup()
        manager = self._runner.server
        assert manager is not None
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(manager, self._crowd), self.host, self.port)
        except OSError as error:
            await self._runner.cleanup()
            raise CannotListen(_why(error, self.host, self.port)) from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Ends running requests, too; harmless before `start`."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()


@web.middleware
async def _while_answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The connection is not one that only waits."""
    connection = request.protocol
    if not isinstance(connection, _Connection):
        return await handler(request)
    connection.crowd.begins(connection)
    try:
        return await handler(request)
    finally:
        connection.crowd.ends(connection)


class _Connection(web.RequestHandler):
    """A client's connection. It has `REQUEST_WITHIN_S` for the head of a request, and its place in the crowd."""

    __slots__ = ("crowd",)
    told_s = -_LOG_EVERY_S

    def __init__(self, manager: web.Server, crowd: "Crowd[_Connection]") -> None:
        super().__init__(manager, loop=asyncio.get_running_loop(), access_log=_QUIET, keepalive_timeout=REQUEST_WITHIN_S)
        self.crowd = crowd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        leaving = self.crowd.enter(self, str(peer[0]) if isinstance(peer, tuple) else "")
        if leaving is not None:
            self._log_refused()
            self.crowd.leave(leaving)
            leaving.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.crowd.leave(self)
        super().connection_lost(exc)

    def _log_refused(self) -> None:
        """Once a minute: a line for each would fill the disk."""
        now_s = asyncio.get_running_loop().time()
        if now_s - _Connection.told_s >= _LOG_EVERY_S:
            _Connection.told_s = now_s
            log.warning("many HTTP connections (%d): those that wait longest without a request are closed for new ones", len(self.crowd))

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What aiohttp calls for requests that it cannot read. One line of the log without what was sent: it could fill the disk."""
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        log.warning("malformed_http_request: %s from %s", type(exc).__name__, request.remote)
        response = error_response(
            ApiError(status, "malformed_request", "What was sent is not a request in HTTP, or its lines are too long.")
        )
        response.headers.update(SAFE_HEADERS)
        response.force_close()
        return response


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"HTTP port {port} on {host} is in use by another program: end that one, or choose another in ports.json of the state folder"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"HTTP port {port} on {host} may not be listened on by this user: choose a port above 1023 in ports.json of the state folder"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: choose 127.0.0.1 or one of its own with --listen"
    return f"HTTP port {port} on {host} cannot be listened on: {error.strerror or error}"
