"""One server node: the composition root. It builds every part by hand, in order, runs them together and lets them go in order.

Asterisk and Redis run already; `server/processes/supervisor.py` (or whoever runs them) starts this as a process of its own.
"""

import asyncio
import contextlib
import random
import secrets
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError, AmiRefused
from agi.live_calls import LiveCalls
from agi.phones import PhoneState, PhoneStates
from agi.ringing import Ringer
from agi.server import FastAgiServer
from ivr.loading.static_speech import static_speech
from routing.board.redefinition import NO_MOVES
from routing.client.routing_client import RoutingClient
from routing.clock import SystemClock
from routing.domain.identifiers import Ids
from routing.domain.messages import ServerLeft
from routing.domain.phone_address import ExternalNumber, SipAccount
from routing.read_model.view import View
from routing.router import Router
from routing.store.port import StoreUnreachable
from routing.store.redis import DATA_FOLDER, RedisStore
from server.agents.agent_phones import spoken_to_agents
from server.agents.feature_codes import spoken_by_codes
from server.calls.caller import SessionServices
from server.calls.caller_words import spoken_to_callers
from server.calls.lookup import HttpLookup
from server.calls.on_hold import OnHold
from server.calls.open_calls import Calls
from server.calls.session import Sessions
from server.cluster.draining import Draining
from server.cluster.neighbour import Neighbour
from server.cluster.orphaned_calls import OrphanedCalls
from server.cluster.retelling import Retelling
from server.cluster.server_list import ServerList
from server.events.follower import Follower
from server.events.log_size import LogSize
from server.events.writer import EventLog
from server.external.preflight import Preflight, asterisk_gaps
from server.http.app import make_api
from server.http.listener import Listener
from server.http.services import ApiServices
from server.install.programs import speech_program
from server.installation import Installation
from server.metrics import Metrics
from server.node_settings import NodeSettings, node_settings
from server.parts import Parts
from server.readiness import ASTERISK, REDIS
from server.redis_health import RedisHealth
from server.settings import Site, fingerprint, load_site
from server.settings.current_site import CurrentSite
from server.state_folder.lock import StateLock
from server.state_folder.port_claims import claims_of_servers
from server.state_folder.ports import PortError, ports_for, read_ports
from server.state_folder.secrets import secrets_for

log = structlog.get_logger(__name__)
STEER_EVERY_S = 10.0
BOOTING_S = 0.2
MODULE_MISSING_S = 5.0
AMI_WITHIN_S = 5.0  # a server without AMI takes calls all the same


