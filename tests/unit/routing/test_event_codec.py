"""Events as JSON: of this version, of the one before, and of a newer one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.domain.agent_work import AgentWork
from routing.domain.assignment import Assignment
from routing.domain.events import registry
from routing.domain.events.agents import AgentPaused
from routing.domain.events.calls import CallEnded
from routing.domain.events.contacts import ContactConnected, ContactPrioritised, ContactQueued
from routing.domain.events.envelope import Event, EventData, Fields, UnknownEvent
from routing.domain.events.flows import NodeLeft
from routing.domain.events.registry import EVENTS
from routing.domain.events.servers import GapInLog
from routing.store import event_codec
from routing.store.codec import Unreadable
from routing.store.event_codec import event_fields, event_from, event_text
from routing.store.wire import wire_of
from tests.told import agent_changed, example

pytestmark = pytest.mark.unit

text = st.text(max_size=8)  # surrogates included: what a channel hands over need not be clean
json_values = st.recursive(st.none() | st.booleans() | st.integers() | text, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
json_objects = st.dictionaries(text, json_values, max_size=3)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """What a field may hold."""
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if hint == Mapping[str, str]:
        return st.dictionaries(text, text, max_size=3)
    if hint == Mapping[str, int]:
        return st.dictionaries(text, st.integers(), max_size=3)
    if hint == (Mapping[str, Assignment] | None):
        return st.none() | st.dictionaries(text, st.from_type(Assignment), max_size=2)
    return made(AgentWork) if hint is AgentWork else st.from_type(hint)


def made(cls: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls)
    return st.builds(cls, **{field.name: values(hints[field.name]) for field in fields(cls)})


def told(data: EventData) -> Event:
    return Event("e1", 5, data, call="call-1")


@pytest.mark.parametrize("cls", EVENTS.values())
@given(data=st.data())
def test_an_event_comes_back_as_it_was(cls: type[EventData], data: st.DataObject) -> None:
    """Of every type, whatever its fields hold, by one line of ASCII."""
    about = {name: data.draw(text) for name in ("domain", *event_codec.ENVELOPE)}
    event = Event(data.draw(text), data.draw(st.integers()), data.draw(made(cls)), **about)
    written = event_text(event)

    assert event_from(written) == event
    assert written.isascii()
    assert written.isprintable()


@given(text.filter(lambda type: type not in EVENTS), json_objects, st.integers(1, 5), json_objects)
def test_what_a_newer_server_tells_is_kept_as_it_is(type: str, data: dict[str, Any], version: int, beside: dict[str, Any]) -> None:
    """Of a type that this version does not know nothing is lost, in the data or in the envelope."""
    entry = {"id": "e1", "type": type, "at_ms": 5, "domain": "main", "queue": "billing", "data": data, "v": version}
    entry |= {name: value for name, value in beside.items() if name not in event_codec.KNOWN}
    event = event_from(json.dumps(entry))

    assert (event.type, event.v, event.queue) == (type, version, "billing")
    assert event_fields(event) == {name: value for name, value in entry.items() if name != "data" or value}
    assert event_from(event_text(event)) == event


def test_the_text_of_an_event() -> None:
    """What does not apply is left out of the envelope, what is not known of the data; an agent's work has only what there is."""
    ended = Event("e1", 5, CallEnded("caller", 9, "waiting"), call="call-1", flow="main", node="menu")
    paused = told(agent_changed(AgentPaused, "paused", work=AgentWork(handled=3)))  # type: ignore[arg-type]

    assert json.loads(event_text(ended)) == {
        "id": "e1",
        "type": "call_ended",
        "at_ms": 5,
        "domain": "main",
        "call": "call-1",
        "flow": "main",
        "node": "menu",
        "data": {"ended_by": "caller", "duration_ms": 9, "lasted_ms": 9, "stage": "waiting"},
        "v": 1,
    }
    assert json.loads(event_text(paused))["data"]["work"] == {"handled": 3}
    gap = event_fields(told(GapInLog("record", "", "1-0", "2-0")))
    assert gap["data"] == {"reader": "record", "server": "", "from": "1-0", "to": "2-0"}


class NodeName(str):
    """As the model of a flow has it."""


def test_a_text_of_a_class_of_its_own_is_written_as_text() -> None:
    assert event_from(event_text(told(NodeLeft(NodeName("bye"))))) == told(NodeLeft("bye"))
    assert event_fields(told(NodeLeft(NodeName("bye"))))["data"] == {"exit": "bye"}
    with pytest.raises(TypeError):
        event_text(told(NodeLeft(object())))  # type: ignore[arg-type]


