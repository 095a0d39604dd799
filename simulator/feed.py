"""The event log of a running site, as `./hotline events -f --json` prints it: kept, and waited on."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.home import ROOT

Event = dict[str, Any]
WHOLE_LOG = "100000000"
ENVELOPE = ("call", "contact", "agent", "team", "queue", "flow", "node")  # empty ones are left out of the log


class EventFeed:
    """Everything since `start`, in order, in `events`; `listeners` are called with each event."""

    def __init__(self, state: Path, config: Path | None = None, dialplans: Path | None = None) -> None:
        """The site's own folders are needed where its settings name a Redis."""
        self._folders = ["--state", str(state)]
        for option, folder in (("--config", config), ("--dialplans", dialplans)):
            self._folders += [option, str(folder)] if folder else []
        self.events: list[Event] = []
        self.listeners: list[Callable[[Event], None]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()

    async def start(self, within: float = 20.0) -> None:
        """Follow from the beginning of the log, which every site has: returns with its first event, or TimeoutError."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "events", "-f", "--json", "-n", WHOLE_LOG, *self._folders),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=2**20,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )
        self._reader = asyncio.create_task(self._read(self._process))
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: bool(self.events))

    async def stop(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def find(self, type: str, after: int = 0, **fields: Any) -> Event | None:
        """The first event of that type, from index `after` on, whose fields (of the envelope or of data) have these values."""
        return next((event for event in self.events[after:] if _fits(event, type, fields)), None)

    async def wait_for(self, type: str, *, within: float, after: int = 0, **fields: Any) -> Event:
        """The same, waiting for it. Raises TimeoutError, which lists what came instead."""
        try:
            async with asyncio.timeout(within), self._news:
                while (found := self.find(type, after, **fields)) is None:
                    await self._news.wait()
                return found
        except TimeoutError:
            came = ", ".join(event["type"] for event in self.events[after:][-12:])
            raise TimeoutError(f"no {type} {fields or ''} within {within:g} s; the last events: {came}") from None

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            event = {**dict.fromkeys(ENVELOPE, ""), "data": {}, **json.loads(raw)}
            self.events.append(event)
            for listener in self.listeners:
                listener(event)
            async with self._news:
                self._news.notify_all()


def _fits(event: Event, type: str, fields: dict[str, Any]) -> bool:
    return event["type"] == type and all(event.get(name, event["data"].get(name)) == value for name, value in fields.items())
