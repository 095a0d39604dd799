"""The parts of a server that speak with Asterisk and serve calls: AMI, FastAGI, the sessions, and what they need."""

import random
from collections.abc import Callable

from agi.ami.client import AmiClient
from agi.live_calls import LiveCalls
from agi.phones import PhoneState, PhoneStates
from agi.ringing import Ringer
from agi.server import FastAgiServer
from server.calls.caller import SessionServices
from server.calls.lookup import HttpLookup
from server.calls.on_hold import OnHold
from server.calls.open_calls import Calls
from server.calls.session import Sessions
from server.node.routing_parts import RoutingParts
from server.node_settings import NodeSettings
from server.open_files import Shares, raise_soft_limit, shares
from server.outbound.outbound_calls import OutboundCalls
from server.settings import Site
from server.settings.current_site import CurrentSite


class TelephonyParts:
    """`phone_changed(endpoint, state)` is called for each change of a phone's state."""

    def __init__(
        self, site: CurrentSite, settings: NodeSettings, routing: RoutingParts, phone_changed: Callable[[str, PhoneState], None]
    ) -> None:
        self.ami = AmiClient(*settings.ami_address, *settings.ami_login, rng=random.Random())
        self.live_calls = LiveCalls()
        self.phones = PhoneStates(phone_changed)
        self.ringer = Ringer(self.ami, self.phones, routing.clock)
        self.calls = Calls()
        self.lookup = HttpLookup(lambda: site().main.lookup_headers)
        self.sounds = settings.installation.sounds(site())
        self.sessions = Sessions(
            SessionServices(
                site,
                self.ami,
                self.live_calls,
                self.ringer,
                routing.client,
                routing.view,
                self.sounds,
                self.lookup,
                routing.events,
                routing.clock,
                self.calls,
                routing.store.counts,
                OutboundCalls(site, routing.store.counts, routing.events, routing.clock),
                routing.server,
            )
        )
        self.files = raise_soft_limit()
        limit = self.shares(site()).calls
        self.agi = FastAgiServer(self.sessions, *settings.agi_address, max_sessions=limit, allowed=settings.takes_agi_from)
        self.on_hold = OnHold(self.ami, self.calls, routing.events)

    def shares(self, site: Site) -> Shares:
        """How many calls and HTTP connections the open files allow, of those that a site wants."""
        return shares(self.files, site.main.limits.calls)

    async def close(self) -> None:
        """Close what was opened for look-ups and sounds."""
        await self.lookup.close()
        await self.sounds.close()
