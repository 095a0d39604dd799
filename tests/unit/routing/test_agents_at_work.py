"""Agents at work: wrap-up and dispositions, refusals in a row, breaks, queues left and joined, phones changed."""

from dataclasses import replace
from typing import Any

import pytest

from routing.board.contacts import RING_AGAIN_MS
from routing.domain.agent_state import AgentState
from routing.domain.contact_facts import ContactFacts
from routing.domain.events.agents import AgentPaused, AgentQueuesChanged
from routing.domain.events.contacts import ContactDisposed
from routing.domain.messages import AgentReported, PhoneReported, ServerAlive, TalkReported
from routing.domain.model import UNTIL_DONE, BreakLimit, Directory, QueuePolicy
from routing.domain.orders import ReportPhoneOrder
from routing.domain.phone_address import phone_of
from tests.routing_house import House, directory, person

pytestmark = pytest.mark.unit
CODES = {"1": "solved", "2": "call again"}


NO_LIMIT = BreakLimit()


def opened(*people: Any, breaks: Any = None, not_ready: BreakLimit = NO_LIMIT, **policy: Any) -> House:
    known = directory(*(people or (person("anna"),)), queues=(QueuePolicy("support", **policy),))
    made = House(Directory(known.queues, known.agents, breaks=breaks or {}, not_ready=not_ready))
    for agent in known.agents:
        if known.agents[agent].phone:
            made.start_work(agent)
    return made


def wrapped_up(made: House, contact: str = "c1") -> None:
    """A contact was talked to and has ended."""
    made.call(contact)
    made.answer(contact)
    made.finish(contact)


def test_a_wrap_up_can_be_extended_and_ended_early() -> None:
    """Each extension adds the queue's time to what is left."""
    made = opened(wrap_up_ms=10_000, wrap_up_extension_ms=30_000)
    wrapped_up(made)
    made.wait(9_000)
    assert made.ask("anna", "extend_wrap_up").error == ""
    made.wait(30_000)
    assert made.state("anna") == AgentState.WRAP_UP
    made.wait(1_001)
    assert made.state("anna") == AgentState.READY
    assert "no wrap-up to extend" in made.ask("anna", "extend_wrap_up").error
    wrapped_up(made, "c2")
    made.ask("anna", "end_wrap_up")
    assert made.state("anna") == AgentState.READY


def test_a_wrap_up_until_done_lasts_until_it_is_ended() -> None:
    made = opened(wrap_up_ms=UNTIL_DONE)
    wrapped_up(made)
    made.wait(24 * 3_600_000)
    made.restart()
    made.wait(24 * 3_600_000)
    assert made.state("anna") == AgentState.WRAP_UP
    made.ask("anna", "end_wrap_up")
    assert made.state("anna") == AgentState.READY


def test_a_required_disposition_holds_the_wrap_up() -> None:
    """The wrap-up's time passes, and ending it is refused with the codes, until one is given; then all is as late as it is."""
    made = opened(wrap_up_ms=5_000, dispositions=CODES, disposition_required=True)
    wrapped_up(made)
    made.wait(60_000)
    assert made.state("anna") == AgentState.WRAP_UP
    assert "1 = solved" in made.ask("anna", "end_wrap_up").error
    assert "'7' is no disposition" in made.ask("anna", "dispose", disposition="7").error
    assert made.ask("anna", "dispose", disposition="2").error == ""
    assert made.state("anna") == AgentState.READY
    told = made.told("contact_disposed")[0]
    assert (told.call, told.contact, told.queue, told.agent) == ("call-c1", "c1", "support", "anna")
    assert told.data == ContactDisposed("2", "call again")


def test_a_disposition_may_be_given_during_the_talk_or_with_the_end() -> None:
    made = opened(dispositions=CODES, disposition_required=True, wrap_up_ms=0)
    assert "no contact" in made.ask("anna", "dispose", disposition="1").error
    made.call("c1")
    made.answer("c1")
    assert made.ask("anna", "dispose", disposition="1").error == ""
    made.finish("c1")
    assert made.state("anna") == AgentState.READY, "given already"
    wrapped_up(made, "c2")
    assert made.state("anna") == AgentState.WRAP_UP
    made.ask("anna", "end_wrap_up", disposition="2")
    assert made.state("anna") == AgentState.READY
    assert [event.contact for event in made.told("contact_disposed")] == ["c1", "c2"]


