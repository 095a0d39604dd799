"""The parts of a node that run as long as it does: none may end by itself, with an error, without one, or cancelled by nobody of ours.

One that does is a defect: it is logged and started again, since each can go on with what it has. One that ends again and again may have
something that breaks it; then the node ends, and is started anew by whoever runs it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)
PAUSE_S = (0.2, 5.0)  # first and longest, before a part is started again
MOST, WITHIN_S = 5, 60.0  # ends of one part


class Parts:
    """Starts parts and keeps them running. `give_up` is called when one cannot be kept. `restarted` counts by part."""

    def __init__(self, give_up: Callable[[], None]) -> None:
        self.restarted: Counter[str] = Counter()
        self._give_up = give_up
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Have it run; `run` is called again when it has ended, and goes on where it was."""
        self.restarted[name] = 0
        self._tasks.append(asyncio.create_task(self._keep(name, run), name=name))

    async def stop(self) -> None:
        """Cancel all; returns when they have ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        now, ends, pause_s = asyncio.get_running_loop().time, deque[float](maxlen=MOST), PAUSE_S[0]
        while True:
            began = now()
            await _end_of(name, run)
            ends.append(now())
            if len(ends) == MOST and ends[-1] - ends[0] < WITHIN_S:
                log.error("part_given_up", part=name, advice="the node ends, and is started anew by ./hotline up")
                self._give_up()
                return
            pause_s = PAUSE_S[0] if now() - began > WITHIN_S else min(PAUSE_S[1], 2 * pause_s)
            await asyncio.sleep(pause_s)
            self.restarted[name] += 1


async def _end_of(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Returns when the part has ended by itself, having logged it. Raises CancelledError when we are cancelled."""
    task = asyncio.current_task()
    assert task is not None
    try:
        await run()
    except asyncio.CancelledError:
        if task.cancelling():
            raise
        log.error("part_ended", part=name, reason="it was cancelled from inside")
    except Exception:
        log.exception("part_ended", part=name, reason="an error that nobody caught")
    else:
        log.error("part_ended", part=name, reason="it returned, and should run for ever")
