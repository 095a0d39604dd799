"""A fake Asterisk for FastAGI: calls a server as Asterisk does and carries out its commands by a script. Thousands fit in one process.

It is the protocol's other side (`agi.protocol.AsteriskSide`) and keeps Asterisk's measured habits: HANGUP line, result=-1 and end of
file in that order, STREAM FILE of a missing file is result=-1 endpos=0, an escape digit ends a prompt. Not here: AMI, audio, SIP.
"""

import asyncio
from collections.abc import Callable, Iterable
from itertools import count
from typing import cast

from agi.protocol import HANGUP_LINE, AsteriskSide, environment_bytes, reply_bytes

Script = Callable[["FakeCall", list[str]], str | None]

CLIP_SAMPLES = 16000  # every file plays two seconds
_PLAYS = {"STREAM FILE": 3, "CONTROL STREAM FILE": 4, "SAY DIGITS": 3, "SAY NUMBER": 3}  # with the word that has their escape digits
_TWO_WORDS = {"GET", "SET", "STREAM", "SAY", "WAIT", "SEND", "RECEIVE", "RECORD", "CHANNEL", "DATABASE", "TDD"}


def verb(words: list[str]) -> str:
    """What the command is, in capitals: `STREAM FILE`, `EXEC DIAL`, `ANSWER`."""
    size = 3 if [word.upper() for word in words[:2]] in (["WAIT", "FOR"], ["CONTROL", "STREAM"]) else 1
    if size == 1 and words and words[0].upper() in {*_TWO_WORDS, "EXEC"}:
        size = 2
    return " ".join(words[:size]).upper()


def at_once(call: "FakeCall", words: list[str]) -> str | None:
    """The default script: everything works and is over at once; variables are kept; a WAIT FOR DIGIT takes a key that was typed."""
    match verb(words):
        case "STREAM FILE" if words[2] in call.missing:
            return "200 result=-1 endpos=0"
        case "STREAM FILE":
            return f"200 result=0 endpos={CLIP_SAMPLES}"
        case "SET VARIABLE":
            call.variables[words[2]] = words[3]
            return "200 result=1"
        case "EXEC MSET":
            pairs = (pair.partition("=") for pair in words[2].split(","))
            call.variables.update({name.lstrip("_"): value for name, _, value in pairs})
        case "GET VARIABLE":
            value = call.variables.get(words[2])
            return "200 result=0" if value is None else f"200 result=1 ({value})"
        case "CHANNEL STATUS":
            return "200 result=6"
        case "HANGUP":
            call.finish("200 result=1")
            call.hang_up()
            return None
    return "200 result=0"


def holding(*verbs: str, script: Script = at_once) -> Script:
    """A script that lets these commands run until `press`, `finish` or `hang_up` ends them; `EXEC DIAL` rings for ever, so to say."""
    return lambda call, words: None if verb(words) in verbs else script(call, words)


class FakeCall(asyncio.Protocol):
    """One call at Asterisk's end of the connection.

    `commands` are the command lines received, as words. `running` is the command that has no reply yet, else None.
    """

    __slots__ = ("_news", "_reader", "_transport", "commands", "env", "gone", "hung_up", "missing", "running", "script", "variables")

    def __init__(self, env: dict[str, str], script: Script = at_once, missing: Iterable[str] = ()) -> None:
        self.env = env
        self.script = script
        self.missing = frozenset(missing)
        self.variables: dict[str, str] = {}
        self.commands: list[list[str]] = []
        self.running: list[str] | None = None
        self.hung_up = False
        self.gone = False  # the server closed the session, or we did
        self._reader = AsteriskSide()
        self._transport: asyncio.Transport | None = None
        self._news: asyncio.Future[None] | None = None

    # ------------------------------------------------------------------ what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        self._transport.write(environment_bytes(self.env))

    def data_received(self, data: bytes) -> None:
        for words in self._reader.feed(data):
            self.commands.append(words)
            self.running = words
            text = self.script(self, words)
            if text is not None:
                self.finish(text)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._wake()

    # ------------------------------------------------------------------ what happens in the world

    def press(self, key: str) -> bool:
        """The caller presses a key. True if a running command took it; Asterisk forgets it otherwise (AGI does, that is)."""
        words = self.running or [""]
        name = verb(words)
        if name == "WAIT FOR DIGIT":
            self.finish(f"200 result={ord(key)}")
            return True
        if name in _PLAYS and key in words[_PLAYS[name]]:
            self.finish(f"200 result={ord(key)} endpos={CLIP_SAMPLES // 2}")
            return True
        return False

    def stop_playback(self) -> None:
        """AMI ControlPlayback stop: ends a running prompt, is harmless otherwise."""
        if self.running and verb(self.running) in _PLAYS:
            self.finish(f"200 result=0 endpos={CLIP_SAMPLES // 2}")

    def finish(self, text: str = "200 result=0") -> None:
        """Reply to the running command."""
        self.running = None
        self.send(reply_bytes(text))

    def hang_up(self) -> None:
        """The caller is gone, as with AGIEXITONHANGUP=yes: HANGUP twice, result=-1 of what runs, end of file."""
        self.hung_up = True
        self.send(HANGUP_LINE * 2)
        if self.running:
            self.finish("200 result=-1")
        self.close()

    def send(self, data: bytes) -> None:
        """Raw bytes to the server."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """End of file."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """A connection that breaks."""
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------------ for those who watch

    async def until(self, condition: Callable[["FakeCall"], bool], within_s: float = 10.0) -> None:
        """Returns when the condition holds, looked at after each thing that arrives. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not condition(self):
                if self._news is None or self._news.done():
                    self._news = asyncio.get_running_loop().create_future()
                await asyncio.shield(self._news)

    async def until_running(self, name: str, within_s: float = 10.0) -> list[str]:
        """Returns when that command runs without a reply: its words."""
        await self.until(lambda call: call.running is not None and verb(call.running) == name, within_s)
        assert self.running is not None
        return self.running

    async def until_gone(self, within_s: float = 10.0) -> None:
        """Returns when the session is closed."""
        await self.until(lambda call: call.gone, within_s)

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


