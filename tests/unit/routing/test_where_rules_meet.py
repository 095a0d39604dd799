"""Where two rules of routing meet, what is right for the caller happens."""

from dataclasses import replace
from typing import Any

import pytest

from routing.board.servers import gather
from routing.domain.agent import work_of
from routing.domain.agent_state import AgentState
from routing.domain.contact_facts import ContactFacts
from routing.domain.current_directory import CurrentDirectory
from routing.domain.messages import AgentReported, OfferEnded, PhoneReported, ServerAlive, ServerLeft, TalkReported
from routing.domain.model import Membership, Overflow, QueuePolicy
from routing.domain.phone_address import phone_of
from routing.read_model.view import View
from tests.routing_house import House, directory, own_phone, person

pytestmark = pytest.mark.unit
S = 1000
PREFERRED: dict[str, Any] = {"preferred": ["x"], "preferred_ms": 20 * S}


def queue(name: str = "support", **more: object) -> QueuePolicy:
    return QueuePolicy(name, **{"wrap_up_ms": 0, "refusal_ms": 60 * S, "max_wait_ms": 600 * S, "pause_after": {}, **more})  # type: ignore[arg-type]


class TestPreferredAgents:
    """A preference is a time in which others are not asked. The steps of the requirement run beside it, from joining on."""

    STEPS = [(0, "skill >= 5"), (5 * S, "skill")]

    def house(self, *more: object) -> House:
        made = House(directory(person("x", skill=5), person("y", skill=3), queues=(queue(),)))
        made.start_work("x")
        return made

    def test_a_refusal_gives_the_steps_their_own_times_back(self) -> None:
        """The preferred agent declines: the next step comes into force when it would have without a preference."""
        made = self.house()
        made.call("c", steps=list(self.STEPS), **PREFERRED)
        made.wait(3 * S)
        made.refuse("c")
        made.wait(1 * S)
        made.start_work("y")
        assert made.ringers("c") == set()
        made.wait(1 * S)
        assert made.ringers("c") == {"y"}

    def test_a_step_that_is_superseded_does_not_come_back(self) -> None:
        """The preferred agent declines behind the second step's time: that step is in force, not the first."""
        made = House(directory(person("x", skill=5), person("y", skill=3), person("z", skill=5), queues=(queue(),)))
        made.start_work("x")
        made.call("c", steps=[(0, "skill >= 5"), (5 * S, "skill <= 3")], **PREFERRED)
        made.wait(7 * S)
        made.start_work("z")
        made.refuse("c")
        assert made.ringers("c") == set()
        made.start_work("y")
        assert made.ringers("c") == {"y"}

    def test_when_the_time_is_over_the_step_of_that_time_is_in_force(self) -> None:
        """Twenty seconds are waited for a preferred agent who talks; then whoever meets the step of twenty seconds is asked."""
        made = self.house()
        made.call("first")
        made.answer("first")
        made.call("c", steps=list(self.STEPS), **PREFERRED)
        made.start_work("y")
        made.wait(19 * S)
        assert made.ringers("c") == set()
        made.wait(1 * S)
        assert made.ringers("c") == {"y"}

    def test_moved_to_a_queue_that_the_preferred_agent_does_not_serve(self) -> None:
        """Nobody is waited for who will not come."""
        made = House(directory(person("x", ("support",)), person("y", ("other",)), queues=(queue(), queue("other"))))
        made.start_work()
        made.call("first")
        made.answer("first")
        made.call("c", **PREFERRED)
        made.wait(1 * S)
        made.change("c", "move", queue="other")
        assert made.ringers("c") == {"y"}

    def test_the_steps_survive_a_change_of_router(self) -> None:
        """What a preference has put off is in the record."""
        made = self.house()
        made.call("c", steps=list(self.STEPS), **PREFERRED)
        made.wait(3 * S)
        made.restart()
        made.refuse("c")
        made.start_work("y")
        made.wait(2 * S)
        assert made.ringers("c") == {"y"}

    def test_tiers_of_those_who_are_wanted_by_name_do_not_count(self) -> None:
        """Of two preferred agents the queue's strategy chooses, whatever their tiers."""
        second = replace(person("y"), memberships={"support": Membership(tier=2)})
        made = House(directory(person("x"), second, queues=(queue(tier_delays_ms=(0, 30 * S)),)))
        made.start_work("y")
        made.wait(1 * S)
        made.start_work("x")
        made.call("c", preferred=["x", "y"])
        assert made.ringers("c") == {"y"}

    def test_nobody_of_the_last_step_is_dropped(self) -> None:
        """x has lunch while y talks: behind the last step there is nothing, so x is asked on coming back."""
        made = House(directory(person("x"), person("y"), queues=(queue(),)))
        made.start_work()
        for name, agent in (("a", "@x"), ("b", "@y")):
            made.call(name, agent)
            made.answer(name)
        made.call("c", "@x or @y")
        made.ask("x", "pause")
        made.finish("a")
        made.ask("x", "resume")
        assert made.ringers("c") == {"x"}


