"""Runs a site on one machine: a private Redis and Asterisk where the settings want them, and server nodes, each a process.

What dies is started again, what freezes is ended; Ctrl-C drains the nodes first. A node that is killed takes no call with it: Asterisk and
Redis live on here. They live on as well when this process is killed: the next one adopts them, and their calls hear nothing of it.
"""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

from routing.clock import SystemClock
from server.access.doorkeeper import Doorkeeper
from server.access.rules import RulesFile, rules_of
from server.external.gaps import Gap
from server.external.reachability import must_answer
from server.install.asterisk import find_asterisk
from server.install.packages import cache_folder
from server.install.programs import speech_program
from server.installation import Installation, asterisk_plan
from server.node_settings import node_settings
from server.open_files import out_of_reach, raise_soft_limit
from server.processes.asterisk_process import AsteriskProcess
from server.processes.child_process import end_left_over, left_running
from server.processes.keeping import Part, Say, keep_running
from server.processes.log_rotation import rotate_logs
from server.processes.node_process import NodeProcess, pid_file_of
from server.processes.redis_process import RedisServer
from server.processes.site_calls import SiteCalls
from server.processes.watchdog import Watchdog
from server.settings import Site, load_site
from server.state_folder.folder import make_state_folder
from server.state_folder.lock import StateLock
from server.state_folder.port_claims import OF_ASTERISK, PortClaims, must_be_own_address
from server.state_folder.ports import Ports, ports_for
from server.state_folder.secrets import Secrets, secrets_for
from server.state_folder.sockets import socket_folder
from server.state_folder.state_list import StateList

FAREWELL_S = 30.0  # what calls that are still there after draining may take for the last words, and at the fallback
# pid file -> the ports that its process has bound
BOUND = {"asterisk-child": OF_ASTERISK, "node": ("agi", "http")}


class AlreadyRunning(Exception):
    """Another Hotline uses this state folder; the message says what to do."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the command line says."""

    state: Path
    config: Path
    dialplans: Path
    listen: str = "127.0.0.1"


def programs_of(site: Site) -> list[str]:
    """The programs that a site runs itself."""
    managed, private = site.main.asterisk.mode == "managed", not site.main.redis.url
    return ["server", *(["asterisk"] if managed else []), *(["redis"] if private else [])]


