"""A process that is not our child, followed and ended by its descriptor: an earlier `up` started it and was killed.

It offers what `asyncio.subprocess.Process` offers, so that whoever keeps a program running need not know which it is.
"""

import asyncio
import os
import signal

UNKNOWN = -256  # for the exit code, which the system gives to the parent alone


class AdoptedProcess:
    """Raises ProcessLookupError when there is no such process. `returncode` is None while it runs, then UNKNOWN."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._has_ended)

    async def wait(self) -> int:
        """Returns when it has ended."""
        await self._ended.wait()
        return UNKNOWN

    def terminate(self) -> None:
        """Ask it to end. Raises ProcessLookupError when it has ended."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once. Raises ProcessLookupError when it has ended."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.returncode is not None:
            raise ProcessLookupError(self.pid)
        signal.pidfd_send_signal(self._descriptor, number)

    def _has_ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        self.returncode = UNKNOWN
        self._ended.set()
