"""Keeps the read model true: loads the records, then follows the event log, and hands each event to whoever wants it."""

import asyncio
from collections.abc import Callable

import structlog

from routing.events import Event
from routing.store_port import Store, StoreUnreachable, is_before
from routing.view import View

log = structlog.get_logger(__name__)
BLOCK_MS = 5_000
RETRY_S = 0.5
CATCH_UP_S = 0.5


class Follower:
    """`run` follows until cancelled; after the store was away it begins again from the records, since events may have been lost with it."""

    def __init__(self, store: Store, view: View, *listeners: Callable[[Event], None]) -> None:
        self._store = store
        self._view = view
        self._listeners = listeners
        self.ready = asyncio.Event()
        self._reached = "0"
        self._news = asyncio.Event()  # another one for each batch

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except StoreUnreachable as away:
                log.warning("event_log_unreachable", reason=str(away))
                await asyncio.sleep(RETRY_S)

    async def catch_up(self) -> None:
        """Returns when the view knows all that was told before, by whichever server; after 0.5 s anyway: old news are better than none."""
        try:
            async with asyncio.timeout(CATCH_UP_S):
                last = await self._store.last_event()
                while is_before(self._reached, last):
                    await self._news.wait()
        except (StoreUnreachable, TimeoutError) as away:
            log.warning("view_may_be_late", reason=str(away) or f"behind after {CATCH_UP_S:g} s")

    async def _follow(self) -> None:
        snapshot = await self._store.load()
        self._view.start(snapshot.contacts, snapshot.agents, snapshot.calls)
        self._has_reached(snapshot.events)
        self.ready.set()
        while True:
            reached = self._reached
            for position, event in await self._store.events(reached, block_ms=BLOCK_MS):
                reached = position
                self._take(event)
            self._has_reached(reached)

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
