"""Keys that a caller pressed, in order, waiting to be taken. Fed by LiveCalls from AMI; the digits are never logged or shown."""

import asyncio
from collections import deque

KEYS = frozenset("0123456789*#ABCD")
MOST_KEYS = 32  # further ones are dropped until some are taken


class KeySource:
    """The keys of one caller. `connected` is False while AMI is away: then no key arrives here, and AGI's own ways must serve."""

    def __init__(self, *, connected: bool) -> None:
        self._keys: deque[str] = deque()
        self._connected = connected
        self._news = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._connected

    async def next(self, timeout_ms: int | None) -> str:
        """The next key, taken; "" when none came in time (None: no limit), or when AMI is away or goes away meanwhile."""
        try:
            async with asyncio.timeout(None if timeout_ms is None else timeout_ms / 1000):
                while not self._keys and self._connected:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass  # a key may have come in the very last moment
        return self.take()

    def take(self) -> str:
        """The next key that is waiting, or ""."""
        return self._keys.popleft() if self._keys else ""

    def clear(self) -> None:
        """Drop the keys that are waiting."""
        self._keys.clear()

    def push(self, key: str) -> None:
        """A key was pressed; anything that is no key is ignored."""
        if key in KEYS and len(self._keys) < MOST_KEYS:
            self._keys.append(key)
            self._news.set()

    def set_connected(self, connected: bool) -> None:
        """AMI came or went; wakes those who wait when it went."""
        self._connected = connected
        self._news.set()

    def __repr__(self) -> str:
        return f"<KeySource {len(self._keys)} keys waiting>"
