"""The site that faults are done to: a number for each thing that a caller may be doing, agents, processes to be killed and frozen."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from simulator.feed import EventFeed
from simulator.own_processes import OwnProcesses
from simulator.site import SiteFailed

MENU, DIGITS, WAITING, TALKING, LOOKING_UP, JOINING = "7001", "7002", "7003", "7004", "7005", "7006"
FIRST_PHONE = 3001
ACCOUNTS = ("caller", "caller2", "caller3")
SLOW_SPEECH_S = 6.0

_FLOWS = {
    MENU: (
        "menu",
        """  start: {type: menu, prompt: {en: "Press one to end this, or wait to hear it again."}, timeout: 1s,
    options: {"1": over}, no_input: {attempts: 5, then: again}, failure: over}
  again: {type: goto, node: start}""",
    ),
    DIGITS: (
        "digits",
        """  start: {type: collect, prompt: {en: Your number.}, save: number, min_length: 8, max_length: 8, timeout: 120s,
    inter_digit_timeout: 120s, failure: over, next: look}
  look: {type: lookup, url: "http://127.0.0.1:BACKEND/accounts/{number}", timeout: 5s, found: over, not_found: over, failed: over}""",
    ),
    WAITING: ("waiting", "  start: {type: queue, queue: served, otherwise: over}"),
    TALKING: ("talking", "  start: {type: queue, queue: served, otherwise: over}"),
    LOOKING_UP: (
        "looking_up",
        """  start: {type: lookup, url: "http://127.0.0.1:BACKEND/slow", timeout: 20s, found: over, not_found: over, failed: over}""",
    ),
    JOINING: ("joining", "  start: {type: queue, queue: announced, otherwise: over}"),
}
_QUEUES = """
defaults: {wrap_up: 0s, max_wait: 1h, max_waiting: 1000, announce_position: {first: 0s, every: 0s}}
queues: {served: {}, announced: {announce_position: {first: 1s, every: 30s}}}
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a site is made: server nodes, agents, seconds that a drain may take, whether speech is slow to be rendered,
    and whether the state folder has a small disk of its own (which only root can make)."""

    nodes: int = 1
    agents: int = 10
    drain_s: int = 5
    slow_speech: bool = False
    small_disk: bool = False


def write_site(folder: Path, shape: Shape, backend_port: int) -> None:
    """Write config/ and dialplans/ of such a site into `folder`."""
    (folder / "config").mkdir(parents=True)
    (folder / "dialplans").mkdir()
    for name, nodes in _FLOWS.values():
        text = f"flow: {name}\nlanguages: [en]\nstart: start\nnodes:\n{nodes}\n  over: {{type: hangup}}\n"
        (folder / f"dialplans/{name}.yaml").write_text(text.replace("BACKEND", str(backend_port)))
    queues = ["announced"] if shape.slow_speech else ["served"]
    people = {f"a{n}": {"name": f"Agent {n}", "phone": str(FIRST_PHONE + n), "queues": [*queues]} for n in range(shape.agents)}
    speech = "espeak-ng -v en-us -s 155 -w {out} {text}"
    if shape.slow_speech:
        slow = folder / "slow-speech"
        slow.write_text(f'#!/bin/sh\nsleep {SLOW_SPEECH_S:g}\nexec espeak-ng -v en-us -s 155 -w "$1" "$2"\n')
        slow.chmod(0o755)
        speech = f"{slow} {{out}} {{text}}"
    main = {
        "site": "faults",
        "languages": ["en"],
        "speech": {"en": speech},
        "limits": {"calls": 500, "nodes": shape.nodes, "drain": f"{shape.drain_s}s"},
    }
    (folder / "config/hotline.yaml").write_text(json.dumps(main))
    (folder / "config/agents.yaml").write_text(json.dumps({"agents": people}))
    (folder / "config/queues.yaml").write_text(_QUEUES)
    (folder / "config/numbers.yaml").write_text(json.dumps({"numbers": {number: name for number, (name, _) in _FLOWS.items()}}))


class FaultSite(OwnProcesses):
    """A site in `folder` whose processes can be met one by one."""

    def __init__(self, folder: Path, shape: Shape, backend_port: int) -> None:
        self.folder, self.shape = folder, shape
        write_site(folder, shape, backend_port)
        super().__init__(folder / "state", folder / "config", folder / "dialplans")

    def kill(self, part: str) -> None:
        os.kill(self.pid(part), signal.SIGKILL)

    async def freeze(self, part: str, seconds: float) -> None:
        """Stop a process for a time; it may be gone when it should go on."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def up_killed(self) -> None:
        """`up` is killed with -9, and started again on the same state folder."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
        followed, self.feed = self.feed, EventFeed(self.state, self.folder / "config", self.folder / "dialplans")
        client = self._client
        await self.start()
        if client:
            await client.close()
        await self.feed.stop()
        self.feed = followed

    async def start(self, within: float = 60.0) -> None:
        if self.shape.small_disk and not self.state.exists():
            self.state.mkdir()
            await _run("mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", str(self.state))
        await super().start(within)

    async def stop(self) -> int:
        code = await super().stop()
        if self.shape.small_disk:
            await _run("umount", "--lazy", str(self.state))
        return code

    def fill_disk(self) -> None:
        """Not a byte more can be written into the state folder."""
        with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def empty_disk(self) -> None:
        """There is room again."""
        self._filler.unlink()

    @property
    def _filler(self) -> Path:
        return self.state / "filler"

    async def ended(self, within_s: float) -> None:
        """Wait for the end of `up`, after a signal to it. Raises TimeoutError."""
        assert self._process is not None
        await asyncio.wait_for(self._process.wait(), within_s)

    async def redis_command(self, *words: str) -> bytes:
        """What the site's own Redis answers to a command, in its protocol's words."""
        reader, writer = await asyncio.open_unix_connection(str(self.sockets / "redis.sock"))
        writer.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words))
        said = await reader.readline()
        writer.close()
        return said

    async def ready(self, within_s: float = 30.0) -> bool:
        """Whether every node takes calls within a time."""
        try:
            async with asyncio.timeout(within_s):
                while not await self._all_ready():  # noqa: ASYNC110 - nothing informs a site's guests
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return False
        return True

    async def _all_ready(self) -> bool:
        for number in range(self.shape.nodes):
            try:
                address = f"http://127.0.0.1:{self.ports['http'] + number}/readyz"
                async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client, client.get(address) as answer:
                    if answer.status != 200:
                        return False
            except (aiohttp.ClientError, TimeoutError, OSError):
                return False
        return True

    async def agent_states(self) -> Mapping[str, str]:
        """Agent -> state."""
        rows: Any = (await self.get("/api/agents"))["agents"]
        return {row["id"]: row["state"] for row in rows}


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    if await process.wait() != 0:
        raise SiteFailed(f"{' '.join(command[:3])} failed: a disk of its own for the state folder needs root")