class TestOverflow:
    """What is due while a phone rings is done when the ring comes to nothing, before anybody else is rung."""

    def house(self, *agents: str) -> House:
        rules = (Overflow("other", waited_ms=10 * S),)
        people = [person(name, ("support",)) for name in agents]
        made = House(directory(*people, person("z", ("other",)), queues=(queue(overflow=rules), queue("other"))))
        made.start_work()
        return made

    def test_due_while_ringing(self) -> None:
        """The rule's time was at ten seconds, the phone rings out at twelve: the contact is moved, though another agent is ready."""
        made = self.house("x", "y")
        made.call("c")
        made.wait(12 * S)
        made.refuse("c", "rang_out")
        assert made.board.contacts["c"].queue == "other"
        assert made.ringers("c") == {"z"}

    def test_five_agents_ring_out(self) -> None:
        """The rule is not put off by one agent after the other."""
        made = self.house("a", "b", "c", "d", "e")
        made.call("k")
        for _ in range(3):
            made.wait(4 * S)
            made.refuse("k", "rang_out")
        assert made.board.contacts["k"].queue == "other"

    def test_an_offer_that_is_taken_back(self) -> None:
        """The same where the agent pauses while the phone rings."""
        made = self.house("x", "y")
        made.call("c")
        made.wait(12 * S)
        made.ask(made.ringing("c"), "pause")
        assert made.board.contacts["c"].queue == "other"

    def test_before_a_step_of_the_same_millisecond(self) -> None:
        """The phone rings out when a step comes into force, and when the refusal is forgotten at once: the rule still comes first."""
        rules = (Overflow("other", waited_ms=10 * S),)
        queues = (queue(overflow=rules, refusal_ms=0), queue("other"))
        made = House(directory(person("x", ("support",), skill=1), person("y", ("support",)), person("z", ("other",)), queues=queues))
        made.start_work("x", "y")
        made.call("c", steps=[(0, "skill"), (12 * S, "")])
        made.wait(12 * S - 1)
        made.now += 1
        made.refuse("c", "rang_out")
        assert (made.board.contacts["c"].queue, made.ringers("c")) == ("other", set())

    def test_no_rule_undoes_what_a_supervisor_did(self) -> None:
        """A contact is not led back to the queue that it was moved out of."""
        queues = (queue(), queue("other", overflow=(Overflow("support", waited_ms=10 * S),)))
        made = House(directory(person("x", ("support",)), queues=queues))
        made.call("c")
        made.change("c", "move", queue="other")
        made.wait(20 * S)
        assert made.board.contacts["c"].queue == "other"

    def test_the_longest_wait_of_the_queue_to_which_a_supervisor_moves(self) -> None:
        """It is over, and a rule is due there, too, by which the contact would have gone before that: the end of the wait comes first."""
        there = queue("other", max_wait_ms=45 * S, overflow=(Overflow("", waited_ms=30 * S),))
        made = House(directory(person("x"), queues=(queue(), there)))
        made.call("c")
        made.wait(50 * S)
        made.change("c", "move", queue="other")
        assert made.outcome("c") == "timed_out"

    def test_before_the_steps_of_a_preference_that_is_refused(self) -> None:
        """The preferred agent declines behind the rule's time and a step's: the rule comes first."""
        made = self.house("x", "y")
        made.call("c", steps=[(0, "skill"), (5 * S, "")], **PREFERRED)
        made.wait(12 * S)
        made.refuse("c")
        assert (made.board.contacts["c"].queue, made.ringers("c")) == ("other", {"z"})

    def test_who_is_wanted_by_name_serves_the_other_queue(self) -> None:
        """The rule leads on first; whether the agent of the step is to come is then a question about that queue."""
        queues = (queue(overflow=(Overflow("other", waited_ms=10 * S),)), queue("other"))
        made = House(directory(person("x", ("support",)), person("y", ("other",)), queues=queues))
        made.start_work()
        made.call("c", steps=[(0, ""), (5 * S, "@y"), (600 * S, "skill")])
        made.wait(12 * S)
        made.refuse("c")
        assert made.ringers("c") == {"y"}

    def test_where_the_rule_leads_nowhere_the_next_agent_rings(self) -> None:
        """A queue that is closed takes nobody: the wait goes on, and so do the offers."""
        rules = (Overflow("other", waited_ms=10 * S),)
        made = House(directory(person("x"), person("y"), queues=(queue(overflow=rules), queue("other", hours="never"))))
        made.start_work()
        made.call("c")
        first = made.ringing("c")
        made.wait(12 * S)
        made.refuse("c", "rang_out")
        assert made.ringers("c") == {"x", "y"} - {first}


