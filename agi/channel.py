"""One call's AGI connection: sends one command at a time and hands back its reply; knows when the session is over.

An idle channel costs no timer and no task and notices HANGUP or the end of file at once. Commands and replies are never logged: they
carry card numbers and PINs. Not here: accepting connections (`agi.server`), what a reply means to a caller (`agi.phone`).
"""

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from typing import Protocol, cast

import structlog

from agi import commands
from agi.errors import AGIInvalidCommand, AGIUnknownError, AGIUsageError, ChannelHungUp, CommandFailed, ProtocolViolation
from agi.protocol import Environment, Event, HangupNotice, OurSide, Reply

log = structlog.get_logger("agi")

# A crashed Asterisk host sends no FIN. The kernel asks after 60 s of silence, 4 times every 15 s; that costs this process nothing.
_KEEPALIVE = [
    (level, getattr(socket, name), value)
    for level, name, value in (
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 60),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 15),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 4),
    )
    if hasattr(socket, name)
]


class Owner(Protocol):
    """Who keeps the channels; called from the event loop."""

    def opened(self, channel: "Channel") -> None: ...

    def ready(self, channel: "Channel") -> None:
        """The environment has arrived."""

    def ended(self, channel: "Channel") -> None:
        """The connection is gone; `channel.fault` says whether the peer broke the protocol."""


