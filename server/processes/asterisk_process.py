"""The managed Asterisk as a process: writes its configuration into the state folder, starts it, asks it over its control socket, stops it.

It runs as the user who started Hotline and touches nothing outside the state folder.
"""

import asyncio
import os
import re
import resource
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from server.asterisk.changes import RELOADS, read_at_start, reloads
from server.asterisk.configuration import Plan, render
from server.asterisk.dialplan_names import SERVERS
from server.disk import write_whole
from server.install.asterisk import AsteriskProgram
from server.processes.child_process import ChildProcess

_FOLDERS = ("etc/asterisk", "log", "spool/lib/keys", "spool/cache", "spool/agi-bin", "spool/monitor", "spool/outgoing", "spool/tmp")
START_S = 30.0
_SERVERS = re.compile(rf"{SERVERS}\s*=\s*(\S+)")


def reachable_file_limit(needed: int) -> int:
    """How many files an Asterisk of ours may open at most: as many as needed, else as many as the system allows this user.

    Raises this process's own hard limit where it may, because a child inherits it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return needed
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, needed))
    except (ValueError, OSError):
        return hard
    return needed


class AsteriskProcess:
    """One Asterisk on `plan`. Starting raises ChildError when it does not start, ConfigurationError when the plan cannot be written."""

    def __init__(self, program: AsteriskProgram, plan: Plan) -> None:
        self._program = program
        self._plan = replace(plan, file_limit=reachable_file_limit(plan.file_limit))
        self._settings = plan.state / "etc/asterisk/asterisk.conf"
        self._child = ChildProcess(
            "Asterisk", plan.state / "log/asterisk-console.log", plan.run / "asterisk-child.pid", str(self._settings)
        )

    @property
    def file_limit(self) -> int:
        """How many files it may open."""
        return self._plan.file_limit

    @property
    def pid(self) -> int:
        """The process id; 0 when it does not run."""
        return self._child.pid

    async def adopt(self, within: float = START_S) -> bool:
        """Take over the one that an earlier start left running; False when there is none. Nothing is written: its sockets lie there."""
        return await self._child.adopt(self._ready, within)

    async def refresh(self) -> list[str]:
        """Have one that runs do what the plan says now. Gives the files whose changes wait for its next start."""
        before, now = self._read(), await asyncio.to_thread(render, self._plan)
        commands, waiting = reloads(before, now), read_at_start(before, now)
        servers = await self.command("dialplan show globals")
        self._write_files({name: text for name, text in now.items() if name in RELOADS})
        for command in commands:
            await self.command(command)
        found = _SERVERS.search(servers)
        if found and "dialplan reload" in commands:  # which sets them back to what the file says
            await self.command(f"dialplan set global {SERVERS} {found.group(1)}")
        return waiting

    async def start(self, within: float = START_S) -> None:
        """Writes the configuration and starts; returns when Asterisk takes calls."""
        self._write()
        command = [str(self._program.executable), "-f", "-C", str(self._settings)]
        await self._child.start(command, self._ready, within)

    def become(self) -> NoReturn:
        """Writes the configuration and turns this very process into Asterisk: for a container, where something else watches it."""
        self._write()
        os.execv(self._program.executable, [str(self._program.executable), "-f", "-C", str(self._settings)])

    async def wait(self) -> int:
        """Returns the exit code when it has ended."""
        return await self._child.wait()

    async def stop(self) -> None:
        """Ends it, and every call with it."""
        await self._child.stop()

    async def command(self, text: str, within: float = 10.0) -> str:
        """What the command line of Asterisk answers to `text`, for instance `pjsip show endpoints`; "" when nobody answers."""
        process = await asyncio.create_subprocess_exec(
            str(self._program.executable),
            *("-C", str(self._settings), "-rx", text),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), within)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            return ""
        return said.decode(errors="replace") if process.returncode == 0 else ""

    async def _ready(self) -> bool:
        if not (self._plan.run / "asterisk.ctl").exists():
            return False
        return "fully booted" in await self.command("core waitfullybooted")

    def _write(self) -> None:
        files = render(self._plan)
        for folder in _FOLDERS:
            (self._plan.state / folder).mkdir(parents=True, exist_ok=True)
        self._plan.run.mkdir(parents=True, exist_ok=True)
        (self._plan.run / "asterisk.ctl").unlink(missing_ok=True)
        self._write_files(files)

    def _read(self) -> dict[str, str]:
        return {path.name: path.read_text(encoding="utf-8") for path in self._settings.parent.glob("*.conf")}

    def _write_files(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            write_whole(self._settings.parent / name, text)  # one that runs may read them at any time
