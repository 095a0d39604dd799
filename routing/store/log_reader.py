"""A durable reader of the event log, as its consumer has it: nothing that is written after it was opened is missed silently."""

import structlog

from routing.domain.events.envelope import Event
from routing.store.port import NEWEST, OLDEST, LogGap, NoSuchReader, Store, StoreUnreachable, is_before

log = structlog.get_logger(__name__)


class LogReader:
    """Reads on by itself; trimming waits for what is confirmed. For consumers that take an event twice without harm: after a restart, and
    after Redis lost what was confirmed lately, some come again.

    `after` is where it begins when the store does not know it: OLDEST or NEWEST; or a position that the consumer keeps, which counts.
    """

    def __init__(self, store: Store, name: str, *, after: str = OLDEST) -> None:
        self._store = store
        self.name = name
        self._begins = self._reached = after
        self._opened = False

    async def read(self, *, block_ms: int, limit: int = 500) -> list[tuple[str, Event]]:
        """The next events with their positions, behind those read last; waits up to `block_ms` for the first one.

        Raises LogGap once where some are gone, and goes on behind them; StoreUnreachable, and goes on where it was.
        """
        try:
            if not self._opened:
                await self._open()
            found = await self._store.events(self._reached, block_ms=block_ms, limit=limit)
        except LogGap as gap:
            self._reached = gap.dropped
            raise
        except StoreUnreachable:
            self._opened = False  # it may have lost us
            raise
        if found:
            self._reached = found[-1][0]
        return found

    async def confirm(self, position: str) -> None:
        """The consumer has kept all up to here. Raises StoreUnreachable; whatever is confirmed later confirms this, too."""
        try:
            await self._store.confirm(self.name, position)
        except NoSuchReader:
            await self._store.open_reader(self.name, position)

    async def close(self) -> None:
        """For good: trimming does not wait for it any more."""
        await self._store.close_reader(self.name)
        self._opened = False

    async def _open(self) -> None:
        position = await self._store.open_reader(self.name, self._reached)
        if self._reached in (OLDEST, NEWEST):
            self._reached = position
        elif is_before(await self._store.last_event(), self._reached):
            log.warning("log_begins_anew", reader=self.name, reached=self._reached, advice="the store has lost events that were read")
            self._reached = OLDEST
        elif self._reached == self._begins:  # what was read since is not confirmed by being read
            await self.confirm(self._reached)
        self._opened = True
