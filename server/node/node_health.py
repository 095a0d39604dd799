"""Whether a server can take calls, component by component, for `/readyz` and `./hotline status`."""

from server.external.preflight import Preflight
from server.node.routing_parts import RoutingParts
from server.node.serving import Serving
from server.node.telephony_parts import TelephonyParts
from server.node_settings import NodeSettings
from server.readiness import ASTERISK, REDIS
from server.settings.current_site import CurrentSite


class NodeHealth:
    """Fits `server.http.services.Health`. `preflight` is None where Asterisk is our own."""

    def __init__(
        self,
        site: CurrentSite,
        settings: NodeSettings,
        serving: Serving,
        routing: RoutingParts,
        telephony: TelephonyParts,
        preflight: Preflight | None,
    ) -> None:
        self._site = site
        self._settings = settings
        self._serving = serving
        self._redis = routing.redis
        self._ami = telephony.ami
        self._preflight = preflight

    async def ready(self) -> dict[str, str]:
        """Component -> "" or why it is not ready."""
        host, port = self._settings.ami_address
        ami = "" if self._ami.connected else f"no AMI connection to {host}:{port}"
        components = {
            REDIS: await self._redis.why_not_ready(),
            "ami": ami,
            "dialplans": "" if self._site().flows else "no flow is loaded",
            "calls": self._serving.why_not,
        }
        return components | ({ASTERISK: self._preflight.why_not_ready} if self._preflight and not ami else {})

    def mended_by_others(self) -> frozenset[str]:
        """The components whose faults others have to mend; this server does what it can meanwhile."""
        return frozenset({ASTERISK, *({REDIS} if self._redis.only_full else ())})

    def warnings(self) -> list[str]:
        """What is not as it should be, and keeps no call from being taken."""
        return self._preflight.warnings if self._preflight else []
