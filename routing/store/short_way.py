"""The short way between a server and the router in the same process: messages are not put into the inbox and read out of it again, but are
part of the commit of what follows from them; orders are handed over when they are committed.

Nothing is lost or done twice by it. A batch of messages is kept by the server's outbox until it is in the store, as ever: the commit
writes down that the batch is done together with what follows from it, and a batch that did not get so far - the router failed, or stands
by - goes into the inbox under the same number. Each order is in the server's stream as well, and is taken from wherever it comes first.

The order of things is kept, too: a batch goes the short way only when the router has read all that this server has put into the inbox
before; the first orders of a router come by the stream, behind those of the router before it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from routing.domain.messages import Message
from routing.domain.orders import Order
from routing.store.port import Once, Store, is_before


@dataclass(slots=True, eq=False)
class OwnBatch:
    """Messages on the short way. `taken` is done with whether they are in the store."""

    messages: Sequence[Message]
    once: Once
    taken: asyncio.Future[bool]

    def end(self, *, taken: bool) -> None:
        """It is known; harmless when nobody waits for that any more."""
        if not self.taken.done():
            self.taken.set_result(taken)


class ShortWay:
    """One for each process. `hand_over` gets the orders that the router of this process has for its server."""

    def __init__(self, store: Store, hand_over: Callable[[Order], None] = lambda order: None) -> None:
        self._store = store
        self._hand_over = hand_over
        self._wake: Callable[[], None] | None = None  # the router's, while it leads
        self._waiting: OwnBatch | None = None
        self._under_way: OwnBatch | None = None  # the router decides on it
        self._tried = 0  # number of the newest batch: each goes the short way at its first attempt only
        self._posted = "0"  # up to where the inbox has messages of this server
        self._read = "0"  # up to where the server has read its stream of orders
        self._by_stream: str | None = None  # the last order that was left to the stream; None: other routers may have written since
        self._handed_over: set[str] = set()  # positions of orders that the stream has not brought yet

    # -- the server's side -------------------------------------------------------------------------------------------

    async def post(self, *messages: Message, once: Once) -> None:
        """As `Store.post`."""
        first, self._tried = once.number > self._tried, max(self._tried, once.number)
        if first and self._wake and await self._taken(OwnBatch(messages, once, asyncio.get_running_loop().create_future())):
            return
        self._posted = await self._store.post(*messages, once=once)

    async def _taken(self, batch: OwnBatch) -> bool:
        assert self._wake is not None
        self._waiting = batch
        self._wake()
        try:
            return await batch.taken
        finally:
            if self._waiting is batch:  # whoever waited for it is gone, and will send it again
                self._waiting = None

    def is_new(self, position: str) -> bool:
        """Whether an order that the stream has brought is still to be carried out."""
        self._read = position
        known = position in self._handed_over
        self._handed_over.discard(position)
        return not known

    # -- the router's side -------------------------------------------------------------------------------------------

    def open(self, wake: Callable[[], None]) -> None:
        """The router leads from now on; `wake` is called when messages wait."""
        self._wake = wake
        self._by_stream = None

    def close(self) -> None:
        """The router leads no longer: what is not committed goes by the inbox."""
        self._wake = None
        for batch in (self._waiting, self._under_way):
            if batch:
                batch.end(taken=False)
        self._waiting = self._under_way = None

    def take(self, position: str) -> OwnBatch | None:
        """The messages that wait, for a router that has read the inbox up to `position`."""
        batch, self._waiting = self._waiting, None
        if batch and is_before(position, self._posted):
            batch.end(taken=False)
            return None
        self._under_way = batch
        return batch

    def committed(self) -> None:
        """What follows from the messages that were taken is in the store."""
        if self._under_way:
            self._under_way.end(taken=True)
            self._under_way = None

    def deliver(self, position: str, order: Order) -> None:
        """An order for this process's server was committed; in the order of their positions."""
        if self._by_stream is None or is_before(self._read, self._by_stream):
            self._by_stream = position
        elif is_before(self._read, position):
            self._handed_over.add(position)
            asyncio.get_running_loop().call_soon(self._hand_over, order)