class TestChoiceBetweenQueues:
    """An agent of several queues compares the head of each: waited and place and priority, by weight and threshold; ageing orders within a
    queue only."""

    def house(self, *queues: QueuePolicy, choice: str = "at_risk") -> House:
        made = House(replace(directory(person("x"), queues=queues), choice=choice))  # type: ignore[arg-type]
        return made

    def first(self, made: House) -> str:
        made.start_work("x")
        return made.rings()[-1][0]

    def test_ageing_does_not_count(self) -> None:
        """Fifteen seconds are more than ten, whatever a second is worth to priorities of that queue."""
        made = self.house(queue("a", ageing=0.5), queue("b"))
        made.call("long", queue="a")
        made.wait(5 * S)
        made.call("short", queue="b")
        made.wait(10 * S)
        assert self.first(made) == "long"

    def test_priority_counts_as_seconds(self) -> None:
        """Six seconds of priority outweigh five of waiting."""
        made = self.house(queue("a"), queue("b"))
        made.call("long", queue="a")
        made.wait(5 * S)
        made.call("urgent", queue="b", priority=6)
        made.wait(10 * S)
        assert self.first(made) == "urgent"

    @pytest.mark.parametrize("choice", ["at_risk", "weighted"])
    def test_weight_never_makes_later(self, choice: str) -> None:
        """Two callers whose priority puts them behind: the one of the queue with more weight comes first."""
        made = self.house(queue("a"), queue("b", weight=3.0), choice=choice)
        made.call("light", queue="a", priority=-60)
        made.call("heavy", queue="b", priority=-60)
        made.wait(5 * S)
        assert self.first(made) == "heavy"

    def test_within_a_queue_its_own_order_holds(self) -> None:
        """The classes of one queue are one line: ageing counts there, however the queues are compared."""
        made = self.house(queue("a", ageing=0.5), queue("b"))
        made.call("plain", queue="a", requirement="")
        made.wait(40 * S)
        made.call("urgent", queue="a", requirement="not trainee", priority=30)
        made.wait(5 * S)
        assert self.first(made) == "urgent"

    def test_zero_ageing_is_strict_within_its_queue_only(self) -> None:
        """Priority before any wait: among its own, not before the callers of all other queues."""
        made = self.house(queue("a", ageing=0.0), queue("b"))
        made.call("waits", queue="b")
        made.wait(60 * S)
        made.call("first", queue="a", priority=1)
        made.wait(1 * S)
        assert self.first(made) == "waits"


class TestWhoIsReadyFirst:
    """Equal agents ring in the order of becoming ready, whoever is asked for."""

    def test_a_class_that_nobody_asked_for_before(self) -> None:
        """Not in the order of the file."""
        made = House(directory(person("x"), person("y"), queues=(queue(strategy="most_skilled"),)))
        made.start_work("y")
        made.wait(1)
        made.start_work("x")
        made.call("c", "not trainee")
        assert made.ringers("c") == {"y"}

    def test_after_a_change_of_router(self) -> None:
        """Who was ready first still is."""
        made = House(directory(person("x"), person("y"), queues=(queue(strategy="most_skilled"),)))
        made.start_work("y")
        made.wait(1 * S)
        made.start_work("x")
        made.restart()
        made.call("c")
        assert made.ringers("c") == {"y"}


