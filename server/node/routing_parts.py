"""The parts of a server that speak with the router: the store, the event log, the read model and the client."""

import secrets
import socket

from routing.client.routing_client import RoutingClient
from routing.clock import SystemClock
from routing.domain.identifiers import Ids
from routing.read_model.view import View
from routing.store.redis import DATA_FOLDER, RedisStore
from server.events.log_size import LogSize
from server.events.writer import EventLog
from server.node_settings import NodeSettings
from server.redis_health import RedisHealth
from server.settings.current_site import CurrentSite


class RoutingParts:
    """`server` is this server's name, new at each start."""

    def __init__(self, site: CurrentSite, settings: NodeSettings) -> None:
        directory = site.directory
        self.server = f"{socket.gethostname()[:20]}-{secrets.token_hex(3)}"
        self.clock = SystemClock()
        self.ids = Ids()
        self.store = RedisStore(settings.redis_url, folder=DATA_FOLDER if site().main.redis.url else str(settings.installation.redis_data))
        self.view = View(directory)
        self.events = EventLog(self.store, self.ids, self.clock, server=self.server, team_of=directory.team_of)
        self.client = RoutingClient(
            self.store,
            directory,
            self.ids,
            self.clock,
            server=self.server,
            wait_forecast=self.view.wait_forecast,
            on_dropped=self.events.write_messages_dropped,
        )
        self.redis = RedisHealth(self.store, self.client, self.events, self.clock, self.server)
        self.log_size = LogSize(self.store)
