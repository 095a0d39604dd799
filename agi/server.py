"""The FastAGI listener: accepts Asterisk's connections, runs one task per call, refuses what is not AGI or too much, drains on demand.

Whatever one connection sends, the others do not notice. Not here: what happens in a call (the handler that is handed in).
"""

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from agi.channel import Channel
from agi.errors import ChannelHungUp, ListenFailed, ProtocolViolation

log = structlog.get_logger("agi")

Handler = Callable[[Channel], Awaitable[None]]

# A node that comes back gets all the calls of a dead one at once.
_BACKLOG = 1024
# How long a connection without its environment keeps its place when others come.
_SLOW_S = 1.0
# What a handler may take to clean up when it is ended.
_CLEAN_UP_S = 5.0


class FastAgiServer:
    """Runs `handler(channel)` for every AGI session. The session ends when the handler returns or raises.

    `allowed(address)` says whose connections are taken. `rejected` counts, by reason, those that came to nothing: address_not_listed,
    over_capacity, crowded_out, early_close, environment_timeout, environment_too_large, line_too_long, garbage. Port 0 takes a free
    one; `address` tells which.
    """

    def __init__(
        self,
        handler: Handler,
        host: str = "127.0.0.1",
        port: int = 4573,
        *,
        max_sessions: int = 2000,
        env_timeout_s: float = 5.0,
        allowed: Callable[[str], bool] = lambda peer: True,
    ) -> None:
        self.rejected: Counter[str] = Counter()
        self._handler = handler
        self._host = host
        self._port = port
        self.max_sessions = max_sessions
        self._env_timeout_s = env_timeout_s
        self._allowed = allowed
        self._server: asyncio.Server | None = None
        self._waiting: dict[Channel, asyncio.TimerHandle] = {}  # for their environment
        self._sessions: dict[Channel, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Listen. Raises ListenFailed, whose message says what to do."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: Channel(self), self._host, self._port, backlog=_BACKLOG)
        except OSError as error:
            raise ListenFailed(_why(error, self._host, self._port)) from error

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are listened on."""
        if self._server is None or not self._server.sockets:
            return self._host, self._port
        name = self._server.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    @property
    def sessions(self) -> int:
        """Calls that are being handled now."""
        return len(self._sessions)

    async def finish(self, timeout_s: float) -> None:
        """Accept nothing more; returns when no call runs any more, or after so long."""
        self._stop_listening()
        for channel in list(self._waiting):
            channel.close()
        if self._sessions:
            await asyncio.wait(self._sessions.values(), timeout=timeout_s)

    async def drain(self, timeout_s: float) -> int:
        """Accept nothing more, let running calls finish for so long, then end them. Returns how many had to be ended."""
        await self.finish(timeout_s)
        unfinished = dict(self._sessions)
        for task in unfinished.values():
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished.values(), timeout=_CLEAN_UP_S)
        for channel in unfinished:  # a task that was cancelled before its first step has run nothing, not even its `finally`
            self._end(channel)
        return len(unfinished)

    async def close(self) -> None:
        """End everything now."""
        await self.drain(0)

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._port = self.address[1]
            self._server.close()
            self._server = None

    # ------------------------------------------------------------------ what channels call

    def opened(self, channel: Channel) -> None:
        if not self._allowed(channel.peer):
            channel.break_off(ProtocolViolation("address_not_listed", "this address is not one of our Asterisk's"))
            return
        if len(self._sessions) + len(self._waiting) >= self.max_sessions and not self._make_room():
            found = f"more than {self.max_sessions} sessions at once"
            channel.break_off(ProtocolViolation("over_capacity", found))
            return
        channel.keep_alive()
        late = ProtocolViolation("environment_timeout", f"no complete environment within {self._env_timeout_s:g} s")
        self._waiting[channel] = asyncio.get_running_loop().call_later(self._env_timeout_s, channel.break_off, late)

    def _make_room(self) -> bool:
        """Asterisk sends its environment with the connection: of those that have not, the one that waits longest goes, if it is slow."""
        slowest = next(iter(self._waiting), None)
        if slowest is None or self._waiting[slowest].when() - asyncio.get_running_loop().time() > self._env_timeout_s - _SLOW_S:
            return False
        self._waiting.pop(slowest).cancel()
        slowest.break_off(ProtocolViolation("crowded_out", f"no complete environment within {_SLOW_S:g} s, and others want in"))
        return True

    def ready(self, channel: Channel) -> None:
        self._waiting.pop(channel).cancel()
        self._sessions[channel] = asyncio.create_task(self._run(channel), name=f"call {channel.unique_id}")

    def ended(self, channel: Channel) -> None:
        timer = self._waiting.pop(channel, None)
        fault = channel.fault
        if timer is not None:
            timer.cancel()
            fault = fault or ProtocolViolation("early_close", "closed before its environment was complete")
        if fault is not None:
            self.rejected[fault.reason] += 1
            log.warning("agi_connection_rejected", reason=fault.reason, found=fault.found, peer=channel.peer, call=channel.unique_id)

    async def _run(self, channel: Channel) -> None:
        try:
            await self._handler(channel)
        except ChannelHungUp:
            pass
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            log.error("agi_call_failed", call=channel.unique_id, reason="cancelled from inside")  # the dialplan goes on with the call
        except Exception:
            log.exception("agi_call_failed", call=channel.unique_id)
        finally:
            self._end(channel)

    def _end(self, channel: Channel) -> None:
        self._sessions.pop(channel, None)
        channel.close()


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"FastAGI port {port} on {host} is in use by another program: stop that one, or choose another port for agi in the settings"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"FastAGI port {port} on {host} may not be listened on by this user: choose a port above 1023 for agi in the settings"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{host} is not an address of this machine: choose 127.0.0.1 or one of its own for agi in the settings"
    return f"FastAGI port {port} on {host} cannot be listened on: {error.strerror or error}"
