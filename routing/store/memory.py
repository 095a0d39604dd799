"""A store in memory: the readable specification of routing/store/port.py. For tests and the simulator; nothing outlives the process.

Everything is kept as the text that Redis would keep, so that no record is shared with a board by accident. Several views of one
domain stand for several servers.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from routing.domain.agent import Agent
from routing.domain.changes import Changes
from routing.domain.events.envelope import Event
from routing.domain.messages import Message
from routing.domain.model import Contact
from routing.domain.orders import Order
from routing.domain.totals import Totals, growth
from routing.store import codec
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
    check_reader_name,
    is_before,
)

T = TypeVar("T")
Records = dict[str, tuple[int, str]]  # id -> (revision, text)
START = "0-0"  # before everything, and unlike "0" the place of somebody who wants to know of a gap
AT_ONCE = 10_000  # entries of the log that are dropped together


@dataclass(slots=True)
class Stream:
    """Numbered texts; positions are their numbers as text."""

    entries: list[tuple[int, str]] = field(default_factory=list)
    last: int = 0

    def add(self, text: str) -> str:
        self.last += 1
        self.entries.append((self.last, text))
        return str(self.last)

    def after(self, position: str, limit: int) -> list[tuple[str, str]]:
        found = [(str(number), text) for number, text in self.entries if number > _number(position)]
        return found[:limit]

    def trim(self, position: str) -> None:
        self.entries = [entry for entry in self.entries if entry[0] >= int(position)]


@dataclass(slots=True)
class Shared:
    """What all views of one domain see."""

    limits: LogLimits = field(default_factory=LogLimits)
    readers: dict[str, str] = field(default_factory=dict)  # durable reader -> the position that it has confirmed
    dropped: str = START  # up to where events were dropped from the log
    untrimmed: int = 0  # events written since it was trimmed
    contacts: Records = field(default_factory=dict)
    agents: Records = field(default_factory=dict)
    callers: Records = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)  # open calls -> the event that opened them
    places: dict[str, str] = field(default_factory=dict)  # by open call: the last event that says where in a flow it is
    ended: set[str] = field(default_factory=set)
    totals: Totals = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)  # writer -> the number that it wrote last
    inbox: Stream = field(default_factory=Stream)
    events: Stream = field(default_factory=Stream)
    orders: dict[str, Stream] = field(default_factory=dict)
    position: str = "0"
    fence: int = 0
    lease: tuple[str, int, float] = ("", 0, 0.0)  # server, token, until when in the loop's time
    news: asyncio.Condition = field(default_factory=asyncio.Condition)


class MemoryStore:
    """One server's view of the domain."""

    def __init__(self, shared: Shared | None = None) -> None:
        self._shared = shared or Shared()

    def view(self) -> "MemoryStore":
        """Another server's view of the same domain."""
        return MemoryStore(self._shared)

    async def post(self, *messages: Message, once: Once | None = None) -> str:
        if messages and self._is_new(once):
            await self._add(self._shared.inbox, [codec.tagged_text(message) for message in messages])
        return str(self._shared.inbox.last)

    async def inbox(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Message]]:
        return await self._read(self._shared.inbox, after, block_ms, limit, codec.message_from)

    async def commit(self, fence: int, inbox: str, changes: Changes, once: Once | None = None) -> Sequence[str]:
        shared = self._shared
        if fence != shared.fence or not shared.fence:
            raise StaleCommit(f"the lease with token {fence} is not the newest any more ({shared.fence})")
        hashes = ((shared.contacts, changes.contacts), (shared.agents, changes.agents), (shared.callers, changes.callers))
        pairs: list[tuple[Records, str, int, Any]] = [(records, *change) for records, changed in hashes for change in changed]
        for records, id, expected, _ in pairs:
            if records.get(id, (0, ""))[0] != expected:
                raise StaleCommit(f"{id} moved meanwhile")
        if not self._is_new(once):
            raise StaleCommit(f"{once} is done already")
        for records, id, _, record in pairs:
            if record is None:
                records.pop(id, None)
            else:
                records[id] = (record.rev, codec.record_text(record))
        positions = [shared.orders.setdefault(server, Stream()).add(codec.tagged_text(order)) for server, order in changes.orders]
        for (queue, what), by in growth(changes.events).items():
            counts = shared.totals.setdefault(queue, {})
            counts[what] = counts.get(what, 0) + by
        shared.position = inbox
        shared.inbox.trim(inbox)
        await self._deliver([event_text(event) for event in changes.events])
        return positions

    async def load(self) -> Snapshot:
        shared = self._shared
        contacts: tuple[Contact, ...] = tuple(codec.contact_from(text) for _, text in shared.contacts.values())
        agents: tuple[Agent, ...] = tuple(codec.agent_from(text) for _, text in shared.agents.values())
        calls = tuple(event_from(text) for text in shared.calls.values())
        callers = tuple(codec.caller_from(text) for _, text in shared.callers.values())
        places = tuple(event_from(text) for text in shared.places.values())
        counts = {queue: dict(counts) for queue, counts in shared.totals.items()}
        return Snapshot(contacts, agents, shared.position, str(shared.events.last), calls, callers, places, counts)

    async def acquire(self, server: str, ttl_ms: int) -> int | None:
        now, shared = asyncio.get_running_loop().time(), self._shared
        holder, _, until = shared.lease
        if holder not in ("", server) and now < until:
            return None
        shared.fence += 1
        shared.lease = (server, shared.fence, now + ttl_ms / 1000)
        return shared.fence

    async def renew(self, server: str, fence: int, ttl_ms: int) -> bool:
        now = asyncio.get_running_loop().time()
        if not self._has_lease(server, fence, now):
            return False
        self._shared.lease = (server, fence, now + ttl_ms / 1000)
        return True

    async def release(self, server: str, fence: int) -> None:
        if self._has_lease(server, fence, asyncio.get_running_loop().time()):
            self._shared.lease = ("", 0, 0.0)

    async def orders(self, server: str, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Order]]:
        return await self._read(self._shared.orders.setdefault(server, Stream()), after, block_ms, limit, codec.order_from)

    async def append(self, *events: Event, once: Once | None = None) -> None:
        if not events or not self._is_new(once):
            return
        shared, written = self._shared, []
        for event in events:
            what, text = CALL_EVENTS.get(type(event.data), ""), event_text(event)
            if what in ("arrived", "passed") and event.call not in shared.ended:
                shared.calls[event.call] = text
            if what == "moved" and event.call in shared.calls:
                shared.places[event.call] = text
            if what in ("passed", "ended"):
                shared.places.pop(event.call, None)
            if what == "ended":
                shared.calls.pop(event.call, None)
                if event.call in shared.ended:
                    continue
                shared.ended.add(event.call)
            written.append(text)
        await self._deliver(written)

    async def events(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Event]]:
        found = await self._read(self._shared.events, after, block_ms, limit, event_from)
        if after != OLDEST and is_before(after, self._shared.dropped):
            raise LogGap(after, self._shared.dropped)
        return found

    def back(self, position: str, ms: int) -> str:
        return "0"

    async def last_event(self) -> str:
        return str(self._shared.events.last)

    async def open_reader(self, name: str, after: str) -> str:
        check_reader_name(name)
        shared = self._shared
        if name not in shared.readers:
            shared.readers[name] = {OLDEST: shared.dropped, NEWEST: str(shared.events.last or START)}.get(after, after)
            if is_before(shared.readers[name], shared.dropped):
                await self._add(shared.events, [self._gap(name, after)])
        return shared.readers[name]

    async def confirm(self, name: str, position: str) -> None:
        confirmed = self._shared.readers.get(name)
        if confirmed is None:
            raise NoSuchReader(f"the event log has no reader {name!r}")
        if is_before(confirmed, position):
            self._shared.readers[name] = position

    async def close_reader(self, name: str) -> None:
        self._shared.readers.pop(name, None)

    async def log_state(self) -> LogState:
        entries, states = self._shared.events.entries, []
        for name, position in sorted(self._shared.readers.items()):
            first = next((text for number, text in entries if number > _number(position)), "")
            states.append(ReaderState(name, position, event_from(first).at_ms if first else 0))
        return LogState(len(entries), sum(len(text) for _, text in entries), tuple(states))

    async def trim(self) -> None:
        """Drop what `LogLimits` does not keep, a part of it at a time."""
        shared, entries = self._shared, self._shared.events.entries
        shared.untrimmed = 0
        spare = min(len(entries) - shared.limits.keep, AT_ONCE)
        if spare <= 0:
            return
        slowest = min(map(_number, shared.readers.values()), default=shared.events.last)
        unneeded, losers = sum(number < slowest for number, _ in entries[:spare]), list[str]()
        if not unneeded and sum(len(text) for _, text in entries) > shared.limits.bytes:
            unneeded = spare
            losers = [name for name, position in shared.readers.items() if _number(position) < entries[unneeded - 1][0]]
        if unneeded:
            before, shared.dropped = shared.dropped, str(entries[unneeded - 1][0])
            del entries[:unneeded]
            lost = [self._gap(name, max(shared.readers[name], before, key=_number)) for name in sorted(losers)]
            await self._add(shared.events, lost)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _gap(self, reader: str, after: str) -> str:
        newest = event_from(self._shared.events.entries[-1][1])
        return event_text(log_gap(newest.domain, newest.at_ms, reader=reader, after=after, until=self._shared.dropped))

    async def _deliver(self, texts: Sequence[str]) -> None:
        """Into the event log, which is trimmed at times."""
        await self._add(self._shared.events, texts)
        self._shared.untrimmed += len(texts)
        if self._shared.untrimmed >= self._shared.limits.every:
            await self.trim()

    def _is_new(self, once: Once | None) -> bool:
        if once is None:
            return True
        if once.number <= self._shared.sent.get(once.writer, 0):
            return False
        self._shared.sent[once.writer] = once.number
        return True

    def _has_lease(self, server: str, fence: int, now: float) -> bool:
        holder, token, until = self._shared.lease
        return (holder, token) == (server, fence) and now < until

    async def _add(self, stream: Stream, texts: Sequence[str]) -> None:
        for text in texts:
            stream.add(text)
        async with self._shared.news:
            self._shared.news.notify_all()

    async def _read(self, stream: Stream, after: str, block_ms: int, limit: int, read: Callable[[str], T]) -> list[tuple[str, T]]:
        if block_ms > 0 and stream.last <= _number(after):
            try:
                async with asyncio.timeout(block_ms / 1000), self._shared.news:
                    await self._shared.news.wait_for(lambda: stream.last > _number(after))
            except TimeoutError:
                return []
        found = []
        for position, text in stream.after(after, limit):
            with suppress(codec.Unreadable):  # one bad entry must not stop all that follow
                found.append((position, read(text)))
        return found


def _number(position: str) -> int:
    return int(position.partition("-")[0])
