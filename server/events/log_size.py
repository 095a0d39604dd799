"""How large the event log is and how far its durable readers are: asked when somebody wants to know, and only then."""

import asyncio
from contextlib import suppress

from routing.store.port import LogState, Store, StoreUnreachable

WITHIN_S = 0.5


class LogSize:
    """`state` is what was answered last; None when the store did not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.state: LogState | None = None

    async def ask(self) -> None:
        """Returns when `state` is new, after half a second at most."""
        asking = asyncio.create_task(self._ask())  # not a time limit around it: redis-py may lose a cancellation
        try:
            await asyncio.wait({asking}, timeout=WITHIN_S)
        finally:
            asking.cancel()

    async def _ask(self) -> None:
        self.state = None
        with suppress(StoreUnreachable):
            self.state = await self._store.log_state()