def test_so_many_refusals_in_a_row_pause() -> None:
    """Two declines in a row pause; an answer in between counts from the beginning; resuming does, too."""
    made = opened(pause_after={"declined": 2}, refusal_ms=0)
    made.call("c1")
    made.refuse("c1", "declined")
    made.wait(RING_AGAIN_MS)
    made.answer("c1")
    made.finish("c1")
    made.ask("anna", "end_wrap_up")
    made.call("c2")
    made.refuse("c2", "declined")
    made.wait(RING_AGAIN_MS)
    assert made.state("anna") == AgentState.RESERVED
    made.refuse("c2", "declined")
    assert (made.state("anna"), made.board.agents["anna"].reason) == (AgentState.PAUSED, "declined")
    made.ask("anna", "resume")
    made.wait(RING_AGAIN_MS)
    made.refuse("c2", "declined")
    made.wait(RING_AGAIN_MS)
    assert made.state("anna") == AgentState.RESERVED


def test_no_more_agents_on_a_break_than_may_be() -> None:
    """Who is on that break, or has asked for it while talking, counts; another reason does not; the reply names them."""
    made = opened(person("anna"), person("li"), person("wang"), breaks={"lunch": BreakLimit(at_once=1)})
    made.call("c1")
    made.answer("c1")
    assert made.ask("anna", "pause", "lunch").error == ""
    assert "1 agent is paused for 'lunch'" in made.ask("li", "pause", "lunch").error
    assert made.ask("li", "pause", "training").error == ""
    made.finish("c1")
    made.ask("anna", "end_wrap_up")
    assert made.state("anna") == AgentState.PAUSED
    made.ask("anna", "resume")
    assert made.ask("wang", "pause", "lunch").error == ""


def test_being_not_ready_has_a_rule_of_its_own() -> None:
    """Every pause that is no break counts, for whatever reason; breaks do not; its longest time is told like that of a break."""
    limit = BreakLimit(at_once=1, longest_ms=30_000)
    made = opened(person("anna"), person("li"), person("wang"), breaks={"lunch": BreakLimit()}, not_ready=limit)
    assert made.ask("anna", "pause", "lunch").error == ""
    assert made.ask("li", "pause").error == ""
    assert made.ask("wang", "pause", "training").error == "1 agent is not ready and no more than 1 may be: li"
    assert [(told.reason, told.pause) for told in made.facts(AgentPaused)] == [("lunch", "break"), ("", "not_ready")]
    made.wait(31_000)
    assert [event.agent for event in made.told("agent_break_overrun")] == ["li"]


def test_a_break_that_lasts_too_long_is_told_once() -> None:
    made = opened(breaks={"lunch": BreakLimit(longest_ms=60_000)})
    made.ask("anna", "pause", "lunch")
    made.restart()
    made.wait(59_000)
    assert not made.told("agent_break_overrun")
    made.wait(600_000)
    assert [event.agent for event in made.told("agent_break_overrun")] == ["anna"]
    assert made.state("anna") == AgentState.PAUSED


def test_leaving_a_queue_and_joining_it_again() -> None:
    """Its contacts are not offered meanwhile, those of other queues are; who joins again takes the one that waits."""
    queues = (QueuePolicy("support"), QueuePolicy("sales"))
    made = House(directory(person("anna"), queues=queues))
    made.start_work()
    assert made.ask("anna", "leave_queue", queue="support").error == ""
    made.call("c1")
    assert made.ringing("c1") == ""
    made.restart()
    made.call("c2", queue="sales")
    assert made.ringing("c2") == "anna"
    made.refuse("c2", "busy")
    assert made.ask("anna", "join_queue", queue="support").error == ""
    assert made.ringing("c1") == "anna"
    assert "does not serve the queue 'other'" in made.ask("anna", "leave_queue", queue="other").error
    assert [changed.left_queues for changed in made.facts(AgentQueuesChanged)] == [("support",), ()]


def test_a_hot_desk_agent_works_on_the_phone_of_the_log_in() -> None:
    """Until log-out; that phone's state counts; a restart keeps it."""
    made = opened(replace(person("anna"), phone=None), person("li"))
    made.say(PhoneReported(phone_of("desk-7"), "available"))
    made.ask("li", "pause")
    made.call("c1")
    assert made.ask("anna", "log_in", phone="desk-7").error == ""
    assert [order.address for _, order in made.orders if hasattr(order, "ring_timeout_ms")] == ["desk-7"]
    made.refuse("c1", "busy")
    made.restart()
    made.say(PhoneReported(phone_of("desk-7"), "unavailable"))
    assert made.board.agents["anna"].phone_state == "unavailable"
    made.ask("anna", "log_out")
    assert (made.board.agents["anna"].phone, phone_of("desk-7") in made.board.phones) == (None, False)


def test_a_phone_has_one_agent() -> None:
    """Not while its owner works; afterwards it may be used, and the owner has it again at the next log-in."""
    made = opened(replace(person("anna"), phone=None), person("li"))
    assert "in use by li" in made.ask("anna", "log_in", phone="phone-li").error
    made.ask("li", "log_out")
    assert made.ask("anna", "log_in", phone="phone-li").error == ""
    assert "in use by anna" in made.ask("li", "log_in").error
    made.ask("anna", "log_out")
    assert made.ask("li", "log_in").error == ""
    made.call("c1")
    assert made.ringing("c1") == "li"


