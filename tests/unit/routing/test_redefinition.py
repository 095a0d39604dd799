"""A change of the site's definitions while calls are under way: people, phones, skills, queues and policies."""

from dataclasses import replace
from typing import Any

import pytest

from routing.board.redefinition import ChangeRefused
from routing.domain.agent_state import AgentState
from routing.domain.events.agents import AgentLoggedOut, AgentPhoneChanged, PhoneStateChanged
from routing.domain.events.contacts import ContactMoved, ContactPrioritised
from routing.domain.events.offers import OfferMade
from routing.domain.messages import AgentAsked, OfferAnswered, PhoneReported, ServerAlive
from routing.domain.model import BreakLimit, Directory, Membership, Overflow, QueuePolicy
from routing.domain.orders import LeaveOrder, MoveOrder, ReportPhoneOrder, WithdrawOrder
from tests.routing_house import START_MS, House, arrival, directory, person, phone_of

pytestmark = pytest.mark.unit

SUPPORT, SALES = QueuePolicy("support", wrap_up_ms=5_000), QueuePolicy("sales", wrap_up_ms=7_000, priority=30)
ANNA, LI = person("anna", billing=3), person("li", billing=1)


def site(*people: Any, queues: tuple[QueuePolicy, ...] = (SUPPORT, SALES)) -> Directory:
    return directory(*people, queues=queues)


def house(*people: Any, **more: Any) -> House:
    """Everybody is ready."""
    made = House(site(*people, **more))
    made.say(ServerAlive("node"))
    for agent in made.site.agents:
        made.wait(1)
        made.start_work(agent)
    return made


def since(made: House, number: int) -> list[str]:
    return [event.type for event in made.events[number:]]


def orders(made: House, kind: type) -> list[Any]:
    return [order for _, order in made.orders if isinstance(order, kind)]


# -- nothing that is remembered is lost --------------------------------------------------------------------------------


def test_a_change_that_changes_nothing_is_not_noticed() -> None:
    """Phones ring on, talks go on, places stay: no event, no order, no record."""
    made = house(ANNA, LI)
    for contact in ("talks", "rings", "waits", "waits more"):
        made.call(contact)
    made.answer("talks")
    events, orders, deadlines = len(made.events), len(made.orders), made.board.next_deadline()
    changes = made.redefine(site(ANNA, LI))

    assert not changes
    assert (len(made.events), len(made.orders), made.board.next_deadline()) == (events, orders, deadlines)
    assert made.ringing("rings") == "li"
    made.finish("talks")
    made.wait(5_000)
    assert made.ringing("waits") == "anna"


def test_what_no_record_holds_is_kept() -> None:
    """Contacts that ended, phones that nobody has, queues that are watched and overflow that is looked at again, servers."""
    watched = replace(SUPPORT, stay_when="ready", stay_grace_ms=60_000, overflow=(Overflow("sales", waited_ms=1_000),))
    made = house(ANNA, queues=(watched, replace(SALES, max_waiting=0)))
    made.say(PhoneReported(phone_of("desk-1"), "busy", "pbx"))
    made.call("gone")
    made.leave("gone")
    made.ask("anna", "log_out")
    made.call("waits")
    made.wait(2_000)
    before = [made.board.loose_phones, made.board.watched, made.board.stuck, made.board.servers, made.board._ended]
    kept = [dict(known) for known in before]  # type: ignore[call-overload]
    assert all(kept)
    made.redefine(made.site)

    board = made.board
    assert [board.loose_phones, board.watched, board.stuck, board.servers, board._ended] == kept
    made.say(arrival("gone", "call-gone", "node", "support", [(0, "")], START_MS))
    assert "gone" not in made.board.contacts


def test_deadlines_do_not_pile_up() -> None:
    """However often the site changes, what is due is asked for once."""
    made = house(ANNA)
    for number in range(5):
        made.call(f"c{number}")
    made.redefine(made.site)
    planned = len(made.board._deadlines)
    for _ in range(20):
        made.redefine(made.site)
    assert len(made.board._deadlines) == planned


def test_deadlines_are_kept_without_a_pause() -> None:
    """A ring, a wrap-up and a longest wait end when they would have ended."""
    made = house(ANNA, LI, queues=(replace(SUPPORT, max_wait_ms=20_000), SALES))
    made.call("talks")
    made.answer("talks")
    made.call("rings")
    made.finish("talks")
    made.call("waits")
    made.ask("li", "pause")
    due = (made.due("wrap_up", "anna"), made.due("max_wait", "waits"))
    made.redefine(made.site)
    assert (made.due("wrap_up", "anna"), made.due("max_wait", "waits")) == due
    made.wait(5_000)
    assert made.ringing("rings") == "anna"
    made.wait(15_000)
    assert made.outcome("waits") == "timed_out"


