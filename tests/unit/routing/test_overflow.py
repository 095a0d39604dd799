"""Joining, staying and going elsewhere: closed, full, empty, overflow rules, moves, and the place that is kept for a caller."""

from typing import Any

import pytest

from routing.domain.contact_state import ContactState
from routing.domain.events.contacts import ContactLeft, ContactMoved, ContactOverflowed
from routing.domain.messages import PhoneReported
from routing.domain.model import Directory, Overflow, QueuePolicy
from routing.domain.orders import MoveOrder
from routing.domain.phone_address import phone_of
from tests.routing_house import House, directory, person

pytestmark = pytest.mark.unit


def site(*people: Any, more: tuple[QueuePolicy, ...] = (), **policy: Any) -> House:
    """A queue `support` with this policy, and others; everybody logged in."""
    made = House(directory(*(people or (person("anna", ("support",)),)), queues=(QueuePolicy("support", **policy), *more)))
    made.start_work()
    return made


def moves(made: House) -> list[tuple[str, str]]:
    return [(order.contact, order.queue) for _, order in made.orders if isinstance(order, MoveOrder)]


def test_a_closed_queue_takes_nobody() -> None:
    """The outcome is told, and no contact is left behind; who waits when it closes waits on."""
    made = site(hours="first hour", max_wait_ms=7_200_000)
    made.ask("anna", "pause")
    made.call("c0")
    made.wait(3_600_000)
    made.call("c1")
    assert (made.outcome("c1"), list(made.board.contacts)) == ("closed", ["c0"])
    assert made.facts(ContactLeft)[0].outcome == "closed"


@pytest.mark.parametrize(
    ("rule", "on", "off"),
    [
        ("staffed", "pause", "log_out"),
        ("ready", "resume", "pause"),
    ],
)
def test_joining_an_empty_queue_by_rule(rule: Any, on: str, off: str) -> None:
    """staffed: somebody is logged in; ready: somebody is at work and has a phone."""
    made = site(join_when=rule)
    made.ask("anna", off)
    made.call("c1")
    assert made.outcome("c1") == "no_agents"
    if off == "log_out":
        made.ask("anna", "log_in")
    made.ask("anna", on)
    made.call("c2")
    assert made.outcome("c2") == ""


def test_joining_by_the_skills_wanted() -> None:
    """eligible: somebody logged in has the skills of one of the steps, and is not excluded."""
    made = site(person("anna", ("support",), billing=2), join_when="eligible")
    made.call("c1", "billing >= 3")
    made.call("c2", steps=[(0, "billing >= 3"), (60_000, "billing")])
    made.call("c3", "billing", exclude=["anna"])
    assert [made.outcome(contact) for contact in ("c1", "c2", "c3")] == ["no_agents", "", "no_agents"]


@pytest.mark.parametrize(("rule", "leaves"), [("always", False), ("staffed", True), ("eligible", True)])
def test_who_waits_for_nobody_is_told_after_a_grace(rule: Any, leaves: bool) -> None:
    """The last agent logs out, from a pause or not: after the grace those who wait are sent away with no_agents."""
    made = site(stay_when=rule, stay_grace_ms=20_000, max_wait_ms=3_600_000)
    made.ask("anna", "pause")
    made.call("c1")
    made.wait(60_000)
    assert made.outcome("c1") == ""
    made.ask("anna", "log_out")
    made.wait(19_000)
    assert made.outcome("c1") == ""
    made.wait(1_500)
    assert made.outcome("c1") == ("no_agents" if leaves else "")


def test_the_grace_begins_anew_when_somebody_was_there() -> None:
    """Two short absences are no long one, and who has just joined has the grace, too."""
    made = site(stay_when="ready", stay_grace_ms=20_000)
    made.ask("anna", "pause")
    made.call("c1")
    made.wait(15_000)
    made.ask("anna", "resume")
    made.ask("anna", "pause")
    made.wait(19_000)
    assert made.outcome("c1") == ""
    made.call("c2")
    made.wait(1_500)
    assert (made.outcome("c1"), made.outcome("c2")) == ("no_agents", "")
    made.wait(19_000)
    assert made.outcome("c2") == "no_agents"


