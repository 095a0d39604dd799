"""One ring under way: what is known of it, who waits for news of it, and what has been told of it."""

import asyncio
from collections.abc import Callable
from typing import Literal

from agi.leg import Leg

Progress = Literal["ringing", "answered", "transferred"]


class Ring:
    """A ring under way. `progress` is called once for each news."""

    def __init__(self, caller: str, offer: str, endpoint: str, ring_timeout_ms: int, progress: Callable[[Progress], None]) -> None:
        self.offer = offer
        self.endpoint = endpoint
        self.ring_timeout_ms = ring_timeout_ms
        self.leg = Leg(caller)
        self.leg_when_lost = ""
        self.finished = False  # Dial has returned
        self._progress = progress
        self._told: set[Progress] = set()
        self._news = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that events, or our own doing, make true. One waiter at a time."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    def wake(self) -> None:
        """Something changed: whoever waits looks again, and progress is told once."""
        self._news.set()
        if self.leg.facts.rang:
            self.tell("ringing")
        if self.leg.answered:
            self.tell("answered")
        if self.leg.transferred:
            self.tell("transferred")

    def tell(self, progress: Progress) -> None:
        """Tell it to whoever asked for the ring, once."""
        if progress not in self._told:
            self._told.add(progress)
            self._progress(progress)
