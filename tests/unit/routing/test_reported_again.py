"""Messages that come twice, late, or again after Redis was away: what is known stays, what was lost comes back, nobody is rung in vain."""

from dataclasses import asdict, replace

import pytest

from routing.domain.agent_state import AgentState
from routing.domain.contact_facts import ContactFacts
from routing.domain.contact_state import ContactState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.contacts import ContactQueued, ContactRequeued
from routing.domain.messages import (
    AgentAsked,
    ContactArrived,
    ContactsReported,
    LeaveOutcome,
    OfferAnswered,
    ServerAlive,
    TalkEnded,
    TalkReported,
)
from routing.domain.model import Membership, QueuePolicy
from routing.domain.orders import LeaveOrder, ReportContactOrder, WithdrawOrder
from routing.read_model.view import View
from tests.routing_house import House, arrival, directory, person

pytestmark = pytest.mark.unit


def house(*names: str) -> House:
    made = House(directory(*(person(name) for name in names or ("anna", "bob"))))
    made.start_work()
    return made


def again(made: House, contact: str, **more: object) -> ContactArrived:
    known = made.board.contacts[contact]
    return arrival(contact, known.facts.call, "node", known.queue, known.steps, known.enqueued_at_ms, **more)


def test_a_ringing_contact_that_is_told_again_rings_on() -> None:
    """Redis was away for a moment while the agent's phone rings: the offer holds, and its answer counts."""
    made = house()
    made.call("c1")
    offer, rung = made.offer_of("c1"), made.ringing("c1")
    made.say(again(made, "c1", again=True, ringing=offer))
    assert (made.offer_of("c1"), made.ringing("c1")) == (offer, rung)
    made.say(OfferAnswered("c1", offer))
    assert made.board.contacts["c1"].state == ContactState.CONNECTED
    assert len(made.rings()) == 1


def test_the_same_arrival_twice_is_one() -> None:
    """A batch that was sent twice changes nothing."""
    made = house()
    made.call("c1")
    offer = made.offer_of("c1")
    made.say(again(made, "c1"))
    assert made.offer_of("c1") == offer


def test_a_ring_that_was_lost_with_the_data_is_taken_back() -> None:
    """The board does not know the offer that rings: it is withdrawn, and made anew."""
    made = house("anna")
    made.ask("anna", "pause")
    made.call("c1")
    made.say(again(made, "c1", again=True, ringing="offer-lost"))
    assert ("node", WithdrawOrder("c1", "offer-lost")) in made.orders


@pytest.mark.parametrize("how", [{"again": True}, {"back": True}])
def test_a_contact_that_was_lost_with_the_data_is_counted_once(how: dict[str, bool]) -> None:
    """It is told of by another name, with all that a view needs, and stands at its old place."""
    made = house("anna")
    made.ask("anna", "pause")
    made.call("c1")
    message = again(made, "c1", **how)
    emptied = House(made.site)
    emptied.wait(60_000)
    emptied.say(message)
    (told,) = emptied.told("contact_requeued")
    assert emptied.told("contact_queued") == []
    assert told.data == ContactRequeued(**asdict(replace(made.facts(ContactQueued)[0], enqueued_at_ms=message.enqueued_at_ms)))
    view = View(CurrentDirectory(made.site))
    view.apply(told)
    assert view.position("c1") == 1
    assert view.totals[told.queue] == {}


def test_a_talk_is_adopted_whatever_was_believed() -> None:
    """The board offers the contact to another agent while they talk: that agent is free again, the talk is known, and ends as talks do."""
    made = house()
    made.call("c1")
    first, talker = made.offer_of("c1"), made.ringing("c1")
    made.refuse("c1", "failed")  # the reservation was given up; the next agent is rung
    second = made.ringing("c1")
    assert second not in ("", talker)
    contact = made.board.contacts["c1"]
    held = TalkReported("c1", "node", contact.queue, first, talker, contact.enqueued_at_ms, made.now - 5_000, contact.facts)
    made.say(held, held)
    assert (made.state(talker), made.state(second)) == (AgentState.ON_CONTACT, AgentState.READY)
    assert len(made.told("contact_connected")) == 1
    made.say(TalkEnded("c1", first, "agent", 8_000))
    assert made.state(talker) == AgentState.WRAP_UP
    assert "c1" not in made.board.contacts