def test_an_external_number_is_always_there_and_is_accepted_by_key() -> None:
    """Nothing is known of its state; a voice mail must not take the call."""
    made = opened(replace(person("anna"), phone=phone_of("+8613800000000")))
    made.ask("anna", "log_in")
    made.call("c1")
    order = next(order for _, order in made.orders if hasattr(order, "ring_timeout_ms"))
    assert (order.address, order.accept) == ("+8613800000000", True)


def test_nobody_counts_on_an_agent_whose_phone_is_gone_for_long() -> None:
    """A ready agent without a phone for two minutes is paused; one whose phone came back in time is not, whatever the router did."""
    made = opened(person("anna"), person("li"))
    made.say(PhoneReported(phone_of("phone-anna"), "unavailable"), PhoneReported(phone_of("phone-li"), "unavailable"))
    made.wait(100_000)
    made.say(PhoneReported(phone_of("phone-li"), "available"))
    made.restart()
    made.wait(20_000)
    assert (made.state("anna"), made.board.agents["anna"].reason, made.state("li")) == (AgentState.PAUSED, "unreachable", AgentState.READY)


def test_nobody_counts_on_an_agent_who_comes_without_a_phone() -> None:
    """Who logs in, resumes or sits down at a phone that is not there is paused two minutes later; the new time counts."""
    made = House(directory(person("anna")))
    made.ask("anna", "log_in")
    made.wait(119_000)
    assert made.state("anna") == AgentState.READY
    made.wait(2_000)
    assert (made.state("anna"), made.board.agents["anna"].reason) == (AgentState.PAUSED, "unreachable")
    made.ask("anna", "resume")
    made.restart()
    made.wait(60_000)
    made.ask("anna", "log_in", phone="desk-7")
    made.wait(119_000)
    assert made.state("anna") == AgentState.READY
    made.wait(2_000)
    assert made.state("anna") == AgentState.PAUSED
    made.say(PhoneReported(phone_of("desk-7"), "available"))
    made.ask("anna", "resume")
    made.wait(200_000)
    assert made.state("anna") == AgentState.READY


def test_who_logs_in_again_elsewhere_is_rung_there() -> None:
    """The state stays; not while a call is on, nor at a phone that somebody uses; a log-in without a phone changes nothing."""
    made = opened(person("anna"), person("li"))
    made.say(PhoneReported(phone_of("desk-7"), "available"))
    made.ask("li", "log_out")
    made.ask("anna", "pause", reason="lunch")
    assert made.ask("anna", "log_in", phone="desk-7").error == ""
    assert (made.board.agents["anna"].phone, made.state("anna")) == (phone_of("desk-7"), AgentState.PAUSED)
    made.ask("anna", "resume")
    assert made.ask("anna", "log_in").error == ""
    made.call("c1")
    assert [order.address for _, order in made.orders if hasattr(order, "ring_timeout_ms")] == ["desk-7"]
    assert "has a call on phone desk-7" in made.ask("anna", "log_in", phone="phone-anna").error
    made.answer("c1")
    made.finish("c1")
    made.ask("anna", "end_wrap_up")
    made.ask("li", "log_in")
    assert "in use by li" in made.ask("anna", "log_in", phone="phone-li").error
    assert made.ask("anna", "log_in", phone="phone-anna").error == ""
    assert (made.board.agents["anna"].phone, made.board.agents["anna"].phone_state) == (phone_of("phone-anna"), "available")


@pytest.mark.parametrize("before", ["logged_out", "paused", "wrap_up"])
def test_who_becomes_ready_without_a_phone_is_paused_in_time(before: str) -> None:
    """The phone was gone before: its owner is counted on for two minutes, not for ever."""
    made = House(directory(person("anna")))
    made.start_work()
    if before == "wrap_up":
        made.call("c1")
        made.answer("c1")
        made.finish("c1")
    else:
        made.ask("anna", "log_out" if before == "logged_out" else "pause")
    made.say(PhoneReported(phone_of("phone-anna"), "unavailable"))
    if before != "wrap_up":
        made.wait(300_000)
        made.ask("anna", "log_in" if before == "logged_out" else "resume")
    made.wait(119_000)
    assert made.state("anna") == AgentState.READY
    made.wait(12_000)
    assert (made.state("anna"), made.board.agents["anna"].reason) == (AgentState.PAUSED, "unreachable")