class Node:
    """`run` serves until SIGTERM or SIGINT; then it takes no new calls and lets running ones finish, up to the site's limit."""

    def __init__(self, site: Site, settings: NodeSettings, runs: str = "") -> None:
        self.current_site = CurrentSite(site)
        directory = self.current_site.directory
        self.runs = runs  # the fingerprint of program and settings
        self.settings = settings
        self.server = f"{socket.gethostname()[:20]}-{secrets.token_hex(3)}"
        self.clock = SystemClock()
        ids = Ids()
        self.store = RedisStore(settings.redis_url, folder=DATA_FOLDER if site.main.redis.url else str(settings.installation.redis_data))
        self.view = View(directory)
        self.events = EventLog(self.store, ids, self.clock, server=self.server, team_of=directory.team_of)
        self.routing_client = RoutingClient(
            self.store,
            directory,
            ids,
            self.clock,
            server=self.server,
            wait_forecast=self.view.wait_forecast,
            tell_dropped=self.events.tell_messages_dropped,
        )
        self.redis = RedisHealth(self.store, self.routing_client, self.events, self.clock, self.server)
        self.calls = Calls()
        self.ami = AmiClient(*settings.ami_address, *settings.ami_login, rng=random.Random())
        self.server_list = ServerList(self.ami, ids, self.server)
        self.router = Router(
            self.store, directory, ids, self.clock, server=self.server, chance=random.Random(), listed=lambda: self.server_list.listed
        )
        self.live_calls = LiveCalls()
        self.phones = PhoneStates(self._phone_changed)
        self.ringer = Ringer(self.ami, self.phones, self.clock)
        self.lookup = HttpLookup(lambda: self.site.main.lookup_headers)
        self.sounds = settings.installation.sounds(site)
        self.sessions = Sessions(
            SessionServices(
                self.current_site,
                self.ami,
                self.live_calls,
                self.ringer,
                self.routing_client,
                self.view,
                self.sounds,
                self.lookup,
                self.events,
                self.clock,
                self.calls,
                self.server,
            )
        )
        self.agi = FastAgiServer(self.sessions, *settings.agi_address, max_sessions=site.main.limits.calls, allowed=settings.takes_agi_from)
        self.preflight = (
            Preflight(lambda: asterisk_gaps(site, settings, ids), self.events, self.server, self.ami.log_in_again)
            if site.main.asterisk.mode == "external"
            else None
        )
        self._stopping = asyncio.Event()
        self.parts = Parts(self._stopping.set)
        self.log_size = LogSize(self.store)
        self.metrics = Metrics(
            self.view,
            self.clock,
            agi=self.agi,
            ami=self.ami,
            router=self.router,
            calls=self.calls,
            parts=self.parts,
            redis=self.redis,
            routing_client=self.routing_client,
            events=self.events,
            log=self.log_size,
            preflight=self.preflight,
        )
        self.orphaned_calls = OrphanedCalls(self.view, self.routing_client, self.events, self.calls, self.ami, self.server_list)
        self.on_hold = OnHold(self.ami, self.calls, self.events)
        self.retelling = Retelling(self.view, self.routing_client, self.events, self.calls, self._report_phones)
        listeners = (self.metrics.on_event, self.server_list.on_event, self.orphaned_calls.on_event, self.retelling.on_event)
        self.follower = Follower(self.store, self.view, self.events, self.server, *listeners)
        self.current_site.on_change(self._site_changed)
        lock = StateLock(settings.installation.state)
        watched = lambda: lock.holder() != 0  # noqa: E731  `up` holds it: it starts us again, and says so when the site stops
        parts = (self.agi, self.server_list, self.ami, self.calls, self.routing_client, self.view, self.events, self.clock.now_ms)
        self.draining = Draining(*parts, comes_back=watched)
        self.neighbour = Neighbour(self.server_list, self.ami, watched)
        self._http: Listener | None = None
        self._takes_calls = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def site(self) -> Site:
        """The one in force."""
        return self.current_site()

    async def change_site(self, site: Site, moves: Mapping[str, str] = NO_MOVES) -> None:
        """Let another site be in force, with running calls unhurt. `moves` and what is raised as in `Router.change_directory`.

        What stands in Asterisk's files (numbers, accounts, trunks) and what a node is started with (addresses, logins) stays as it is.
        """
        await self.router.change_directory(site.directory, moves, lambda: self.current_site.replace(site))
        self._report_phones()
        self._tasks.append(asyncio.create_task(self._prepare_sounds()))

    def _site_changed(self) -> None:
        self.sounds.use(*self.settings.installation.voice(self.site))
        self.agi.max_sessions = self.site.main.limits.calls

    async def run(self) -> None:
        """Serve until told to stop."""
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, self._stopping.set)
        limit_s = self.site.main.limits.drain / 1000
        try:
            if await self._started():
                await self._stopping.wait()
                log.info("draining", calls=len(self.calls), limit_s=limit_s)
                log.info("drained", calls_ended=await self.draining.run(self.settings.agi_for_asterisk, limit_s))
        finally:
            await self._stop()

    async def _started(self) -> bool:
        """False when it was told to stop, or a part of it failed, before it could take calls."""
        starting, stopping = asyncio.create_task(self._start()), asyncio.create_task(self._stopping.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if starting.done():
            await starting
            self._takes_calls = True
            return True
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return False

    async def _start(self) -> None:
        self._attach_ami()
        for name in ("router", "routing_client", "follower", "events", "orphaned_calls", "server_list", "neighbour", "ami"):
            self.parts.start(name, getattr(self, name).run)
        self.parts.start("clock", self._steer_clock)
        if self.preflight:
            self.parts.start("preflight", self.preflight.run)
        self._tasks.append(asyncio.create_task(self._prepare_sounds()))
        await self._serve_http()
        await self.follower.ready.wait()
        await self.agi.start()
        with contextlib.suppress(AmiError):
            await self.ami.wait_connected(AMI_WITHIN_S)
            await self._meet_asterisk()
            self.routing_client.take_calls_at(self.settings.agi_for_asterisk)
            await self.server_list.join(self.settings.agi_for_asterisk)
            await self.server_list.close(closed=False)
        log.info("serving", server=self.server, agi=self.agi.address, http=self.settings.http_address)

    async def _serve_http(self) -> None:
        api = make_api(
            ApiServices(
                site=self.current_site,
                view=self.view,
                catch_up=self.follower.catch_up,
                routing_client=self.routing_client,
                tokens=self.settings.tokens,
                health=self,
                clock=self.clock,
                metrics=self._exposition,
                server=self.server,
                runs=self.runs,
            )
        )
        self._http = Listener(api, *self.settings.http_address)
        await self._http.start()

    async def _exposition(self) -> bytes:
        await self.log_size.ask()
        return self.metrics.render()

    async def _steer_clock(self) -> None:
        """Servers agree on the time that Redis tells."""
        while True:
            with contextlib.suppress(StoreUnreachable):
                self.clock.steer(await self.store.now_ms())
            await asyncio.sleep(STEER_EVERY_S)

    async def _prepare_sounds(self) -> None:
        """Beside the start: what is not rendered ahead is rendered when it is said."""
        spoken = [*spoken_to_agents(self.site), *spoken_to_callers(self.site), *static_speech(self.site.flows), *spoken_by_codes(self.site)]
        try:
            for failure in await self.sounds.prepare(spoken):
                log.warning("prompt_not_rendered", reason=str(failure))
        except Exception:
            log.exception("prompts_not_prepared")

    # -- AMI -----------------------------------------------------------------------------------------------------------

    def _attach_ami(self) -> None:
        self.live_calls.attach(self.ami)
        self.phones.attach(self.ami)
        self.ami.on_connect(self._ami_connected)
        self.ami.on_lost(self._ami_lost)

    async def _ami_connected(self) -> None:
        if self.preflight:
            self.preflight.ask()
        await self.follower.ready.wait()
        pause_s, told = BOOTING_S, ""
        while True:
            try:
                await self._meet_asterisk()
                known = self.orphaned_calls.known()
                rows = await self.live_calls.reconcile(self.ami.core_show_channels)
                await self.phones.refresh(self.ami.device_states)
                break
            except AmiRefused as refusal:  # it takes logins before it has loaded its modules
                if str(refusal) != told:
                    log.info("asterisk_not_ready", reason=str(refusal))
                told = str(refusal)
                await asyncio.sleep(pause_s)
                pause_s = min(1.5 * pause_s, MODULE_MISSING_S)
        self.ringer.reconcile(rows)
        self._report_phones()
        if self._takes_calls and not self._stopping.is_set():  # at the start AMI may have been away
            self.routing_client.take_calls_at(self.settings.agi_for_asterisk)
        self.orphaned_calls.reconcile(rows, known, restarted=await self.server_list.meets_new_asterisk())

    async def _meet_asterisk(self) -> None:
        """Calls, phones and servers are known by the name of their Asterisk. Raises AmiError."""
        await self.server_list.meet()
        self.routing_client.asterisk = self.server_list.asterisk or ""

    def _report_phones(self) -> None:
        if self.server_list.asterisk is None:
            return  # all are reported when it is known
        for phone in self.site.phones:
            self.routing_client.report_phone(SipAccount(phone), self.phones.state(phone))
        for profile in self.site.directory.agents.values():
            if isinstance(profile.phone, ExternalNumber):  # nobody tells the state of a line outside: it is tried
                self.routing_client.report_phone(profile.phone, "available")

    def _ami_lost(self) -> None:
        self.live_calls.set_connected(False)
        self.ringer.lost()

    def _phone_changed(self, endpoint: str, state: PhoneState) -> None:
        if self.server_list.asterisk is not None:
            self.routing_client.report_phone(SipAccount(endpoint), state)

    # -- health and the end ---------------------------------------------------------------------------------------------

    async def ready(self) -> dict[str, str]:
        """Component -> "" or why it is not ready."""
        ami = "" if self.ami.connected else f"no AMI connection to {self.settings.ami_address[0]}:{self.settings.ami_address[1]}"
        calls = "" if self._takes_calls else "starting: no calls yet"
        if self._stopping.is_set():
            calls = "draining: no new calls"
        told = {
            REDIS: await self.redis.why_not_ready(),
            "ami": ami,
            "dialplans": "" if self.site.flows else "no flow is loaded",
            "calls": calls,
        }
        return told | ({ASTERISK: self.preflight.why_not_ready} if self.preflight and not ami else {})

    def mended_elsewhere(self) -> frozenset[str]:
        """The components whose faults others have to mend; this server does what it can meanwhile."""
        return frozenset({ASTERISK, *({REDIS} if self.redis.only_full else ())})

    def warnings(self) -> list[str]:
        """What is not as it should be, and keeps no call from being taken."""
        return self.preflight.warnings if self.preflight else []

    async def _stop(self) -> None:
        await self.agi.close()
        await self.orphaned_calls.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                self.routing_client.post(ServerLeft(self.server))
                await self.routing_client.flush()
                await self.events.flush()
        await self.parts.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(AmiError):
            await self.ami.stop()
        if self._http:
            await self._http.stop()
        await self.lookup.close()
        await self.sounds.close()
        await self.store.close()


async def run_node(config: Path, dialplans: Path, state: Path, listen: str, number: int = 0, program: str = "") -> None:
    """Serve a state folder that has its ports and secrets already. `program` is the fingerprint of the program that was loaded."""
    runs = f"{program}-{fingerprint.of_site(config, dialplans)}"
    site = load_site(config, dialplans)
    ports = read_ports(state)
    if ports is None and site.main.asterisk.mode == "managed":
        raise PortError(f"{state} has no ports.json: start the site with ./hotline up, which makes it")
    ports = ports or ports_for(state, claims_of_servers(), nodes=site.main.limits.nodes)
    installation = Installation(state, listen)
    installation.speech_program = await asyncio.to_thread(speech_program, log.info) if site.main.speech else None
    known = secrets_for(state, installation.accounts(site))
    await Node(site, node_settings(site, installation, ports=ports, secrets_known=known, number=number), runs).run()