class Channel(asyncio.Protocol):
    """One AGI session. `env` is what Asterisk sent at its start, `fault` the violation that ended it, if one did.

    Methods have the names that pyst2 has, to be awaited. All of them raise `ChannelHungUp` when the session is over, `CommandFailed` for
    result=-1 while it is not, `AGIInvalidCommand` (510), `AGIUsageError` (520), `AGIUnknownError` and `UnsafeValue`.
    """

    __slots__ = ("_gone", "_owner", "_parser", "_transport", "_turn", "_waiter", "env", "fault", "hung_up", "notified")

    def __init__(self, owner: Owner) -> None:
        self.env: Mapping[str, str] = {}
        self.fault: ProtocolViolation | None = None
        self.hung_up = False
        self.notified = False  # Asterisk said HANGUP; without it the connection has only broken
        self._owner = owner
        self._parser = OurSide()
        self._transport: asyncio.Transport | None = None
        self._turn = asyncio.Lock()  # taken with a command, given back by its reply: also when nobody waits for that any more
        self._waiter: asyncio.Future[Reply | None] | None = None
        self._gone: asyncio.Future[None] | None = None

    # ------------------------------------------------------------------ what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        if self.fault:
            return
        try:
            for event in self._parser.feed(data):
                self._take(event)
        except ProtocolViolation as fault:
            self.break_off(fault)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over()
        self._answer(None)
        self._owner.ended(self)
        self._transport = None

    def _take(self, event: Event) -> None:
        match event:
            case Environment():
                self.env = event.values
                self._owner.ready(self)
            case HangupNotice():
                self.notified = True
                self._over()
            case Reply() if event.code != 100:
                self._answer(event)

    def _answer(self, reply: Reply | None) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            if reply is not None:
                log.warning("agi_reply_without_command", call=self.unique_id, code=reply.code)
            return
        self._turn.release()
        if not waiter.done():
            waiter.set_result(reply)

    def _over(self) -> None:
        self.hung_up = True
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    # ------------------------------------------------------------------ the session

    @property
    def unique_id(self) -> str:
        """Asterisk's id of the channel that started the session; the same id comes back when a call re-enters."""
        return self.env.get("agi_uniqueid", "")

    @property
    def peer(self) -> str:
        """The address of the Asterisk at the other end, for the log."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return str(name[0]) if name else ""

    @property
    def closed(self) -> bool:
        """True when the connection is gone. `hung_up` is true earlier: at the HANGUP line."""
        return self._transport is None or self._transport.is_closing()

    async def wait_closed(self) -> None:
        """Returns when the session is over: HANGUP line, end of file, or reset."""
        if self.hung_up:
            return
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._gone)

    def close(self) -> None:
        """End the session; Asterisk goes on in the dialplan."""
        if self._transport is not None:
            self._transport.close()

    def keep_alive(self) -> None:
        """Let the kernel find out when the other host is gone."""
        connection = self._transport.get_extra_info("socket") if self._transport else None
        if connection is not None:
            with contextlib.suppress(OSError):
                for level, option, value in _KEEPALIVE:
                    connection.setsockopt(level, option, value)

    def break_off(self, fault: ProtocolViolation) -> None:
        """End the session because of what the peer did, sending nothing more."""
        self.fault = self.fault or fault
        if self._transport is not None:
            self._transport.abort()

    async def send(self, line: str) -> Reply:
        """One command line (from `agi.commands`), its reply. result=-1 is returned: what it means depends on the command.

        A caller that is cancelled leaves its reply to come; the next command waits for that.
        """
        await self._turn.acquire()
        if self.hung_up or self.closed:
            self._turn.release()
            raise ChannelHungUp("this AGI session is over; the call may go on at another server")
        waiter: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._waiter = waiter
        assert self._transport is not None
        self._transport.write(line.encode() + b"\n")
        reply = await waiter
        if reply is None:
            raise ChannelHungUp("the AGI session ended while a command ran; the call may go on at another server")
        if reply.code != 200:
            self._refused(reply)
        return reply

    def _refused(self, reply: Reply) -> None:
        if reply.code == 511:
            self._over()
            raise ChannelHungUp("the channel is dead (511)")
        if reply.code == 510:
            raise AGIInvalidCommand("Asterisk does not know this command (510): is its module loaded?")
        if reply.code == 520:
            raise AGIUsageError(reply.text)
        raise AGIUnknownError(f"a reply with code {reply.code}, which AGI does not define")

    async def _do(self, line: str) -> Reply:
        reply = await self.send(line)
        if reply.failed:
            if self.hung_up:
                raise ChannelHungUp("the AGI session ended while a command ran; the call may go on at another server")
            raise CommandFailed(f"{' '.join(line.split()[:2])} came back with result=-1 although the channel is there")
        return reply

    # ------------------------------------------------------------------ commands, with pyst2's names

    async def answer(self) -> None:
        await self._do(commands.answer())

    async def hangup(self, channel: str = "") -> None:
        await self._do(commands.hangup(channel))

    async def stream_file(self, filename: str, escape_digits: str = "", sample_offset: int = 0) -> str:
        """The key that stopped the file, or ""."""
        return (await self._do(commands.stream_file(filename, escape_digits, sample_offset))).key

    async def wait_for_digit(self, timeout_ms: int) -> str:
        """The key, or "" when none came in time."""
        return (await self._do(commands.wait_for_digit(timeout_ms))).key

    async def get_data(self, filename: str, timeout_ms: int = 2000, max_digits: int = 255) -> str:
        """The digits, without the `#` that ended them."""
        return (await self._do(commands.get_data(filename, timeout_ms, max_digits))).result

    async def record_file(self, filename: str, audio_format: str = "wav", escape_digits: str = "#", timeout_ms: int = 20000) -> str:
        """The key that ended the recording, or "" for time or silence."""
        reply = await self._do(commands.record_file(filename, audio_format, escape_digits, timeout_ms))
        return reply.key if reply.data == "dtmf" else ""

    async def say_digits(self, digits: str, escape_digits: str = "") -> str:
        return (await self._do(commands.say_digits(digits, escape_digits))).key

    async def say_number(self, number: int, escape_digits: str = "") -> str:
        return (await self._do(commands.say_number(number, escape_digits))).key

    async def set_variable(self, name: str, value: str) -> None:
        await self._do(commands.set_variable(name, value))

    async def set_variables(self, values: Mapping[str, str]) -> None:
        """All of them by one command. Raises UnsafeValue for a value with signs that mean something to MSet."""
        await self._do(commands.set_variables(values))

    async def get_variable(self, name: str) -> str:
        """The value, "" when it is not set. Only for variables that this program set."""
        return (await self._do(commands.get_variable(name))).data

    async def appexec(self, application: str, options: str = "") -> Reply:
        """Run a dialplan application; result=-1 is returned, for many applications end so. -2: no such application."""
        return await self.send(commands.exec_app(application, options))

    async def set_music(self, on: bool, music_class: str = "") -> None:
        await self._do(commands.set_music(on, music_class))

    async def channel_status(self, channel: str = "") -> int:
        """0 down, 1 reserved, 2 off hook, 3 dialled, 4 ringing here, 5 ringing there, 6 up, 7 busy."""
        return int((await self._do(commands.channel_status(channel))).result)

    async def set_callerid(self, callerid: str) -> None:
        await self._do(commands.set_callerid(callerid))

    async def verbose(self, message: str, level: int = 1) -> None:
        await self._do(commands.verbose(message, level))

    async def noop(self, text: str = "") -> None:
        await self._do(commands.noop(text))
