"""What a server does when its connection to Asterisk comes and goes: it learns which calls and phones there are, and reports them."""

import asyncio
import contextlib

import structlog

from agi.ami.errors import AmiError, AmiRefused
from agi.ami.protocol import Message
from agi.phones import PhoneState
from routing.domain.phone_address import ExternalNumber, SipAccount
from server.events.follower import Follower
from server.external.preflight import Preflight
from server.node.cluster_parts import ClusterParts
from server.node.routing_parts import RoutingParts
from server.node.serving import Serving
from server.node.telephony_parts import TelephonyParts
from server.settings.current_site import CurrentSite

log = structlog.get_logger(__name__)
BOOTING_S = 0.2
MODULE_MISSING_S = 5.0
AMI_WITHIN_S = 5.0  # a server without AMI takes calls all the same


class AsteriskLink:
    """`address` is where Asterisk reaches our FastAGI. `attach` once, before AMI is run; then it does all by itself."""

    def __init__(
        self, site: CurrentSite, address: str, serving: Serving, routing: RoutingParts, telephony: TelephonyParts, cluster: ClusterParts
    ) -> None:
        self._site = site
        self._address = address
        self._serving = serving
        self._routing = routing
        self._telephony = telephony
        self._cluster = cluster
        self._follower: Follower
        self._preflight: Preflight | None = None

    def attach(self, follower: Follower, preflight: Preflight | None) -> None:
        """Listen to AMI. Asterisk's calls are compared with the read model of `follower`; `preflight` asks it at each login."""
        self._follower, self._preflight = follower, preflight
        ami = self._telephony.ami
        self._telephony.live_calls.attach(ami)
        self._telephony.phones.attach(ami)
        ami.on_connect(self._connected)
        ami.on_lost(self._lost)

    async def join(self) -> None:
        """Have Asterisk send calls here. Where AMI does not come in time, that is done when it does."""
        with contextlib.suppress(AmiError):
            await self._telephony.ami.wait_connected(AMI_WITHIN_S)
            await self._meet()
            self._routing.client.take_calls_at(self._address)
            await self._cluster.server_list.join(self._address)
            await self._cluster.server_list.close(closed=False)

    def report_phones(self) -> None:
        """The state of every phone, to the router."""
        if self._cluster.server_list.asterisk is None:
            return  # all are reported when it is known
        for phone in self._site().phones:
            self._routing.client.report_phone(SipAccount(phone), self._telephony.phones.state(phone))
        for profile in self._site().directory.agents.values():
            if isinstance(profile.phone, ExternalNumber):  # nobody reports the state of an external number: it is tried
                self._routing.client.report_phone(profile.phone, "available")

    def phone_changed(self, endpoint: str, state: PhoneState) -> None:
        """A phone of the site has another state."""
        if self._cluster.server_list.asterisk is not None:
            self._routing.client.report_phone(SipAccount(endpoint), state)

    async def _connected(self) -> None:
        if self._preflight:
            self._preflight.ask()
        await self._follower.ready.wait()
        known, rows = await self._learn()
        self._telephony.ringer.reconcile(rows)
        self.report_phones()
        if self._serving.takes_calls:  # at the start AMI may have been away
            self._routing.client.take_calls_at(self._address)
        restarted = await self._cluster.server_list.meets_new_asterisk()
        self._cluster.orphaned_calls.reconcile(rows, known, restarted=restarted)

    async def _learn(self) -> tuple[frozenset[str], list[Message]]:
        """The calls that were known before Asterisk was asked, and the rows of its channels. Asterisk takes logins before it has loaded
        its modules: until then it is asked again."""
        pause_s, logged = BOOTING_S, ""
        while True:
            try:
                await self._meet()
                known = self._cluster.orphaned_calls.known()
                rows = await self._telephony.live_calls.reconcile(self._telephony.ami.core_show_channels)
                await self._telephony.phones.refresh(self._telephony.ami.device_states)
            except AmiRefused as refusal:
                if str(refusal) != logged:
                    log.info("asterisk_not_ready", reason=str(refusal))
                logged = str(refusal)
                await asyncio.sleep(pause_s)
                pause_s = min(1.5 * pause_s, MODULE_MISSING_S)
            else:
                return known, rows

    async def _meet(self) -> None:
        """Calls, phones and servers are known by the name of their Asterisk. Raises AmiError."""
        await self._cluster.server_list.meet()
        self._routing.client.asterisk = self._cluster.server_list.asterisk or ""

    def _lost(self) -> None:
        self._telephony.live_calls.set_connected(False)
        self._telephony.ringer.lost()
