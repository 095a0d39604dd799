"""The site that benchmarks run on: its configuration is generated, as many agents and callers as a size wants, and no wrap-up time.

Callers dial one of four numbers: straight into the queue, into one that announces positions all the time, into one that nobody
answers, or through a menu. Phones carry no sound, so that the machine is busy with calls and not with pretending to speak.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from simulator.bench.process_figures import processor_seconds
from simulator.home import ROOT
from simulator.own_processes import OwnProcesses
from simulator.phone import Phone

QUEUE, ANNOUNCED, UNSTAFFED, MENU = "7000", "7001", "7002", "7003"
FIRST_PHONE = 2001
ACCOUNTS = ("caller", "caller2", "caller3")
PARTS = ("asterisk", "server", "redis")
START_S = 900.0  # the first start on a machine fetches Asterisk
# As fast as Asterisk may be asked to take registrations.
TOGETHER = 10

_MAIN = """\
site: bench
languages: [en]
speech:
  en: espeak-ng -v en-us -s 155 -w {out} {text}
limits: {calls: 2000, drain: 5s}
"""
_QUEUES = """\
defaults: {wrap_up: 0s, max_wait: 1h, max_waiting: 1000, offer_again_after: 0s, announce_position: {first: 0s, every: 0s}}
queues:
  bench: {}
  announced: {announce_position: {first: 2s, every: 4s}}
  unstaffed: {}
"""
_NUMBERS = f'numbers: {{"{QUEUE}": bench, "{ANNOUNCED}": announced, "{UNSTAFFED}": unstaffed, "{MENU}": menu}}\n'
_MENU_FLOW = """\
flow: menu
languages: [en]
start: choice
nodes:
  choice:
    type: menu
    prompt: {en: For our benchmark press 1.}
    options: {"1": waiting}
    failure: over
  waiting: {type: queue, queue: bench, otherwise: over}
  over: {type: hangup}
"""
_PLAIN_FLOW = """\
flow: NAME
languages: [en]
start: waiting
nodes:
  waiting: {type: queue, queue: NAME, otherwise: over}
  over: {type: hangup}
"""


def files_of_site(agents: int) -> dict[str, str]:
    """path -> text of a site with so many agents."""
    people = [
        f'  a{number}: {{name: Agent {number}, phone: "{FIRST_PHONE + number}", queues: [bench, announced]}}' for number in range(agents)
    ]
    plain = {f"dialplans/{name}.yaml": _PLAIN_FLOW.replace("NAME", name) for name in ("bench", "announced", "unstaffed")}
    return {
        "config/hotline.yaml": _MAIN,
        "config/queues.yaml": _QUEUES,
        "config/numbers.yaml": _NUMBERS,
        "config/agents.yaml": "\n".join(["agents:", *people, ""]),
        "dialplans/menu.yaml": _MENU_FLOW,
        **plain,
    }


class BenchSite(OwnProcesses):
    """A site with `agents` agents in `folder`. Its event log is read when all is over: a follower would take part in what is measured."""

    def __init__(self, folder: Path, agents: int, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.agents = agents
        for name, text in files_of_site(agents).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        super().__init__(folder / "state", folder / "config", folder / "dialplans", say=say)

    async def start(self, within: float = START_S) -> None:
        if self.home == ROOT:
            await super().start(within)
            await self.feed.stop()
        else:  # another version of the program: its log is in its own words
            await self.launch(within)
            self.connect()

    async def agent_phones(self, count: int) -> list[Phone]:
        """The phones of the first `count` agents, registered and logged in."""
        phones = [self.phone(str(FIRST_PHONE + number), media=False) for number in range(count)]
        for first in range(0, count, TOGETHER):
            await asyncio.gather(*(phone.register(600) for phone in phones[first : first + TOGETHER]))
        for number in range(count):
            await self._log_in(f"a{number}")
        return phones

    async def log_out(self, agents: range) -> None:
        for number in agents:
            await self.post(f"/api/agents/a{number}", {"action": "log_out"})

    def caller_phones(self) -> list[Phone]:
        """The phones that callers share: each places any number of calls."""
        return [self.phone(account, media=False) for account in ACCOUNTS]

    def processor_seconds(self) -> dict[str, float]:
        """What Asterisk, server, Redis and this program with its phones have used so far."""
        pids = {name: self.pid(name) for name in PARTS}
        return {name: processor_seconds(pid) for name, pid in (pids | {"phones": os.getpid()}).items()}

    async def event_counts(self) -> Counter[str]:
        """How many events of each type the log has."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "events", "--json", "-n", "100000000", "--state", str(self.state)),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        said, _ = await process.communicate()
        return Counter(json.loads(line)["type"] for line in said.decode().splitlines())

    async def _log_in(self, agent: str) -> None:
        await self.post(f"/api/agents/{agent}", {"action": "log_in"})
