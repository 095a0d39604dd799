"""Keeps the read model true: loads the records, then follows the event log, and hands each event to whoever wants it."""

import asyncio
from collections.abc import Callable

import structlog

from routing.events import Event
from routing.store_port import Store, StoreUnreachable
from routing.view import View

log = structlog.get_logger(__name__)
BLOCK_MS = 5_000
RETRY_S = 0.5


class Follower:
    """`run` follows until cancelled; after the store was away it begins again from the records, since events may have been lost with it."""

    def __init__(self, store: Store, view: View, *listeners: Callable[[Event], None]) -> None:
        self._store = store
        self._view = view
        self._listeners = listeners
        self.ready = asyncio.Event()

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except StoreUnreachable as away:
                log.warning("event_log_unreachable", reason=str(away))
                await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        snapshot = await self._store.load()
        self._view.start(snapshot.contacts, snapshot.agents, snapshot.calls)
        after = snapshot.events
        self.ready.set()
        while True:
            for position, event in await self._store.events(after, block_ms=BLOCK_MS):
                after = position
                self._take(event)

    def _take(self, event: Event) -> None:
        for take in (self._view.apply, *self._listeners):
            try:
                take(event)
            except Exception:  # one event that somebody cannot read must not stop the others
                log.exception("event_not_taken", type=event.type, id=event.id)