def test_a_break_asked_for_during_a_talk_has_its_longest_time() -> None:
    """It begins after the wrap-up, and is as long as any other."""
    made = opened(breaks={"lunch": BreakLimit(longest_ms=60_000)}, wrap_up_ms=5_000)
    made.call("c1")
    made.answer("c1")
    made.ask("anna", "pause", reason="lunch")
    made.finish("c1")
    made.wait(5_000)
    assert made.board.agents["anna"].until_ms == made.now + 60_000
    made.wait(60_000)
    assert len(made.told("agent_break_overrun")) == 1


def test_a_break_that_is_told_again_goes_on() -> None:
    """After Redis lost everything: the same reason, the same end, and it is told when it lasts too long."""
    made = opened(person("anna"), person("li"), breaks={"lunch": BreakLimit(at_once=1, longest_ms=60_000)})
    made.ask("anna", "pause", reason="lunch")
    until_ms = made.board.agents["anna"].until_ms
    lost = House(made.site, at_ms=made.now + 10_000)
    lost.say(AgentReported("anna", AgentState.PAUSED, "lunch", made.now, until_ms))
    lost.start_work("li")
    assert lost.board.agents["anna"].until_ms == until_ms
    assert "no more than 1" in lost.ask("li", "pause", reason="lunch").error
    lost.wait(50_000)
    assert len(lost.told("agent_break_overrun")) == 1


def test_a_hot_desk_agent_who_is_told_again_sits_where_they_sat() -> None:
    """At the desk phone of somebody who is not at work, too; not at one that is in use."""
    for owner, expected in (("logged_out", "phone-li"), ("ready", "phone-anna")):
        lost = House(directory(person("anna"), person("li")))
        if owner == "ready":
            lost.start_work("li")
        lost.say(AgentReported("anna", AgentState.READY, since_ms=lost.now, phone=phone_of("phone-li")))
        assert (lost.board.agents["anna"].phone, lost.board.phones[phone_of(expected)]) == (phone_of(expected), "anna")


def test_an_agent_in_a_talk_that_is_told_again_keeps_the_desk() -> None:
    """Whichever word comes first: the talk goes on, and the next calls come to the phone that is used, not of queues that were left."""
    made = House(directory(person("anna"), queues=(QueuePolicy("support"), QueuePolicy("sales"))))
    talk = TalkReported("c1", "node", "support", "offer-1", "anna", made.now - 60_000, made.now - 30_000, ContactFacts("call-1"))
    held = AgentReported("anna", AgentState.ON_CONTACT, since_ms=made.now - 30_000, phone=phone_of("desk-7"), left_queues=["sales"])
    made.say(talk, held)
    anna = made.board.agents["anna"]
    assert (anna.state, anna.contact, anna.phone, anna.left_queues) == (AgentState.ON_CONTACT, "c1", phone_of("desk-7"), ["sales"])
    made.finish("c1")
    made.say(held)
    assert made.state("anna") == AgentState.WRAP_UP


def test_an_external_number_is_there_whoever_uses_it() -> None:
    """At a log-in from it, and when its owner returns to it from a desk, whatever the router did meanwhile."""
    made = opened(replace(person("anna"), phone=phone_of("+8613800000000")))
    made.say(PhoneReported(phone_of("desk-7"), "available"))
    made.ask("anna", "log_in", phone="desk-7")
    made.restart()
    made.ask("anna", "log_in", phone="+8613800000000")
    assert made.board.agents["anna"].phone_state == "available"
    made.ask("anna", "log_in", phone="+8613900000000")
    assert made.board.agents["anna"].phone_state == "available"


def test_a_phone_that_a_new_router_knows_nothing_of_is_asked_for() -> None:
    """Who returns from a desk, or sits down at one, after a change of router is reached as before."""
    made = opened()
    made.say(PhoneReported(phone_of("desk-7"), "available"))
    made.ask("anna", "log_in", phone="desk-7")
    made.restart()
    made.say(ServerAlive("node"))
    made.ask("anna", "log_in", phone="phone-anna")
    assert ("node", ReportPhoneOrder(phone_of("phone-anna"))) in made.orders
    made.say(PhoneReported(phone_of("phone-anna"), "available"))
    made.call("c1")
    assert made.ringing("c1") == "anna"


def test_who_leaves_a_desk_takes_the_own_phone_from_nobody() -> None:
    """Somebody sits there meanwhile: they keep it, and its state is theirs."""
    made = opened(person("anna"), person("li"), replace(person("zoe"), phone=None))
    made.ask("li", "log_in", phone="desk-7")
    made.ask("zoe", "log_in", phone="phone-li")
    made.ask("li", "log_out")
    assert (made.board.phones[phone_of("phone-li")], made.board.agents["li"].phone) == ("zoe", None)
    made.say(PhoneReported(phone_of("phone-li"), "unavailable"))
    assert made.board.agents["zoe"].phone_state == "unavailable"
    assert "in use by zoe" in made.ask("li", "log_in").error
