"""One connection to the manager port: sends actions, gives each its answer by ActionID, hands other events on. It never reconnects."""

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from agi.ami.credible import must_be_whole
from agi.ami.errors import AmiError, AmiLinkLost, AmiLoginRefused, AmiNotConnected, AmiProtocolError, AmiRefused, AmiTimeout
from agi.ami.protocol import Framer, Message, encode

MAX_UNREAD = 1024 * 1024  # bytes that Asterisk has not taken from us; more means that it reads no longer
MAX_ROWS = 100_000  # rows of one list


@dataclass(slots=True)
class _Asked:
    """An action that waits: `rows` collects the events of a list action, None for others."""

    action: str
    answer: asyncio.Future[Message]
    rows: list[Message] | None


class Link(asyncio.Protocol):
    """One connection. `closed` is done with the reason, in words, once the connection is no more."""

    def __init__(self, on_event: Callable[[Message], None]) -> None:
        self._on_event = on_event
        self._framer = Framer(expect_banner=True)
        self._asked: dict[str, _Asked] = {}
        self._numbers = itertools.count(1)
        self._transport: asyncio.Transport | None = None
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._framer.feed(data)
            must_be_whole(messages)
        except AmiProtocolError as problem:
            self.close(str(problem))
            return
        for message in messages:
            self._take(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection was lost: {exc}" if exc else "Asterisk closed the connection")

    def close(self, reason: str) -> None:
        """Give the connection up at once; `reason` is for the log and for those who wait."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    async def action(self, name: str, fields: Iterable[tuple[str, str]], timeout_s: float) -> Message:
        """Asterisk's answer. Raises AmiRefused, AmiTimeout, AmiLinkLost, AmiNotConnected, AmiBadField."""
        answer, _ = await self._ask(name, fields, timeout_s, None)
        return answer

    async def list_action(self, name: str, fields: Iterable[tuple[str, str]], timeout_s: float) -> list[Message]:
        """The rows of an action that answers with a list of events. Raises as `action` does."""
        _, rows = await self._ask(name, fields, timeout_s, [])
        return rows or []

    async def login(self, username: str, secret: str, timeout_s: float) -> None:
        """Log in without sending the secret. Raises AmiLoginRefused, or as `action` does."""
        challenge = await self.action("Challenge", [("AuthType", "MD5")], timeout_s)
        key = hashlib.md5((challenge.get("Challenge") + secret).encode(), usedforsecurity=False).hexdigest()
        fields = [("AuthType", "MD5"), ("Username", username), ("Key", key), ("Events", "on")]
        try:
            await self.action("Login", fields, timeout_s)
        except AmiRefused as refusal:
            raise AmiLoginRefused("Login", f"{refusal.reason} (user {username!r}; check secret and permitted addresses)") from None

    async def _ask(
        self, name: str, fields: Iterable[tuple[str, str]], timeout_s: float, rows: list[Message] | None
    ) -> tuple[Message, list[Message] | None]:
        if self._transport is None or self.closed.done():
            raise AmiNotConnected(f"the AMI action {name} was not sent: there is no connection to Asterisk")
        number = str(next(self._numbers))
        packet = encode([("Action", name), ("ActionID", number), *fields])
        asked = _Asked(name, asyncio.get_running_loop().create_future(), rows)
        self._asked[number] = asked
        try:
            self._transport.write(packet)
            if self._transport.get_write_buffer_size() > MAX_UNREAD:
                self.close("Asterisk does not read what we send")
            async with asyncio.timeout(timeout_s):
                return await asked.answer, rows
        except TimeoutError:
            raise AmiTimeout(f"Asterisk did not answer the AMI action {name} within {timeout_s:g} s") from None
        finally:
            del self._asked[number]

    def _take(self, message: Message) -> None:
        asked = self._asked.get(message.get("ActionID"))
        if "Event" not in message:
            if asked is not None and not asked.answer.done():
                self._take_answer(asked, message)
        elif asked is None or asked.rows is None:
            self._on_event(message)
        elif message.get("EventList"):  # Complete, or cancelled
            if not asked.answer.done():
                asked.answer.set_result(message)
        elif len(asked.rows) < MAX_ROWS:
            asked.rows.append(message)

    def _take_answer(self, asked: _Asked, message: Message) -> None:
        if message.get("Response") == "Error":
            asked.answer.set_exception(AmiRefused(asked.action, message.get("Message")))
        elif asked.rows is None or message.get("EventList") != "start":
            asked.answer.set_result(message)

    def _end(self, reason: str) -> None:
        if self.closed.done():
            return
        self.closed.set_result(reason)
        for asked in self._asked.values():
            if not asked.answer.done():
                asked.answer.set_exception(AmiLinkLost(f"no answer to the AMI action {asked.action}: {reason}"))


async def open_link(host: str, port: int, login: tuple[str, str], on_event: Callable[[Message], None], timeout_s: float) -> Link:
    """A connection that is logged in; `login` is (user name, secret). Raises AmiError in a sentence that names host and port."""
    loop = asyncio.get_running_loop()
    link: Link | None = None
    try:
        async with asyncio.timeout(timeout_s):
            _, link = await loop.create_connection(lambda: Link(on_event), host, port)
            await link.login(*login, timeout_s)
            return link
    except (OSError, AmiError) as problem:  # TimeoutError is an OSError
        if link is not None:
            link.close("not logged in")
        if isinstance(problem, AmiLoginRefused):
            raise
        reason = f"no answer within {timeout_s:g} s" if isinstance(problem, TimeoutError) else str(problem)
        raise AmiNotConnected(f"no AMI connection to {host}:{port}: {reason}") from problem
    except asyncio.CancelledError:
        if link is not None:
            link.close("cancelled")
        raise
