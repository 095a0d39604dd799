"""A store in Redis (7 or newer) or Valkey. The keys are documented in keys.py, what changes several of them at once is in lua/.

Two connection pools: one for commands, one for readers that block, so that waiting for news never delays a command. Nothing is sent
twice by itself: whoever gets StoreUnreachable does not know whether the command was done, and decides; what is put `once` may be sent
again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from routing.domain.changes import Changes
from routing.domain.events import Event
from routing.domain.messages import Message, Order
from routing.domain.model import Agent, CallerHistory, Contact
from routing.domain.totals import Totals, growth
from routing.store import codec, keys
from routing.store.port import CALL_EVENTS, Once, Snapshot, StaleCommit, StoreRefused, StoreTakesNoWrites, StoreUnreachable
from routing.store.refusals import Writes, is_login_refusal, login_refusal, write_refusal
from routing.store.scripts import Script

T = TypeVar("T")
log = structlog.get_logger(__name__)

ANSWER_S = 3.0  # a server that takes longer to answer a command counts as unreachable
FIRST_REFUSED_S, LONGEST_REFUSED_S = 1.0, 30.0  # until a server that did not let us in is asked again
DATA_FOLDER = "the folder of its setting dir"
WRITE_SCRIPTS = ("append", "post")  # those that write, whatever they return
COMMANDS, READERS = 16, 256  # connections at most, of each pool


def connect_to(url: str, most: int, answer_s: float | None) -> "Redis":
    """A client of one pool for `redis://`, `rediss://` or `unix://` addresses; texts come back as str, nothing is tried twice.

    With `answer_s` redis-py sends under asyncio.wait_for, which in Python 3.11 loses a cancellation that comes in the same turn of the
    loop: a reader that blocks must do without, or its task goes on for ever.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=most,
        timeout=ANSWER_S,
        socket_timeout=answer_s,
        socket_connect_timeout=ANSWER_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    return Redis(connection_pool=pool)


