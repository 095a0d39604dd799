"""Keeps one part of a site running: what ends is started again, more slowly while it keeps ending."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from server.processes.adopted_process import UNKNOWN

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 60.0  # what ran for so long and ends is started again without a longer pause
Say = Callable[[str], None]


class Part(Protocol):
    """A process that is kept running."""

    @property
    def pid(self) -> int: ...

    async def adopt(self) -> bool:
        """Take over the one that an earlier start left running; False when there is none."""

    async def start(self) -> None:
        """Returns when it is ready. ChildError says why it could not be started."""

    async def wait(self) -> int:
        """Its exit code, when it has ended."""

    async def stop(self) -> None: ...


async def keep_running(name: str, part: Part, say: Say) -> None:
    """Until cancelled."""
    pause_s = FIRST_PAUSE_S
    now = asyncio.get_running_loop().time
    began = now()
    while True:
        code = await part.wait()
        say(f"{name} ended{'' if code == UNKNOWN else f' (code {code})'}; starting it again")
        if now() - began > STEADY_AFTER_S:
            pause_s = FIRST_PAUSE_S
        await asyncio.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
        began = now()
        try:
            await part.start()
        except Exception as error:
            say(f"{name} could not be started: {error}")
