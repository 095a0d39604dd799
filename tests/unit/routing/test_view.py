"""The read model: it tells the same whether it followed every event or began from the records a moment ago."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.domain.agent_state import AgentState
from routing.domain.changes import Changes
from routing.domain.contact_facts import ContactFacts
from routing.domain.contact_state import ContactState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.calls import CallTransferred
from routing.domain.events.envelope import Event, EventData, UnknownEvent
from routing.domain.events.flows import NodeEntered
from routing.domain.events.registry import EVENTS
from routing.domain.messages import TalkReported
from routing.domain.model import AgentProfile, Directory, QueuePolicy
from routing.domain.phone_address import phone_of
from routing.domain.service_level import WINDOW_MS
from routing.read_model.earlier_log import EarlierLog
from routing.read_model.view import View
from routing.store import codec
from routing.store.memory import MemoryStore
from tests.board_history import PEOPLE, QUEUES, SITE, STEPS, changing, history, opened, play
from tests.routing_house import START_MS, House, directory, person
from tests.told import at_server, ended, example

pytestmark = pytest.mark.unit

SMALL = directory(person("anna"), person("li"), queues=(QueuePolicy("support", threshold_ms=20_000, wrap_up_ms=0),))


def from_records(made: House) -> View:
    """A view that begins now."""
    view = View(CurrentDirectory(made.site))
    contacts = [codec.contact_from(text) for key, (_, text) in made.records.items() if key.startswith("c:")]
    view.start(contacts, [codec.agent_from(text) for key, (_, text) in made.records.items() if key.startswith("a:")])
    return view


def shown(view: View) -> dict[str, Any]:
    """What people see: who waits in which order, who is offered to or talks to whom, and what every agent does."""
    return {
        "waiting": {queue: [contact.id for contact in view.waiting(queue)] for queue in view.directory.queues},
        "positions": {id: view.position(id) for id in view.contacts},
        "contacts": {
            c.id: (c.state, c.queue, c.agent, c.priority, c.enqueued_at_ms, c.steps, dict(c.offers)) for c in view.contacts.values()
        },
        "agents": {a.id: (a.state, a.phone, a.phone_state, a.contact, a.offer, a.since_ms) for a in view.agents.values()},
        "last": {a.id: (a.last_contact, a.last_queue) for a in view.agents.values()},
    }


def agree(followed: View, made: House) -> None:
    begun = from_records(made)
    assert shown(followed) == shown(begun)
    for queue in QUEUES:
        line = followed.waiting(queue)
        assert [followed.position(contact.id) for contact in line] == list(range(1, len(line) + 1))
        assert [contact.order_ms for contact in line] == sorted(contact.order_ms for contact in line)
        on_board = {c.id for c in made.board.contacts.values() if c.queue == queue and c.state != ContactState.CONNECTED}
        assert {contact.id for contact in line} == on_board


@settings(max_examples=100)
@given(changing)
def test_following_is_the_same_as_beginning_from_the_records(moves: list[tuple[str, int, int]]) -> None:
    """At any point of any history: positions, states, who holds whom, and the number of those waiting."""
    made = opened()
    followed = View(made.current)
    for event in made.events:
        followed.apply(event)
    for number, move in enumerate(moves):
        before = len(made.events)
        play(made, move, number)
        for event in made.events[before:]:
            followed.apply(event)
        agree(followed, made)


@settings(max_examples=50)
@given(history, st.integers(0, 69))
def test_a_view_that_begins_in_the_middle_goes_on_right(moves: list[tuple[str, int, int]], at: int) -> None:
    """Begun from the records and following from there, it agrees with the records later on."""
    made = opened()
    view = from_records(made)
    for number, move in enumerate(moves):
        before = len(made.events)
        play(made, move, number)
        if number == at:
            view = from_records(made)
            continue
        for event in made.events[before:]:
            view.apply(event)
    agree(view, made)


@settings(max_examples=50)
@given(history, st.integers(0, 69), st.integers(0, 40))
def test_a_view_that_remembers_the_past_knows_what_one_knows_that_was_there(moves: list[tuple[str, int, int]], at: int, later: int) -> None:
    """Begun from the records, and told of the past later on: service levels and expected waits are as if it had followed all."""
    made, seen, earlier_log = opened(), View(CurrentDirectory(SITE)), EarlierLog(SITE)
    view, told, at = from_records(made), 0, at % len(moves)
    for number, move in enumerate(moves):
        play(made, move, number)
        for event in made.events[told:]:
            seen.apply(event)
            (earlier_log.take if number <= at else view.apply)(event)
        told = len(made.events)
        if number == at:
            view = from_records(made)
        if number == min(at + later, len(moves) - 1):
            view.remember(earlier_log)
    for queue in QUEUES:
        assert view.service_level(queue, made.now) == seen.service_level(queue, made.now)
        for steps in STEPS:
            assert view.expected_wait_ms(queue, steps, made.now) == seen.expected_wait_ms(queue, steps, made.now)


def test_lost_calls_are_remembered() -> None:
    """Calls to be called back: those of the past, and behind them those that were lost since."""
    view, earlier_log = View(CurrentDirectory(SMALL)), EarlierLog(SMALL)
    lost = [Event(f"e{n}", START_MS + n, ended("asterisk_restarted"), call=f"call-{n}") for n in range(3)]
    for event in (*lost[:2], Event("e9", START_MS, ended(), call="call-9")):
        earlier_log.take(event)
    view.apply(lost[2])
    view.remember(earlier_log)
    assert [event.call for event in view.lost_calls] == ["call-0", "call-1", "call-2"]


@settings(max_examples=50)
@given(history, st.integers(0, 200))
def test_events_without_a_beginning_break_nothing(moves: list[tuple[str, int, int]], lost: int) -> None:
    """A view that missed the first events takes the others, and shows every agent whose state changed since."""
    made = opened()
    for number, move in enumerate(moves):
        play(made, move, number)
    view = View(CurrentDirectory(SITE))
    for event in made.events[lost:]:
        view.apply(event)
    assert set(view.agents) == set(PEOPLE)
    assert all(0 <= view.position(id) <= len(view.contacts) for id in view.contacts)


def test_positions_follow_priority_and_age() -> None:
    """Who joined later with 60 s of priority stands before who joined up to 60 s earlier."""
    made = House(SMALL)
    made.call("first")
    made.wait(30_000)
    made.call("vip", priority=60)
    made.call("last")
    view = from_records(made)
    assert [contact.id for contact in view.waiting("support")] == ["vip", "first", "last"]
    assert [view.position(id) for id in ("vip", "first", "last", "nobody")] == [1, 2, 3, 0]


def test_an_external_number_counts_as_free_from_the_beginning() -> None:
    """Nobody tells its state, so no event does; a phone of the site is gone until it is heard of."""
    site = Directory({}, {"li": AgentProfile("li", "Li", phone_of("+8613800138000")), "wu": AgentProfile("wu", "Wu", phone_of("1001"))})
    assert {agent.id: agent.phone_state for agent in View(CurrentDirectory(site)).agents.values()} == {
        "li": "available",
        "wu": "unavailable",
    }


def test_a_contact_keeps_its_position_while_a_phone_rings_for_it() -> None:
    """It is in the queue until it is answered, and then at no position."""
    made = House(SMALL)
    made.call("c1")
    made.call("c2")
    made.start_work("anna")
    view = from_records(made)
    assert view.contacts["c1"].state == ContactState.OFFERED
    assert (view.position("c1"), view.position("c2")) == (1, 2)
    made.answer("c1")
    view = from_records(made)
    assert (view.position("c1"), view.position("c2")) == (0, 1)


def follow(made: House) -> View:
    view = View(CurrentDirectory(made.site))
    for event in made.events:
        view.apply(event)
    return view


def test_the_service_level_counts_answered_and_abandoned_of_the_last_half_hour() -> None:
    """By default answered within the threshold, of all that were offered; None when nobody was."""
    made = House(SMALL)
    made.start_work("anna")
    assert follow(made).service_level("support", made.now) is None
    made.call("quick")
    made.answer("quick")
    made.call("slow")
    made.wait(25_000)
    made.finish("quick")
    made.answer("slow")
    made.call("gone")
    made.wait(6_000)
    made.leave("gone")
    view = follow(made)
    assert view.service_level("support", made.now) == pytest.approx(100 / 3)
    assert view.totals["support"] == {"queued": 3, "answered": 2, "ended": 1, "abandoned": 1}
    assert view.service_level("support", made.now + WINDOW_MS) == 0
    assert view.service_level("support", made.now + WINDOW_MS + 1) is None


def test_members_and_agents_at_the_beginning() -> None:
    """Every agent of the site is there, logged out, before anything is known."""
    view = View(CurrentDirectory(SITE))
    assert {agent.id for agent in view.members("vip")} == {id for id, profile in SITE.agents.items() if "vip" in profile.queues}
    assert {agent.state for agent in view.agents.values()} == {AgentState.LOGGED_OUT}


@pytest.mark.parametrize("data", [*map(example, EVENTS.values()), UnknownEvent("something_new")], ids=lambda data: type(data).__name__)
def test_an_event_about_what_the_site_does_not_know(data: EventData) -> None:
    """A queue, a contact and an agent that are gone from the configuration: nothing is shown of them, and nothing breaks."""
    made = House(SITE)
    made.call("c1", queue="support")
    made.start_work("anna")
    made.answer("c1")
    event = Event("e", START_MS, data, contact="ghost", agent="ghost", queue="closed-down")
    view = from_records(made)
    before = shown(view)
    view.apply(event)
    assert shown(view) == before


def test_the_view_follows_talks_that_are_found_and_agents_who_sit_elsewhere() -> None:
    """A talk that the board did not know, one that it took for another's, desks that are changed: as the records have it."""
    made = House(directory(person("anna"), person("li"), person("wang"), queues=(QueuePolicy("support"),)))
    followed = View(CurrentDirectory(made.site))
    before = 0

    def compare() -> None:
        nonlocal before
        for event in made.events[before:]:
            followed.apply(event)
        before = len(made.events)
        assert shown(followed) == shown(from_records(made))

    made.start_work("anna", "li")
    made.call("c1")
    first, talker = made.offer_of("c1"), made.ringing("c1")
    made.refuse("c1", "failed")
    compare()
    enqueued_at_ms = made.board.contacts["c1"].enqueued_at_ms
    made.say(TalkReported("c1", "node", "support", first, talker, enqueued_at_ms, made.now, ContactFacts("call-c1")))
    compare()
    made.finish("c1")
    made.ask(talker, "end_wrap_up")
    made.say(TalkReported("c2", "node", "support", "offer-lost", talker, made.now, made.now, ContactFacts("call-c2")))
    compare()
    made.ask("wang", "log_in", phone="desk-7")
    compare()
    other = "li" if talker == "anna" else "anna"
    made.ask(other, "log_out")
    made.ask("wang", "log_in", phone=f"phone-{other}")
    compare()
    made.ask("wang", "log_out")
    made.ask(other, "log_in")
    compare()