def test_a_lottery_goes_on_where_it_was() -> None:
    """How far a pool's draws had come is known behind the change; with another strategy it means nothing."""
    drawn = replace(SUPPORT, strategy="random")
    made = house(ANNA, LI, queues=(drawn, SALES))
    made.call("c1")
    (reached,) = made.board.matching.line("support").reached().values()
    assert reached > 0
    made.redefine(site(ANNA, LI, queues=(drawn, SALES)))
    made.call("c2")
    (again,) = made.board.matching.line("support").reached().values()
    assert again >= reached
    made.redefine(site(ANNA, LI, queues=(replace(SUPPORT, strategy="linear"), SALES)))
    made.call("c3")
    assert not made.board.matching.line("support").reached()


# -- agents who are removed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begin", "told"),
    [
        ((), ["agent_logged_out", "agent_removed"]),
        (("pause",), ["agent_logged_out", "agent_removed"]),
        (("log_out",), ["agent_removed"]),
        (("leave_queue",), ["agent_logged_out", "agent_removed"]),
    ],
)
def test_an_agent_who_has_no_call_leaves_at_once(begin: tuple[str, ...], told: list[str]) -> None:
    """Ready, paused or logged out: the leaving is told, the record is gone, and the phone is nobody's."""
    made = house(ANNA, LI)
    for action in begin:
        made.ask("anna", action, queue="sales")
    before = len(made.events)
    made.redefine(site(LI))

    assert since(made, before) == told
    assert "a:anna" not in made.records
    assert "anna" not in made.board.agents
    assert made.board.loose_phones == {phone_of("phone-anna"): ("available", "")}
    assert made.ask("anna", "log_in").error == "there is no agent 'anna'; config/agents.yaml lists them"
    assert {told.reason for told in made.facts(AgentLoggedOut)[-1:]} <= {"removed", ""}


def test_an_agent_in_a_talk_finishes_it_and_leaves() -> None:
    """The talk goes on as if nothing had changed; then there is no wrap-up, which nobody could end. The next caller is not offered."""
    made = house(ANNA)
    made.call("talks")
    made.answer("talks")
    made.call("waits")
    made.redefine(site(LI))
    assert made.state("anna") == AgentState.ON_CONTACT
    before = len(made.events)
    made.wait(600)
    made.finish("talks")

    assert since(made, before) == ["contact_ended", "agent_wrap_up_started", "agent_logged_out", "agent_removed"]
    assert made.rings() == [("talks", "anna")]
    assert set(made.board.agents) == {"li"}


def test_an_agent_in_wrap_up_leaves_at_once() -> None:
    """Also one whose wrap-up would last until a disposition is given."""
    wants = replace(SUPPORT, wrap_up_ms=-1, dispositions={"ok": "fine"}, disposition_required=True)
    made = house(ANNA, queues=(wants, SALES))
    made.call("c1")
    made.answer("c1")
    made.finish("c1")
    assert made.state("anna") == AgentState.WRAP_UP
    made.redefine(site(LI))
    assert "anna" not in made.board.agents


@pytest.mark.parametrize("wish", ["pause", "log_out"])
def test_a_wish_of_one_who_is_removed_changes_nothing(wish: str) -> None:
    made = house(ANNA)
    made.call("c1")
    made.answer("c1")
    made.ask("anna", wish)
    made.redefine(site(LI))
    made.finish("c1")
    assert set(made.board.agents) == {"li"}


def test_a_phone_of_one_who_is_removed_rings_on() -> None:
    """It may still be answered; when it is not, the caller waits at the old place and the agent leaves."""
    made = house(ANNA)
    made.call("answered")
    made.redefine(site(LI))
    assert (made.ringing("answered"), orders(made, WithdrawOrder)) == ("anna", [])
    made.answer("answered")
    made.finish("answered")
    assert set(made.board.agents) == {"li"}

    made = house(ANNA)
    made.call("refused")
    made.redefine(site(LI))
    made.refuse("refused")
    assert set(made.board.agents) == {"li"}
    made.start_work("li")
    assert made.ringing("refused") == "li"


