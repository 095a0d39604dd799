"""`./hotline events` reads a log that is trimmed meanwhile."""

import asyncio

import pytest

from routing.domain.events.envelope import Event
from routing.store.memory import MemoryStore, Shared
from routing.store.port import LogLimits
from server.cli.events import _show
from tests.told import counted

pytestmark = pytest.mark.unit


class BusyStore(MemoryStore):
    """Whoever reads it once finds that much has been told since."""

    async def events(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Event]]:
        found = await super().events(after, block_ms=block_ms, limit=limit)
        if self._shared.events.last < 14:
            await self.append(*(Event(f"e{number}", number, counted(number)) for number in range(10, 20)))
        return found


def test_what_was_dropped_meanwhile_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, so that what stores the events of stdout gets nothing but events; all that are there come."""
    shown: list[str] = []

    async def play() -> None:
        store = BusyStore(Shared(LogLimits(keep=4, every=1)))
        await store.append(*(Event(f"e{number}", number, counted(number)) for number in range(4)))
        await _show(store, "", 100, False, lambda event: shown.append(event.id))

    asyncio.run(play())
    assert shown == ["e0", "e1", "e2", "e3", "e16", "e17", "e18", "e19"]
    assert "events behind 4 were dropped from the log before they were read" in capsys.readouterr().err
