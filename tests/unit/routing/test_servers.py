"""Servers that fall silent, come back, leave and are frozen: what becomes of their callers."""

from typing import Any

import pytest

from routing.board.board import restore
from routing.board.servers import ADRIFT_MS, LOST_AFTER_MS, TRUST_MS
from routing.domain.events.contacts import ContactLeft as LeftEvent
from routing.domain.events.contacts import ContactTakenOver
from routing.domain.events.servers import ServerLost, ServersListed
from routing.domain.messages import ContactLeft, ContactsReported, OfferAnswered, PhoneReported, ServerAlive, ServerLeft
from routing.domain.model import QueuePolicy
from routing.domain.orders import MoveOrder
from routing.domain.phone_address import phone_of
from tests.routing_house import House, arrival, directory, person

pytestmark = pytest.mark.unit


@pytest.fixture
def house() -> House:
    return House(directory(person("ann")))


def silence(house: House, ms: int = LOST_AFTER_MS) -> None:
    """Nobody says anything for so long."""
    house.node_lives = False
    house.wait(ms)


def taken_over(house: House, contact: str, server: str = "other", **more: Any) -> None:
    """The caller turns up at another server."""
    known = house.board.contacts[contact]
    house.say(arrival(contact, known.facts.call, server, known.queue, known.steps, known.enqueued_at_ms, back=True, **more))


def test_a_server_is_lost_after_three_silent_seconds_and_not_before(house: House) -> None:
    house.say(ServerAlive("node", "10.0.0.1:4573"))
    silence(house, LOST_AFTER_MS - 1)
    assert house.told("server_lost") == []
    silence(house, 1)
    assert house.facts(ServerLost) == [ServerLost("node", "10.0.0.1:4573", "")]


def test_a_caller_of_a_lost_server_is_offered_to_nobody_until_taken_over(house: House) -> None:
    """Then at the old place, and to the new server."""
    house.say(ServerAlive("node"))
    house.call("c1")
    enqueued_at_ms = house.board.contacts["c1"].enqueued_at_ms
    silence(house)
    house.start_work()
    assert house.rings() == []
    taken_over(house, "c1")
    assert house.rings() == [("c1", "ann")]
    assert house.board.contacts["c1"].enqueued_at_ms == enqueued_at_ms
    assert [told.before for told in house.facts(ContactTakenOver)] == ["node"]


def test_a_woken_server_cannot_end_what_was_taken_over(house: House) -> None:
    """It believes that its callers hung up; they are at another server."""
    house.say(ServerAlive("node"))
    house.call("c1")
    silence(house)
    taken_over(house, "c1")
    house.say(ServerAlive("node"), ContactLeft("c1", "abandoned", server="node"), ContactsReported("node"))
    assert "c1" in house.board.contacts
    house.say(ContactLeft("c1", "abandoned", server="other"))
    assert "c1" not in house.board.contacts


def test_a_server_that_comes_back_has_its_callers_offered_again(house: House) -> None:
    house.say(ServerAlive("node"))
    house.call("c1")
    silence(house)
    house.start_work()
    house.say(ServerAlive("node"))
    assert house.rings() == [("c1", "ann")]
    assert len(house.told("server_back")) == 1


def test_callers_who_turn_up_nowhere_are_given_up_after_two_minutes(house: House) -> None:
    house.say(ServerAlive("node"))
    house.call("c1")
    silence(house)
    silence(house, ADRIFT_MS)
    assert house.board.contacts == {}
    assert [told.outcome for told in house.facts(LeftEvent)] == ["failed"]


def test_a_talk_of_a_lost_server_goes_on(house: House) -> None:
    """Its agent is not freed by the loss."""
    house.start_work()
    house.say(ServerAlive("node"))
    house.call("c1")
    house.say(OfferAnswered("c1", house.offer_of("c1")))
    silence(house, LOST_AFTER_MS + 60_000)
    assert house.state("ann") == "on_contact"


def lists(house: House) -> list[tuple[str, dict[str, str]]]:
    return [(told.asterisk, dict(told.addresses)) for told in house.facts(ServersListed)]


def test_asterisk_is_told_of_those_that_take_calls(house: House) -> None:
    """One that drains is alive and takes none; one that is lost or has left is out of the list. The last one stays in it."""
    house.say(ServerAlive("a", "10.0.0.1:1"), ServerAlive("b", "10.0.0.2:1"), ServerAlive("c", "10.0.0.3:1"))
    house.wait(TRUST_MS)
    house.say(ServerAlive("a", ""), ServerAlive("b", "10.0.0.2:1"))
    house.say(ServerLeft("b"))
    silence(house)
    assert [(asterisk, sorted(servers)) for asterisk, servers in lists(house)] == [("", ["a", "b", "c"]), ("", ["b", "c"]), ("", ["c"])]


def test_each_asterisk_has_a_list_of_its_own(house: House) -> None:
    """Two machines, on which the servers have the same address."""
    house.say(ServerAlive("a", "127.0.0.1:1", "east"), ServerAlive("b", "127.0.0.1:1", "west"))
    house.wait(TRUST_MS)
    assert lists(house) == [("east", {"a": "127.0.0.1:1"}), ("west", {"b": "127.0.0.1:1"})]
    house.say(ServerAlive("c", "127.0.0.1:2", "west"))
    assert lists(house)[2:] == [("west", {"b": "127.0.0.1:1", "c": "127.0.0.1:2"})]
    house.say(ServerLeft("b"))
    assert lists(house)[3:] == [("west", {"c": "127.0.0.1:2"})]