def test_an_agent_who_comes_back_before_the_talk_is_over_stays() -> None:
    """Removed and added again: nothing of the removal is left."""
    made = house(ANNA)
    made.call("c1")
    made.answer("c1")
    made.redefine(site(LI))
    made.redefine(site(ANNA, LI))
    made.finish("c1")
    assert made.state("anna") == AgentState.WRAP_UP
    made.wait(5_000)
    assert made.state("anna") == AgentState.READY
    assert made.told("agent_removed") == []


def test_a_desk_of_one_who_is_removed_is_free() -> None:
    """At a hot desk: the desk is nobody's, and whoever comes finds it as it is."""
    made = house(ANNA)
    made.say(PhoneReported(phone_of("desk-1"), "available"))
    made.ask("anna", "log_in", phone="desk-1")
    made.redefine(site(LI))
    assert made.ask("li", "log_in", phone="desk-1").error == ""
    assert made.board.agents["li"].phone_state == "available"
    assert made.board.phones == {phone_of("desk-1"): "li"}


def test_who_waits_for_one_who_is_removed_waits_no_longer_for_them() -> None:
    """A contact that was kept for an agent by name goes on to its next step, and a contact whose only step names them waits on."""
    made = house(ANNA, LI)
    made.call("busy")
    made.answer("busy")
    assert made.board.contacts["busy"].agent == "anna"
    made.call("kept", steps=[(0, "@anna"), (60_000, "billing")])
    made.call("only", steps=[(0, "@anna")])
    made.redefine(site(LI))

    assert made.ringing("kept") == "li"
    assert [event.contact for event in made.told("contact_relaxed")] == ["kept"]
    assert made.board.contacts["only"].steps == [(0, "@anna")]


def test_a_grace_begins_when_the_last_one_is_removed() -> None:
    """Who has waited long beside an agent who is removed is not told at once that nobody is there; also with another router meanwhile."""
    strict = replace(SUPPORT, stay_when="staffed", stay_grace_ms=30_000)
    made = house(ANNA, queues=(strict,))
    made.ask("anna", "pause")
    made.call("waits")
    made.wait(200_000)
    made.redefine(site(LI, queues=(strict,)))
    made.wait(15_000)
    made.restart()
    made.wait(14_000)
    assert made.outcome("waits") == ""
    made.wait(1_000)
    assert made.outcome("waits") == "no_agents"


# -- agents who are new or changed -------------------------------------------------------------------------------------


def test_a_new_agent_whose_phone_is_there_is_available() -> None:
    """The phone was registered before the agent was known: it can ring as soon as the agent logs in, and everybody is told of it."""
    made = house(LI)
    made.say(PhoneReported(phone_of("phone-anna"), "available", ""))
    before = len(made.events)
    made.redefine(site(ANNA, LI))
    assert [(e.agent, e.data) for e in made.events[before:]] == [("anna", PhoneStateChanged("phone-anna", "available"))]
    made.ask("li", "pause")
    made.ask("anna", "log_in")
    made.call("c1")
    assert made.ringing("c1") == "anna"


def test_a_new_agent_whose_phone_is_unknown_is_asked_for() -> None:
    """Once, at every server: also when another router begins with that agent."""
    made = house(LI)
    made.redefine(site(ANNA, LI))
    assert orders(made, ReportPhoneOrder) == [ReportPhoneOrder(phone_of("phone-anna"))]
    made.say(PhoneReported(phone_of("phone-anna"), "available"))
    made.ask("anna", "log_in")
    assert (made.state("anna"), made.board.agents["anna"].phone_state) == (AgentState.READY, "available")

    made = house(LI)
    made.call("c1")  # so that the next router knows of a server
    made.restart(site(ANNA, LI))
    assert orders(made, ReportPhoneOrder) == [ReportPhoneOrder(phone_of("phone-anna"))]
    made.restart()
    assert orders(made, ReportPhoneOrder) == [ReportPhoneOrder(phone_of("phone-anna"))]


def test_a_new_phone_rings_from_now_on() -> None:
    """A ready agent works on at the new phone; in a talk the old one is kept to its end."""
    made = house(ANNA)
    made.say(PhoneReported(phone_of("phone-new"), "available"))
    made.redefine(site(replace(ANNA, phone=phone_of("phone-new"))))
    made.call("c1")
    assert made.facts(OfferMade)[-1].phone == "phone-new"
    assert [told.phone for told in made.facts(AgentPhoneChanged)] == ["phone-new"]
    made.answer("c1")
    made.redefine(site(ANNA))
    assert made.board.agents["anna"].phone == phone_of("phone-new")
    made.finish("c1")
    assert (made.board.agents["anna"].phone, made.board.agents["anna"].phone_state) == (phone_of("phone-anna"), "available")
    assert made.board.phones == {phone_of("phone-anna"): "anna"}


