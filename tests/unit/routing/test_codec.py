"""Records, messages and orders as JSON."""

import json
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.domain.agent import Agent
from routing.domain.agent_work import AgentWork
from routing.domain.assignment import Assignment, AssignmentState
from routing.domain.contact_facts import ContactFacts
from routing.domain.kinds import KINDS
from routing.domain.messages import AgentReported, Message
from routing.domain.model import Contact
from routing.domain.orders import Order, Reply
from routing.domain.phone_address import ExternalNumber, SipAccount, phone_of
from routing.store import codec

pytestmark = pytest.mark.unit

text = st.text(max_size=8)  # surrogates included: what a channel hands over need not be clean
phones = text.filter(bool).map(phone_of) | text.map(lambda digits: ExternalNumber(f"+{digits}"))
st.register_type_strategy(SipAccount, phones)
st.register_type_strategy(ExternalNumber, phones)


def made(cls: type) -> st.SearchStrategy[Any]:
    """Any instance of a class, its fields being what their types say."""
    hints = get_type_hints(cls)
    special: dict[str, Any] = {"steps": st.lists(st.tuples(st.integers(0, 10**7), text), max_size=3)}
    if cls is AgentReported:
        counts = st.dictionaries(text, st.integers(1), max_size=3)
        special["work"] = st.builds(AgentWork, requested=text, handled=st.integers(), refused=counts, left_at_ms=counts)
    held = st.builds(Assignment, text, text, st.sampled_from([*KINDS]), st.sampled_from(AssignmentState), since_ms=st.integers())
    special["assignments"] = st.dictionaries(text, held, max_size=3)
    special["facts"] = st.builds(ContactFacts, text, text, text, st.dictionaries(text, text, max_size=2), st.sampled_from([*KINDS]), text)
    special["held_up"] = st.sampled_from((None, "no_server", "no_trunk"))
    kinds = {**hints, **{name: st.floats(allow_nan=False, allow_infinity=False) for name, hint in hints.items() if hint is float}}
    made_of = {name: kind if isinstance(kind, st.SearchStrategy) else st.from_type(kind) for name, kind in kinds.items()}
    return st.builds(cls, **{f.name: special.get(f.name, made_of[f.name]) for f in fields(cls)})


@pytest.mark.parametrize("cls", get_args(Message))
@given(data=st.data())
def test_a_message_comes_back_as_it_was(cls: type, data: st.DataObject) -> None:
    """Reading what was written gives an equal message, tagged with its class in snake_case."""
    item = data.draw(made(cls))

    assert codec.message_from(codec.tagged_text(item)) == item
    assert json.loads(codec.tagged_text(item))["type"] == codec.kind_of(cls)


@pytest.mark.parametrize("cls", get_args(Order))
@given(data=st.data())
def test_an_order_comes_back_as_it_was(cls: type, data: st.DataObject) -> None:
    item = data.draw(made(cls))

    assert codec.order_from(codec.tagged_text(item)) == item


@pytest.mark.parametrize(("cls", "read"), [(Contact, codec.contact_from), (Agent, codec.agent_from)])
@given(data=st.data())
def test_a_record_comes_back_as_it_was(cls: type, read: Any, data: st.DataObject) -> None:
    item = data.draw(made(cls))

    assert read(codec.record_text(item)) == item


def test_text_is_one_line_of_ascii() -> None:
    """Whatever a caller's name holds, the text can be sent and logged."""
    written = codec.tagged_text(Reply("r\r\n\udcff张", "ready"))

    assert written.isascii()
    assert written.isprintable()


def test_fields_of_a_newer_version_are_ignored() -> None:
    """A server of the next version may add fields."""
    assert codec.order_from('{"type":"reply","request":"r","state":"ready","mood":["good"]}') == Reply("r", "ready")


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('{"type":"contact_teleported","contact":"c"}', "unknown type 'contact_teleported'.*contact_arrived"),
        ('{"contact":"c"}', "unknown type None"),
        ('{"type":"contact_left"}', "contact_left cannot be read"),
        ('{"type":"contact_arrived","steps":[1]}', "contact_arrived cannot be read"),
        ("[]", "expected a JSON object"),
        ("{", "expected a JSON object"),
        ("[" * 100_000, "expected a JSON object"),
        ("", "expected a JSON object"),
    ],
)
def test_what_cannot_be_read_says_so(written: str, says: str) -> None:
    """An unknown type, a missing field and text that is no JSON are one kind of error, in words."""
    with pytest.raises(codec.Unreadable, match=says):
        codec.message_from(written)


def test_an_unknown_state_is_unreadable() -> None:
    with pytest.raises(codec.Unreadable, match="agent cannot be read"):
        codec.agent_from('{"id":"anna","state":"levitating"}')


STEPS = [[0, "billing"], [60_000, ""]]
FACTS = {"call": "call-1.0", "ani": "+49", "language": "de", "data": {"k": "v"}}
PLACE = {"server": "node", "queue": "support", "enqueued_at_ms": 1000}
ASKED = {"steps": STEPS, "priority": 7, "preferred": ["anna"], "preferred_ms": 5, "exclude": ["bob"], "place_ms": 6}
SEEN = {"expected_wait_ms": 7, "service_level": 50.0, "back": True, "last_offer": "o", "last_outcome": "rang_out", "again": True}
TALK = {"offer": "o", "agent": "anna", "connected_at_ms": 2000}
MADE = {"offers": {"o": "anna"}, "refused_until_ms": {"bob": 5}, "ageing": 2.0, "offered_at_ms": 4, "overflowed": ["x"], "state": "offered"}
BEFORE: dict[str, dict[str, Any]] = {
    "contact_arrived": {"type": "contact_arrived", "contact": "c1", **PLACE, **FACTS, **ASKED, **SEEN, "ringing": "r"},
    "contact_arrived, brief": {"type": "contact_arrived", "contact": "c1", **PLACE, "call": "call-1.0", "steps": STEPS}
    | {"last_outcome": "withdrawn", "service_level": 100.0},
    "talk_held": {"type": "talk_held", "contact": "c1", **PLACE, **FACTS, "steps": STEPS, **TALK},
    "talk_held, brief": {"type": "talk_held", "contact": "c1", **PLACE, "call": "call-1.0", **TALK},
    "contact": {"id": "c1", **PLACE, **FACTS, **MADE, "steps": STEPS, "priority": 7, "place_ms": 3, "put_off": [[0, "a"]], "rev": 3},
    "contact, brief": {"id": "c1", **PLACE, "call": "call-1.0", "steps": STEPS, "state": "waiting", "ageing": 1.0},
}


@pytest.mark.parametrize("name", BEFORE)
def test_servers_of_the_last_version_understand_and_are_understood(name: str) -> None:
    """During a rolling upgrade: what the last version wrote of a caller is read, and written by this one it has the same flat fields."""
    before, is_record = BEFORE[name], name.startswith("contact,") or name == "contact"
    text = json.dumps(before)
    read: Any = codec.contact_from(text) if is_record else codec.message_from(text)

    written = json.loads(codec.record_text(read) if is_record else codec.tagged_text(read))
    assert {**written, "kind": "voice"} == written
    assert {name: value for name, value in written.items() if name != "kind"} == before
    assert read.facts.call == "call-1.0"
    assert read.facts.data == before.get("data", {})


@pytest.mark.parametrize("cls", codec.WIRES)
def test_no_two_fields_of_a_record_are_written_under_one_name(cls: type) -> None:
    """Facts and wishes stand beside the fields of what holds them: one would hide the other."""
    names = codec.WIRES[cls].names

    assert len(set(names)) == len(names)
