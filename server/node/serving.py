"""How far a server is between its start and its end."""

import asyncio


class Serving:
    """`started` once it can take calls; `stopping` is set when it was asked to end, or a part of it failed for good."""

    def __init__(self) -> None:
        self.started = False
        self.stopping = asyncio.Event()

    @property
    def takes_calls(self) -> bool:
        return self.started and not self.stopping.is_set()

    @property
    def why_not(self) -> str:
        """Why it takes no calls, for people; "" while it does."""
        if self.stopping.is_set():
            return "draining: no new calls"
        return "" if self.started else "starting: no calls yet"