def test_a_new_phone_in_a_talk_outlives_a_change_of_router() -> None:
    """The talk's end is what the change waits for, whoever routes then."""
    made = house(ANNA)
    made.say(PhoneReported(phone_of("phone-new"), "available"))
    made.call("c1")
    made.answer("c1")
    made.redefine(site(replace(ANNA, phone=phone_of("phone-new"))))
    made.restart()
    assert made.board.agents["anna"].phone == phone_of("phone-anna")
    made.finish("c1")
    assert made.board.agents["anna"].phone == phone_of("phone-new")


def test_two_agents_change_phones() -> None:
    """At once when both are free; else the one who waits for the other's gets it when the talk there is over."""
    swapped = site(replace(ANNA, phone=phone_of("phone-li")), replace(LI, phone=phone_of("phone-anna")))
    made = house(ANNA, LI)
    made.redefine(swapped)
    assert made.board.phones == {phone_of("phone-li"): "anna", phone_of("phone-anna"): "li"}
    assert {agent.phone_state for agent in made.board.agents.values()} == {"available"}

    made = house(ANNA, LI)
    made.call("c1")
    made.answer("c1")
    made.redefine(swapped)
    assert made.board.phones == {phone_of("phone-anna"): "anna"}
    made.finish("c1")
    assert made.board.phones == {phone_of("phone-li"): "anna", phone_of("phone-anna"): "li"}
    made.call("c2")
    assert made.ringing("c2") == "li"


def test_an_own_phone_that_is_somebodys_desk() -> None:
    """Who sits there stays; the new owner has no phone until it is free. Who sits at what becomes the own phone is at home."""
    made = house(ANNA)
    made.say(PhoneReported(phone_of("desk-1"), "available"))
    made.ask("anna", "log_in", phone="desk-1")
    made.redefine(site(ANNA, replace(LI, phone=phone_of("desk-1"))))
    assert made.board.phones == {phone_of("desk-1"): "anna"}
    assert "in use by anna" in made.ask("li", "log_in").error
    made.ask("anna", "log_out")
    assert made.ask("li", "log_in").error == ""
    assert made.board.agents["li"].phone_state == "available"

    made = house(ANNA)
    made.say(PhoneReported(phone_of("desk-1"), "available"))
    made.ask("anna", "log_in", phone="desk-1")
    made.redefine(site(replace(ANNA, phone=phone_of("desk-1"))))
    made.ask("anna", "log_out")
    assert (made.board.agents["anna"].phone, made.board.agents["anna"].desk_phone) == (phone_of("desk-1"), None)


def test_an_external_number_can_ring_at_once() -> None:
    """Nobody tells the state of an external number, neither of a new agent's nor of a changed one."""
    made = house(LI)
    made.redefine(site(replace(ANNA, phone=phone_of("+8613800138000")), replace(LI, phone=phone_of("+8613900139000"))))
    assert {agent.phone_state for agent in made.board.agents.values()} == {"available"}
    made.ask("li", "pause")
    made.ask("anna", "log_in")
    made.call("c1")
    assert made.ringing("c1") == "anna"


def test_skills_and_queues_hold_from_now_on() -> None:
    """Who waits is offered to whoever suits now; a phone that rings for one who suits no more rings on."""
    made = house(ANNA, LI, queues=(SUPPORT, SALES))
    made.call("hard", "billing >= 5")
    made.call("rings", "billing >= 3")
    assert (made.ringing("hard"), made.ringing("rings")) == ("", "anna")
    made.redefine(site(person("anna", ("sales",)), person("li", billing=5)))
    assert (made.ringing("hard"), made.ringing("rings")) == ("li", "anna")
    made.refuse("rings")
    assert made.state("anna") == AgentState.READY
    assert made.ringing("rings") == ""


def test_many_wait_and_many_are_free_at_once() -> None:
    """Each contact in its turn gets the agent whom the queue's strategy names."""
    made = house(person("anna", ("sales",)), person("li", ("sales",)), person("wu", ("sales",)))
    for number in range(2):
        made.wait(1)
        made.call(f"c{number}")
    made.redefine(site(person("anna"), person("li"), person("wu"), queues=(replace(SUPPORT, strategy="linear"), SALES)))
    assert [made.ringing(f"c{number}") for number in range(2)] == ["anna", "li"]


