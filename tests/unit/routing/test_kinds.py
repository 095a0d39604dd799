"""Contacts of several kinds, agents with several in hand, and contacts that no server holds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.domain.agent_state import AgentState
from routing.domain.contact_facts import CALLBACK, CHAT, TASK
from routing.domain.contact_state import ContactState
from routing.domain.events.contacts import ContactHeldUp, ContactNotReached, ContactQueued, ContactRequeued, ContactScheduled
from routing.domain.messages import CustomerNotReached, OfferAccepted, OfferAnswered, ReachReported, ServerLeft, TalkEnded
from routing.domain.orders import OfferOrder, WithdrawOrder
from tests.kinds_history import (
    KindsHouse,
    check_contacts,
    check_hands,
    check_nobody_waits_in_vain,
    check_view,
    history,
    play,
)
from tests.routing_house import arrival

pytestmark = pytest.mark.unit
Moves = list[tuple[str, int, int]]


@settings(max_examples=150)
@given(st.sampled_from((1, 3)), history)
def test_after_any_history(many: int, moves: Moves) -> None:
    """Whatever happens, with one chat at a time and with three: hands and capacities agree, nobody waits in vain, the view is true."""
    made = KindsHouse(many)
    for number, move in enumerate(moves):
        play(made, move, number)
        check_hands(made)
        check_nobody_waits_in_vain(made)
        check_contacts(made)
        check_view(made)


@settings(max_examples=60)
@given(st.sampled_from((1, 3)), history, st.sets(st.integers(0, 59)))
def test_after_any_history_with_other_routers(many: int, moves: Moves, restarts: set[int]) -> None:
    """The same when routers take over from the records at any moment, as soon as the servers have said that they are there."""
    made = KindsHouse(many)
    for number, move in enumerate(moves):
        if number in restarts:
            made.restart()
            made.wait(2_500)
        play(made, move, number)
        check_hands(made)
        check_nobody_waits_in_vain(made)
        check_view(made)


def written(made: KindsHouse, contact: str, kind: str = CHAT, **more: object) -> None:
    """Somebody writes, or a task is to be done."""
    made.say(arrival(contact, "", "node", "support", [(0, "")], made.now, kind=kind, **more))


def offered(made: KindsHouse, contact: str) -> OfferOrder:
    """The last order to offer that contact."""
    found = [order for _, order in made.orders if isinstance(order, OfferOrder) and order.contact == contact]
    assert found, f"{contact} was offered to nobody"
    return found[-1]


def test_chats_are_spread_until_all_hands_are_full() -> None:
    """With three at once each of two agents takes three, one after the other; the seventh waits."""
    made = KindsHouse(3)
    for number in range(7):
        written(made, f"c{number}")
    takers = [offered(made, f"c{number}").agent for number in range(6)]
    assert sorted(takers) == ["anna", "anna", "anna", "zoe", "zoe", "zoe"]
    assert {takers[0], takers[1]} == {"anna", "zoe"}
    assert made.board.contacts["c6"].state == ContactState.WAITING


def test_a_call_interrupts_chats_and_a_chat_no_call() -> None:
    """Who chats is rung; who talks is shown no chat."""
    made = KindsHouse(3)
    made.ask("zoe", "log_out")
    made.ask("li", "log_out")
    written(made, "chat")
    made.answer("chat")
    made.call("call")
    assert made.ringing("call") == "anna"
    made.answer("call")
    written(made, "second")
    assert made.board.contacts["second"].state == ContactState.WAITING
    assert made.state("anna") == AgentState.ON_CONTACT


def test_a_pause_is_granted_when_the_last_hand_is_free() -> None:
    """With two chats open it is a wish; nothing new is shown meanwhile; after both wrap-ups it is so."""
    made = KindsHouse(3)
    for agent in ("zoe", "li"):
        made.ask(agent, "log_out")
    for chat in ("one", "two"):
        written(made, chat)
        made.answer(chat)
    made.ask("anna", "pause", "lunch")
    written(made, "three")
    assert (made.state("anna"), made.board.agents["anna"].requested, made.offer_of("three")) == (AgentState.ON_CONTACT, "paused", "")
    made.finish("one")
    assert made.state("anna") == AgentState.ON_CONTACT
    made.finish("two")
    made.wait(4_000)
    assert (made.state("anna"), made.board.agents["anna"].reason) == (AgentState.PAUSED, "lunch")


def test_what_no_server_holds_is_carried_by_one_that_can() -> None:
    """The order goes to a server with the medium, with what it must know of the customer; without one the contact waits, and says why."""
    made = KindsHouse(1)
    made.here.clear()
    made.say(ServerLeft("node"), ServerLeft("other"))
    written(made, "c1", ani="+8613800000000")
    assert made.board.contacts["c1"].held_up == "no_server"
    made.here.add("other")
    made.alive("other")
    server, order = next((server, order) for server, order in made.orders if isinstance(order, OfferOrder))
    assert (server, order.kind, order.address) == ("other", CHAT, order.agent)
    assert order.facts is not None
    assert order.facts.ani == "+8613800000000"
    assert [told.reason for told in made.facts(ContactHeldUp)] == ["no_server", None]


def test_a_callback_needs_its_trunk() -> None:
    """A call out goes to the server whose Asterisk has the trunk, and to no other."""
    made = KindsHouse(1)
    made.here.discard("node")
    made.say(ServerLeft("node"))
    written(made, "c1", CALLBACK, trunk="north")
    assert made.board.contacts["c1"].held_up == "no_trunk"
    made.here.add("node")
    made.alive("node")
    assert [server for server, order in made.orders if isinstance(order, OfferOrder)] == ["node"]


def test_a_callback_comes_at_its_time() -> None:
    """It is scheduled, offered to nobody before it is due, and counted as joined then."""
    made = KindsHouse(1)
    written(made, "c1", CALLBACK, due_ms=made.now + 60_000)
    made.wait(59_000)
    assert (made.board.contacts["c1"].state, made.offer_of("c1")) == (ContactState.SCHEDULED, "")
    assert (len(made.facts(ContactScheduled)), len(made.facts(ContactQueued))) == (1, 0)
    made.wait(2_000)
    assert made.offer_of("c1")
    assert len(made.facts(ContactQueued)) == 1


def test_a_customer_who_is_not_reached_waits_again() -> None:
    """The agent is free at once, and blamed for nothing; the callback comes again later at its old place."""
    made = KindsHouse(1)
    written(made, "c1", CALLBACK)
    joined_ms, order = made.board.contacts["c1"].enqueued_at_ms, offered(made, "c1")
    made.say(OfferAccepted("c1", order.offer))
    assert (made.board.contacts["c1"].state, made.state(order.agent)) == (ContactState.DIALLING, AgentState.ON_CONTACT)
    made.say(CustomerNotReached("c1", order.offer, "busy", made.now + 120_000))
    assert (made.state(order.agent), made.board.agents[order.agent].refused) == (AgentState.READY, {})
    assert [told.outcome for told in made.facts(ContactNotReached)] == ["busy"]
    made.wait(119_000)
    assert made.board.contacts["c1"].state == ContactState.SCHEDULED
    made.wait(2_000)
    again = made.board.contacts["c1"]
    assert (again.state, again.enqueued_at_ms, len(made.facts(ContactRequeued))) == (ContactState.OFFERED, joined_ms, 1)


def test_a_call_to_a_customer_without_news_ends_whoever_routes() -> None:
    """Another router takes over while the customer is called, and nobody tells how that ends: agent and contact are freed all the same."""
    made = KindsHouse(1)
    written(made, "c1", CALLBACK)
    order = offered(made, "c1")
    made.say(OfferAccepted("c1", order.offer))
    made.restart()
    made.wait(91_000)
    assert (made.board.contacts["c1"].state, made.state(order.agent)) == (ContactState.SCHEDULED, AgentState.READY)


def test_a_customer_who_is_reached_talks() -> None:
    made = KindsHouse(1)
    written(made, "c1", CALLBACK)
    order = offered(made, "c1")
    made.say(OfferAccepted("c1", order.offer), OfferAnswered("c1", order.offer))
    assert made.board.contacts["c1"].state == ContactState.CONNECTED
    made.say(TalkEnded("c1", order.offer, "caller", 5_000))
    assert (made.state(order.agent), "c1" in made.board.contacts) == (AgentState.WRAP_UP, False)


def test_the_death_of_a_server_gives_its_offers_to_another() -> None:
    """What it showed is offered anew, what it dialled for is called again later; a chat that goes on nowhere is over."""
    made = KindsHouse(3)
    written(made, "shown", TASK)
    written(made, "dialled", CALLBACK)
    written(made, "open")
    asked = {order.contact: server for server, order in made.orders if isinstance(order, OfferOrder)}
    made.answer("open")
    made.say(OfferAccepted("dialled", made.offer_of("dialled")))
    made.here.clear()
    made.say(*(ServerLeft(server) for server in ("node", "other")))
    states = {contact.id: contact.state for contact in made.board.contacts.values()}
    assert states == {"shown": ContactState.WAITING, "dialled": ContactState.SCHEDULED, "open": ContactState.CONNECTED}
    made.now += 121_000
    made.settle()
    assert "open" not in made.board.contacts
    assert asked.keys() == {"shown", "dialled", "open"}


def test_who_is_not_reached_for_chats_still_takes_calls() -> None:
    """Reach is a matter of the kind: a desk that is closed keeps no phone from ringing."""
    made = KindsHouse(3)
    made.ask("li", "log_out")
    made.say(ReachReported("anna", CHAT, False), ReachReported("zoe", CHAT, False))
    written(made, "chat")
    made.call("call")
    assert (made.offer_of("chat"), made.ringing("call")) == ("", "anna")
    made.say(ReachReported("zoe", CHAT, True))
    assert made.ringing("chat") == "zoe"


def test_a_withdrawn_offer_is_withdrawn_where_it_is_carried() -> None:
    """The agent pauses while the chat is shown: the server that shows it is told."""
    made = KindsHouse(1)
    written(made, "c1")
    server, order = next((server, order) for server, order in made.orders if isinstance(order, OfferOrder))
    made.ask(order.agent, "pause")
    assert (server, WithdrawOrder("c1", order.offer, CHAT)) in made.orders
