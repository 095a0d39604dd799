"""The one 20 ms clock of all media in a process: it gives every sender the tick, and catches up when the process was late.
It knows nothing of RTP."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Protocol
from weakref import WeakKeyDictionary

PERIOD_S = 0.02
KEEP_ALIVE_TICKS = 250
_MOST_LATE = 10


class Paced(Protocol):
    def tick(self, number: int) -> None:
        """Send what belongs to tick `number`; ticks may be skipped after a long pause, never repeated."""


class Pacer:
    """Calls its members every 20 ms, and its quiet members every 5 s. Runs only while it has any."""

    _of_loop: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, Pacer]] = WeakKeyDictionary()

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._started_at = loop.time()
        self._members: dict[Paced, None] = {}
        self._quiet: dict[Paced, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0

    @classmethod
    def of_this_loop(cls) -> Pacer:
        """The pacer that all phones of the running event loop share."""
        loop = asyncio.get_running_loop()
        return cls._of_loop.setdefault(loop, cls(loop))

    @property
    def number(self) -> int:
        """The tick that it is now."""
        return int((self._loop.time() - self._started_at) / PERIOD_S)

    def join(self, member: Paced, *, quiet: bool = False) -> None:
        """Call `member` from the next tick on; joining again changes only whether it is quiet."""
        self.leave(member)
        (self._quiet if quiet else self._members)[member] = None
        if self._timer is None:
            self._last = self.number
            self._wait()

    def leave(self, member: Paced) -> None:
        self._members.pop(member, None)
        self._quiet.pop(member, None)

    def _wait(self) -> None:
        self._timer = self._loop.call_at(self._started_at + (self._last + 1) * PERIOD_S, self._tick)

    def _tick(self) -> None:
        if not self._members and not self._quiet:
            self._timer = None
            return
        now = max(self.number, self._last + 1)
        for number in range(max(self._last + 1, now - _MOST_LATE), now + 1):
            for member in tuple(self._members):
                member.tick(number)
            if number % KEEP_ALIVE_TICKS == 0:
                for member in tuple(self._quiet):
                    member.tick(number)
        self._last = now
        self._wait()
