"""A fake Asterisk manager for tests: the other role of `agi.ami.protocol` on loopback. Answers from a table, pushes events, misbehaves."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from agi.ami.protocol import Framer, Message, encode, encode_banner

Fields = Sequence[tuple[str, str]]
Answer = Callable[[Message], Iterable[Fields]]

CHALLENGE = "168612345"


def success(message: str = "") -> list[Fields]:
    """The plain good answer."""
    return [[("Response", "Success"), *([("Message", message)] if message else [])]]


def error(message: str) -> list[Fields]:
    """The plain bad answer."""
    return [[("Response", "Error"), ("Message", message)]]


def listing(rows: Iterable[Fields], complete: str) -> list[Fields]:
    """The answer of a list action: its start, the rows (events with an `Event` field), the event `complete`."""
    return [[("Response", "Success"), ("EventList", "start")], *rows, [("Event", complete), ("EventList", "Complete")]]


class FakeAmi:
    """`answers` maps an action to a function that gives the messages to send back (ActionID is added); `received` is all actions in order.

    `silent`: nothing is answered any more, as on a half-open link. `chunk`: bytes per write, 0 for all at once.
    """

    def __init__(self, username: str = "hotline", secret: str = "s3cret") -> None:
        self._username = username
        self._key = hashlib.md5((CHALLENGE + secret).encode(), usedforsecurity=False).hexdigest()
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, bool] = {}  # -> logged in
        self._news = asyncio.Event()
        self.answers: dict[str, Answer] = {}
        self.received: list[Message] = []
        self.globals: dict[str, str] = {}
        self.logins = 0
        self.silent = False
        self.chunk = 0
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; `port` 0 takes a free one, then in `self.port`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            self.drop()
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Cut every connection."""
        for writer in self._connections:
            writer.transport.abort()

    def push(self, event: str, **fields: str) -> None:
        """Send an event to everybody who is logged in. As from Asterisk it has the fields that each such event has."""
        self.push_bytes(encode([("Event", event), *{**_always(event, fields), **fields}.items()]))

    def push_bytes(self, data: bytes) -> None:
        """Send anything to everybody who is logged in."""
        for writer, logged_in in self._connections.items():
            if logged_in:
                self._write(writer, data)

    def actions(self, name: str) -> list[Message]:
        """The actions of that name received so far."""
        return [message for message in self.received if message.get("Action") == name]

    async def wait_for(self, name: str, count: int = 1) -> Message:
        """The `count`th action of that name, waited for (bounded by the test's own time-out)."""
        while len(self.actions(name)) < count:
            self._news.clear()
            await self._news.wait()
        return self.actions(name)[count - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections[writer] = False
        framer = Framer(expect_banner=False)
        self._write(writer, encode_banner())
        try:
            while data := await reader.read(65536):
                for message in framer.feed(data):
                    self._handle(writer, message)
        except ConnectionError:
            pass
        finally:
            del self._connections[writer]
            writer.close()

    def _handle(self, writer: asyncio.StreamWriter, message: Message) -> None:
        self.received.append(message)
        self._news.set()
        if self.silent:
            return
        for fields in self._answer(writer, message):
            (head, *rest) = fields
            self._write(writer, encode([head, ("ActionID", message.get("ActionID")), *rest]))

    def _answer(self, writer: asyncio.StreamWriter, message: Message) -> Iterable[Fields]:
        name = message.get("Action")
        if name == "Challenge":
            return [[("Response", "Success"), ("Challenge", CHALLENGE)]]
        if name == "Login":
            if (message.get("Username"), message.get("Key")) != (self._username, self._key):
                return error("Authentication failed")
            self._connections[writer] = True
            self.logins += 1
            return success("Authentication accepted")
        if not self._connections[writer]:
            return error("Permission denied")
        if name in self.answers:
            return self.answers[name](message)
        return self._answer_by_itself(message)

    def _answer_by_itself(self, message: Message) -> Iterable[Fields]:
        """What every Asterisk answers: pings, and its global variables."""
        match message.get("Action"), message.get("Variable"):
            case "Ping", _:
                return [[("Response", "Success"), ("Ping", "Pong")]]
            case "Getvar", name:
                return [[("Response", "Success"), ("Variable", name), ("Value", self.globals.get(name, ""))]]
            case "Setvar", name:
                self.globals[name] = message.get("Value")
                return success("Variable Set")
        return error("Invalid/unknown command")

    def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size = self.chunk or len(data)
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])


def _always(event: str, fields: Mapping[str, str]) -> dict[str, str]:
    """What Asterisk writes into each such event, where a test leaves it out."""
    for leg in ("", "Dest"):
        if f"{leg}Uniqueid" in fields:
            fields = {f"{leg}Linkedid": fields[f"{leg}Uniqueid"], **fields}
    ends = {"Hangup": {"Cause": "16"}, "DialBegin": {"DialString": ""}}
    return {**fields, **ends.get(event, {})}