def test_phones_that_are_gone_are_nobody_ready() -> None:
    """stay_when ready counts from the moment in which the last phone is gone."""
    made = site(stay_when="ready", stay_grace_ms=20_000)
    made.say(PhoneReported(phone_of("phone-anna"), "busy"))
    made.call("c1")
    made.wait(60_000)
    made.say(PhoneReported(phone_of("phone-anna"), "unavailable"))
    made.wait(20_000)
    assert made.outcome("c1") == "no_agents"


def test_who_is_moved_to_a_queue_without_anybody_does_not_stay_there() -> None:
    """The rule of the queue holds for those who come from another one, too."""
    made = site(more=(QueuePolicy("backup", stay_when="staffed", stay_grace_ms=20_000),))
    made.ask("anna", "pause")
    made.wait(60_000)
    made.call("c1")
    made.change("c1", "move", queue="backup")
    made.wait(20_000)
    assert made.outcome("c1") == "no_agents"


def test_an_empty_queue_is_looked_at_once_for_all_who_join() -> None:
    """However many join, one deadline waits: nothing is done per caller and for each of them."""
    made = site(stay_when="staffed", stay_grace_ms=20_000)
    made.ask("anna", "pause")
    for n in range(20):
        made.call(f"c{n}")
    assert sum(kind == "empty" for _, _, kind, _ in made.board._deadlines) == 1


def test_who_has_come_back_keeps_the_callers() -> None:
    made = site(stay_when="staffed", stay_grace_ms=20_000)
    made.ask("anna", "pause")
    made.call("c1")
    made.ask("anna", "log_out")
    made.wait(10_000)
    made.ask("anna", "log_in")
    made.wait(60_000)
    assert made.board.contacts["c1"].state == ContactState.OFFERED or made.told("offer_made")
    assert made.outcome("c1") == ""


def test_only_those_without_anybody_leave() -> None:
    """stay_when eligible: who still has somebody with the skills stays."""
    made = site(person("anna", ("support",), zh=5), person("li", ("support",), en=5), stay_when="eligible", stay_grace_ms=5_000)
    for agent in ("anna", "li"):
        made.ask(agent, "pause")
    made.call("c1", "zh")
    made.call("c2", "en")
    made.ask("anna", "log_out")
    made.wait(5_000)
    assert (made.outcome("c1"), made.outcome("c2")) == ("no_agents", "")


OTHER = (QueuePolicy("backup", priority=30),)


@pytest.mark.parametrize(
    ("rule", "facts"),
    [
        (Overflow("backup", waiting=1), {}),
        (Overflow("backup", expected_wait_ms=60_000), {"expected_wait_ms": 61_000}),
        (Overflow("backup", service_level=70), {"service_level": 65.0}),
    ],
)
def test_overflow_at_arrival(rule: Overflow, facts: dict[str, Any]) -> None:
    """Too long a queue, too long a wait or too poor a service level: the caller joins the other queue, at its priority."""
    made = site(person("anna", ("backup",)), more=OTHER, overflow=(rule,))
    made.ask("anna", "pause")
    made.call("c1")
    made.call("c2", **facts)
    moved = made.board.contacts["c2"]
    assert (moved.queue, moved.priority, moves(made)) == ("backup", 30, [("c2", "backup")])
    assert made.board.contacts["c1"].queue == "support"
    assert made.board.in_queue == {"support": 1, "backup": 1}
    assert made.facts(ContactOverflowed)[0].before == "support"
    made.ask("anna", "resume")
    assert made.ringing("c2") == "anna"


