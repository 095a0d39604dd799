"""A complete Hotline as its users run it: `server up` as a process, reached by SIP, HTTP and the event log. For demo and tests."""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from simulator.feed import EventFeed
from simulator.home import ROOT
from simulator.phone import Phone

STOP_S = 75.0
AWAY_S, AGAIN_S = 15.0, 0.2


class SiteFailed(Exception):
    """The site did not start; the message has its last words."""


class RunningSite:
    """`start`, use `http`, `phone` and `feed`, `stop`. `state` is its state folder; `say` gets each line that `up` prints.

    `home` is where the program lies, `environment` what its processes have in theirs beside our own.
    """

    def __init__(
        self, state: Path, config: Path, dialplans: Path, *, listen: str = "127.0.0.1", say: Callable[[str], None] | None = None
    ) -> None:
        self.state = state
        self.home = ROOT
        self.environment: dict[str, str] = {}
        self._command = ["up", "--state", str(state), "--config", str(config), "--dialplans", str(dialplans), "--listen", listen]
        self._say = say or (lambda line: None)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.most_files = 0  # that it and its children may open; 0: as many as this process
        self.words: list[str] = []
        self._client: aiohttp.ClientSession | None = None
        self.feed = EventFeed(state, config, dialplans)
        self.ports: dict[str, int] = {}
        self.secrets: dict[str, Any] = {}

    async def start(self, within: float = 60.0) -> None:
        """Returns when calls are taken. SiteFailed says why not."""
        await self.launch(within)
        self.connect()
        await self.feed.start()

    def connect(self) -> None:
        """Learn ports and secrets of a site that has been launched."""
        self.ports = json.loads((self.state / "ports.json").read_text())
        self.secrets = json.loads((self.state / "secrets.json").read_text())
        self._client = aiohttp.ClientSession()

    async def launch(self, within: float = 60.0) -> None:
        """Only `up`, for instance after one that was killed. Returns when it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", *self._command),
            cwd=self.home,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **self.environment, "PYTHONPATH": str(self.home), "PYTHONUNBUFFERED": "1"},
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_NOFILE, (self.most_files,) * 2) if self.most_files else None,
        )
        ready = asyncio.Event()
        self._reader = asyncio.create_task(self._read(self._process, ready))
        try:
            async with asyncio.timeout(within):
                await ready.wait()
        except TimeoutError:
            await self.stop()
            raise SiteFailed(f"not ready within {within:.0f} s; it said: {' / '.join(self.words[-5:])}") from None
        if self._process.returncode is not None or not (self.state / "ports.json").exists():
            raise SiteFailed("\n".join(self.words[-20:]) or "it ended without a word")

    async def killed(self) -> None:
        """Kill `up`, and nothing else; returns when it is gone."""
        assert self._process is not None, "start() comes first"
        self._process.kill()
        await self._process.wait()

    def send_signal(self, sign: signal.Signals) -> None:
        """Send a signal to `up` without waiting for what follows."""
        assert self._process is not None, "start() comes first"
        self._process.send_signal(sign)

    async def stop(self) -> int:
        """Drain and end; returns the exit code."""
        await self.feed.stop()
        if self._client:
            await self._client.close()
        code = 0
        if self._process:
            if self._process.returncode is None:
                self._process.send_signal(signal.SIGTERM)
            try:
                code = await asyncio.wait_for(self._process.wait(), STOP_S)
            except TimeoutError:
                self._process.kill()
                code = await self._process.wait()
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        return code

    @property
    def url(self) -> str:
        """Where the HTTP interface is."""
        return f"http://127.0.0.1:{self.ports['http']}"

    async def get(self, path: str, role: str = "admin") -> Any:
        """The JSON at a path. Raises aiohttp.ClientResponseError."""
        return await self._request("GET", path, role)

    async def post(self, path: str, body: dict[str, Any], role: str = "admin") -> Any:
        """The JSON answer to a JSON body. Raises aiohttp.ClientResponseError."""
        return await self._request("POST", path, role, body)

    def phone(self, account: str, *, name: str = "", media: bool = True) -> Phone:
        """A SIP phone with an account of this site, not registered yet."""
        return Phone(account, self.secrets["sip"][account], ("127.0.0.1", self.ports["sip"]), name=name, media=media)

    async def _request(self, method: str, path: str, role: str, body: dict[str, Any] | None = None) -> Any:
        assert self._client is not None, "start() comes first"
        headers = {"Authorization": f"Bearer {self.secrets['tokens'][role]}"}
        async with asyncio.timeout(AWAY_S):
            while True:
                try:
                    async with self._client.request(method, self.url + path, json=body, headers=headers) as answer:
                        answer.raise_for_status()
                        return await answer.json()
                except aiohttp.ClientConnectorError:  # a node that was killed is being started again
                    await asyncio.sleep(AGAIN_S)

    async def _read(self, process: asyncio.subprocess.Process, ready: asyncio.Event) -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            self.words.append(line)
            del self.words[:-200]
            self._say(line)
            if line.startswith("ready"):
                ready.set()
        await process.wait()
        ready.set()