def test_a_newer_server_may_add_fields_and_an_older_one_lack_them() -> None:
    """The first are passed over, the second have their defaults."""
    entry = event_fields(told(replace(example(ContactQueued), ageing=2.0, place_ms=7)))
    entry["data"]["mood"] = "good"
    entry["room"] = "north"
    assert event_from(json.dumps(entry)) == told(replace(example(ContactQueued), ageing=2.0, place_ms=7))
    for name in ("ageing", "place_ms"):
        del entry["data"][name]
    assert event_from(json.dumps(entry)) == told(example(ContactQueued))
    assert event_from(json.dumps(event_fields(told(ContactPrioritised(1, 0))))).data == ContactPrioritised(1, 0, ageing=None)


def test_a_newer_version_of_a_type_is_unknown() -> None:
    """Whoever raised it says that we would misunderstand it."""
    entry = event_fields(told(ContactConnected("o1", 5))) | {"v": 2}

    assert event_from(json.dumps(entry)).data == UnknownEvent("contact_connected", {"offer": "o1", "waited_ms": 5}, 2)


@dataclass(frozen=True, slots=True)
class DoorOpened(EventData):
    """A door was opened, of which version 1 told the seconds, and version 2 no name"""

    TYPE: ClassVar[str] = "door_opened"
    VERSION: ClassVar[int] = 3
    EARLIER = {
        1: lambda told: {"after_ms": 1_000 * told["after_s"]},
        2: lambda told: told | {"door": "front"},
    }
    after_ms: Annotated[int, "how long it was closed"]
    door: Annotated[str, "which one"]


@pytest.mark.parametrize(
    ("version", "data"), [(1, {"after_s": 4}), (2, {"after_ms": 4_000}), (3, {"after_ms": 4_000, "door": "front", "colour": "red"})]
)
def test_earlier_versions_of_a_type_are_read(version: int, data: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step by step, each version into the next; what is written is the newest."""
    monkeypatch.setitem(registry.EVENTS, "door_opened", DoorOpened)
    monkeypatch.setitem(event_codec.WIRES, DoorOpened, wire_of(DoorOpened, empties=True))
    event = event_from(json.dumps({"id": "e1", "type": "door_opened", "at_ms": 5, "call": "call-1", "data": data, "v": version}))

    assert event == told(DoorOpened(4_000, "front"))
    assert (event.v, event_fields(event)["v"]) == (3, 3)


@pytest.mark.parametrize(
    "written",
    [
        "[]",
        "{",
        "{}",
        '{"id":"e","type":"call_ended"}',
        '{"id":"e","type":"contact_connected","at_ms":1,"data":{"offer":"o"}}',
        '{"id":"e","type":"contact_connected","at_ms":1,"data":[1]}',
        '{"id":"e","type":"contact_relaxed","at_ms":1,"data":{"steps":[1]}}',
        '{"id":"e","type":"agent_paused","at_ms":1,"data":{"state":"levitating"}}',
        '{"id":"e","type":"contact_connected","at_ms":1,"v":0,"data":{}}',
        '{"id":"e","type":["a"],"at_ms":1}',
    ],
)
def test_what_cannot_be_read_says_so(written: str) -> None:
    with pytest.raises(Unreadable):
        event_from(written)


@pytest.mark.parametrize("cls", EVENTS.values())
def test_every_type_says_what_it_is(cls: type[EventData]) -> None:
    """It is listed under its own name, says when it is told, and reads each version before its own."""
    assert EVENTS[cls.TYPE] is cls
    assert cls.__doc__
    assert not cls.__doc__.startswith(cls.__name__)
    assert set(cls.EARLIER) == set(range(1, cls.VERSION))


def test_a_renamed_field_has_both_names_and_either_is_read() -> None:
    """Servers and programs of the version before go on reading, and what they wrote is read; `duration_ms` was `lasted_ms`."""
    event = Event("event-1", 5, CallEnded("caller", 1500, "in_flow"), call="call-1")

    written = json.loads(event_text(event))

    assert written["data"] | {"duration_ms": 1500, "lasted_ms": 1500} == written["data"]
    for name in ("duration_ms", "lasted_ms"):
        other = {key: value for key, value in written["data"].items() if key != name}
        assert event_from(json.dumps(written | {"data": other})) == event
    neither = {key: value for key, value in written["data"].items() if key not in ("duration_ms", "lasted_ms")}
    with pytest.raises(Unreadable, match="`duration_ms` is missing"):
        event_from(json.dumps(written | {"data": neither}))
