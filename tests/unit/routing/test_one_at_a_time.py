"""What the version before wrote, which knew of one contact at a time, is read by this one."""

import json

import pytest

from routing.domain.agent_state import AgentPresence, AgentState
from routing.domain.assignment import AssignmentState
from routing.domain.current_directory import CurrentDirectory
from routing.read_model.view import View
from routing.store import codec, event_codec
from tests.routing_house import directory, person

pytestmark = pytest.mark.unit

BEFORE = {
    "id": "anna", "reason": "", "since_ms": 5_000, "phone": "1001", "phone_state": "busy", "contact": "c1", "queue": "support",
    "offer": "o1", "idle_since_ms": 1_000, "handled": 3, "rev": 9,
}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "until_ms", "held"),
    [
        ("reserved", 9_000, AssignmentState.OFFERED),
        ("on_contact", 0, AssignmentState.CONNECTED),
        ("wrap_up", 7_000, AssignmentState.WRAP_UP),
    ],
)
def test_an_agent_with_a_contact(state: str, until_ms: int, held: AssignmentState) -> None:
    """The record says the same as then, in the words of now."""
    found = codec.agent_from(json.dumps({**BEFORE, "state": state, "until_ms": until_ms}))
    assert (found.state, found.queue, found.since_ms, found.until_ms, found.rev) == (AgentState(state), "support", 5_000, until_ms, 9)
    ((offer, assignment),) = found.assignments.items()
    assert (offer, assignment.contact, assignment.state, found.presence) == ("o1", "c1", held, AgentPresence.READY)


def test_an_agent_on_a_break() -> None:
    """AgentPresence and the end of the break are as they were."""
    found = codec.agent_from(json.dumps({"id": "anna", "state": "paused", "reason": "lunch", "since_ms": 5_000, "until_ms": 8_000}))
    assert (found.state, found.reason, found.since_ms, found.until_ms) == (AgentState.PAUSED, "lunch", 5_000, 8_000)


def test_a_record_of_now_is_read_as_it_is() -> None:
    """Written and read again nothing changes."""
    found = codec.agent_from(json.dumps({**BEFORE, "state": "on_contact", "until_ms": 0}))
    assert codec.agent_from(codec.record_text(found)) == found


def test_events_of_then_lead_to_the_states_of_now() -> None:
    """A server of the version before routes: who follows its events sees each state, with its contact, as ever."""
    view = View(CurrentDirectory(directory(person("anna"))))
    lines = [
        ("agent_logged_in", "", {"state": "ready", "reason": "", "until_ms": 0, "phone": "1001", "since_ms": 1_000}),
        ("offer_made", "c1", {"offer": "o1", "waited_ms": 5, "phone": "1001"}),
        ("agent_connected", "", {"state": "on_contact", "reason": "", "until_ms": 0, "phone": "1001", "since_ms": 3_000}),
        ("agent_wrap_up_started", "", {"state": "wrap_up", "reason": "", "until_ms": 9_000, "phone": "1001", "since_ms": 4_000}),
        ("agent_ready", "", {"state": "ready", "reason": "", "until_ms": 0, "phone": "1001", "since_ms": 9_000}),
    ]
    seen = []
    for number, (type, contact, data) in enumerate(lines):
        told = {
            "id": f"e{number}",
            "type": type,
            "at_ms": 2_000,
            "agent": "anna",
            "contact": contact,
            "queue": "support",
            "data": data,
            "v": 1,
        }
        view.apply(event_codec.event_from(json.dumps(told)))
        anna = view.agents["anna"]
        seen.append((anna.state.value, anna.contact, anna.queue, anna.until_ms))
    assert seen == [
        ("ready", "", "", 0),
        ("reserved", "c1", "support", 0),
        ("on_contact", "c1", "support", 0),
        ("wrap_up", "", "support", 9_000),
        ("ready", "", "", 0),
    ]