def test_overflow_without_a_queue_is_the_flows_business() -> None:
    made = site(overflow=(Overflow(waiting=1),))
    made.ask("anna", "pause")
    made.call("c1")
    made.call("c2")
    assert made.outcome("c2") == "overflowed"


CANNOT = {
    "closed": QueuePolicy("backup", hours="never"),
    "full": QueuePolicy("backup", max_waiting=0),
    "without agents": QueuePolicy("backup", join_when="staffed"),
}


@pytest.mark.parametrize("backup", CANNOT.values(), ids=CANNOT)
def test_a_queue_that_cannot_take_callers_is_passed_over(backup: QueuePolicy) -> None:
    """The next rule holds; where there is none, the caller stays in the queue they called."""
    rules = (Overflow("backup", waiting=1), Overflow("last", waiting=2))
    made = site(person("anna", ("support", "last")), more=(backup, QueuePolicy("last")), overflow=rules)
    made.ask("anna", "pause")
    for contact in ("c1", "c2", "c3"):
        made.call(contact)
    assert {id: contact.queue for id, contact in made.board.contacts.items()} == {"c1": "support", "c2": "support", "c3": "last"}


@pytest.mark.parametrize("backup", CANNOT.values(), ids=CANNOT)
def test_who_waits_too_long_goes_where_there_is_room(backup: QueuePolicy) -> None:
    """Another rule whose time has come leads there; without one the wait goes on."""
    rules = (Overflow("backup", waited_ms=10_000), Overflow("last", waited_ms=20_000))
    made = site(person("anna", ("support", "last")), more=(backup, QueuePolicy("last")), overflow=rules)
    made.ask("anna", "pause")
    made.call("c1")
    made.wait(12_000)
    assert made.board.contacts["c1"].queue == "support"
    made.wait(8_000)
    assert made.board.contacts["c1"].queue == "last"


def test_room_that_comes_later_is_found() -> None:
    """A full queue is asked again, after a quarter of a minute at most, and by a new board too; nobody is moved in vain."""
    small, rule = QueuePolicy("backup", max_waiting=1), Overflow("backup", waited_ms=10_000)
    made = site(person("anna", ("support", "backup")), more=(small,), overflow=(rule,))
    made.ask("anna", "pause")
    made.call("c0", queue="backup")
    made.call("c1")
    made.wait(30_000)
    assert (made.board.contacts["c1"].queue, moves(made)) == ("support", [])
    made.restart()
    made.leave("c0")
    made.wait(15_000)
    assert made.board.contacts["c1"].queue == "backup"
    assert made.facts(ContactMoved)[0].reason == "overflow"


@pytest.mark.parametrize("backup", CANNOT.values(), ids=CANNOT)
def test_a_rule_that_leads_nowhere_does_not_keep_phones_from_ringing(backup: QueuePolicy) -> None:
    """Phones that ring are the last ones only where the caller is about to go elsewhere."""
    people = [person(name, ("support",)) for name in ("anna", "bob", "cleo")]
    policy = {"strategy": "ring_progressively", "ring_more_ms": 2_000, "overflow": (Overflow("backup", waited_ms=5_000),)}
    made = site(*people, more=(backup,), **policy)
    for name in ("anna", "bob", "cleo"):
        made.ask(name, "pause")
    made.call("c1")
    made.wait(10_000)
    for name in ("anna", "bob", "cleo"):
        made.ask(name, "resume")
    made.wait(5_000)
    assert made.ringers("c1") == {"anna", "bob", "cleo"}


def test_refusals_do_not_heap_up_what_is_looked_at_again() -> None:
    """A phone that is busy again and again leaves one time at which the full queue is asked, not one for each refusal."""
    small, rule = QueuePolicy("backup", max_waiting=0), Overflow("backup", waited_ms=5_000)
    made = site(more=(small,), overflow=(rule,), refusal_ms=200, pause_after={})
    made.ask("anna", "pause")
    made.call("c1")
    made.wait(10_000)
    made.ask("anna", "resume")
    for _ in range(50):
        made.wait(200)
        made.refuse("c1", "busy")
    assert len(made.due("overflow", "c1")) == 1


