"""A server node as a child process of the supervisor: started or adopted, asked whether it serves, drained."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from server.home import HOME
from server.processes.child_process import ChildProcess
from server.readiness import REDIS, is_up, why_not_ready
from server.settings import fingerprint
from server.state_folder.ports import Ports
from server.state_folder.sockets import socket_folder

READY_S = 30.0
ANSWER_S = 1.0
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
    """`serving` is set while it is up. `number` distinguishes the nodes of one machine: each has ports, a log and a pid file of its own.

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
        self.name = f"server {number}" if number else "the server"
        which = f"-{number}" if number else ""
        log, run = options.state / "log", socket_folder(options.state)
        marks = f"--state {options.state.absolute()}"
        self._child = ChildProcess(self.name, log / f"server{which}.log", run / f"{pid_file_of(number)}.pid", marks)

    @property
    def pid(self) -> int:
        return self._child.pid

    async def adopt(self) -> bool:
        """Take over the one that an earlier start left running, also one that does not answer: it is ended as any other would be."""
        await self._child.adopt(lambda: self.answers(ANSWER_S), ANSWER_S)
        if not self.pid:
            return False
        self.serving.set()
        await self.renew_spare()
        return True

    async def is_outdated(self) -> bool:
        """Whether it runs an older program, with older settings, or was started otherwise than it would be now."""
        said = await self._ask("/healthz", ANSWER_S)
        options = self._options
        program, site = await asyncio.to_thread(lambda: (fingerprint.of_program(), fingerprint.of_site(options.config, options.dialplans)))
        started = [word for word in self._child.command if word != "--wait"]
        return bool(said) and (said.get("runs") != f"{program}-{site}" or started != self._command)

    async def redis_lacks(self) -> str:
        """Why it is not ready though it serves: Redis takes no writes; else ""."""
        return why_not_ready(await self._ask("/readyz", ANSWER_S), REDIS)

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
        return {**os.environ, "PYTHONPATH": str(HOME), "PYTHONUNBUFFERED": "1"}

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

    def kill(self) -> None:
        """End it at once; whoever waits for its end starts it again."""
        self._child.kill()

    async def answers(self, within_s: float) -> bool:
        """Whether it is alive and its event loop turns."""
        return await self._answers("/healthz", within_s)

    async def _ready(self) -> bool:
        return await self._answers("/readyz")

    async def _answers(self, path: str, within_s: float = ANSWER_S) -> bool:
        """Whether our own child says yes: another program on its port, or an older node, proves nothing."""
        return (await self._ask(path, within_s)).get("pid") == self.pid

    async def _ask(self, path: str, within_s: float) -> dict[str, Any]:
        limit = aiohttp.ClientTimeout(total=within_s)
        try:
            async with aiohttp.ClientSession(timeout=limit) as client, client.get(self._url + path) as answer:
                said = await answer.json()
                return said if isinstance(said, dict) and (answer.status == 200 or is_up(said)) else {}
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError):
            return {}


def pid_file_of(number: int) -> str:
    """The name of a node's pid file, without its ending."""
    return f"node-{number}" if number else "node"
