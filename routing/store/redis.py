"""A store in Redis (7 or newer) or Valkey. The keys are documented in keys.py, what changes several of them at once is in lua/.

Nothing is sent twice by itself (routing/store/redis_connection.py); what is put `once` may be sent again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import structlog

from routing.domain.agent import Agent
from routing.domain.changes import Changes
from routing.domain.events.envelope import Event
from routing.domain.messages import Message
from routing.domain.model import CallerHistory, Contact
from routing.domain.orders import Order
from routing.domain.totals import Totals, growth
from routing.store import codec, keys
from routing.store.event_codec import event_from, event_text
from routing.store.log_gap import log_gap
from routing.store.port import (
    CALL_EVENTS,
    NEWEST,
    OLDEST,
    LogGap,
    LogLimits,
    LogState,
    NoSuchReader,
    Once,
    ReaderState,
    Snapshot,
    StaleCommit,
    StoreUnreachable,
    check_reader_name,
    is_before,
)
from routing.store.redis_connection import RedisConnection
from routing.store.redis_counts import RedisCounts
from routing.store.refusals import Writes
from routing.store.scripts import Script

T = TypeVar("T")
_pack = msgspec.msgpack.Encoder().encode
log = structlog.get_logger(__name__)

DATA_FOLDER = "the folder of its setting dir"
WRITE_SCRIPTS = ("append", "post")  # those that write, whatever they return


class RedisStore:
    """One routing domain in the Redis at `url`, as one server sees it. `log_refusals`: log when it does not let us in, or takes no
    writes. `folder`: where it keeps its data, for whoever has to free space there."""

    def __init__(
        self,
        url: str,
        *,
        domain: str = "main",
        log_refusals: bool = True,
        folder: str = DATA_FOLDER,
        log_limits: LogLimits = LogLimits(),  # noqa: B008 - it is frozen
    ) -> None:
        self._keys = keys.Keys(domain)
        self._limits = log_limits
        self._untrimmed = log_limits.every  # events written by us since we trimmed: the first one that we write trims
        self._gap_event = event_text(log_gap(domain, 0, reader=""))
        self._connection = RedisConnection(url, log_refusals=log_refusals, folder=folder)
        self.counts = RedisCounts(self._connection, self._keys)
        names = ("acquire", "append", "commit", "confirm", "load", "log_state", "open_reader", "post", "release", "renew", "trim")
        self._scripts = {name: Script(name) for name in names}

    @property
    def writes(self) -> Writes:
        """Whether Redis takes what we write."""
        return self._connection.writes

    async def post(self, *messages: Message, once: Once | None = None) -> str:
        texts = [codec.tagged_text(message) for message in messages]
        return str(await self._run_once("post", once if texts else None, texts, limit=keys.INBOX_LIMIT))

    async def append(self, *events: Event, once: Once | None = None) -> None:
        parts = [(CALL_EVENTS.get(type(event.data), ""), f"{event.call} {event.at_ms}", event_text(event)) for event in events]
        if parts:
            await self._run_once("append", once, [text for part in parts for text in part])
            await self._trim_at_times(len(parts))

    async def inbox(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Message]]:
        return await self._read(self._keys.inbox, after, block_ms, limit, codec.message_from)

    async def events(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Event]]:
        return await self._read(self._keys.events, after, block_ms, limit, event_from, gaps_seen_by=self._check_gap)

    def back(self, position: str, ms: int) -> str:
        return str(max(0, int(position.partition("-")[0]) - ms))  # positions begin with Redis's own time

    async def last_event(self) -> str:
        async with self._connection.reaching():
            found = await self._connection.commands.xrevrange(self._keys.events, count=1)
        return str(found[0][0]) if found else "0"

    async def orders(self, server: str, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Order]]:
        return await self._read(self._keys.orders(server), after, block_ms, limit, codec.order_from)

    async def commit(self, fence: int, inbox: str, changes: Changes, once: Once | None = None) -> Sequence[str]:
        servers = {server: number for number, server in enumerate(dict.fromkeys(server for server, _ in changes.orders), start=10)}
        moved, *positions = await self._run_once(
            "commit",
            once,
            (),
            more_keys=[self._keys.orders(server) for server in servers],
            token=fence,
            reached=inbox,
            order_limit=keys.ORDER_LIMIT,
            order_life_ms=keys.ORDER_LIFE_MS,
            batch=_batch(changes, servers),
        )
        if moved:
            raise StaleCommit(f"{moved} moved meanwhile (token {fence}, inbox {inbox}); nothing of the batch was written")
        self.writes.taken()
        await self._trim_at_times(len(changes.events))
        return [str(position) for position in positions]

    async def load(self) -> Snapshot:
        contacts, agents, position, events, calls, callers, places, counts = await self._run("load")
        return Snapshot(
            tuple(_readable((text.partition(":")[2] for text in contacts), codec.contact_from)),
            tuple(_readable((text.partition(":")[2] for text in agents), codec.agent_from)),
            str(position),
            str(events),
            tuple(_readable(calls, event_from)),
            tuple(_readable((text.partition(":")[2] for text in callers), codec.caller_from)),
            tuple(_readable(places, event_from)),
            _by_queue(dict(zip(counts[::2], counts[1::2], strict=True))),
        )

    async def acquire(self, server: str, ttl_ms: int) -> int | None:
        token = await self._run("acquire", server=server, ttl_ms=ttl_ms)
        return int(token) if token else None

    async def renew(self, server: str, fence: int, ttl_ms: int) -> bool:
        return bool(await self._run("renew", holder=f"{fence} {server}", ttl_ms=ttl_ms))

    async def release(self, server: str, fence: int) -> None:
        await self._run("release", holder=f"{fence} {server}")

    async def open_reader(self, name: str, after: str) -> str:
        check_reader_name(name)
        return str(await self._run("open_reader", reader=name, after=after, gap_event=self._gap_event))

    async def confirm(self, name: str, position: str) -> None:
        if not await self._run("confirm", reader=name, position=position):
            raise NoSuchReader(f"the event log has no reader {name!r}: it was not opened, or Redis has lost its data since")

    async def close_reader(self, name: str) -> None:
        async with self._connection.reaching():
            await self._connection.commands.hdel(self._keys.readers, name)

    async def log_state(self) -> LogState:
        count, size, *parts = await self._run("log_state")
        rows = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        states = (ReaderState(name, position, int(first.partition("-")[0] or 0)) for name, position, first in rows)
        return LogState(int(count), int(size), tuple(sorted(states, key=lambda state: state.name)))

    async def trim(self) -> None:
        """Drop what `LogLimits` does not keep, a part of it at a time. Raises StoreUnreachable."""
        self._untrimmed = 0
        lost = await self._run("trim", keep=self._limits.keep, most_bytes=self._limits.bytes, gap_event=self._gap_event)
        for reader, after, until in zip(lost[::3], lost[1::3], lost[2::3], strict=True):
            log.warning(
                "log_gap",
                reader=reader,
                after=after,
                until=until,
                advice="whoever reads under this name is slower than events come, or does not run",
            )

    async def now_ms(self) -> int:
        """The server's own time, for SystemClock.steer: milliseconds since 1970 UTC."""
        async with self._connection.reaching():
            seconds, microseconds = await self._connection.commands.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def must_write(self) -> None:
        """Raises StoreTakesNoWrites when nothing can be written, and what any command does."""
        async with self._connection.reaching():
            await self._connection.commands.set(self._keys.tried, "", px=1_000)

    async def close(self) -> None:
        await self._connection.close()

    async def _trim_at_times(self, written: int) -> None:
        """After events were written: a failure is not theirs, and the next ones try again."""
        self._untrimmed += written
        if self._untrimmed >= self._limits.every:
            try:
                await self.trim()
            except StoreUnreachable as reason:
                log.warning("log_not_trimmed", reason=str(reason))

    async def _check_gap(self, after: str) -> None:
        if after in (OLDEST, NEWEST):
            return
        async with self._connection.reaching():
            dropped = str(await self._connection.commands.get(self._keys.dropped) or "0")
        if is_before(after, dropped):
            raise LogGap(after, dropped)

    async def _run_once(self, name: str, once: Once | None, texts: Sequence[str], **more: Any) -> Any:
        """Run a script that does not write again what it has written already; number 0: it is written in any case."""
        writer, number = (once.writer, once.number) if once else ("", 0)
        sent = self._keys.sent(writer)
        return await self._run(name, more_args=texts, sent=sent, number=number, sent_life_ms=keys.SENT_LIFE_MS, **more)

    async def _run(self, name: str, *, more_keys: Sequence[str] = (), more_args: Sequence[str] = (), **args: str | bytes | int) -> Any:
        """Run a script; keys of this domain are filled in by the names that the script gives them."""
        script = self._scripts[name]
        known = {key: getattr(self._keys, key) for key in script.keys if key not in args}
        async with self._connection.reaching():
            reply = await script(self._connection.commands, more_keys=more_keys, more_args=more_args, **known, **args)
            if name in WRITE_SCRIPTS:
                self.writes.taken()
            return reply

    async def _read(
        self,
        stream: str,
        after: str,
        block_ms: int,
        limit: int,
        read: Callable[[str], T],
        gaps_seen_by: Callable[[str], Awaitable[None]] | None = None,
    ) -> list[tuple[str, T]]:
        """Entries behind `after`. Unreadable ones are passed over and logged: one bad entry must not stop all that follow.

        Trimming leaves `keep` entries, so behind a gap there are as many: who reads fewer costs no question whether there is one.
        """
        until = asyncio.get_running_loop().time() + block_ms / 1000
        while True:
            left_ms = int(1000 * (until - asyncio.get_running_loop().time()))
            entries = await self._connection.entries(stream, after, left_ms, limit)
            if gaps_seen_by and len(entries) >= min(limit, self._limits.keep):  # after reading: what was read was complete then
                await gaps_seen_by(after)
            found = []
            for position, fields in entries:
                try:
                    found.append((position, read(fields.get("json", ""))))
                except codec.Unreadable as error:
                    log.error("entry_skipped", stream=stream, position=position, reason=str(error))
            if found or not entries:
                return found
            after = entries[-1][0]


