"""What a server tells again of agents after Redis lost everything."""

from dataclasses import replace
from typing import Any

import pytest

from routing.domain.agent_state import AgentState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events import Event
from routing.domain.messages import AgentHeld
from routing.domain.model import AgentProfile, Directory, QueuePolicy
from routing.read_model.view import View
from server.calls.open_calls import Calls
from server.cluster.retelling import Retelling

pytestmark = pytest.mark.unit

SITE = Directory(
    {"billing": QueuePolicy("billing"), "sales": QueuePolicy("sales")},
    {id: AgentProfile(id, id.title(), phone, {}, ("billing", "sales")) for id, phone in (("anna", "1001"), ("li", ""), ("wang", "1003"))},
)


class FakeDesk:
    """Keeps what is posted."""

    server = "node"

    def __init__(self) -> None:
        self.stays: dict[str, Any] = {}
        self.posted: list[Any] = []

    def post(self, message: Any) -> None:
        self.posted.append(message)

    def tell_again(self) -> None:
        """There are no callers here."""

    def tell_ends(self, open_talks: Any) -> None:
        """Nor were there any."""


def agent_event(type: str, agent: str, state: AgentState, phone: str, **more: Any) -> Event:
    data = {"state": state, "before": "logged_out", "reason": "", "until_ms": 0, "phone": phone, **more}
    return Event("event-1", type, 1_000, agent=agent, data=data)


def test_agents_at_work_are_told_with_their_phone_and_queues() -> None:
    """Also one who works at a phone that is not theirs; who has logged out is not told."""
    routing_client: Any = FakeDesk()
    events: Any = None
    reported: list[str] = []
    view = View(CurrentDirectory(SITE))
    retelling = Retelling(view, routing_client, events, Calls(), lambda: reported.append("phones"))
    for event in (
        agent_event("agent_logged_in", "anna", AgentState.READY, "1001", left_queues=["sales"]),
        agent_event("agent_logged_in", "li", AgentState.READY, "1020"),
        agent_event("agent_logged_out", "wang", AgentState.LOGGED_OUT, "1003"),
        Event("event-2", "domain_opened", 2_000),
    ):
        view.apply(event)
        retelling.on_event(event)
    assert routing_client.posted == [
        AgentHeld("anna", AgentState.READY, since_ms=1_000, phone="1001", left_queues=["sales"]),
        AgentHeld("li", AgentState.READY, since_ms=1_000, phone="1020"),
    ]
    assert reported == ["phones"]


def test_what_only_the_router_knew_is_told_with_it() -> None:
    """A wrap-up with its end, a wish, the figures of fairness and the disposition that was given: all that events have told."""
    routing_client: Any = FakeDesk()
    events: Any = None
    view = View(CurrentDirectory(SITE))
    retelling = Retelling(view, routing_client, events, Calls(), lambda: None)
    work = {"wanted": "paused", "handled": 7, "talked_ms": 90_000, "occupancy": 0.4, "occupied_at_ms": 900, "last_contact": "c1"}
    told = agent_event("agent_wrap_up_started", "anna", AgentState.WRAP_UP, "1001", reason="lunch", until_ms=61_000, work=work)
    for event in (
        replace(told, queue="billing"),
        Event("event-2", "contact_disposed", 1_500, agent="anna", contact="c1", data={"disposition": "31", "meaning": "solved"}),
        Event("event-3", "domain_opened", 2_000),
    ):
        view.apply(event)
        retelling.on_event(event)
    [held] = routing_client.posted
    assert (held.state, held.reason, held.until_ms, held.queue) == (AgentState.WRAP_UP, "lunch", 61_000, "billing")
    assert held.work == {**work, "disposition": "31"}
