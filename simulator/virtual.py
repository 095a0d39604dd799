"""Virtual time: an asyncio loop that jumps to the next timer instead of waiting, and a clock that shows the loop's time.

A day runs in seconds and always in the same way. For code without sockets and threads: when nothing is scheduled, nothing can
happen any more, which is raised as a Deadlock.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
START_MS = 1_790_000_000_000  # what a virtual clock shows when its loop starts


class Deadlock(RuntimeError):
    """Every task waits for something that nobody will do."""


class _JumpingSelector(selectors.BaseSelector):
    """Passes the loop's waiting times on to its time. The loop's own wake-up socket is the only thing registered."""

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()
        self.passed_s = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._inner.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise Deadlock("nothing is scheduled: every task waits for something that nobody will do")
        self.passed_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed_s


class VirtualClock:
    """Shows the running loop's time, from `start_ms` on. In milliseconds since 1970 UTC."""

    def __init__(self, start_ms: int = START_MS) -> None:
        self._start_ms = start_ms

    def now_ms(self) -> int:
        return self._start_ms + round(1000 * asyncio.get_running_loop().time())


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time, cancelling what it left behind; Deadlock when it can never end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
