"""A store in memory that is away at times, and says at times that it did not take what it has taken."""

import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from routing.store.memory import MemoryStore, Shared
from routing.store.port import StoreUnreachable


class Weather(Protocol):
    """What the stores of all servers suffer from now."""

    away: bool
    shaky: bool
    chance: random.Random


class ShakyStore(MemoryStore):
    """A server's way to the store: it may be away, and what it says it did not take it may have taken."""

    def __init__(self, shared: Shared, weather: Weather) -> None:
        super().__init__(shared)
        self._weather = weather
        self.cut = False  # the server is dead, or its network is

    async def _through(self, work: Callable[[], Awaitable[Any]], *, may_lie: bool = False) -> Any:
        self._check()
        done = await work()
        self._check()
        if may_lie and self._weather.shaky and self._weather.chance.random() < 0.3:
            raise StoreUnreachable("it was written, but the answer is lost")
        return done

    def _check(self) -> None:
        if self.cut or self._weather.away:
            raise StoreUnreachable("the store is away")

    async def inbox(self, *given: Any, **more: Any) -> Any:
        return await self._through(lambda: MemoryStore.inbox(self, *given, **more))

    async def commit(self, *given: Any, **more: Any) -> Any:
        return await self._through(lambda: MemoryStore.commit(self, *given, **more), may_lie=True)

    async def load(self) -> Any:
        return await self._through(lambda: MemoryStore.load(self))

    async def acquire(self, *given: Any, **more: Any) -> Any:
        return await self._through(lambda: MemoryStore.acquire(self, *given, **more), may_lie=True)

    async def renew(self, *given: Any, **more: Any) -> Any:
        return await self._through(lambda: MemoryStore.renew(self, *given, **more))

    async def release(self, *given: Any, **more: Any) -> Any:
        return await self._through(lambda: MemoryStore.release(self, *given, **more))
