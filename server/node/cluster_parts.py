"""The parts of a server that share a domain with other servers: the router, which one of them leads, and who takes over whose calls."""

import random
from collections.abc import Callable
from pathlib import Path

from routing.router import Router
from server.cluster.draining import Draining
from server.cluster.neighbour import Neighbour
from server.cluster.orphaned_calls import OrphanedCalls
from server.cluster.resync import Resync
from server.cluster.server_list import ServerList
from server.node.routing_parts import RoutingParts
from server.node.telephony_parts import TelephonyParts
from server.settings.current_site import CurrentSite
from server.state_folder.lock import StateLock


class ClusterParts:
    """`report_phones` reports the state of every phone of the site to the router."""

    def __init__(
        self, site: CurrentSite, state: Path, routing: RoutingParts, telephony: TelephonyParts, report_phones: Callable[[], None]
    ) -> None:
        ami, calls, server = telephony.ami, telephony.calls, routing.server
        self.server_list = ServerList(ami, routing.ids, server)
        self.router = Router(
            routing.store,
            site.directory,
            routing.ids,
            routing.clock,
            server=server,
            chance=random.Random(),
            listed=lambda: self.server_list.listed,
        )
        self.router.short_way = routing.client.short_way
        self.orphaned_calls = OrphanedCalls(routing.view, routing.client, routing.events, calls, ami, self.server_list)
        self.resync = Resync(routing.view, routing.client, routing.events, calls, report_phones)
        lock = StateLock(state)
        is_supervised = lambda: lock.holder() != 0  # noqa: E731  `up` has the lock: it starts us again, and says so when the site stops
        self.draining = Draining(
            telephony.agi,
            self.server_list,
            ami,
            calls,
            routing.client,
            routing.view,
            routing.events,
            routing.clock.now_ms,
            comes_back=is_supervised,
        )
        self.neighbour = Neighbour(self.server_list, ami, is_supervised)
