"""A call centre behind the HTTP interface, all in memory: a read model fed by events, a desk that answers what it is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ivr.numbers import Allowed
from routing.board.agents import EVENTS_OF
from routing.client.requests import NoReply
from routing.domain.agent_state import AgentState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.agents import PhoneStateChanged
from routing.domain.events.envelope import Event, EventData
from routing.domain.events.flows import NodeEntered
from routing.domain.messages import AgentAction, ContactAction
from routing.domain.model import AgentProfile, Directory, Membership, PhoneState, QueuePolicy
from routing.domain.orders import Reply
from routing.domain.phone_address import PhoneAddress, phone_of, phone_text
from routing.domain.teams import Team, TeamStay
from routing.read_model.view import View
from server.http.services import ApiServices
from server.settings.files import HotlineFile
from server.settings.site import Site
from tests.told import agent_changed, at_server, queued

NOW_MS = 1_790_000_000_000
TOKENS = {role: f"token-of-the-{role}-000" for role in ("viewer", "agent", "supervisor", "admin")}
DIRECTORY = Directory(
    {"billing": QueuePolicy("billing", names={"zh": "账单"}, dispositions={"1": "solved"}), "sales": QueuePolicy("sales")},
    {
        "wang": AgentProfile("wang", "王芳", phone_of("1001"), {"billing": 5}, ("billing",)),
        "smith": AgentProfile(
            "smith",
            "Alice Smith",
            phone_of("1002"),
            {"billing": 4},
            ("billing", "sales"),
            memberships={"sales": Membership(2)},
            attributes={"site": "berlin"},
            teams=(TeamStay(0, "north"), TeamStay(NOW_MS, "south"), TeamStay(NOW_MS + 1, "north")),
        ),
    },
    teams={"north": Team("north", {"zh": "北区班"}, ("wang",)), "south": Team("south")},
)


class StillClock:
    """Always the same time."""

    def now_ms(self) -> int:
        return NOW_MS


class CountedIds:
    """`error-1`, `error-2` ..."""

    def __init__(self) -> None:
        self.count = 0

    def new(self, kind: str) -> str:
        self.count += 1
        return f"{kind}-{self.count}"


class FakeDesk:
    """Answers with `reply`, or not at all when it is None; `asked` keeps the questions."""

    def __init__(self) -> None:
        self.reply: Reply | None = Reply("request-1", "paused")
        self.asked: list[tuple[Any, ...]] = []

    async def ask(
        self,
        agent: str,
        action: AgentAction,
        *,
        reason: str = "",
        phone: PhoneAddress | None = None,
        queue: str = "",
        disposition: str = "",
        contact: str = "",
    ) -> Reply:
        return self._answer(agent, action, *filter(None, (reason, phone_text(phone), queue, disposition, contact)))

    async def ask_contact(self, contact: str, action: ContactAction, *, priority: int = 0, queue: str = "") -> Reply:
        return self._answer(contact, action, *filter(None, (priority, queue)))

    def _answer(self, *question: Any) -> Reply:
        self.asked.append(question)
        if self.reply is None:
            raise NoReply("no answer from routing within 5 s; the request may still take effect")
        return self.reply


class FakeHealth:
    """Everything is well unless told otherwise."""

    def __init__(self) -> None:
        self.states = {"redis": "", "ami": "", "dialplans": ""}
        self.warned: list[str] = []
        self.elsewhere: list[str] = []

    def mended_by_others(self) -> list[str]:
        return self.elsewhere

    def warnings(self) -> list[str]:
        return self.warned

    async def ready(self) -> dict[str, str]:
        return self.states


async def figures() -> bytes:
    """What Prometheus gets."""
    return b"hotline_waiting 0\n"


class World:
    """All of it; `services` is what make_api takes."""

    def __init__(self) -> None:
        self.view = View(CurrentDirectory(DIRECTORY))
        self.routing_client = FakeDesk()
        self.health = FakeHealth()
        self.site = Site(
            Path("config"),
            HotlineFile(),
            DIRECTORY,
            hours={},
            numbers={"4000": "main"},
            default_flow="main",
            trunks={},
            flows={},
            may_dial=Allowed([]),
            desk_phones=("1020",),
        )
        self.on_its_way: Callable[[], None] = lambda: None  # what the event log holds and the read model does not yet know
        self.services = ApiServices(
            site=lambda: self.site,
            view=self.view,
            catch_up=self.catch_up,
            routing_client=self.routing_client,
            tokens=TOKENS,
            health=self.health,
            clock=StillClock(),
            metrics=figures,
            server="node-1",
            ids=CountedIds(),
        )

    async def catch_up(self) -> None:
        """Now it knows."""
        self.on_its_way()

    def write(self, data: EventData, at_ms: int = NOW_MS, *, contact: str = "", agent: str = "", queue: str = "billing") -> None:
        """Feed the read model."""
        self.view.apply(Event(f"event-{at_ms}", at_ms, data, call=f"call-of-{contact}", contact=contact, agent=agent, queue=queue))

    def queued(self, contact: str, waited_ms: int, *, priority: int = 0, ani: str = "+8613800138000") -> None:
        """Somebody joined the queue `waited_ms` ago, at first asking for billing >= 4, after 30 s for billing."""
        at_ms, steps = NOW_MS - waited_ms, ((0, "billing >= 4"), (30_000, "billing"))
        known = queued(at_ms, steps=steps, priority=priority, ani=ani, caller={"account": "12345678"}, server="node-1")
        self.write(known, at_ms, contact=contact)

    def agent(self, id: str, state: str, *, phone_state: PhoneState = "available", reason: str = "") -> None:
        """An agent got into a state ten seconds ago."""
        phone, now = phone_text(DIRECTORY.agents[id].phone), AgentState(state)
        self.write(PhoneStateChanged(phone, phone_state), agent=id)
        changed = agent_changed(EVENTS_OF[now], now, phone, reason=reason, since_ms=NOW_MS - 10_000)
        self.write(changed, NOW_MS - 10_000, agent=id)

    def call(self, id: str, *, server: str = "node-1", duration_ms: int = 60_000, node: str = "welcome") -> None:
        """A caller in the main menu, at one of the servers."""
        at_ms = NOW_MS - duration_ms
        self.view.apply(Event(f"event-{id}", at_ms, at_server(server, started_at_ms=at_ms), call=id))
        self.view.apply(Event(f"event-{id}-in", at_ms, NodeEntered("menu", "zh"), call=id, flow="main", node=node))
