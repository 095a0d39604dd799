"""What must hold on the board after any history."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.domain.agent_state import AgentState
from routing.domain.contact_state import ContactState
from routing.domain.orders import ReportPhoneOrder
from tests.board_history import (
    changing,
    check_agents_moved_by_the_table,
    check_booking,
    check_conservation,
    check_counts,
    check_nobody_waits_in_vain,
    check_order,
    check_phones,
    check_staff,
    opened,
    play,
)
from tests.routing_house import House

pytestmark = pytest.mark.unit


@settings(max_examples=250)
@given(changing)
def test_after_any_history(moves: list[tuple[str, int, int]]) -> None:
    """No double booking, no caller beside a free agent who could serve, nobody lost or counted twice, first come first served."""
    made = opened()
    for number, move in enumerate(moves):
        orders_before = len(made.orders)
        play(made, move, number)
        check_booking(made)
        check_nobody_waits_in_vain(made)
        check_counts(made)
        check_phones(made)
        check_staff(made)
        if move[0] != "wait":  # of many things at many moments only the end can be seen
            check_order(made, orders_before)
    check_conservation(made)
    check_agents_moved_by_the_table(made)


@settings(max_examples=250)
@given(changing, st.sets(st.integers(0, 69)))
def test_a_restart_is_not_noticed(moves: list[tuple[str, int, int]], restarts: set[int]) -> None:
    """A board made from the committed records, at any moments, tells and orders exactly what the board that went on does."""
    steady, restarted = opened(), opened()
    for number, move in enumerate(moves):
        if number in restarts:
            phones = restarted.board.loose_phones
            restarted.restart()
            restarted.board.loose_phones = phones  # which servers tell when they are asked
        play(steady, move, number)
        play(restarted, move, number)
        assert comparable(restarted) == comparable(steady)
        check_booking(restarted)


def comparable(made: House) -> tuple[Any, ...]:
    """All but the questions for a phone, which go to the servers that were heard of."""
    return made.events, [order for order in made.orders if not isinstance(order[1], ReportPhoneOrder)], made.records


@settings(max_examples=50)
@given(changing)
def test_everybody_comes_home(moves: list[tuple[str, int, int]]) -> None:
    """When news stops, time alone brings every agent out of a reservation or wrap-up, and every waiting caller to an end."""
    made = opened()
    for number, move in enumerate(moves):
        play(made, move, number)
    made.wait(1_000_000)

    assert {a.state for a in made.board.agents.values()} <= {
        AgentState.READY,
        AgentState.PAUSED,
        AgentState.LOGGED_OUT,
        AgentState.ON_CONTACT,
        AgentState.WRAP_UP,
    }
    until_done = [a for a in made.board.agents.values() if a.state == AgentState.WRAP_UP]
    assert all(a.until_ms == 0 and a.last_queue == "sales" for a in until_done), "only a wrap-up without an end goes on"
    assert all(contact.state == ContactState.CONNECTED for contact in made.board.contacts.values())
    check_conservation(made)