def test_tiers_of_memberships_hold_from_now_on() -> None:
    """An agent of a later tier who becomes one of the first is asked at once."""
    tiered = replace(SUPPORT, tier_delays_ms=(0, 60_000))
    second = replace(LI, memberships={"support": Membership(tier=2)})
    made = house(ANNA, second, queues=(tiered, SALES))
    made.call("busy")
    made.answer("busy")
    made.call("waits")
    assert made.ringing("waits") == ""
    made.redefine(site(ANNA, LI, queues=(tiered, SALES)))
    assert made.ringing("waits") == "li"


# -- queues ------------------------------------------------------------------------------------------------------------


def test_a_queue_in_which_somebody_waits_is_not_removed() -> None:
    """The refusal says how many wait where, and what to do; nothing has changed. A queue that nobody waits in goes."""
    made = house(ANNA)
    for contact in ("talks", "rings", "waits"):
        made.call(contact)
    made.answer("talks")
    before = (made.board.directory, made.board.agents["anna"].rev, len(made.events))
    with pytest.raises(ChangeRefused) as refused:
        made.redefine(site(LI, queues=(SALES,)))
    assert str(refused.value) == (
        "2 callers wait in 'support': name a queue that takes them, or remove the queue when nobody waits; known are: sales"
    )
    assert (made.board.directory, made.board.agents["anna"].rev, len(made.events)) == before
    with pytest.raises(ChangeRefused, match=r"cannot move to 'nowhere', which is no queue"):
        made.redefine(site(LI, queues=(SALES,)), support="nowhere")
    made.redefine(site(ANNA, queues=(SUPPORT,)))
    assert made.board.site.queues.keys() == {"support"}


def test_callers_of_a_queue_that_is_removed_move() -> None:
    """With their wait, by the priority of the queue that takes them; a phone that rings for one of them rings on."""
    made = house(ANNA)
    made.call("rings", priority=5)
    made.call("waits", priority=5)
    made.redefine(site(ANNA, queues=(SALES,)), support="sales")

    assert (made.ringing("rings"), orders(made, WithdrawOrder)) == ("anna", [])
    assert [(c.id, c.queue, c.priority) for c in made.board.contacts.values()] == [("rings", "sales", 35), ("waits", "sales", 35)]
    assert {(order.contact, order.queue) for order in orders(made, MoveOrder)} == {("rings", "sales"), ("waits", "sales")}
    assert [e.contact for e in made.told("contact_moved")] == ["rings", "waits"]
    assert {(told.before, told.reason) for told in made.facts(ContactMoved)} == {("support", "queue_removed")}
    made.answer("rings")
    made.finish("rings")
    made.wait(7_000)
    assert made.ringing("waits") == "anna"


def test_who_comes_to_a_queue_that_is_gone_joins_the_one_that_took_its_callers() -> None:
    """A call that began before keeps its flow. Also when that one goes, too, and behind a change of router; back again it is itself."""
    made = house(ANNA, queues=(SUPPORT, SALES, QueuePolicy("vip")))
    made.redefine(site(ANNA, queues=(SALES, QueuePolicy("vip"))), support="sales")
    made.call("c1")
    assert made.board.contacts["c1"].queue == "sales"
    assert orders(made, MoveOrder) == [MoveOrder("c1", "sales")]
    made.redefine(site(ANNA, queues=(QueuePolicy("vip"),)), sales="vip")
    made.restart()
    made.call("c2")
    assert made.board.contacts["c2"].queue == "vip"
    made.redefine(site(ANNA), vip="sales")
    made.call("c3")
    assert [contact.queue for contact in made.board.contacts.values()] == ["sales", "sales", "support"]


def test_a_queue_that_went_without_a_word_is_full() -> None:
    """Nobody waited in it, and nobody said who takes its callers: a flow that still leads there goes on with `full`."""
    made = house(ANNA)
    made.redefine(site(ANNA, queues=(SUPPORT,)))
    made.call("late", queue="sales")
    assert made.outcome("late") == "full"
    made.call("c1")
    assert "there is no queue 'sales'; known are: support" in made.change("c1", "move", queue="sales").error


def test_a_talk_of_a_queue_that_is_gone_ends_as_usual() -> None:
    """With the wrap-up and the dispositions of the queue as it was."""
    told = replace(SUPPORT, dispositions={"ok": "fine"}, disposition_required=True)
    made = house(ANNA, queues=(told, SALES))
    made.call("c1")
    made.answer("c1")
    made.redefine(site(ANNA, queues=(SALES,)))
    made.finish("c1")
    made.wait(5_000)
    assert made.state("anna") == AgentState.WRAP_UP
    assert made.ask("anna", "extend_wrap_up").error == ""
    assert made.ask("anna", "end_wrap_up", disposition="ok").error == ""
    assert made.state("anna") == AgentState.READY