def test_a_server_that_begins_later_shows_the_same_calls_and_totals() -> None:
    """Calls of all servers with their places, and what is counted of each queue: by the log, or by what the store kept of it."""

    async def play() -> None:
        store, house = MemoryStore(), House(SMALL)
        fence = await store.acquire("router", 1_000)
        assert fence is not None
        house.start_work("anna")
        house.call("c1")
        house.answer("c1")
        house.call("c2")
        house.leave("c2")
        changes = Changes(events=list(house.events))
        calls = [Event(f"a{n}", START_MS, at_server(), call=f"call-c{n}") for n in (1, 2, 3)]
        places = [Event(f"p{n}", START_MS, NodeEntered("menu", "zh"), call=f"call-c{n}", flow="main", node="menu") for n in (1, 2, 3)]
        passed = Event("t", START_MS, at_server(cls=CallTransferred), call="call-c3")
        await store.append(*calls, *places)
        await store.commit(fence, "0", changes)
        await store.append(passed, Event("e", START_MS, ended(), call="call-c2"))
        followed, begun = View(CurrentDirectory(SMALL)), View(CurrentDirectory(SMALL))
        for _, event in await store.events("0", block_ms=0):
            followed.apply(event)
        snapshot = await store.load()
        begun.start((), (), snapshot.calls, snapshot.places, snapshot.totals)
        assert followed.totals == begun.totals == {"support": {"queued": 2, "answered": 1, "abandoned": 1}}
        assert followed.calls == begun.calls
        assert sorted(begun.calls) == ["call-c1", "call-c3"]
        assert followed.places == begun.places == {"call-c1": places[0]}

    asyncio.run(play())