def _by_queue(counts: dict[str, str]) -> Totals:
    found: Totals = {}
    for name, count in counts.items():
        queue, _, what = name.partition(" ")
        found.setdefault(queue, {})[what] = int(count)
    return found


def _batch(changes: Changes, servers: Mapping[str, int]) -> bytes:
    """All that is written, as commit.lua takes it. `servers`: server -> the number of its stream."""
    grown: list[str | int] = []
    for (queue, what), by in growth(changes.events).items():
        grown += (f"{queue} {what}", by)
    ordered: list[str | int] = []
    for server, order in changes.orders:
        ordered += (servers[server], codec.tagged_text(order))
    records = (_flat(changes.contacts), _flat(changes.agents), _flat(changes.callers))
    return _pack((*records, [event_text(event) for event in changes.events], grown, ordered))


def _flat(changes: Iterable[tuple[str, int, Contact | Agent | CallerHistory | None]]) -> list[str]:
    found: list[str] = []
    for id, expected, record in changes:
        found += (id, str(expected), f"{record.rev}:{codec.record_text(record)}" if record is not None else "")
    return found


def _readable(texts: Iterable[str], read: Callable[[str], T]) -> Iterator[T]:
    """The records that can be read; one that cannot is logged and left alone."""
    for text in texts:
        try:
            yield read(text)
        except codec.Unreadable as error:
            log.error("record_skipped", reason=str(error))
