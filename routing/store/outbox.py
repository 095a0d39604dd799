"""What one writer still has to bring to the store: in order, in batches, and kept while the store is away.

A store that answers too late may have taken a batch all the same. So each batch has a number, and goes out under the same one until it
is taken: the store leaves out what it has, also when a copy that was held up on the way arrives after all.

Details wait for a moment (`PATIENCE_S`) for something that matters more, and go out together with it: so it does not wait for them.

What waits is bounded: beyond `MOST` the oldest of what is worth least is dropped. That is logged at once, and reported by `on_dropped` when
the store has taken half of the rest.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from itertools import count
from typing import Generic, Protocol, TypeVar

import structlog

from routing.store.port import Once, StoreUnreachable

log = structlog.get_logger(__name__)
T = TypeVar("T")
Item = TypeVar("Item", contravariant=True)
BATCH = 500
PATIENCE_S = 0.003
MOST = 50_000  # some 50 MB of events


class Worth(IntEnum):
    """What hurts least is dropped first. Ends are never dropped, and have room of their own: there are some for each call."""

    DETAIL = 0
    FACT = 1
    END = 2


class Put(Protocol[Item]):
    """`Store.post` or `Store.append`."""

    async def __call__(self, *items: Item, once: Once) -> None: ...


class Waiting(Generic[T]):
    """Items in the order in which they were added; of those that are no ends `most` at most."""

    def __init__(self, worth: Callable[[T], Worth], most: int) -> None:
        self._worth = worth
        self._most = most
        self._numbers = count()
        self._lines: dict[Worth, deque[tuple[int, T]]] = {worth: deque() for worth in Worth}

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def add(self, item: T) -> T | None:
        """What is dropped to make room, perhaps the item itself; None while there is room."""
        self._lines[self._worth(item)].append((next(self._numbers), item))
        if self._droppable <= self._most:
            return None
        return (self._lines[Worth.DETAIL] or self._lines[Worth.FACT]).popleft()[1]

    @property
    def has_room(self) -> bool:
        """Half of it is free."""
        return 2 * self._droppable <= self._most

    @property
    def _droppable(self) -> int:
        return len(self._lines[Worth.DETAIL]) + len(self._lines[Worth.FACT])

    def take(self, most: int) -> list[T]:
        """The oldest, in order."""
        found: list[T] = []
        while len(found) < most and (lines := [line for line in self._lines.values() if line]):
            found.append(min(lines, key=lambda line: line[0][0]).popleft()[1])
        return found


class Outbox(Generic[T]):
    """`writer` is unique to this outbox. `on_sent(batch, was_away)` is called for each batch that the store took, `on_dropped(counts)`
    with how many of which kind were dropped since the last time. `dropped` counts them from the beginning."""

    def __init__(
        self,
        put: Put[T],
        writer: str,
        *,
        retry_s: float,
        kind: Callable[[T], str],
        worth: Callable[[T], Worth],
        on_sent: Callable[[Sequence[T], bool], None] = lambda batch, was_away: None,
        on_dropped: Callable[[Mapping[str, int]], None] = lambda counts: None,
        most: int = MOST,
    ) -> None:
        self._put = put
        self._writer = writer
        self._retry_s = retry_s
        self._worth = worth
        self._kind = kind
        self._on_sent, self._on_dropped = on_sent, on_dropped
        self._waiting: Waiting[T] = Waiting(worth, most)
        self._news, self._urgent, self._done = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._batch: list[T] = []  # on its way
        self._number = 0
        self._unreported: Counter[str] = Counter()  # dropped, and not reported yet
        self.dropped: Counter[str] = Counter()
        self.held_up = ""  # why the store takes nothing; "" while it does

    def add(self, item: T) -> None:
        """Bring it to the store, after everything added before."""
        gone = self._waiting.add(item)
        self._news.set()
        if self._worth(item) is not Worth.DETAIL:
            self._urgent.set()
        self._done.clear()
        if gone is None:
            return
        if not self._unreported:
            advice = "what is worth least goes first; the counts follow when the store is back"
            log.warning("outbox_full", writer=self._writer, waiting=len(self._waiting), reason=self.held_up, advice=advice)
        self._unreported[self._kind(gone)] += 1
        self.dropped[self._kind(gone)] += 1

    async def run(self) -> None:
        """Send until cancelled; a run that was broken off is gone on with by the next."""
        while True:
            if not self._batch:
                await self._news.wait()
                await self._be_patient()
                self._batch = self._waiting.take(BATCH)
                self._number += 1
            was_away = await self._deliver()
            batch, self._batch = self._batch, []
            self._on_sent(batch, was_away)
            if self._unreported and self._waiting.has_room:
                self._report_dropped()
            if not self._waiting:
                self._news.clear()
                self._urgent.clear()
                self._done.set()

    async def flush(self) -> None:
        """Returns when everything added so far is in the store."""
        if self._waiting or self._batch:
            await self._done.wait()

    async def _be_patient(self) -> None:
        if not self._urgent.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self._urgent.wait()

    def _report_dropped(self) -> None:
        counts, self._unreported = self._unreported, Counter()
        log.warning("outbox_dropped", writer=self._writer, counts=dict(counts))
        self._on_dropped(counts)

    async def _deliver(self) -> bool:
        """As often as it takes; returns whether the store was away: what was in it may be lost."""
        while True:
            try:
                await self._put(*self._batch, once=Once(self._writer, self._number))
                was_away, self.held_up = bool(self.held_up), ""
                return was_away
            except StoreUnreachable as away:
                if not (self.held_up or away.logged):
                    log.warning("store_unreachable", writer=self._writer, reason=str(away))
                self.held_up = str(away) or type(away).__name__
                await asyncio.sleep(self._retry_s)
