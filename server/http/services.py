"""What the HTTP interface is given to work with. Everything comes through here, so that tests hand in a world of their own."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Unpack

from routing.domain.identifiers import Ids as RandomIds
from routing.domain.messages import AgentAction, ContactAction, Details
from routing.domain.orders import Reply
from routing.ports import Clock, Ids
from routing.read_model.view import View
from server.settings import Site
from server.version import VERSION


class AgentRequests(Protocol):
    """Where changes of agents and contacts are asked for: `RoutingClient`. Both raise NoReply when the router does not answer."""

    async def ask(self, agent: str, action: AgentAction, **details: Unpack[Details]) -> Reply:
        """The router's answer about an agent."""

    async def ask_contact(self, contact: str, action: ContactAction, *, priority: int = 0, queue: str = "") -> Reply:
        """The router's answer about a contact."""


class Health(Protocol):
    """Whether this server can take calls."""

    async def ready(self) -> Mapping[str, str]:
        """Component (redis, ami, dialplans) -> "" when it is well, else a sentence that says why not. Anybody may read it: no secrets."""

    def mended_by_others(self) -> Collection[str]:
        """Those whose faults others have to mend: whoever started this server gains nothing by starting it anew."""

    def warnings(self) -> Sequence[str]:
        """What is not as it should be, and keeps no call from being taken; sentences."""


@dataclass(frozen=True, slots=True)
class ApiServices:
    """`site` is asked at each request, since it may be loaded anew; `tokens` maps a role to its secret; `metrics` gives the
    Prometheus text; `catch_up` returns when `view` has all events written before."""

    site: Callable[[], Site]
    view: View
    catch_up: Callable[[], Awaitable[None]]
    routing_client: AgentRequests
    tokens: Mapping[str, str]
    health: Health
    clock: Clock
    metrics: Callable[[], Awaitable[bytes]]
    server: str
    ids: Ids = field(default_factory=RandomIds)
    version: str = VERSION
    runs: str = ""  # the fingerprint of program and settings

    @property
    def country(self) -> str:
        """The country whose numbers are national."""
        return self.site().main.country
