"""Keeps the read model true: loads the records, then follows the event log, and hands each event to whoever wants it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from routing.domain.events.envelope import Event
from routing.domain.events.servers import GapInLog
from routing.read_model.earlier_log import EARLIER_MS, EarlierLog
from routing.read_model.view import View
from routing.store.port import LogGap, Store, StoreUnreachable, is_before
from server.events.writer import EventLog

log = structlog.get_logger(__name__)
BLOCK_MS = 5_000
RETRY_S = 0.5
CATCH_UP_S = 0.5
PAST_BATCH, PAST_PAUSE_S = 100, 0.01  # a little at a time: whoever calls now comes first


class Follower:
    """`run` follows until cancelled. It begins again from the records after the store was away, since events may have been lost with it,
    and after a gap: when the log was trimmed before they were read. A gap is counted in `gaps`, and written as `server`'s.

    Beside that it goes once through the log's last twelve hours, so that service levels and expected waits outlive a restart, and later
    through what it skipped by beginning again.
    """

    def __init__(self, store: Store, view: View, events: EventLog, server: str, *listeners: Callable[[Event], None]) -> None:
        self._store = store
        self._view = view
        self._events = events
        self._server = server
        self._listeners = listeners
        self.ready = asyncio.Event()
        self.gaps = 0
        self._reached = "0"
        self._news = asyncio.Event()  # another one for each batch
        self._never_comes = "0"
        self._recalling: asyncio.Task[None] | None = None
        self._learning: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        logged = ""
        try:
            while True:
                try:
                    await self._follow()
                except LogGap as gap:
                    self._write_gap(gap)
                except StoreUnreachable as away:
                    if not (away.logged or self._reached == logged):  # once, until it has been there again
                        log.warning("event_log_unreachable", reason=str(away))
                    logged = self._reached
                    await asyncio.sleep(RETRY_S)
        finally:
            if self._recalling and not self._recalling.done():
                self._recalling = None  # for the next run, if there is one
            for task in self._learning:
                task.cancel()
            await asyncio.gather(*self._learning, return_exceptions=True)

    async def catch_up(self) -> None:
        """Returns when the view has all events written before, by whichever server; after 0.5 s anyway: old news are better than none."""
        last = ""

        async def reach() -> None:
            nonlocal last
            with suppress(StoreUnreachable):  # `run` logs that
                last = await self._store.last_event()
                while is_before(self._reached, last) and last != self._never_comes:
                    await self._news.wait()

        reaching = asyncio.create_task(reach())  # not a time limit around it: redis-py may lose a cancellation
        try:
            done, _ = await asyncio.wait({reaching}, timeout=CATCH_UP_S)
        finally:
            reaching.cancel()
        if not done:
            log.warning("view_is_late", reached=self._reached, last=last)
            self._never_comes = last  # an event that cannot be read: nobody waits for it again

    async def _follow(self) -> None:
        skipped_from, snapshot = self._reached, await self._store.load()
        self._view.start(snapshot.contacts, snapshot.agents, snapshot.calls, snapshot.places, snapshot.totals)
        self._has_reached(snapshot.events)
        self.ready.set()
        if not self._recalling:
            self._recalling = self._learn(self._store.back(snapshot.events, EARLIER_MS), snapshot.events, self._view.remember)
        elif is_before(skipped_from, snapshot.events):
            self._learn(skipped_from, snapshot.events, self._view.make_up_for)
        while True:
            reached = self._reached
            for position, event in await self._store.events(reached, block_ms=BLOCK_MS):
                reached = position
                self._take(event)
            self._has_reached(reached)

    def _write_gap(self, gap: LogGap) -> None:
        self.gaps += 1
        log.warning("log_gap", after=gap.after, until=gap.dropped, advice="this server read too slowly; it begins again from the records")
        self._events.write(GapInLog("", self._server, gap.after, gap.dropped))

    def _learn(self, after: str, until: str, take: Callable[[EarlierLog], None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._learn_past(after, until, take))
        self._learning.add(task)
        task.add_done_callback(self._learning.discard)
        return task

    async def _learn_past(self, after: str, until: str, take: Callable[[EarlierLog], None]) -> None:
        """Learn from the events behind one position and up to another one, as far as it is there."""
        try:
            take(await self._past(after, until))
        except Exception:  # nobody awaits this task
            log.exception("past_not_learnt")

    async def _past(self, after: str, until: str) -> EarlierLog:
        earlier_log, odd = EarlierLog(self._view.directory), 0
        while is_before(after, until):
            try:
                batch = await self._store.events(after, block_ms=0, limit=PAST_BATCH)
            except LogGap as gap:
                after = gap.dropped
                continue
            except StoreUnreachable:
                await asyncio.sleep(RETRY_S)
                continue
            if not batch:
                break
            for after, event in batch:
                if not is_before(until, after):
                    odd += not _learnt(earlier_log, event)
            await asyncio.sleep(PAST_PAUSE_S)
        if odd:
            log.warning("past_events_not_understood", count=odd)
        return earlier_log

    def _has_reached(self, position: str) -> None:
        self._reached = position
        self._news.set()
        self._news = asyncio.Event()

    def _take(self, event: Event) -> None:
        for take in (self._view.apply, *self._listeners):
            try:
                take(event)
            except Exception:  # one event that somebody cannot read must not stop the others
                log.exception("event_not_taken", type=event.type, id=event.id)


def _learnt(earlier_log: EarlierLog, event: Event) -> bool:
    """False when an old event cannot be understood."""
    try:
        earlier_log.take(event)
    except Exception:
        return False
    return True