class RedisStore:
    """One routing domain in the Redis at `url`, as one server sees it. `tell_refusals`: log when it does not let us in, or takes no
    writes. `folder`: where it keeps its data, for whoever has to free space there."""

    def __init__(self, url: str, *, domain: str = "main", tell_refusals: bool = True, folder: str = DATA_FOLDER) -> None:
        self.address = url.rpartition("@")[2] if "@" in url else url  # without user and password
        self.writes = Writes(self.address, time.monotonic, tell=tell_refusals)
        self._folder = folder
        self._keys = keys.Keys(domain)
        self._commands = connect_to(url, COMMANDS, ANSWER_S)
        self._readers = connect_to(url, READERS, None)
        self._tell_refusals = tell_refusals
        self._refused: StoreRefused | None = None
        self._refused_pause_s = FIRST_REFUSED_S
        self._refused_until = 0.0
        names = ("acquire", "append", "commit", "load", "post", "release", "renew")
        self._scripts = {name: Script(name) for name in names}

    async def post(self, *messages: Message, once: Once | None = None) -> None:
        texts = [codec.tagged_text(message) for message in messages]
        if texts:
            await self._run_once("post", once, texts, keys.INBOX_LIMIT)

    async def append(self, *events: Event, once: Once | None = None) -> None:
        parts = [(CALL_EVENTS.get(event.type, ""), f"{event.call} {event.at_ms}", codec.record_text(event)) for event in events]
        if parts:
            await self._run_once("append", once, [text for part in parts for text in part], keys.EVENT_LIMIT)

    async def inbox(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Message]]:
        return await self._read(self._keys.inbox, after, block_ms, limit, codec.message_from)

    async def events(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Event]]:
        return await self._read(self._keys.events, after, block_ms, limit, codec.event_from)

    def back(self, position: str, ms: int) -> str:
        return str(max(0, int(position.partition("-")[0]) - ms))  # positions begin with Redis's own time

    async def last_event(self) -> str:
        async with self._reaching():
            found = await self._commands.xrevrange(self._keys.events, count=1)
        return str(found[0][0]) if found else "0"

    async def orders(self, server: str, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Order]]:
        return await self._read(self._keys.orders(server), after, block_ms, limit, codec.order_from)

    async def commit(self, fence: int, inbox: str, changes: Changes) -> None:
        servers = {server: number for number, server in enumerate(dict.fromkeys(server for server, _ in changes.orders), start=9)}
        tail = [*_flat(changes.contacts), *_flat(changes.agents), *_flat(changes.callers), *map(codec.record_text, changes.events)]
        grown = growth(changes.events)
        for (queue, what), by in grown.items():
            tail += (f"{queue} {what}", str(by))
        for server, order in changes.orders:
            tail += (str(servers[server]), codec.tagged_text(order))
        moved = await self._run(
            "commit",
            more_keys=[self._keys.orders(server) for server in servers],
            more_args=tail,
            token=fence,
            reached=inbox,
            contact_count=len(changes.contacts),
            agent_count=len(changes.agents),
            caller_count=len(changes.callers),
            event_count=len(changes.events),
            total_count=len(grown),
            event_limit=keys.EVENT_LIMIT,
            order_limit=keys.ORDER_LIMIT,
            order_life_ms=keys.ORDER_LIFE_MS,
        )
        if moved:
            raise StaleCommit(f"{moved} moved meanwhile (token {fence}, inbox {inbox}); nothing of the batch was written")

    async def load(self) -> Snapshot:
        contacts, agents, position, events, calls, callers, places, counts = await self._run("load")
        return Snapshot(
            tuple(_readable((text.partition(":")[2] for text in contacts), codec.contact_from)),
            tuple(_readable((text.partition(":")[2] for text in agents), codec.agent_from)),
            str(position),
            str(events),
            tuple(_readable(calls, codec.event_from)),
            tuple(_readable((text.partition(":")[2] for text in callers), codec.caller_from)),
            tuple(_readable(places, codec.event_from)),
            _by_queue(dict(zip(counts[::2], counts[1::2], strict=True))),
        )

    async def acquire(self, server: str, ttl_ms: int) -> int | None:
        token = await self._run("acquire", server=server, ttl_ms=ttl_ms)
        return int(token) if token else None

    async def renew(self, server: str, fence: int, ttl_ms: int) -> bool:
        return bool(await self._run("renew", holder=f"{fence} {server}", ttl_ms=ttl_ms))

    async def release(self, server: str, fence: int) -> None:
        await self._run("release", holder=f"{fence} {server}")

    async def now_ms(self) -> int:
        """The server's own time, for SystemClock.steer: milliseconds since 1970 UTC."""
        async with self._reaching():
            seconds, microseconds = await self._commands.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def must_write(self) -> None:
        """Raises StoreTakesNoWrites when nothing can be written, and what any command does."""
        async with self._reaching():
            await self._commands.set(self._keys.tried, "", px=1_000)

    async def close(self) -> None:
        await self._commands.aclose(close_connection_pool=True)
        await self._readers.aclose(close_connection_pool=True)

    async def _run_once(self, name: str, once: Once | None, texts: Sequence[str], limit: int) -> None:
        """Run a script that leaves out what it has written already; number 0: it is written in any case."""
        writer, number = (once.writer, once.number) if once else ("", 0)
        sent = self._keys.sent(writer)
        await self._run(name, more_args=texts, limit=limit, sent=sent, number=number, sent_life_ms=keys.SENT_LIFE_MS)

    async def _run(self, name: str, *, more_keys: Sequence[str] = (), more_args: Sequence[str] = (), **args: str | int) -> Any:
        """Run a script; keys of this domain are filled in by the names that the script gives them."""
        script = self._scripts[name]
        known = {key: getattr(self._keys, key) for key in script.keys if key not in args}
        async with self._reaching():
            reply = await script(self._commands, more_keys=more_keys, more_args=more_args, **known, **args)
            if name in WRITE_SCRIPTS:
                self.writes.taken()
            return reply

    async def _read(self, stream: str, after: str, block_ms: int, limit: int, read: Callable[[str], T]) -> list[tuple[str, T]]:
        """Entries behind `after`. Unreadable ones are passed over and logged: one bad entry must not stop all that follow."""
        until = asyncio.get_running_loop().time() + block_ms / 1000
        while True:
            left_ms = int(1000 * (until - asyncio.get_running_loop().time()))
            entries = await self._entries(stream, after, left_ms, limit)
            found = []
            for position, fields in entries:
                try:
                    found.append((position, read(fields.get("json", ""))))
                except codec.Unreadable as error:
                    log.error("entry_skipped", stream=stream, position=position, reason=str(error))
            if found or not entries:
                return found
            after = entries[-1][0]

    async def _entries(self, stream: str, after: str, block_ms: int, limit: int) -> list[tuple[str, dict[str, str]]]:
        client = self._readers if block_ms > 0 else self._commands
        async with self._reaching(), asyncio.timeout(max(block_ms, 0) / 1000 + ANSWER_S):
            reply: Any = await client.xread({stream: after}, count=limit, block=block_ms if block_ms > 0 else None)
        return list(reply[0][1]) if reply else []

    @asynccontextmanager
    async def _reaching(self) -> AsyncIterator[None]:
        if self._refused and asyncio.get_running_loop().time() < self._refused_until:
            raise StoreRefused(str(self._refused))
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        try:
            yield
            self._let_in()
            if task and task.cancelling() > before:  # lost, see connect_to
                raise asyncio.CancelledError
        except (RedisError, OSError) as error:
            if task and task.cancelling() > before:  # lost behind an error
                raise asyncio.CancelledError from error
            if is_login_refusal(error):
                raise self._was_refused(error) from error
            if why := write_refusal(error, self._folder):
                raise StoreTakesNoWrites(self.writes.refuse(why)) from error
            if isinstance(error, RedisConnectionError | RedisTimeoutError | OSError):
                said = f"does not answer ({error or type(error).__name__}); check that it runs and that redis.url is right"
                raise StoreUnreachable(f"Redis at {self.address} {said}") from error
            raise StoreUnreachable(f"Redis at {self.address} refused a command: {error}; see its log") from error

    def _was_refused(self, error: Exception) -> StoreRefused:
        """Says so once; until the pause is over, which grows, Redis is not asked again."""
        now, before = asyncio.get_running_loop().time(), self._refused
        self._refused = StoreRefused(f"Redis at {self.address} {login_refusal(error)}")
        if self._tell_refusals and (before is None or str(before) != str(self._refused)):
            log.error("redis_refused", reason=str(self._refused))
        if now >= self._refused_until:  # several that were under way at once are one refusal
            self._refused_until = now + self._refused_pause_s
            self._refused_pause_s = min(2 * self._refused_pause_s, LONGEST_REFUSED_S)
        return self._refused

    def _let_in(self) -> None:
        if self._refused:
            log.info("redis_lets_us_in", address=self.address)
            self._refused, self._refused_pause_s = None, FIRST_REFUSED_S


def _by_queue(counts: dict[str, str]) -> Totals:
    found: Totals = {}
    for name, count in counts.items():
        queue, _, what = name.partition(" ")
        found.setdefault(queue, {})[what] = int(count)
    return found


def _flat(changes: Iterable[tuple[str, int, Contact | Agent | CallerHistory | None]]) -> Iterator[str]:
    for id, expected, record in changes:
        yield id
        yield str(expected)
        yield f"{record.rev}:{codec.record_text(record)}" if record is not None else ""


def _readable(texts: Iterable[str], read: Callable[[str], T]) -> Iterator[T]:
    """The records that can be read; one that cannot is logged and left alone."""
    for text in texts:
        try:
            yield read(text)
        except codec.Unreadable as error:
            log.error("record_skipped", reason=str(error))