_numbers = count(1)


def environment(*, ani: str = "+8613800138000", dnis: str = "4000", arguments: Iterable[str] = (), **changes: str) -> dict[str, str]:
    """What Asterisk 22 sends for a call, each with an id of its own; `changes` are by name without `agi_`."""
    number = next(_numbers)
    values = {
        "network": "yes",
        "network_script": "hotline",
        "request": "agi://127.0.0.1/hotline",
        "channel": f"PJSIP/trunk-{number:08x}",
        "language": "en",
        "type": "PJSIP",
        "uniqueid": f"1700000000.{number}",
        "version": "22.10.0",
        "callerid": ani,
        "calleridname": "unknown",
        "callingpres": "0",
        "callingani2": "0",
        "callington": "0",
        "callingtns": "0",
        "dnid": dnis,
        "rdnis": "unknown",
        "context": "from-trunk",
        "extension": dnis,
        "priority": "3",
        "enhanced": "0.0",
        "accountcode": "",
        "threadid": "140000000000000",
        **{f"arg_{place}": value for place, value in enumerate(arguments, 1)},
        **changes,
    }
    return {f"agi_{key}": value for key, value in values.items()}


class FakeAsterisk:
    """Places calls to one FastAGI server."""

    def __init__(self, host: str, port: int) -> None:
        self.calls: list[FakeCall] = []
        self._host = host
        self._port = port

    async def call(
        self, env: dict[str, str] | None = None, script: Script = at_once, missing: Iterable[str] = (), **variables: str
    ) -> FakeCall:
        """A call with these variables arrives and is handed to the server. Raises OSError when nobody listens there."""
        call = FakeCall(env or environment(), script, missing)
        call.variables |= variables
        await asyncio.get_running_loop().create_connection(lambda: call, self._host, self._port)
        self.calls.append(call)
        return call

    async def close(self) -> None:
        """End all sessions."""
        for call in self.calls:
            call.close()
        for call in self.calls:
            await call.until_gone()


class _Wire(asyncio.Transport):
    """One end of a connection without sockets."""

    def __init__(self, own: asyncio.Protocol) -> None:
        super().__init__()
        self.own = own
        self.other: _Wire | None = None
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.other is not None and not self._closing:
            asyncio.get_running_loop().call_soon(self.other.deliver, bytes(data))

    def deliver(self, data: bytes) -> None:
        if not self._closing:
            self.own.data_received(data)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        loop = asyncio.get_running_loop()
        loop.call_soon(self.own.connection_lost, None)
        if self.other is not None:
            loop.call_soon(self.other.close)

    def abort(self) -> None:
        self.close()


def connect(call: FakeCall, server_side: asyncio.Protocol) -> None:
    """Put both on one connection, in memory; the environment is on its way."""
    near, far = _Wire(call), _Wire(server_side)
    near.other, far.other = far, near
    server_side.connection_made(far)
    call.connection_made(near)
