"""Counts in Redis: see routing/store/counts.py. What changes them is in lua/take.lua and lua/take_try.lua."""

from collections.abc import Sequence

from routing.store.counts import Bound, Taken, Tries, Try
from routing.store.keys import Keys
from routing.store.redis_connection import RedisConnection
from routing.store.scripts import Script


class RedisCounts:
    """Those of one routing domain."""

    def __init__(self, connection: RedisConnection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys
        self._take, self._take_try = Script("take"), Script("take_try")

    async def take(self, bounds: Sequence[Bound], now_ms: int) -> Taken:
        """`now_ms` is not needed: Redis forgets by its own clock."""
        if not bounds:
            return Taken()
        names = [self._keys.count(bound.name) for bound in bounds]
        limits = [str(number) for bound in bounds for number in (bound.most, bound.life_ms)]
        async with self._connection.reaching():
            full, *counts = await self._take(self._connection.commands, more_keys=names, more_args=limits)
        return Taken(full=bounds[int(full) - 1]) if full else Taken(tuple(map(int, counts)))

    async def take_try(self, name: str, tries: Tries, now_ms: int) -> Try:
        async with self._connection.reaching():
            allowed, locked_ms = await self._take_try(
                self._connection.commands,
                more_args=[str(ms) for ms in tries.locks_ms],
                tried=self._keys.tried_by(name),
                now_ms=now_ms,
                each=tries.each,
                life_ms=tries.life_ms,
            )
        return Try(bool(allowed), int(locked_ms))

    async def forget_tries(self, name: str) -> None:
        async with self._connection.reaching():
            await self._connection.commands.delete(self._keys.tried_by(name))