def test_overflow_after_a_wait() -> None:
    """Who has waited so long waits on in the other queue, with the wait that they have; or leaves, where the rule names none."""
    last = QueuePolicy("last", overflow=(Overflow(waited_ms=90_000),))
    made = site(person("anna", ("last",)), more=(*OTHER, last), overflow=(Overflow("last", waited_ms=30_000),))
    made.ask("anna", "pause")
    made.call("c1")
    joined_ms = made.now
    made.wait(30_000)
    assert (made.board.contacts["c1"].queue, made.board.contacts["c1"].enqueued_at_ms) == ("last", joined_ms)
    assert made.facts(ContactMoved)[0].reason == "overflow"
    made.wait(60_000)
    assert made.outcome("c1") == "overflowed"


def test_two_queues_that_overflow_into_each_other_do_not_play_ball() -> None:
    """Nobody is sent back to a queue that they came from."""
    back = QueuePolicy("backup", overflow=(Overflow("support", waited_ms=10_000),))
    made = site(person("anna"), more=(back,), overflow=(Overflow("backup", waited_ms=10_000),))
    made.ask("anna", "pause")
    made.call("c1")
    made.wait(60_000)
    assert moves(made) == [("c1", "backup")]


def test_while_a_phone_rings_nobody_is_moved() -> None:
    """The rule's time passes while the phone rings: it may still be answered; refused, the contact moves on."""
    made = site(more=OTHER, overflow=(Overflow("backup", waited_ms=5_000),))
    made.call("c1")
    made.wait(6_000)
    assert made.ringing("c1") == "anna"
    made.refuse("c1")
    assert made.board.contacts["c1"].queue == "backup"


def test_a_supervisor_changes_waiting_contacts() -> None:
    """A priority puts one before the others, a move takes the wait along, a withdrawal ends it; each is told and replied."""
    made = site(person("anna"), more=OTHER)
    made.ask("anna", "pause")
    for contact in ("c1", "c2", "c3"):
        made.call(contact)
        made.wait(1_000)
    assert made.change("c3", "prioritise", priority=60).error == ""
    assert made.change("c2", "move", queue="backup").error == ""
    assert made.change("c1", "withdraw").error == ""
    assert made.outcome("c1") == "withdrawn"
    made.ask("anna", "resume")
    assert made.ringing("c3") == "anna"
    assert made.board.contacts["c2"].queue == "backup"
    assert "waits no longer" in made.change("c1", "withdraw").error
    assert "no queue 'nowhere'" in made.change("c2", "move", queue="nowhere").error
    made.answer("c3")
    assert "talks to an agent" in made.change("c3", "move", queue="backup").error


def test_a_contact_whose_phone_rings_can_be_moved() -> None:
    """The offer is taken back, its agent is free, and the contact waits in the other queue."""
    made = site(person("anna", ("support",)), person("li", ("backup",)), more=OTHER)
    made.call("c1")
    assert made.ringing("c1") == "anna"
    assert made.change("c1", "move", queue="backup").error == ""
    assert made.ringing("c1") == "li"
    assert made.board.agents["anna"].contact == ""


def test_a_caller_cut_off_has_the_place_again() -> None:
    """Calling back from the same number within the time: before everybody who came later; the wait itself begins anew."""
    made = site(keep_place_ms=300_000)
    made.ask("anna", "pause")
    made.call("c1", ani="+861")
    made.wait(60_000)
    made.call("c2", ani="+862")
    made.leave("c1")
    made.wait(30_000)
    made.call("c3", ani="+861")
    again = made.board.contacts["c3"]
    assert (again.place_ms, again.enqueued_at_ms) == (90_000, made.now)
    made.ask("anna", "resume")
    assert made.ringing("c3") == "anna"


