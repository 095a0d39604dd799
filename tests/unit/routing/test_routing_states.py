"""The two state tables."""

from typing import Any

import pytest

from routing.domain import agent_state, contact_state
from routing.domain.agent_state import AgentEvent, AgentState, NotAllowed
from routing.domain.contact_state import ContactEvent, ContactState

pytestmark = pytest.mark.unit

TABLES: list[tuple[dict[Any, dict[Any, Any]], Any, Any, Any]] = [
    (agent_state.TRANSITIONS, AgentState, AgentEvent, AgentState.LOGGED_OUT),
    (contact_state.TRANSITIONS, ContactState, ContactEvent, ContactState.WAITING),
]


@pytest.mark.parametrize(("table", "states", "events", "start"), TABLES)
def test_every_state_is_reachable(table: Any, states: Any, events: Any, start: Any) -> None:
    """Every state can be reached from the first one, and each has a row."""
    seen, new = set(), {start}
    while new:
        seen |= new
        new = {target for state in new for target in table[state].values()} - seen

    assert seen == set(states) == set(table)


@pytest.mark.parametrize(("table", "states", "events", "start"), TABLES)
def test_every_event_is_used(table: Any, states: Any, events: Any, start: Any) -> None:
    """Every event leads somewhere from some state."""
    assert {event for moves in table.values() for event in moves} == set(events)


def test_an_agent_can_always_get_out() -> None:
    """From every state an agent can come to be logged out."""
    ways_back = {AgentState.LOGGED_OUT}
    for _ in AgentState:
        ways_back |= {state for state, moves in agent_state.TRANSITIONS.items() if ways_back & set(moves.values())}

    assert ways_back == set(AgentState)


def test_a_refused_move_says_what_is_possible() -> None:
    """A move that the table does not have names state, event and what is possible."""
    with pytest.raises(NotAllowed, match="an agent who is logged_out cannot pause; possible now: log_in"):
        agent_state.after(AgentState.LOGGED_OUT, AgentEvent.PAUSE)
    with pytest.raises(KeyError):
        contact_state.after(ContactState.ENDED, ContactEvent.OFFER)


def test_the_diagram_shows_every_move() -> None:
    """The diagram for the documentation has one line for each move of the table."""
    moves = sum(map(len, agent_state.TRANSITIONS.values()))

    assert len(agent_state.diagram().splitlines()) == moves + 2