def test_a_talk_outlives_its_lost_server() -> None:
    """Two minutes after its server died the talk still goes on, and the agent is not freed in the middle of it."""
    made = house("anna")
    made.say(ServerAlive("node"))
    made.call("c1")
    made.answer("c1")
    made.node_lives = False
    made.wait(200_000)
    assert made.state("anna") == AgentState.ON_CONTACT
    assert made.told("contact_ended") == []


def test_what_was_asked_long_ago_is_not_done() -> None:
    """A pause that waited while Redis was away does not come over an agent minutes later."""
    made = house("anna")
    made.say(AgentAsked("anna", "pause", "request-1", "node", "", None, made.now - 60_000))
    assert made.state("anna") == AgentState.READY


def test_a_late_arrival_does_not_take_a_caller_back() -> None:
    """A server that was frozen sends its old arrival: the caller is at another server by now, and stays there."""
    made = house("anna")
    made.ask("anna", "pause")
    made.say(ServerAlive("node"), ServerAlive("other"))
    first = arrival("c1", "call-c1", "node", "support", [(0, "")], made.now)
    made.say(replace(first, server="other", back=True), first, ContactsReported("node", []))
    assert made.board.contacts["c1"].holder == "other"


def test_a_contact_that_nobody_knows_is_asked_for() -> None:
    """A server holds a caller of whom the board knows nothing: it is to tell again; of one whose contact has ended, to let go."""
    made = house("anna")
    made.ask("anna", "pause")
    made.call("c2")
    made.leave("c2")
    made.say(ContactsReported("node", ["c1", "c2"]))
    assert [order for _, order in made.orders if isinstance(order, ReportContactOrder)] == [ReportContactOrder("c1")]
    made.wait(60_000)
    made.say(ContactsReported("node", ["c2"]))
    assert made.outcome("c2") == "failed"


@pytest.mark.parametrize("how", ["again", "back", "twice"])
@pytest.mark.parametrize("outcome", ["timed_out", "full"])
def test_who_was_sent_away_is_sent_away_once(how: str, outcome: LeaveOutcome) -> None:
    """The order and the caller's word crossed, or the order went with its server: the same way out is ordered, no second outcome told."""
    made = House(directory(person("anna"), queues=(QueuePolicy("support", max_wait_ms=60_000, max_waiting=int(outcome != "full")),)))
    message = arrival("c1", "call-c1", "node", "support", [(0, "")], made.now)
    made.say(message)
    made.wait(61_000)
    assert made.outcome("c1") == outcome
    made.board.directory.queues["support"] = QueuePolicy("support")  # type: ignore[index]
    made.say(replace(message, again=how == "again", back=how == "back", server="other"))
    assert made.orders[-1] == ("other", LeaveOrder("c1", outcome))
    assert made.board.contacts == {}
    assert len(made.told("contact_timed_out", "contact_left")) == 1


def test_a_caller_who_has_left_is_not_made_anew() -> None:
    """Told again in the moment of leaving: the contact is over, and nobody is rung for it."""
    made = house("anna")
    made.ask("anna", "pause")
    made.call("c1")
    message = again(made, "c1", again=True)
    made.leave("c1", "exit_key")
    made.say(message)
    assert made.board.contacts == {}


def test_who_is_found_in_a_talk_is_at_work() -> None:
    """The tiers know it at once: callers wait for the first one, which is busy, and are not passed on to the next."""
    people = [replace(person(name), memberships={"support": Membership(tier=tier)}) for tier, name in enumerate(("anna", "bob"), 1)]
    made = House(directory(*people, queues=(QueuePolicy("support", tier_delays_ms=(0, 30_000)),)))
    made.say(TalkReported("c1", "node", "support", "offer-1", "anna", made.now, made.now, ContactFacts("call-1")))
    made.start_work("bob")
    made.call("c2")
    assert made.ringing("c2") == ""
    made.wait(30_000)
    assert made.ringing("c2") == "bob"