@pytest.mark.parametrize("reason", ["too late", "other number", "other queue", "withheld", "switched off", "talked", "twice"])
def test_a_place_is_given_back_to_nobody_else(reason: str) -> None:
    """Not after the time, to another number or without one, in another queue, where it is switched off, after a talk, or twice."""
    made = site(person("anna"), more=OTHER, keep_place_ms=0 if reason == "switched off" else 60_000)
    made.ask("anna", "pause")
    number = "" if reason == "withheld" else "+861"
    made.call("c1", ani=number)
    made.wait(10_000)
    if reason == "talked":
        made.ask("anna", "resume")
        made.answer("c1")
        made.finish("c1")
        made.ask("anna", "pause")
    else:
        made.leave("c1")
    if reason == "twice":
        made.call("c2", ani=number)
        made.leave("c2", "exit_key")
    made.wait(61_000 if reason == "too late" else 1_000)
    made.call("c9", ani="+862" if reason == "other number" else number, queue="backup" if reason == "other queue" else "support")
    assert made.board.contacts["c9"].place_ms == 0


def test_what_is_remembered_outlives_the_router_and_is_forgotten_in_time() -> None:
    """A restart changes nothing; when nothing of it matters any more, the record is gone."""
    made = site(keep_place_ms=60_000)
    made.ask("anna", "pause")
    made.call("c1", ani="+861")
    made.leave("c1")
    made.restart()
    assert made.board.callers["+861"].queue == "support"
    made.wait(61_000)
    assert made.board.callers == {}
    assert not [key for key in made.records if key.startswith("m:")]


def test_a_caller_is_forgotten_by_one_deadline_however_often_they_call() -> None:
    """What waits in the router grows with the callers who are remembered, not with their calls."""
    made = site(last_agent_ms=86_400_000, wrap_up_ms=0)
    for n in range(10):
        made.call(f"c{n}", ani="+861")
        made.answer(f"c{n}")
        made.finish(f"c{n}")
        made.wait(1_000)
    assert sum(kind == "caller" for _, _, kind, _ in made.board._deadlines) == 1
    made.wait(86_398_000)
    assert "+861" in made.board.callers
    made.wait(3_000)
    assert made.board.callers == {}


def test_ageing_is_what_waiting_is_worth() -> None:
    """ageing 0.5: sixty seconds of priority are worth two minutes of waiting; ageing 0: any priority goes before any wait."""
    for ageing, expected in ((0.5, "c1"), (0.45, "c2"), (0.0, "c2")):
        made = site(ageing=ageing)
        made.ask("anna", "pause")
        made.call("c1")
        made.wait(125_000)
        made.call("c2", priority=60)
        made.ask("anna", "resume")
        assert made.ringing("c1" if expected == "c1" else "c2") == "anna", ageing


@pytest.mark.parametrize(("choice", "expected"), [("at_risk", "urgent"), ("weighted", "heavy"), ("strict", "first")])
def test_which_queue_an_agent_of_several_serves_is_the_sites_choice(choice: Any, expected: str) -> None:
    """The queue nearest to missing its service level; the one with the most weighted wait; or the highest priority of all."""
    queues = (
        QueuePolicy("urgent", threshold_ms=5_000),
        QueuePolicy("heavy", weight=3.0, threshold_ms=60_000),
        QueuePolicy("first", priority=1, threshold_ms=600_000),
    )
    made = House(Directory({queue.name: queue for queue in queues}, directory(person("anna"), queues=queues).agents, choice))
    made.start_work()
    made.ask("anna", "pause")
    for queue, wait in (("urgent", 5_000), ("heavy", 4_000), ("first", 1_000)):
        made.call(f"c-{queue}", queue=queue)
        made.wait(wait)
    made.ask("anna", "resume")
    assert made.ringing(f"c-{expected}") == "anna"
