"""Runs a whole site on one machine: a private Redis and Asterisk where the settings want them, and a server node, each a process.

What dies is started again; Ctrl-C drains the node first. A node that is killed takes no call with it: Asterisk and Redis live on here.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ivr.loading.problems import ProblemsFound
from server.asterisk.configuration import ConfigurationError
from server.asterisk.gaps import Gap
from server.asterisk.process import AsteriskProcess
from server.asterisk.root import find_asterisk
from server.child_process import ChildError, end_left_over
from server.elsewhere import NotThere, must_answer
from server.install.packages import InstallError
from server.install.programs import speech_program
from server.installation import Installation, asterisk_plan
from server.node_process import NodeProcess
from server.node_settings import node_settings
from server.port_numbers import PortError, Ports, is_free, is_free_for_servers, must_be_own_address, ports_for
from server.redis_server import RedisServer
from server.secrets_file import Secrets, SecretsError, secrets_for
from server.settings import Site, load_site
from server.socket_folder import SocketFolderError, socket_folder
from server.state_folder import StateFolderError, make_state_folder
from server.state_lock import StateLock

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
DEFAULT_STATE = Path(__file__).parent.parent / ".state"
STEADY_AFTER_S = 60.0  # what ran for so long and ends is started again without a longer pause
Say = Callable[[str], None]


class AlreadyRunning(Exception):
    """Another Hotline uses this state folder; the message says what to do."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the command line says."""

    state: Path
    config: Path
    dialplans: Path
    listen: str = "127.0.0.1"


async def up(options: UpOptions, say: Say = print) -> int:
    """`./hotline up`: run the site until Ctrl-C. Returns the exit code; a reason not to start is said in one sentence."""
    site = Supervisor(options, say)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)  # there is nothing to start anew yet
    try:
        await site.start()
        for line in _welcome(site):
            say(line)
        await site.watch()
    except (
        ProblemsFound,
        AlreadyRunning,
        PortError,
        SecretsError,
        InstallError,
        ChildError,
        ConfigurationError,
        SocketFolderError,
        StateFolderError,
        NotThere,
    ) as reason:
        say(f"hotline: {reason}")
        return 1
    finally:
        await site.stop()
    return 0


def programs_of(site: Site) -> list[str]:
    """The programs that a site runs itself."""
    managed, private = site.main.asterisk.mode == "managed", not site.main.redis.url
    return ["server", *(["asterisk"] if managed else []), *(["redis"] if private else [])]


def _welcome(site: "Supervisor") -> list[str]:
    """What can be done now."""
    state = site.options.state
    numbers = ", ".join(site.site.numbers) or "any number"
    where = f"on SIP port {site.ports.sip}" if site.site.main.asterisk.mode == "managed" else "through your Asterisk"
    option = "" if state.resolve() == DEFAULT_STATE.resolve() else f" --state {state}"
    if any(gap.dangerous for gap in site.gaps):
        numbers += " - when your Asterisk has what is missing (./hotline asterisk-check), which is noticed by itself; not ready yet -"
    return [
        f"ready: call {numbers} {where}; queue state at {site.url}/api/queues",
        f"  tokens and SIP passwords: {state / 'secrets.json'}; queues and agents: ./hotline status{option}; Ctrl-C stops",
    ]


