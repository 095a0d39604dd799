"""A server node as a child process of the supervisor: started, asked whether it serves, ended when it is frozen."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Protocol

import aiohttp

from server.child_process import ChildProcess
from server.port_numbers import Ports
from server.readiness import is_up
from server.socket_folder import socket_folder

READY_S = 30.0
HEALTH_EVERY_S = 1.0
FROZEN_AFTER_S = 3.0  # a node that is silent for so long is ended and started again
STOP_S = 15.0  # what a node may take beyond draining


class Options(Protocol):
    """The folders and the address that the node is started with."""

    @property
    def state(self) -> Path: ...

    @property
    def config(self) -> Path: ...

    @property
    def dialplans(self) -> Path: ...

    @property
    def listen(self) -> str: ...


class NodeProcess:
    """`serving` is set while it is up. `number` tells the nodes of one machine apart: each has ports, a log and a pid file of its own.

    With `spare` the next one stands by while it serves: loading the program is most of what a start takes. Where there are several
    nodes the others take the calls over sooner than that.
    """

    def __init__(self, options: Options, ports: Ports, drain_s: float, number: int = 0, *, spare: bool = False) -> None:
        self._options = options
        self._drain_s = drain_s
        self._spare = spare
        self.number = number
        self.serving = asyncio.Event()
        host = "127.0.0.1" if options.listen in ("0.0.0.0", "::") else options.listen
        self._url = f"http://{host}:{ports.http + number}"
        which = f"-{number}" if number else ""
        log, run = options.state / "log", socket_folder(options.state)
        marks = f"--state {options.state.absolute()}"
        self._child = ChildProcess(
            f"server {number}" if number else "the server", log / f"server{which}.log", run / f"node{which}.pid", marks
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    async def start(self) -> None:
        """Returns when it is ready for calls."""
        await self._child.start(self._command, self._ready, READY_S, self._environment)
        self.serving.set()
        await self.renew_spare()

    async def renew_spare(self) -> None:
        """Has the one that stands by, where one does, load the program as it is now."""
        if self._spare:
            with contextlib.suppress(OSError):  # then the next start takes longer
                await self._child.prepare([*self._command, "--wait"], self._environment)

    @property
    def _command(self) -> list[str]:
        options = self._options
        command = [sys.executable, "-m", "server", "node", "--state", str(options.state.absolute())]
        command += ["--config", str(options.config.absolute()), "--dialplans", str(options.dialplans.absolute())]
        return [*command, "--listen", options.listen, "--number", str(self.number)]

    @property
    def _environment(self) -> dict[str, str]:
        root = Path(__file__).resolve().parent.parent
        return {**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}

    async def wait(self) -> int:
        code = await self._child.wait()
        self.serving.clear()
        return code

    async def stop(self) -> None:
        """Lets it drain; `drain_s` is the site's limit."""
        await self._child.drop_spare()
        await self._child.stop(within=self._drain_s + STOP_S)

    async def drain(self) -> None:
        """The same, for one that is started again by whoever waits for its end."""
        self.serving.clear()
        await self._child.stop(within=self._drain_s + STOP_S)

    async def end_when_frozen(self) -> None:
        """Ends a node that does not answer any more; its calls go on where Asterisk takes them next. Runs until cancelled."""
        silent_since: float | None = None
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(HEALTH_EVERY_S)
            pid = self.pid
            if not pid or not self.serving.is_set() or await self._answers("/healthz"):
                silent_since = None
            elif silent_since is None:
                silent_since = now()
            elif now() - silent_since > FROZEN_AFTER_S:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                silent_since = None

    async def _ready(self) -> bool:
        return await self._answers("/readyz")

    async def _answers(self, path: str) -> bool:
        """Whether our own child says yes: another program on its port, or an older node, proves nothing."""
        limit = aiohttp.ClientTimeout(total=HEALTH_EVERY_S)
        try:
            async with aiohttp.ClientSession(timeout=limit) as client, client.get(self._url + path) as answer:
                said = await answer.json()
                return bool((answer.status == 200 or is_up(said)) and said["pid"] == self.pid)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError):
            return False
