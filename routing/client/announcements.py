"""What one waiting caller is told of the wait: from time to time, never while a phone rings, and never in the way of an offer."""

import asyncio
from collections.abc import Callable, Coroutine

from routing.domain.model import QueuePolicy, WaitForecast
from routing.ports import WaitingCaller

Start = Callable[[Coroutine[object, object, None]], asyncio.Task[None]]


class Announcements:
    """`due` is called when it is time for one; `is_silent` says whether one must not be made now."""

    def __init__(
        self,
        caller: WaitingCaller,
        policy: Callable[[], QueuePolicy],
        wait_forecast: Callable[[], WaitForecast],
        due: Callable[[], None],
        is_silent: Callable[[], bool],
    ) -> None:
        self._caller = caller
        self._policy = policy
        self._wait_forecast = wait_forecast
        self._due = due
        self._is_silent = is_silent
        self._timer: asyncio.TimerHandle | None = None
        self._over = False
        self.running: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether one is being made or said."""
        return self.running is not None and not self.running.done()

    def plan(self, in_ms: int) -> None:
        """The next one comes then; 0 for none."""
        self._cancel()
        if in_ms > 0 and not self._over:
            self._timer = asyncio.get_running_loop().call_later(in_ms / 1000, self._due)

    def begin(self, start: Start) -> None:
        """Say it now."""
        self.running = start(self._say_position())

    async def interrupt(self) -> None:
        """An offer never waits for an announcement to be made or said."""
        self._cancel()
        if self.running and not self.running.done():
            await self._caller.interrupt()
            await asyncio.wait([self.running])
            self._cancel()

    async def stop(self) -> None:
        """The wait is over."""
        self._over = True
        self._cancel()
        if self.is_running:
            await self._caller.interrupt()

    async def _say_position(self) -> None:
        if self._is_silent():  # an offer came in the same moment: there was nothing yet to interrupt
            return
        wait_forecast = self._wait_forecast()
        wait_ms = wait_forecast.expected_wait_ms if self._policy().announce_wait else None
        try:
            await self._caller.announce(
                "position" if wait_forecast.position else "comfort", position=wait_forecast.position, wait_ms=wait_ms
            )
        finally:
            self.plan(self._policy().every_position_ms)

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