class Part(Protocol):
    """A process that is kept running."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> int: ...

    async def stop(self) -> None: ...


class Supervisor:
    """`start` brings everything up, `watch` keeps it up until it is told to stop, `stop` brings it down in order."""

    def __init__(self, options: UpOptions, say: Say) -> None:
        self.options = options
        self._tell = say
        self._lock = StateLock(options.state)
        self._parts: list[tuple[str, Part, Callable[[], Awaitable[None]]]] = []
        self._stopping = asyncio.Event()
        self._rolling: asyncio.Task[None] | None = None
        self.site: Site
        self.ports: Ports
        self.secrets: Secrets
        self.gaps: list[Gap] = []  # what an Asterisk of one's own lacked at the start

    def _say(self, line: str) -> None:
        """Whoever read our words may be gone; that is no reason to leave a process behind."""
        with contextlib.suppress(OSError):
            self._tell(line)

    @property
    def url(self) -> str:
        """Where HTTP is served."""
        host = "127.0.0.1" if self.options.listen in ("0.0.0.0", "::") else self.options.listen
        return f"http://{host}:{self.ports.http}"

    async def start(self) -> None:
        """Raises what `up` catches: each message says what to do."""
        options = self.options
        self.site = load_site(options.config, options.dialplans)
        must_be_own_address(options.listen)
        make_state_folder(options.state, programs_of(self.site))
        self._take_lock()
        await asyncio.to_thread(end_left_over, socket_folder(options.state))
        installation = Installation(options.state, options.listen)
        free = is_free if self.site.main.asterisk.mode == "managed" else is_free_for_servers
        self.ports = ports_for(options.state, free=free, nodes=self.site.main.limits.nodes)
        self.secrets = secrets_for(options.state, installation.accounts(self.site))
        self.gaps = await must_answer(self.site, node_settings(self.site, installation, ports=self.ports, secrets_known=self.secrets))
        for gap in self.gaps:
            self._say(f"your Asterisk: {gap.words}")
        program = find_asterisk(self._say) if self.site.main.asterisk.mode == "managed" else None
        installation.speech_program = speech_program(self._say) if self.site.main.speech else None
        if not self.site.main.redis.url:
            redis = RedisServer(options.state)
            await self._add("Redis", redis, redis.start)
        if program:
            plan = await asyncio.to_thread(asterisk_plan, self.site, installation, program, self.ports, self.secrets)
            asterisk = AsteriskProcess(program, plan)
            await self._add("Asterisk", asterisk, asterisk.start)
        nodes, drain_s = self.site.main.limits.nodes, self.site.main.limits.drain / 1000
        for number in range(nodes):
            node = NodeProcess(options, self.ports, drain_s, number, spare=nodes == 1)
            await self._add(f"server {number}" if number else "the server", node, node.start)

    async def watch(self) -> None:
        """Returns after SIGTERM or SIGINT. SIGHUP starts the nodes anew, one after the other: with several no caller notices."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._roll)
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._stopping.set)
        keepers = [asyncio.create_task(node.end_when_frozen()) for node in self._nodes]
        keepers += [asyncio.create_task(self._keep(name, part, start)) for name, part, start in self._parts]
        try:
            await self._stopping.wait()
        finally:
            keepers += [self._rolling] if self._rolling else []
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)

    @property
    def _nodes(self) -> list[NodeProcess]:
        return [part for _, part, _ in self._parts if isinstance(part, NodeProcess)]

    def _roll(self) -> None:
        if self._rolling is None or self._rolling.done():
            self._rolling = asyncio.create_task(self._restart_nodes())

    async def _restart_nodes(self) -> None:
        for node in self._nodes:
            self._say(f"restarting node {node.number}")
            await node.renew_spare()
            await node.drain()  # `_keep` starts it again
            await node.serving.wait()
        self._say("all nodes have been restarted")

    async def stop(self) -> None:
        """The nodes drain first; then Asterisk and Redis end."""
        for name, part, _ in reversed(self._parts):
            self._say(f"stopping {name}")
            await part.stop()
        self._lock.release()

    async def _add(self, name: str, part: Part, start: Callable[[], Awaitable[None]]) -> None:
        self._say(f"starting {name}")
        self._parts.append((name, part, start))
        await start()

    async def _keep(self, name: str, part: Part, start: Callable[[], Awaitable[None]]) -> None:
        pause_s = FIRST_PAUSE_S
        now = asyncio.get_running_loop().time
        began = now()
        while True:
            code = await part.wait()
            self._say(f"{name} ended (code {code}); starting it again")
            if now() - began > STEADY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
            began = now()
            try:
                await start()
            except Exception as error:
                self._say(f"{name} could not be started: {error}")

    def _take_lock(self) -> None:
        if not self._lock.take():
            raise AlreadyRunning(
                f"a Hotline is running already with the state folder {self.options.state}: stop it, or start this one with --state DIR"
            )