class TestOffersInARow:
    """`pause_after` counts offers in a row that ended the same way."""

    def after(self, *outcomes: str) -> AgentState:
        made = House(directory(person("x"), queues=(queue(pause_after={"rang_out": 2}),)))
        made.start_work()
        for number, outcome in enumerate(outcomes):
            made.call(f"c{number}")
            made.refuse(f"c{number}", outcome)
            made.leave(f"c{number}")
        return made.state("x")

    def test_another_outcome_breaks_the_row(self) -> None:
        assert self.after("rang_out", "declined", "rang_out") == AgentState.READY

    def test_twice_the_same(self) -> None:
        assert self.after("declined", "rang_out", "rang_out") == AgentState.PAUSED

    def test_what_is_not_the_agents_doing_changes_nothing(self) -> None:
        """An offer that failed on our side neither counts nor breaks the row."""
        assert self.after("rang_out", "failed", "rang_out") == AgentState.PAUSED

    def test_resuming_without_a_pause_changes_nothing(self) -> None:
        """Who is ready cannot resume, so that ends no row."""
        made = House(directory(person("x"), queues=(queue(pause_after={"rang_out": 2}),)))
        made.start_work()
        made.call("a")
        made.refuse("a", "rang_out")
        assert made.ask("x", "resume").error
        made.call("b")
        made.refuse("b", "rang_out")
        assert made.state("x") == AgentState.PAUSED


class TestGrace:
    """The grace of a queue without anybody counts from when the last one who was there went, by whatever way that was first."""

    def house(self, rule: str = "staffed") -> House:
        made = House(directory(person("x", ("support", "other")), queues=(queue(stay_when=rule, stay_grace_ms=10 * S), queue("other"))))
        made.start_work()
        return made

    def test_a_pause_of_who_has_left_the_queue_already(self) -> None:
        """x leaves the queue, a caller joins, x pauses: the grace runs from the caller's joining."""
        made = self.house()
        made.ask("x", "leave_queue", queue="support")
        made.wait(20 * S)
        made.call("c")
        made.wait(8 * S)
        made.ask("x", "pause")
        made.wait(2 * S)
        assert made.outcome("c") == "no_agents"

    def test_log_out_of_who_has_paused_already(self) -> None:
        """Where somebody ready is asked for."""
        made = self.house("ready")
        made.ask("x", "pause")
        made.call("c")
        made.wait(8 * S)
        made.ask("x", "log_out")
        made.wait(2 * S)
        assert made.outcome("c") == "no_agents"

    def test_leaving_another_queue(self) -> None:
        """Is no news for this one."""
        made = self.house()
        made.ask("x", "leave_queue", queue="support")
        made.wait(20 * S)
        made.call("c")
        made.wait(8 * S)
        made.ask("x", "leave_queue", queue="other")
        made.wait(2 * S)
        assert made.outcome("c") == "no_agents"

    def test_the_phone_goes_of_who_has_paused_already(self) -> None:
        """Where somebody ready is asked for: paused is not ready, with a phone or without."""
        made = self.house("ready")
        made.ask("x", "pause")
        made.call("c")
        made.wait(8 * S)
        made.say(PhoneReported(phone_of("phone-x"), "unavailable"))
        made.wait(2 * S)
        assert made.outcome("c") == "no_agents"

    def test_it_ends_while_a_phone_rings(self) -> None:
        """The phone that rings has gone: when it has rung in vain, the caller is not left waiting for nobody."""
        made = self.house("ready")
        made.call("c")
        made.say(PhoneReported(phone_of("phone-x"), "unavailable"))
        made.wait(12 * S)
        made.refuse("c")
        assert made.outcome("c") == "no_agents"

    @pytest.mark.parametrize("preferred", [[], ["y"]])
    def test_a_named_step_that_is_left_out_takes_no_other_with_it(self, preferred: list[str]) -> None:
        """`eligible` goes by every step of the requirement, also by one that is over; a preference is no step."""
        people = (person("x", skill=1), person("y"))
        made = House(directory(*people, queues=(queue(stay_when="eligible", stay_grace_ms=10 * S),)))
        made.start_work()
        made.call("first", "skill")
        made.answer("first")
        made.call("c", steps=[(0, "skill"), (6 * S, "@nobody"), (15 * S, "other")], preferred=preferred, preferred_ms=2 * S)
        made.refuse("c") if preferred else None
        made.wait(20 * S)
        assert made.outcome("c") == ""
        made.ask("x", "log_out")
        made.finish("first")
        made.wait(10 * S)
        assert made.outcome("c") == "no_agents"

    def test_who_was_there_and_goes_begins_it(self) -> None:
        """The ordinary case."""
        made = self.house()
        made.call("c")
        made.refuse("c")
        made.wait(28 * S)
        made.ask("x", "log_out")
        made.wait(9 * S)
        assert made.outcome("c") == ""
        made.wait(1 * S)
        assert made.outcome("c") == "no_agents"


