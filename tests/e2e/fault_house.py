"""A site that things are done to: processes killed and frozen, data lost, connections cut; and what callers hear meanwhile."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import yaml

from server.install.asterisk import find_asterisk
from server.state_folder.sockets import socket_folder
from simulator.home import ROOT
from tests.e2e.e2e_house import Guest, House, OwnSite

RATE = 8000
LONGEST_SILENCE_S = 2.0


class Broken(House):
    """A visit to a site of its own that a test breaks."""

    site: OwnSite

    def pid(self, what: str = "node") -> int:
        """The process id of `node`, `node-1`, `redis` or `asterisk-child`."""
        return int((socket_folder(self.site.state) / f"{what}.pid").read_text().split()[0])

    def kill(self, what: str = "node") -> None:
        os.kill(self.pid(what), signal.SIGKILL)

    def freeze(self, what: str = "node") -> int:
        """Stop a process without ending it; its id."""
        pid = self.pid(what)
        os.kill(pid, signal.SIGSTOP)
        return pid

    async def serving(self, within: float = 15.0) -> None:
        """Wait until the node answers again, and takes calls."""

        async def answers() -> bool:
            with suppress(Exception):
                await self.site.get("/readyz")
                return True
            return False

        await self.eventually(answers, within)

    async def calls_at(self, number: int) -> list[str]:
        """The calls that a node holds: every node lists all, with the server that has each."""
        headers = {"Authorization": f"Bearer {self.site.secrets['tokens']['admin']}"}
        url = f"http://127.0.0.1:{self.site.ports['http'] + number}"
        async with aiohttp.ClientSession() as client:
            async with client.get(f"{url}/healthz") as answer:
                server = (await answer.json())["server"]
            async with client.get(f"{url}/api/calls", headers=headers) as answer:
                return [row["id"] for row in (await answer.json())["calls"] if row["server"] == server]

    async def leader(self, nodes: int) -> int:
        """The node whose router leads; waited for, since the lead may just be changing hands."""
        leading: list[int] = []

        async def somebody() -> bool:
            async with aiohttp.ClientSession() as client:
                for number in range(nodes):
                    async with client.get(f"http://127.0.0.1:{self.site.ports['http'] + number}/metrics") as answer:
                        if "hotline_router_leader 1" in await answer.text():
                            leading.append(number)
            return bool(leading)

        await self.eventually(somebody, 5)
        return leading[0]

    async def both_listed(self) -> None:
        """Wait until Asterisk's list has both nodes because they said that they live; as configured it has them from the start."""
        agi = self.site.ports["agi"]
        await self.until(lambda: any(len(event["data"]["addresses"]) == 2 for event in self.told("servers_listed")), 10, "both are listed")
        await self.eventually(lambda: self.listed([agi, agi + 1]), 10)

    async def listed(self, ports: list[int]) -> bool:
        said = await self.command("dialplan show globals")
        return "HOTLINE_SERVERS=" + "&".join(f"127.0.0.1:{port}" for port in ports) in said.replace(" ", "")

    async def ami_is_away(self) -> bool:
        async with aiohttp.ClientSession() as client, client.get(f"{self.site.url}/readyz") as answer:
            return not (await answer.json())["components"]["ami"]["ready"]

    async def plays(self, sound: str) -> bool:
        """Whether somebody hears that file."""
        return sound in await self.command("core show channels concise")

    async def said(self, words: str, within: float) -> None:
        """Wait for a line of the supervisor."""
        await self.eventually(lambda: _true(any(words in line for line in self.site.words)), within)

    async def eventually(self, true: Callable[[], Awaitable[bool]], within: float) -> None:
        """Ask until it is so, for what no event tells."""
        async with asyncio.timeout(within):
            while not await true():  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def hotline(self, command: str) -> str:
        """What `./hotline COMMAND` says of this site; it must do what it was asked."""
        folders = [f"--{name}={self.site.folder / name}" for name in ("state", "config", "dialplans")]
        program = (sys.executable, "-m", "server", command, *folders)
        process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    async def command(self, text: str) -> str:
        """What Asterisk's own command line answers."""
        program = find_asterisk(lambda line: None)
        settings = self.site.state / "etc/asterisk/asterisk.conf"
        process = await asyncio.create_subprocess_exec(
            *(str(program.executable), "-C", str(settings), "-rx", text), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        said, _ = await process.communicate()
        return said.decode(errors="replace")

    def told(self, type: str, **fields: Any) -> list[dict[str, Any]]:
        """Every event like that."""
        return [
            event
            for event in self.feed.events
            if event["type"] == type and all(event.get(name, event["data"].get(name)) == value for name, value in fields.items())
        ]


async def cut_ami(house: Broken) -> Callable[[], Awaitable[None]]:
    """Asterisk throws us out of AMI and takes us no more, until what comes back is called."""
    path = house.site.state / "etc/asterisk/manager.conf"
    text = path.read_text()
    path.write_text(re.sub(r"(?m)^enabled *=.*$", "enabled = no", text))
    await house.command("manager reload")
    for line in (await house.command("manager show connected")).splitlines():
        if line.lstrip().startswith("hotline"):
            await house.command(f"manager kick session {line.split()[4]}")
    await house.eventually(house.ami_is_away, 5)

    async def let_in() -> None:
        path.write_text(text)
        await house.command("manager reload")

    return let_in


def edit(site: OwnSite, file: str, settings: dict[str, object]) -> None:
    """Change settings of a file in config/: `limits.nodes` is the setting `nodes` of the group `limits`."""
    path = site.folder / "config" / file
    content = yaml.safe_load(path.read_text())
    for name, value in settings.items():
        *groups, last = name.split(".")
        inner = content
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[last] = value
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


@asynccontextmanager
async def broken_site(prepare: Callable[[OwnSite], None] = lambda site: None, **settings: object) -> AsyncIterator[Broken]:
    """A site of a test's own, started after `prepare`; `settings` are of hotline.yaml (`limits__nodes=2`). Kept when the test fails."""
    site = OwnSite()
    site.keep = True
    prepare(site)
    edit(site, "hotline.yaml", {name.replace("__", "."): value for name, value in settings.items()})
    try:
        await site.start()
        async with Broken(site) as house:
            yield house
        site.keep = False
    finally:
        with suppress(ProcessLookupError):  # it did not even start
            site.send_signal(signal.SIGCONT)
        await site.stop()
        site.clean()


async def _true(value: bool) -> bool:
    return value


def heard_now(guest: Guest) -> int:
    """The sample offset of this moment, also where nothing has come for a while."""
    heard = guest.call.heard
    return max(len(heard), round((asyncio.get_running_loop().time() - heard.started_at) * RATE))


def longest_silence_s(guest: Guest, start: int = 0, window_s: float = 0.1) -> float:
    """The longest time in which the caller heard nothing, from a sample offset on; packets that did not come are silence, too."""
    samples = guest.call.heard.samples(start)
    step = int(RATE * window_s)
    longest = run = 0
    for at in range(0, len(samples) - step + 1, step):
        loud = max(map(abs, samples[at : at + step])) > 100
        run = 0 if loud else run + 1
        longest = max(longest, run)
    return longest * window_s