def test_policies_hold_for_those_who_wait() -> None:
    """The longest wait, the overflow, the ring strategy and the priority of the queue are the new ones."""
    made = house(ANNA, LI)
    made.ask("li", "pause")
    made.call("rings")
    made.call("waits")
    made.wait(5_000)
    made.redefine(site(ANNA, LI, queues=(replace(SUPPORT, priority=60, strategy="ring_all", max_wait_ms=30_000), SALES)))
    more = ContactPrioritised(60, 0, 1.0)
    assert [(e.contact, e.data) for e in made.told("contact_prioritised")] == [("rings", more), ("waits", more)]
    assert min(made.due("max_wait", "waits")) == START_MS + 30_000 + 2
    made.answer("rings")
    made.finish("rings")
    made.ask("li", "resume")
    made.wait(10_000)
    assert made.ringers("waits") == {"li", "anna"}

    made = house(ANNA)
    made.ask("anna", "pause")
    made.call("c1")
    made.wait(5_000)
    made.redefine(site(ANNA, queues=(replace(SUPPORT, overflow=(Overflow("sales", waited_ms=4_000),)), SALES)))
    assert made.board.contacts["c1"].queue == "sales"


def test_ageing_and_choice_hold_for_those_who_wait() -> None:
    """Where priority goes before any wait from now on, it does so for everybody in the line."""
    made = house(ANNA)
    made.call("busy")
    made.answer("busy")
    made.call("first")
    made.wait(100_000)
    made.call("important", priority=1)
    made.redefine(replace(site(ANNA), choice="strict"))
    made.finish("busy")
    made.wait(5_000)
    assert made.ringing("important") == "anna"


def test_memories_of_callers_follow_the_queues() -> None:
    """Who talked to a caller is known for as long as the queues ask for it now."""
    kept = replace(SUPPORT, last_agent_ms=3_600_000, wrap_up_ms=0)
    made = house(ANNA, LI, queues=(kept, SALES))
    made.call("c1", ani="+861")
    made.answer("c1")
    made.finish("c1")
    assert "+861" in made.board.callers
    made.redefine(site(ANNA, LI))
    made.wait(10)
    assert made.board.callers == {}


def test_breaks_hold_for_the_next_one() -> None:
    """A limit on a break is the new one; who is on break stays there."""
    made = house(ANNA, LI)
    made.ask("anna", "pause", "lunch")
    made.redefine(replace(site(ANNA, LI), breaks={"lunch": BreakLimit(at_once=1)}))
    assert made.state("anna") == AgentState.PAUSED
    assert "no more than 1 may be" in made.ask("li", "pause", "lunch").error


def test_news_about_what_is_gone_breaks_nothing() -> None:
    """A server that does not know of the change yet: its agent is unknown, its answer of a phone that rang is taken."""
    made = house(ANNA)
    made.call("c1")
    offer = made.offer_of("c1")
    made.redefine(site(LI, queues=(SALES,)), support="sales")
    made.say(OfferAnswered("c1", offer))
    made.finish("c1")
    made.say(AgentAsked("anna", "log_in", "r", "node"), PhoneReported(phone_of("phone-anna"), "busy"))
    made.wait(1_000_000)
    assert set(made.board.agents) == {"li"}
    assert orders(made, LeaveOrder) == []


def test_a_router_that_begins_with_another_directory_does_the_same() -> None:
    """Also then a removed agent leaves with an event, one in a talk finishes it, and callers move."""
    made = house(ANNA, LI, person("wu"))
    made.call("talks")
    made.answer("talks")
    made.call("rings")
    made.call("rings too")
    made.call("waits")
    made.ask("wu", "pause")
    made.site = site(LI, queues=(SALES,))
    made.board.moves = {"support": "sales"}
    before = len(made.events)
    made.restart()

    assert [e.agent for e in made.events[before:] if e.type == "agent_removed"] == ["wu"]
    assert made.state("anna") == AgentState.ON_CONTACT
    assert made.ringing("rings") == "li"
    assert made.board.contacts["waits"].queue == "sales"
    made.finish("talks")
    made.wait(1_000)
    assert set(made.board.agents) == {"li"}
