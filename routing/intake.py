"""What the router decides on next: the inbox, and what the server in the same process tells by the short way, together in one batch."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from routing.domain.messages import Message
from routing.store.port import Once, Store
from routing.store.short_way import ShortWay

BATCH = 500  # messages of the inbox decided on in one commit at most


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages, each with what it is known by, in their order. `position` is how far the inbox was read, `moved` whether that is news;
    `once` names the batch among them that came by the short way."""

    messages: Sequence[tuple[str, Message]]
    position: str
    moved: bool = False
    once: Once | None = None


class Intake:
    """One reign of a router, until `close`. An inbox read goes on while messages that come by the short way are decided on."""

    def __init__(self, store: Store, short_way: ShortWay, position: str) -> None:
        self._store = store
        self._short_way = short_way
        self._position = position
        self._reading: asyncio.Task[list[tuple[str, Message]]] | None = None
        self._reads_until = 0.0  # in the loop's time
        self._news = asyncio.Event()
        short_way.open(self._news.set)

    async def next(self, wait_ms: int) -> Batch:
        """What has come; waits up to `wait_ms`, and has looked into the inbox in any case. Raises what the store raises."""
        now = asyncio.get_running_loop().time()
        until = now + wait_ms / 1000
        if self._reading is None:
            self._reading = asyncio.create_task(self._store.inbox(self._position, block_ms=wait_ms, limit=BATCH))
            self._reading.add_done_callback(lambda _: self._news.set())
            self._reads_until = until
        try:
            async with asyncio.timeout_at(until if until < self._reads_until else None):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()
        return self._come()

    def _come(self) -> Batch:
        read: list[tuple[str, Message]] = []
        if self._reading and self._reading.done():
            read, self._reading = self._reading.result(), None
        if read:
            self._position = read[-1][0]
        own = self._short_way.take(self._position)
        if own is None:
            return Batch(read, self._position, bool(read))
        name = f"{own.once.writer}/{own.once.number}"
        messages = [*read, *((f"{name}/{place}", message) for place, message in enumerate(own.messages))]
        return Batch(messages, self._position, bool(read), own.once)

    async def close(self) -> None:
        """The reign is over."""
        self._short_way.close()
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
