"""What one writer still has to bring to the store: in order, in batches, and kept while the store is away.

A store that answers too late may have taken a batch all the same. So each batch has a number, and goes out under the same one until it
is taken: the store leaves out what it has, also when a copy that was held up on the way arrives after all.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from routing.store.port import Once, StoreUnreachable

log = structlog.get_logger(__name__)
T = TypeVar("T")
Item = TypeVar("Item", contravariant=True)
BATCH = 500


class Put(Protocol[Item]):
    """`Store.post` or `Store.append`."""

    async def __call__(self, *items: Item, once: Once) -> None: ...


class Outbox(Generic[T]):
    """`writer` is unique to this outbox. `on_sent(batch, was_away)` is called for each batch that the store took."""

    def __init__(
        self, put: Put[T], writer: str, *, retry_s: float, on_sent: Callable[[Sequence[T], bool], None] = lambda batch, was_away: None
    ) -> None:
        self._put = put
        self._writer = writer
        self._retry_s = retry_s
        self._on_sent = on_sent
        self._queue: asyncio.Queue[T] = asyncio.Queue()
        self._batch: list[T] = []  # on its way
        self._number = 0
        self.held_up = ""  # why the store does not take what is told; "" while it does

    def add(self, item: T) -> None:
        """Bring it to the store, after everything added before."""
        self._queue.put_nowait(item)

    async def run(self) -> None:
        """Send until cancelled; a run that was broken off is gone on with by the next."""
        while True:
            if not self._batch:
                self._batch = [await self._queue.get()]
                while not self._queue.empty() and len(self._batch) < BATCH:
                    self._batch.append(self._queue.get_nowait())
                self._number += 1
            was_away = await self._deliver()
            batch, self._batch = self._batch, []
            for _ in batch:
                self._queue.task_done()
            self._on_sent(batch, was_away)

    async def flush(self) -> None:
        """Returns when everything added so far is in the store."""
        await self._queue.join()

    async def _deliver(self) -> bool:
        """As often as it takes; tells whether the store was away: what it held may be lost with it."""
        while True:
            try:
                await self._put(*self._batch, once=Once(self._writer, self._number))
                was_away, self.held_up = bool(self.held_up), ""
                return was_away
            except StoreUnreachable as away:
                if not (self.held_up or away.told):
                    log.warning("store_unreachable", writer=self._writer, reason=str(away))
                self.held_up = str(away) or type(away).__name__
                await asyncio.sleep(self._retry_s)