class Supervisor:
    """`start` brings everything up, `watch` keeps it up until it is asked to stop, `stop` brings it down in order."""

    def __init__(self, options: UpOptions, say: Say) -> None:
        self.options = options
        self._say = say
        self._lock = StateLock(options.state)
        self._claims = PortClaims()
        self._parts: list[tuple[str, Part]] = []
        self._adopted = False
        self._outdated: list[NodeProcess] = []
        self._watchdogs: list[Watchdog] = []
        self._calls: SiteCalls | None = None
        self._stopping = asyncio.Event()
        self._rolling: asyncio.Task[None] | None = None
        self._doorkeeper: Doorkeeper | None = None  # where Asterisk is our own
        self.site: Site
        self.ports: Ports
        self.secrets: Secrets
        self.gaps: list[Gap] = []  # what an Asterisk of one's own lacked at the start

    @property
    def url(self) -> str:
        """Where HTTP is served."""
        host = "127.0.0.1" if self.options.listen in ("0.0.0.0", "::") else self.options.listen
        return f"http://{host}:{self.ports.http}"

    async def start(self) -> None:
        """Raises what `up` catches: each message says what to do. A mistake in the settings leaves alone what an earlier start left."""
        options = self.options
        self.site = load_site(options.config, options.dialplans)
        must_be_own_address(options.listen)
        make_state_folder(options.state, programs_of(self.site))
        self._take_lock()
        managed, nodes = self.site.main.asterisk.mode == "managed", self.site.main.limits.nodes
        installation = Installation(options.state, options.listen)
        await self._find_ports(managed, nodes)
        self.secrets = secrets_for(options.state, installation.accounts(self.site))
        settings = [node_settings(self.site, installation, ports=self.ports, secrets_known=self.secrets, number=n) for n in range(nodes)]
        self.gaps = await must_answer(self.site, settings[0])
        for gap in self.gaps:
            self._say(f"your Asterisk: {gap.words}")
        program = find_asterisk(self._say) if managed else None
        installation.speech_program = speech_program(self._say) if self.site.main.speech else None
        asterisk = None
        if program:
            plan = await asyncio.to_thread(asterisk_plan, self.site, installation, program, self.ports, self.secrets)
            asterisk = AsteriskProcess(program, plan)
        self._say_what_files_allow(asterisk)
        if not self.site.main.redis.url:
            await self._add("Redis", RedisServer(options.state))
        if asterisk:
            self._doorkeeper = self._watch_door(asterisk)
        if asterisk and await self._add("Asterisk", asterisk):
            await self._refresh(asterisk)
        self._calls = SiteCalls(settings[0])
        self._calls.start()
        for number in range(nodes):
            node = NodeProcess(options, self.ports, self.site.main.limits.drain / 1000, number, spare=nodes == 1)
            if await self._add(node.name, node) and await node.is_outdated():
                self._outdated.append(node)
            if lacks := await node.redis_lacks():
                self._say(f"{node.name} is not ready: {lacks}")
            self._watchdogs.append(Watchdog(node, self._calls, settings[number].agi_for_asterisk, self._say))

    async def _find_ports(self, managed: bool, nodes: int) -> None:
        """What an earlier start left running keeps its ports, where this site still wants it; else it is ended."""
        pid_files = {pid_file_of(number) for number in range(nodes)}
        pid_files |= {"asterisk-child"} if managed else set()
        pid_files |= set() if self.site.main.redis.url else {"redis"}
        run = socket_folder(self.options.state)
        await asyncio.to_thread(end_left_over, run, pid_files)
        running = {name.partition("-")[0] if name.startswith("node") else name for name in left_running(run)}
        self._claims.foreign = () if managed else OF_ASTERISK
        self._claims.bound = {kind for name in running for kind in BOUND.get(name, ())}
        sites = StateList(cache_folder() / "sites")
        self.ports = ports_for(self.options.state, self._claims, nodes=nodes, reserved=sites.ports_of_others(self.options.state))
        sites.add(self.options.state)

    def _watch_door(self, asterisk: AsteriskProcess) -> Doorkeeper:
        rules = RulesFile(self.options.config, self.site.trunks, self._say)
        clock = SystemClock()
        known = rules_of(self.site.access, self.site.trunks)
        doorkeeper = Doorkeeper(self.options.state, known, rules.changed, asterisk.command, self._say, lambda: clock.now_ms() / 1000)
        doorkeeper.prepare()
        return doorkeeper

    def _say_what_files_allow(self, asterisk: AsteriskProcess | None) -> None:
        """After the soft limit of open files was raised as far as it can be."""
        limits, of_asterisk = self.site.main.limits, asterisk.file_limit if asterisk else 0
        if words := out_of_reach(raise_soft_limit(), limits.calls, limits.nodes, asterisk_files=of_asterisk):
            self._say(words)

    async def _refresh(self, asterisk: AsteriskProcess) -> None:
        waiting = await asterisk.refresh()
        if waiting:
            self._say(f"Asterisk runs with older settings ({', '.join(waiting)}): they take effect when the site is stopped and started")

    async def watch(self) -> None:
        """Returns after SIGTERM or SIGINT. SIGHUP starts the nodes anew, one after the other: with several no caller notices."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._roll)
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._stopping.set)
        keepers = [asyncio.create_task(watchdog.watch()) for watchdog in self._watchdogs]
        keepers += [asyncio.create_task(keep_running(name, part, self._say)) for name, part in self._parts]
        keepers += [asyncio.create_task(rotate_logs(self.options.state / "log"))]
        keepers += [asyncio.create_task(self._doorkeeper.run())] if self._doorkeeper else []
        if self._outdated:
            self._say("the servers that ran already have an older program or older settings")
            self._rolling = asyncio.create_task(self._restart(self._outdated))
        try:
            await self._stopping.wait()
        finally:
            keepers += [self._rolling] if self._rolling else []
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)

    @property
    def _nodes(self) -> list[NodeProcess]:
        return [part for _, part in self._parts if isinstance(part, NodeProcess)]

    def _roll(self) -> None:
        if self._rolling is None or self._rolling.done():
            self._rolling = asyncio.create_task(self._restart(self._nodes))

    async def _restart(self, nodes: list[NodeProcess]) -> None:
        for node in nodes:
            self._say(f"restarting node {node.number}")
            await node.renew_spare()
            await node.drain()  # its keeper starts it again
            await node.serving.wait()
        self._say("all nodes have been restarted")

    async def stop(self) -> None:
        """The nodes drain, all at once; callers who are still there then have the last words; then Asterisk and Redis end."""
        nodes = self._nodes
        if nodes and self._calls:
            await self._calls.set_closed(True)
        for name, part in reversed(self._parts):
            if part in nodes:
                self._say(f"stopping {name}")
        await asyncio.gather(*(node.stop() for node in nodes))
        others = [(name, part) for name, part in reversed(self._parts) if part not in nodes]
        if self._calls:
            if any(isinstance(part, AsteriskProcess) for _, part in others):
                await self._calls.until_over(FAREWELL_S)
            else:  # an Asterisk of somebody else's goes on: who calls while no server is there hears its fallback
                await self._calls.set_closed(False)
            await self._calls.stop()
        for name, part in others:
            self._say(f"stopping {name}")
            await part.stop()
        self._claims.release()
        self._lock.release()

    async def _add(self, name: str, part: Part) -> bool:
        """Have it running. Whether it was already."""
        self._parts.append((name, part))
        if await part.adopt():
            self._say(f"{name} runs already (process {part.pid}): taken over")
            self._adopted = True
            return True
        self._say(f"starting {name}")
        try:
            await part.start()
        except Exception as error:
            if not self._adopted:
                raise
            self._say(f"{name} could not be started: {error}")  # it is tried again; the calls of what runs are not ended for it
        return False

    def _take_lock(self) -> None:
        if not self._lock.take():
            raise AlreadyRunning(
                f"a Hotline is running already with the state folder {self.options.state}: stop it, or start this one with --state DIR"
            )