class TestManyAtOnce:
    """Where many callers get their chance in one moment, each gets it in the order in which an agent would choose."""

    def test_a_server_that_comes_back(self) -> None:
        """The caller nearest to missing the service level is first, not the one who has waited longest."""
        made = House(directory(person("x"), queues=(queue("slow", threshold_ms=60 * S), queue("fast", threshold_ms=10 * S))))
        made.say(ServerAlive("node"))
        made.call("ca", queue="slow")
        made.wait(1 * S)
        made.call("cb", queue="fast")
        made.say(ServerLeft("node"))
        made.start_work()
        made.node_lives = False
        made.wait(9 * S)
        made.node_lives = True
        made.say(ServerAlive("node"))
        assert made.rings()[-1] == ("cb", "x")

    def test_a_change_of_router(self) -> None:
        """An agent who became free while nobody decided is offered the same caller as ever, and by the queue's strategy."""
        made = House(directory(person("x"), person("y"), queues=(queue(),)))
        made.start_work("y")
        made.wait(1 * S)
        made.start_work("x")
        made.call("c")
        first = made.ringing("c")
        made.restart()
        assert first == "y"


class TestDisposition:
    """Where a queue wants a disposition it is owed until it is given, whatever the agent asks for meanwhile."""

    def house(self) -> House:
        made = House(directory(person("x"), queues=(queue(dispositions={"1": "solved"}, disposition_required=True, wrap_up_ms=5 * S),)))
        made.start_work()
        made.call("c")
        made.answer("c")
        made.finish("c")
        return made

    def test_a_pause_waits_for_it(self) -> None:
        """The pause begins when the disposition is given."""
        made = self.house()
        assert made.ask("x", "pause").error == ""
        assert made.state("x") == AgentState.WRAP_UP
        made.ask("x", "dispose", disposition="1")
        assert made.state("x") == AgentState.PAUSED

    def test_resuming_does_not_get_round_it(self) -> None:
        made = self.house()
        made.ask("x", "pause")
        made.ask("x", "resume")
        made.wait(60 * S)
        assert made.state("x") == AgentState.WRAP_UP

    def test_logging_out_and_in_does_not_get_round_it(self) -> None:
        """Whoever goes home owes it the next morning."""
        made = self.house()
        made.ask("x", "log_out")
        assert made.state("x") == AgentState.LOGGED_OUT
        made.ask("x", "log_in")
        assert made.state("x") == AgentState.WRAP_UP
        made.ask("x", "dispose", disposition="1")
        assert made.state("x") == AgentState.READY

    def test_it_may_be_given_before_logging_in(self) -> None:
        made = self.house()
        made.ask("x", "log_out")
        made.ask("x", "dispose", disposition="1")
        made.ask("x", "log_in")
        assert made.state("x") == AgentState.READY

    def test_logging_out_in_a_talk(self) -> None:
        """A wish from the talk is granted at its end; the disposition stays owed."""
        made = House(directory(person("x"), queues=(queue(dispositions={"1": "solved"}, disposition_required=True, wrap_up_ms=0),)))
        made.start_work()
        made.call("c")
        made.answer("c")
        made.ask("x", "log_out")
        made.finish("c")
        assert made.state("x") == AgentState.WRAP_UP
        made.ask("x", "dispose", disposition="1")
        assert made.state("x") == AgentState.LOGGED_OUT


