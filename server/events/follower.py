"""Keeps the read model true: loads the records, then follows the event log, and hands each event to whoever wants it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from routing.domain.events import Event
from routing.read_model.earlier_log import EARLIER_MS, EarlierLog
from routing.read_model.view import View
from routing.store.port import Store, StoreUnreachable, is_before

log = structlog.get_logger(__name__)
BLOCK_MS = 5_000
RETRY_S = 0.5
CATCH_UP_S = 0.5
PAST_BATCH, PAST_PAUSE_S = 100, 0.01  # a little at a time: whoever calls now comes first


class Follower:
    """`run` follows until cancelled; after the store was away it begins again from the records, since events may have been lost with it.

    Beside that it goes once through the log's last twelve hours, so that service levels and expected waits outlive a restart.
    """

    def __init__(self, store: Store, view: View, *listeners: Callable[[Event], None]) -> None:
        self._store = store
        self._view = view
        self._listeners = listeners
        self.ready = asyncio.Event()
        self._reached = "0"
        self._news = asyncio.Event()  # another one for each batch
        self._never_comes = "0"
        self._recalling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        told = ""
        try:
            while True:
                try:
                    await self._follow()
                except StoreUnreachable as away:
                    if not (away.told or self._reached == told):  # once, until it has been there again
                        log.warning("event_log_unreachable", reason=str(away))
                    told = self._reached
                    await asyncio.sleep(RETRY_S)
        finally:
            if self._recalling and not self._recalling.done():
                self._recalling.cancel()
                await asyncio.gather(self._recalling, return_exceptions=True)
                self._recalling = None  # for the next run, if there is one

    async def catch_up(self) -> None:
        """Returns when the view knows all that was told before, by whichever server; after 0.5 s anyway: old news are better than none."""
        last = ""

        async def reach() -> None:
            nonlocal last
            with suppress(StoreUnreachable):  # that is told by `run`
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
        snapshot = await self._store.load()
        self._view.start(snapshot.contacts, snapshot.agents, snapshot.calls, snapshot.places, snapshot.totals)
        self._has_reached(snapshot.events)
        self.ready.set()
        self._recalling = self._recalling or asyncio.create_task(self._recall(snapshot.events))
        while True:
            reached = self._reached
            for position, event in await self._store.events(reached, block_ms=BLOCK_MS):
                reached = position
                self._take(event)
            self._has_reached(reached)

    async def _recall(self, until: str) -> None:
        try:
            await self._learn_past(until)
        except Exception:  # nobody awaits this task
            log.exception("past_not_learnt")

    async def _learn_past(self, until: str) -> None:
        """Learn from what was told before the view began."""
        earlier_log, after, odd = EarlierLog(self._view.directory), self._store.back(until, EARLIER_MS), 0
        while is_before(after, until):
            try:
                batch = await self._store.events(after, block_ms=0, limit=PAST_BATCH)
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
        self._view.remember(earlier_log)

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
