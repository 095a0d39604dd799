"""A server from its start to its end: its parts are made, run together, and let go in order."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping

import structlog

from agi.ami.errors import AmiError
from ivr.loading.static_speech import static_speech
from routing.board.redefinition import NO_MOVES
from routing.domain.messages import ServerLeft
from routing.store.port import StoreUnreachable
from server import garbage
from server.access.bans_metric import BansMetric
from server.agents.agent_phones import spoken_to_agents
from server.agents.feature_codes import spoken_by_codes
from server.calls.caller_words import spoken_to_callers
from server.events.follower import Follower
from server.external.preflight import Preflight, asterisk_gaps
from server.http.app import make_api
from server.http.listener import Listener
from server.http.services import ApiServices
from server.metrics import Metrics
from server.node.asterisk_link import AsteriskLink
from server.node.cluster_parts import ClusterParts
from server.node.node_health import NodeHealth
from server.node.routing_parts import RoutingParts
from server.node.serving import Serving
from server.node.telephony_parts import TelephonyParts
from server.node_settings import NodeSettings
from server.parts import Parts
from server.settings import Site
from server.settings.current_site import CurrentSite

log = structlog.get_logger(__name__)
STEER_EVERY_S = 10.0


class Node:
    """`run` serves until SIGTERM or SIGINT; then it takes no new calls and lets running ones finish, up to the site's limit."""

    def __init__(self, site: Site, settings: NodeSettings, runs: str = "") -> None:
        """`runs` is the fingerprint of program and settings."""
        self.current_site = CurrentSite(site)
        self.settings = settings
        self.runs = runs
        self.serving = Serving()
        self.parts = Parts(self.serving.stopping.set)
        self.routing = routing = RoutingParts(self.current_site, settings)
        self.telephony = telephony = TelephonyParts(self.current_site, settings, routing, lambda *news: self.link.phone_changed(*news))
        state = settings.installation.state
        self.cluster = ClusterParts(self.current_site, state, routing, telephony, lambda: self.link.report_phones())
        address = settings.agi_for_asterisk
        self.link = AsteriskLink(self.current_site, address, self.serving, routing, telephony, self.cluster)
        self.preflight = self._make_preflight(site)
        self.metrics = self._make_metrics()
        self.follower = self._make_follower()
        self.health = NodeHealth(self.current_site, settings, self.serving, routing, telephony, self.preflight)
        self.current_site.on_change(self._site_changed)
        self._http: Listener | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def site(self) -> Site:
        """The one in force."""
        return self.current_site()

    async def change_site(self, site: Site, moves: Mapping[str, str] = NO_MOVES) -> None:
        """Let another site be in force, with running calls unhurt. `moves` and what is raised as in `Router.change_directory`.

        What stands in Asterisk's files (numbers, accounts, trunks) and what a node is started with (addresses, logins) stays as it is.
        """
        await self.cluster.router.change_directory(site.directory, moves, lambda: self.current_site.replace(site))
        self.link.report_phones()
        self._tasks.append(asyncio.create_task(self._prepare_sounds()))

    def _site_changed(self) -> None:
        self.telephony.sounds.use(*self.settings.installation.voice(self.site))
        self.telephony.agi.max_sessions = self.telephony.shares(self.site).calls

    async def run(self) -> None:
        """Serve until asked to stop."""
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, self.serving.stopping.set)
        limit_s = self.site.main.limits.drain / 1000
        try:
            if await self._started():
                garbage.settle()
                await self.serving.stopping.wait()
                log.info("draining", calls=len(self.telephony.calls), limit_s=limit_s)
                log.info("drained", calls_ended=await self.cluster.draining.run(self.settings.agi_for_asterisk, limit_s))
        finally:
            await self.stop()

    async def _started(self) -> bool:
        """False when it was asked to stop, or a part of it failed, before it could take calls."""
        starting, stopping = asyncio.create_task(self.start()), asyncio.create_task(self.serving.stopping.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if starting.done():
            await starting
            self.serving.started = True
            return True
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return False

    async def start(self) -> None:
        """Run every part; returns when calls can come."""
        self.link.attach(self.follower, self.preflight)
        self._run_parts()
        self._tasks.append(asyncio.create_task(self._prepare_sounds()))
        await self._serve_http()
        await self.follower.ready.wait()
        await self.telephony.agi.start()
        await self.link.join()
        log.info("serving", server=self.routing.server, agi=self.telephony.agi.address, http=self.settings.http_address)

    def _run_parts(self) -> None:
        self.parts.start("router", self.cluster.router.run)
        self.parts.start("routing_client", self.routing.client.run)
        self.parts.start("follower", self.follower.run)
        self.parts.start("events", self.routing.events.run)
        self.parts.start("orphaned_calls", self.cluster.orphaned_calls.run)
        self.parts.start("server_list", self.cluster.server_list.run)
        self.parts.start("neighbour", self.cluster.neighbour.run)
        self.parts.start("ami", self.telephony.ami.run)
        self.parts.start("clock", self._steer_clock)
        if self.preflight:
            self.parts.start("preflight", self.preflight.run)

    async def stop(self) -> None:
        """Let every part go. What is still to be reported has 3 s for it."""
        await self.telephony.agi.close()
        await self.cluster.orphaned_calls.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                self.routing.client.post(ServerLeft(self.routing.server))
                await self.routing.client.flush()
                await self.routing.events.flush()
        await self.parts.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(AmiError):
            await self.telephony.ami.stop()
        if self._http:
            await self._http.stop()
        await self.telephony.close()
        await self.routing.store.close()

    # -- made by hand --------------------------------------------------------------------------------------------------

    def _make_preflight(self, site: Site) -> Preflight | None:
        if site.main.asterisk.mode != "external":
            return None
        gaps = lambda: asterisk_gaps(site, self.settings, self.routing.ids)  # noqa: E731
        return Preflight(gaps, self.routing.events, self.routing.server, self.telephony.ami.log_in_again)

    def _make_metrics(self) -> Metrics:
        metrics = Metrics(
            self.routing.view,
            self.routing.clock,
            agi=self.telephony.agi,
            ami=self.telephony.ami,
            router=self.cluster.router,
            calls=self.telephony.calls,
            parts=self.parts,
            redis=self.routing.redis,
            routing_client=self.routing.client,
            events=self.routing.events,
            log=self.routing.log_size,
            preflight=self.preflight,
        )
        if self.site.main.asterisk.mode == "managed":
            metrics.add(BansMetric(self.settings.installation.state))
        return metrics

    def _make_follower(self) -> Follower:
        cluster = self.cluster
        listeners = (self.metrics.on_event, cluster.server_list.on_event, cluster.orphaned_calls.on_event, cluster.resync.on_event)
        return Follower(self.routing.store, self.routing.view, self.routing.events, self.routing.server, *listeners)

    async def _serve_http(self) -> None:
        api = make_api(
            ApiServices(
                site=self.current_site,
                view=self.routing.view,
                catch_up=self.follower.catch_up,
                routing_client=self.routing.client,
                tokens=self.settings.tokens,
                health=self.health,
                clock=self.routing.clock,
                metrics=self._exposition,
                server=self.routing.server,
                runs=self.runs,
            )
        )
        self._http = Listener(api, *self.settings.http_address, most=self.telephony.shares(self.site).http)
        await self._http.start()

    # -- work of all parts ---------------------------------------------------------------------------------------------

    async def _exposition(self) -> bytes:
        await self.routing.log_size.ask()
        return self.metrics.render()

    async def _steer_clock(self) -> None:
        """Servers agree on the time of Redis."""
        while True:
            with contextlib.suppress(StoreUnreachable):
                self.routing.clock.steer(await self.routing.store.now_ms())
            await asyncio.sleep(STEER_EVERY_S)

    async def _prepare_sounds(self) -> None:
        """Beside the start: what is not rendered ahead is rendered when it is said."""
        spoken = [*spoken_to_agents(self.site), *spoken_to_callers(self.site), *static_speech(self.site.flows), *spoken_by_codes(self.site)]
        try:
            for failure in await self.telephony.sounds.prepare(spoken):
                log.warning("prompt_not_rendered", reason=str(failure))
        except Exception:
            log.exception("prompts_not_prepared")