def test_a_refused_preference_is_not_asked_under_another_name() -> None:
    """A step that names one agent, who refuses: the next step is in force at once, those behind it at their own times."""
    people = (person("x"), replace(person("y", skill=2), memberships={"support": Membership()}), person("z"))
    made = House(directory(*people, queues=(queue(),)))
    made.start_work("x", "z")
    made.call("c", steps=[(0, "@x"), (10 * S, "skill"), (30 * S, "")])
    made.say(OfferEnded("c", made.offer_of("c"), "declined"))
    made.wait(29 * S)
    assert made.ringers("c") == set()
    made.wait(1 * S)
    assert made.ringers("c") == {"z"}


class TestRedisLosesItsData:
    """What an agent was doing goes on, and what fairness has counted still counts."""

    def reported_again(self, made: House) -> House:
        """Another board, empty, to which the servers tell what the log had told them before the loss."""
        view = View(CurrentDirectory(made.site))
        for event in made.events:
            view.apply(event)
        fresh = House(made.site, at_ms=made.now)
        for agent in view.agents.values():
            fresh.say(PhoneReported(own_phone(made.site.agents[agent.id]), "available"))
            held = AgentReported(agent.id, agent.state, agent.reason, agent.since_ms, agent.until_ms, agent.phone, queue=agent.queue)
            fresh.say(replace(held, work=work_of(agent)))
        return fresh

    def test_a_wrap_up_goes_on_to_its_end(self) -> None:
        """Nobody is rung in the middle of it."""
        made = House(directory(person("x"), queues=(queue(wrap_up_ms=60 * S),)))
        made.start_work()
        made.call("c")
        made.answer("c")
        made.finish("c")
        made.wait(10 * S)
        fresh = self.reported_again(made)
        fresh.call("next")
        fresh.wait(49 * S)
        assert (fresh.state("x"), fresh.ringers("next")) == (AgentState.WRAP_UP, set())
        fresh.wait(1 * S)
        assert fresh.ringers("next") == {"x"}

    def test_a_wish_from_the_talk_is_granted(self) -> None:
        """The talk was found again, then its end: the agent is paused, as asked."""
        made = House(directory(person("x"), queues=(queue(),)))
        made.start_work()
        made.call("c")
        made.answer("c")
        made.ask("x", "pause", "lunch")
        offer = made.offer_of("c")
        fresh = House(made.site, at_ms=made.now)
        fresh.say(TalkReported("c", "node", "support", offer, "x", made.now, made.now, ContactFacts("call-c")))
        view = View(CurrentDirectory(made.site))
        for event in made.events:
            view.apply(event)
        x = view.agents["x"]
        fresh.say(AgentReported("x", x.state, x.reason, x.since_ms, 0, x.phone, work=work_of(x)))
        fresh.finish("c")
        assert (fresh.state("x"), fresh.board.agents["x"].reason) == (AgentState.PAUSED, "lunch")

    def test_the_figures_of_fairness_are_kept(self) -> None:
        """Whoever has had fewer contacts is still asked first."""
        made = House(directory(person("x"), person("y"), queues=(queue(strategy="fewest_contacts"),)))
        made.start_work("x")
        for number in range(2):
            made.call(f"c{number}")
            made.answer(f"c{number}")
            made.finish(f"c{number}")
        made.start_work("y")
        fresh = self.reported_again(made)
        assert {agent.id: agent.handled for agent in fresh.board.agents.values()} == {"x": 2, "y": 0}
        fresh.call("next")
        assert fresh.ringers("next") == {"y"}

    def test_nobody_is_offered_before_all_could_tell(self) -> None:
        """Two servers tell again, the later caller first: the agent is offered the one who has waited longest."""
        made = House(directory(person("x"), queues=(queue(),)))
        gather(made.board, made.now)
        made.start_work()
        made.call("late", enqueued_at_ms=made.now - 5 * S)
        made.wait(500)
        made.call("early", enqueued_at_ms=made.now - 50 * S)
        assert made.rings() == []
        made.wait(500)
        assert made.rings() == [("early", "x")]
