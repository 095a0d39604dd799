"""What a server tells again of agents after Redis lost everything."""

from dataclasses import replace
from typing import Any

import pytest

from routing.domain.agent_state import AgentState
from routing.domain.agent_work import AgentWork
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.agents import AgentChanged, AgentLoggedIn, AgentLoggedOut, AgentWrapUpStarted
from routing.domain.events.contacts import ContactDisposed
from routing.domain.events.envelope import Event
from routing.domain.events.servers import DomainOpened
from routing.domain.messages import AgentReported
from routing.domain.model import AgentProfile, Directory, QueuePolicy
from routing.domain.phone_address import phone_of
from routing.read_model.view import View
from server.calls.open_calls import Calls
from server.cluster.resync import Resync
from tests.told import agent_changed

pytestmark = pytest.mark.unit

SITE = Directory(
    {"billing": QueuePolicy("billing"), "sales": QueuePolicy("sales")},
    {
        id: AgentProfile(id, id.title(), phone, {}, ("billing", "sales"))
        for id, phone in (("anna", phone_of("1001")), ("li", None), ("wang", phone_of("1003")))
    },
)


class FakeDesk:
    """Keeps what is posted."""

    server = "node"

    def __init__(self) -> None:
        self.stays: dict[str, Any] = {}
        self.posted: list[Any] = []

    def post(self, message: Any) -> None:
        self.posted.append(message)

    def report_again(self) -> None:
        """There are no callers here."""

    def report_ends(self, open_talks: Any) -> None:
        """Nor were there any."""


def agent_event(cls: type[AgentChanged], agent: str, state: AgentState, phone: str, **more: Any) -> Event:
    return Event("event-1", 1_000, agent_changed(cls, state, phone, **{"since_ms": 1_000} | more), agent=agent)


def test_agents_at_work_are_told_with_their_phone_and_queues() -> None:
    """Also one who works at a phone that is not theirs; who has logged out is not told."""
    routing_client: Any = FakeDesk()
    events: Any = None
    reported: list[str] = []
    view = View(CurrentDirectory(SITE))
    resync = Resync(view, routing_client, events, Calls(), lambda: reported.append("phones"))
    for event in (
        agent_event(AgentLoggedIn, "anna", AgentState.READY, "1001", left_queues=("sales",)),
        agent_event(AgentLoggedIn, "li", AgentState.READY, "1020"),
        agent_event(AgentLoggedOut, "wang", AgentState.LOGGED_OUT, "1003"),
        Event("event-2", 2_000, DomainOpened("node")),
    ):
        view.apply(event)
        resync.on_event(event)
    assert routing_client.posted == [
        AgentReported("anna", AgentState.READY, since_ms=1_000, phone=phone_of("1001"), left_queues=["sales"]),
        AgentReported("li", AgentState.READY, since_ms=1_000, phone=phone_of("1020")),
    ]
    assert reported == ["phones"]


def test_what_only_the_router_knew_is_told_with_it() -> None:
    """A wrap-up with its end, a wish, the figures of fairness and the disposition that was given: all that events have told."""
    routing_client: Any = FakeDesk()
    events: Any = None
    view = View(CurrentDirectory(SITE))
    resync = Resync(view, routing_client, events, Calls(), lambda: None)
    work = AgentWork("paused", handled=7, talked_ms=90_000, occupancy=0.4, occupied_at_ms=900, last_contact="c1")
    told = agent_event(AgentWrapUpStarted, "anna", AgentState.WRAP_UP, "1001", reason="lunch", until_ms=61_000, work=work)
    for event in (
        replace(told, queue="billing"),
        Event("event-2", 1_500, ContactDisposed("31", "solved"), agent="anna", contact="c1"),
        Event("event-3", 2_000, DomainOpened("node")),
    ):
        view.apply(event)
        resync.on_event(event)
    [held] = routing_client.posted
    assert (held.state, held.reason, held.until_ms, held.queue) == (AgentState.WRAP_UP, "lunch", 61_000, "billing")
    assert held.work == replace(work, disposition="31")