def test_a_new_router_waits_until_all_have_spoken(house: House) -> None:
    """A list of those who were first would send the calls of the others away."""
    house.say(ServerAlive("a", "10.0.0.1:1"))
    house.wait(TRUST_MS - 1)
    house.say(ServerAlive("b", "10.0.0.2:1"))
    assert lists(house) == []
    house.wait(1)
    assert lists(house) == [("", {"a": "10.0.0.1:1", "b": "10.0.0.2:1"})]


def test_who_was_started_in_the_place_of_one_that_died_has_its_address(house: House) -> None:
    """When the old one's loss is noticed nobody may take that address for it."""
    house.say(ServerAlive("old", "10.0.0.1:1"))
    house.wait(TRUST_MS)
    house.say(ServerAlive("new", "10.0.0.1:1"))
    silence(house, LOST_AFTER_MS - TRUST_MS)
    assert house.facts(ServerLost) == [ServerLost("old", "", "")]
    assert lists(house)[-1] == ("", {"new": "10.0.0.1:1"})


def test_a_new_router_believes_that_servers_with_calls_live_until_they_are_silent(house: House) -> None:
    """Also one whose callers are all in menus, which the records of contacts do not name."""
    house.board = restore(house.site, house.ids, house.now, servers_known=["frozen"])
    silence(house, LOST_AFTER_MS - 1)
    assert house.told("server_lost") == []
    silence(house, 1)
    assert [told.server for told in house.facts(ServerLost)] == ["frozen"]


def test_a_phone_is_at_the_asterisk_that_sees_it(house: House) -> None:
    """Another one does not see it, and says so whenever it is asked: that changes nothing, until the phone registers there."""
    house.say(PhoneReported(phone_of("phone-ann"), "available", "east"), PhoneReported(phone_of("phone-ann"), "unavailable", "west"))
    ann = house.board.agents["ann"]
    assert (ann.phone_state, ann.phone_at) == ("available", "east")
    house.say(PhoneReported(phone_of("phone-ann"), "unavailable", "east"))
    assert ann.phone_state == "unavailable"
    house.say(PhoneReported(phone_of("phone-ann"), "available", "west"), PhoneReported(phone_of("phone-ann"), "unavailable", "east"))
    assert (ann.phone_state, ann.phone_at) == ("available", "west")
    assert len(house.told("phone_state_changed")) == 3


@pytest.mark.parametrize(("living", "state"), [("east", "on_contact"), ("west", "wrap_up")])
def test_a_talk_at_an_asterisk_that_is_gone_is_over_after_two_minutes(house: House, living: str, state: str) -> None:
    """Nobody will ever see its end; with a server at that Asterisk somebody will."""
    house.start_work()
    house.say(ServerAlive("node", "h:1", "east"), ServerAlive("other", "h:2", living))
    house.say(PhoneReported(phone_of("phone-ann"), "available", "east"))
    known = arrival("c1", "call-east-1.0", "node", "support", [(0, "")], house.now)
    house.say(known)
    house.say(OfferAnswered("c1", house.offer_of("c1")))
    house.node_lives = False
    for _ in range((LOST_AFTER_MS + ADRIFT_MS) // 1000):
        house.wait(1000)
        house.say(ServerAlive("other", "h:2", living))
    assert house.state("ann") == state


def test_a_server_that_comes_back_with_a_new_caller_has_the_others_offered_too(house: House) -> None:
    """Whatever it says first: those who waited there before are not left beside a free agent."""
    house.say(ServerAlive("node"))
    house.call("c1")
    silence(house)
    house.start_work()
    house.call("c2")
    assert house.rings() == [("c1", "ann")]
    assert len(house.told("server_back")) == 1


def test_callers_of_a_server_that_comes_back_are_offered_in_their_order(house: House) -> None:
    """Who has priority first, whoever joined before."""
    house.say(ServerAlive("node"))
    house.call("c1")
    house.call("vip", priority=600)
    silence(house)
    house.start_work()
    house.say(ServerAlive("node"))
    assert house.rings() == [("vip", "ann")]


def test_no_more_phones_ring_for_a_caller_of_a_lost_server() -> None:
    """Nobody could hear them; once the server speaks again the next ones join."""
    made = House(
        directory(person("ann"), person("bob"), queues=(QueuePolicy("support", strategy="ring_progressively", ring_timeout_ms=60_000),))
    )
    made.start_work()
    made.say(ServerAlive("node"))
    made.call("c1")
    silence(made, 11_000)
    assert made.rings() == [("c1", "ann")]
    made.node_lives = True
    made.say(ServerAlive("node"))
    made.wait(5_000)
    assert made.rings() == [("c1", "ann"), ("c1", "bob")]


def test_a_caller_taken_over_waits_on_in_the_queue_that_they_were_moved_to() -> None:
    """The new server knows the flow's queue only: it is told of the other one, whose rules hold."""
    made = House(directory(person("ann"), queues=(QueuePolicy("support"), QueuePolicy("backup"))))
    made.call("c1")
    made.change("c1", "move", queue="backup")
    made.say(arrival("c1", "call-c1", "other", "support", [(0, "")], made.now, back=True))
    assert made.board.contacts["c1"].queue == "backup"
    assert [order for server, order in made.orders if server == "other"] == [MoveOrder("c1", "backup")]
