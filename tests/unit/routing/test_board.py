"""What the board does, scene by scene."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from routing.board.state import LEASE_GRACE_MS
from routing.domain.agent_state import AgentState
from routing.domain.events.contacts import ContactAbandoned, ContactEnded
from routing.domain.events.offers import OfferFailed
from routing.domain.messages import AgentAction, AgentAsked, ContactLeft, OfferRinging, PhoneReported, TalkEnded
from routing.domain.model import AgentProfile, QueuePolicy
from routing.domain.orders import LeaveOrder, WithdrawOrder
from routing.domain.outcomes import EndReason
from routing.domain.phone_address import phone_of
from routing.store.event_codec import event_fields
from tests.routing_house import START_MS, House, arrival, directory, person

pytestmark = pytest.mark.unit


def house(*agents: AgentProfile, **policy: object) -> House:
    """A house with one queue, everybody at work a second apart in the order given."""
    people = agents or (person("anna"), person("li"))
    made = House(directory(*people, queues=(replace(QueuePolicy("support"), **policy),)))  # type: ignore[arg-type]
    for agent in people:
        made.start_work(agent.id)
        made.wait(1000)
    return made


def leave_orders(made: House) -> list[tuple[str, str]]:
    return [(order.contact, order.outcome) for _, order in made.orders if isinstance(order, LeaveOrder)]


def test_the_longest_idle_agent_rings_first() -> None:
    """Of two ready agents, the one who has been without a contact for longer is offered the caller, on the caller's server."""
    made = house()
    made.call("c1")

    assert made.ringing("c1") == "anna"
    assert made.orders[-1][0] == "node"
    made.call("c2")
    made.answer("c1")
    made.finish("c1")
    made.answer("c2")
    made.finish("c2")
    made.wait(60_000)
    made.call("c3")
    assert made.ringing("c3") == "anna", "equal idle times go in the order of becoming ready"


def test_the_whole_path_of_a_contact() -> None:
    """Join, offer, ring, answer, talk, wrap-up, ready again: each told once, in order, with what it is about."""
    made = house(person("anna"))
    made.events.clear()
    made.call("c1", ani="+8613800000000", language="zh")
    made.wait(500)
    offer = made.offer_of("c1")
    made.say(OfferRinging("c1", offer))
    made.wait(3000)
    made.answer("c1")
    made.wait(20_000)
    made.say(TalkEnded("c1", offer, "agent", 19_900, 3000))
    made.wait(10_000)

    assert [event.type for event in made.events] == [
        "contact_queued",
        "offer_made",
        "offer_ringing",
        "agent_connected",
        "contact_connected",
        "contact_ended",
        "agent_wrap_up_started",
        "agent_ready",
    ]
    ended = made.told("contact_ended")[0]
    assert ended.data == ContactEnded("agent", waited_ms=3500, ring_ms=3000, talk_ms=19_900)
    assert (ended.call, ended.contact, ended.agent, ended.queue) == ("call-c1", "c1", "anna", "support")
    assert (made.state("anna"), made.board.agents["anna"].handled, made.board.contacts) == (AgentState.READY, 1, {})


@pytest.mark.parametrize("reason", ["", "no_audio_from_caller", "no_audio_from_agent"])
def test_why_the_system_ended_a_talk_stands_in_its_event(reason: EndReason) -> None:
    """Where it is known; the event has no empty reason."""
    made = house()
    made.call("c1")
    made.wait(500)
    offer = made.offer_of("c1")
    made.answer("c1")
    made.say(TalkEnded("c1", offer, "system", 1_000, reason=reason))
    (ended,) = made.told("contact_ended")
    assert ended.data == ContactEnded("system", 500, 0, 1_000, reason or None)
    assert ("reason" in event_fields(ended)["data"]) == bool(reason)


@pytest.mark.parametrize("talks", [False, True])
def test_a_caller_whose_line_fell_silent_is_gone(talks: bool) -> None:
    """Waiting, the contact is abandoned; in a talk, told by whoever saw the end of the call alone, the talk is over."""
    made = house()
    made.call("c1")
    if talks:
        made.answer("c1")
    made.say(ContactLeft("c1", "abandoned", reason="no_audio_from_caller"))
    silent: list[ContactEnded | ContactAbandoned] = [*made.facts(ContactEnded), *made.facts(ContactAbandoned)]
    assert [(type(told), told.reason) for told in silent] == [(ContactEnded if talks else ContactAbandoned, "no_audio_from_caller")]
    assert [told.ended_by for told in made.facts(ContactEnded)] == ["system"] * talks


def test_only_agents_with_the_skills_are_offered() -> None:
    """A contact waits beside ready agents who cannot serve it, and holds up nobody behind it."""
    made = house(person("anna", billing=2), person("li", billing=4))
    made.call("c1", "billing >= 3")
    made.call("c2", "billing >= 3")
    made.call("c3", "billing")

    assert made.rings() == [("c1", "li"), ("c3", "anna")]


def test_the_requirement_relaxes_with_time() -> None:
    """After 30 s a caller who wanted an expert takes anybody, at that very moment."""
    made = house(person("anna", billing=1))
    made.call("c1", steps=[(0, "billing >= 4"), (30_000, "billing")])
    made.wait(29_999)
    assert made.ringing("c1") == ""
    made.wait(1)

    assert made.ringing("c1") == "anna"


def test_priority_is_seconds_of_waiting() -> None:
    """Priority 60 is served before who came 59 s earlier, and after who came 61 s earlier."""
    made = house(person("anna"))
    made.ask("anna", "pause")
    made.call("61 s earlier")
    made.wait(2000)
    made.call("59 s earlier")
    made.wait(59_000)
    made.call("vip", priority=60)
    made.ask("anna", "resume")
    order = []
    for _ in range(3):
        contact = made.rings()[-1][0]
        order.append(contact)
        made.answer(contact)
        made.finish(contact)
        made.ask("anna", "end_wrap_up")

    assert order == ["61 s earlier", "vip", "59 s earlier"]


def test_an_agent_of_two_queues_takes_the_one_most_at_risk() -> None:
    """10 s of a 20 s promise is more at risk than 15 s of a 60 s promise."""
    queues = (QueuePolicy("fast", threshold_ms=20_000), QueuePolicy("slow", threshold_ms=60_000))
    made = House(directory(person("anna"), queues=queues))
    made.call("slow one", queue="slow")
    made.wait(5000)
    made.call("fast one", queue="fast")
    made.wait(10_000)
    made.start_work("anna")

    assert made.rings() == [("fast one", "anna")]


@pytest.mark.parametrize(
    ("outcome", "pause_after", "state", "reason"),
    [
        ("rang_out", 1, AgentState.PAUSED, "rang_out"),
        ("rang_out", 2, AgentState.READY, ""),
        ("declined", 0, AgentState.READY, ""),
        ("declined", 1, AgentState.PAUSED, "declined"),
        ("busy", 0, AgentState.READY, ""),
        ("unreachable", 1, AgentState.PAUSED, "unreachable"),
        ("failed", 0, AgentState.READY, ""),
    ],
)
def test_what_a_refused_offer_does_to_the_agent(outcome: str, pause_after: int, state: AgentState, reason: str) -> None:
    """Rang out, declined, busy, unreachable and failed are told apart, each with its policy; the caller waits on at the old place."""
    made = house(person("anna"), pause_after={outcome: pause_after})
    made.call("c1")
    made.call("c2")
    made.refuse("c1", outcome)

    agent = made.board.agents["anna"]
    assert made.told(f"offer_{outcome}")[0].contact == "c1"
    assert made.ringing("c1") == ""
    if state == AgentState.PAUSED:
        assert (agent.state, agent.reason) == (state, reason)
    else:
        assert (agent.state, made.ringing("c2")) == (AgentState.RESERVED, "anna"), "the next caller is offered at once"


def test_a_refused_contact_comes_back_to_the_agent_after_a_while() -> None:
    """Who declined is offered the same caller again only after refusal_ms; another agent at once."""
    made = house(person("anna"), refusal_ms=15_000)
    made.call("c1")
    made.refuse("c1")
    made.wait(14_999)
    assert made.ringing("c1") == ""
    made.wait(1)
    assert made.ringing("c1") == "anna"

    other = house()
    other.call("c1")
    other.refuse("c1")
    assert other.rings() == [("c1", "anna"), ("c1", "li")]


def test_who_was_refused_keeps_the_place() -> None:
    """A caller whose offer came to nothing is served before those who came later."""
    made = house()
    made.call("c1")
    made.call("c2")
    made.wait(1000)
    made.call("c3")
    made.refuse("c1", "rang_out")
    made.answer("c2")
    made.finish("c2")
    made.ask("li", "end_wrap_up")

    assert made.ringing("c1") == "li"


@pytest.mark.parametrize("phone", ["busy", "ringing", "unavailable"])
def test_a_phone_that_is_not_free_is_not_offered(phone: str) -> None:
    """A ready agent whose phone is in use or unregistered gets no offer until the phone is free."""
    made = house(person("anna"))
    made.say(PhoneReported(phone_of("phone-anna"), phone))  # type: ignore[arg-type]
    made.call("c1")
    assert made.ringing("c1") == ""
    made.say(PhoneReported(phone_of("phone-anna"), "available"))

    assert made.ringing("c1") == "anna"
    made.say(PhoneReported(phone_of("nobody's"), "available"))


def test_wrap_up_is_the_agents_own_or_the_queues() -> None:
    """During wrap-up no offer comes; it ends by itself or on request."""
    made = house(replace(person("anna"), wrap_up_ms=3000), wrap_up_ms=10_000)
    for contact in ("c1", "c2"):
        made.call(contact)
    made.answer("c1")
    made.finish("c1")
    assert (made.state("anna"), made.ringing("c2")) == (AgentState.WRAP_UP, "")
    made.wait(3000)
    assert made.ringing("c2") == "anna"
    made.answer("c2")
    made.finish("c2")
    made.call("c3")
    assert made.ask("anna", "end_wrap_up").error == ""
    assert made.ringing("c3") == "anna"


def test_no_wrap_up_at_all() -> None:
    """With a wrap-up of 0 the next caller is offered in the same moment."""
    made = house(person("anna"), wrap_up_ms=0)
    for contact in ("c1", "c2"):
        made.call(contact)
    made.answer("c1")
    made.finish("c1")

    assert made.ringing("c2") == "anna"


@pytest.mark.parametrize(("action", "state"), [("pause", AgentState.PAUSED), ("log_out", AgentState.LOGGED_OUT)])
def test_leaving_while_the_phone_rings(action: str, state: AgentState) -> None:
    """The offer is withdrawn, the caller goes back to the place and is offered to another agent."""
    made = house()
    made.call("c1")
    offer = made.offer_of("c1")
    reply = made.ask("anna", action, "lunch")

    assert (reply.state, reply.error) == (state, "")
    assert ("node", WithdrawOrder("c1", offer)) in made.orders
    assert made.ringing("c1") == "li"
    assert made.told("offer_withdrawn")[0].agent == "anna"


@pytest.mark.parametrize(("action", "state"), [("pause", AgentState.PAUSED), ("log_out", AgentState.LOGGED_OUT)])
def test_leaving_while_talking_happens_after_wrap_up(action: str, state: AgentState) -> None:
    """A conversation is never cut: what was asked for happens when the wrap-up is over."""
    made = house(person("anna"))
    made.call("c1")
    made.answer("c1")
    assert made.ask("anna", action, "lunch").error == ""
    assert made.state("anna") == AgentState.ON_CONTACT
    made.finish("c1")
    assert made.state("anna") == AgentState.WRAP_UP
    made.wait(10_000)

    assert made.state("anna") == state
    assert made.board.agents["anna"].reason == ("lunch" if action == "pause" else "")


@pytest.mark.parametrize("when", ["talking", "wrap-up"])
def test_a_pause_asked_for_can_be_taken_back(when: str) -> None:
    """`resume` before the pause began cancels it."""
    made = house(person("anna"))
    made.call("c1")
    made.answer("c1")
    made.ask("anna", "pause")
    if when == "wrap-up":
        made.finish("c1")
    assert made.ask("anna", "resume").error == ""
    if when == "talking":
        made.finish("c1")
    made.wait(10_000)

    assert made.state("anna") == AgentState.READY


def test_asking_for_the_impossible_changes_nothing() -> None:
    """A request that the table does not allow is answered with a sentence; so is one for an agent who does not exist."""
    made = House(directory(person("anna")))

    assert "logged_out cannot pause" in made.ask("anna", "pause").error
    assert "there is no agent 'nobody'" in made.ask("nobody", "log_in").error
    made.start_work("anna")
    assert made.ask("anna", "log_in").error == "", "being logged in already is what was asked for"
    before = dict(made.records)
    assert "ready has no wrap-up to end" in made.ask("anna", "end_wrap_up").error
    assert made.records == before


def test_a_change_of_pause_reason() -> None:
    made = house(person("anna"))
    made.ask("anna", "pause", "lunch")
    made.ask("anna", "pause", "training")

    assert made.board.agents["anna"].reason == "training"


def test_the_longest_wait_ends_the_wait() -> None:
    """At max_wait the caller is told to leave with timed_out, once."""
    made = House(directory(person("anna"), queues=(QueuePolicy("support", max_wait_ms=60_000),)))
    made.call("c1")
    made.wait(59_999)
    assert leave_orders(made) == []
    made.wait(60_000)

    assert leave_orders(made) == [("c1", "timed_out")]
    assert [event.contact for event in made.told("contact_timed_out")] == ["c1"]


@pytest.mark.parametrize("answered", [True, False])
def test_the_longest_wait_while_the_phone_rings(answered: bool) -> None:
    """A ringing offer may still be answered; if it is not, the wait is over then."""
    made = house(person("anna"), person("li"), max_wait_ms=10_000)
    made.ask("li", "pause")
    made.call("c1")
    made.wait(11_000)
    assert made.ringing("c1") == "anna"
    if answered:
        made.answer("c1")
        assert leave_orders(made) == []
    else:
        made.refuse("c1")
        assert leave_orders(made) == [("c1", "timed_out")]
        assert made.state("anna") == AgentState.READY


def test_hanging_up_while_waiting() -> None:
    made = House(directory(person("anna")))
    made.call("c1")
    made.wait(7000)
    made.leave("c1")

    event = made.told("contact_abandoned")[0]
    assert (event.contact, event.data) == ("c1", ContactAbandoned(7000))
    made.start_work("anna")
    assert made.rings() == []


def test_hanging_up_while_the_phone_rings() -> None:
    """A caller who hangs up while the agent's phone rings frees that agent, who is offered the next caller."""
    made = house(person("anna"))
    made.call("c1")
    made.call("c2")
    offer = made.offer_of("c1")
    made.leave("c1")

    assert ("node", WithdrawOrder("c1", offer)) in made.orders
    assert made.ringing("c2") == "anna"
    made.say(TalkEnded("c1", offer, "caller", 0))
    assert made.ringing("c2") == "anna", "late news of the dead offer changes nothing"


def test_hanging_up_while_talking_is_the_end_of_the_talk() -> None:
    made = house(person("anna"))
    made.call("c1")
    made.answer("c1")
    made.wait(5000)
    made.leave("c1")

    assert (made.state("anna"), made.facts(ContactEnded)[0].talk_ms) == (AgentState.WRAP_UP, 5000)
    assert made.told("contact_abandoned") == []


@pytest.mark.parametrize("outcome", ["exit_key", "timed_out"])
def test_leaving_in_another_way(outcome: str) -> None:
    made = House(directory(person("anna")))
    made.call("c1")
    made.leave("c1", outcome)

    assert [getattr(told.data, "outcome", "") for told in made.told("contact_left", "contact_timed_out")] == [outcome]


def test_a_full_queue_says_so() -> None:
    """Those who are offered count as waiting; who talks does not."""
    made = house(person("anna"), max_waiting=2)
    for contact in ("c1", "c2", "c3"):
        made.call(contact)
    assert leave_orders(made) == [("c3", "full")]
    made.answer("c1")
    made.call("c4")

    assert leave_orders(made) == [("c3", "full")]


@pytest.mark.parametrize(
    ("join_when", "asked", "joins"),
    [
        ("always", None, True),
        ("staffed", None, False),
        ("staffed", "pause", True),
        ("ready", "pause", False),
        ("ready", "log_in", True),
    ],
)
def test_joining_depends_on_who_is_there(join_when: str, asked: str | None, joins: bool) -> None:
    """`staffed` wants somebody logged in, `ready` somebody ready; otherwise the caller leaves with no_agents."""
    made = House(directory(person("anna"), queues=(QueuePolicy("support", join_when=join_when),)))  # type: ignore[arg-type]
    if asked:
        made.start_work("anna")
    if asked == "pause":
        made.ask("anna", "pause")
    made.call("c1")

    assert leave_orders(made) == ([] if joins else [("c1", "no_agents")])


@pytest.mark.parametrize(("queue", "steps"), [("nowhere", [(0, "")]), ("support", []), ("support", [(0, "billing and")])])
def test_what_cannot_be_served_is_sent_back(queue: str, steps: list[tuple[int, str]]) -> None:
    """An unknown queue or an expression that makes no sense fails the contact, and only that one."""
    made = house(person("anna"))
    made.say(arrival("c1", "call", "node", queue, steps, made.now))

    assert leave_orders(made) == [("c1", "failed")]
    made.call("c2")
    assert made.ringing("c2") == "anna"


def test_a_contact_reported_again_is_the_same_contact() -> None:
    """A second report moves it to the reporting server and changes nothing else."""
    made = House(directory(person("anna")))
    made.call("c1")
    made.say(arrival("c1", "call-c1", "node2", "support", [(0, "")], made.now))
    made.start_work("anna")

    assert len(made.told("contact_queued")) == 1
    assert [server for server, order in made.orders if getattr(order, "offer", "")] == ["node2"]


def test_a_contact_reported_after_a_loss_keeps_its_place() -> None:
    """`enqueued_at_ms` decides the order, not the moment of the report."""
    made = House(directory(person("anna")))
    made.call("new")
    made.call("old", enqueued_at_ms=START_MS - 50_000)
    made.start_work("anna")

    assert made.rings() == [("old", "anna")]


def test_a_reservation_without_news_is_given_up() -> None:
    """When the server that rings is gone, agent and caller are free again some time after the phone must have stopped."""
    made = house(person("anna"), ring_timeout_ms=15_000, refusal_ms=4000)
    made.call("c1")
    first = made.offer_of("c1")
    made.wait(15_000 + LEASE_GRACE_MS)

    assert ("node", WithdrawOrder("c1", first)) in made.orders
    assert made.facts(OfferFailed)[0].offer == first
    made.wait(4000)
    assert made.ringing("c1") == "anna"


def test_news_about_what_is_over_is_ignored() -> None:
    """Answers, ends and rings of unknown contacts and offers change nothing."""
    made = house(person("anna"))
    made.call("c1")
    before = dict(made.records)
    for contact in ("c1", "ghost"):
        made.say(TalkEnded(contact, "offer-x", "caller", 1), OfferRinging(contact, "offer-x"))
    made.leave("ghost")

    assert made.records == before


# Restart: the site may have changed meanwhile.


def test_a_restart_with_an_agent_removed_lets_the_talk_end() -> None:
    """Who was taken out of the configuration while talking talks to the end and gets nothing new."""
    made = house()
    made.call("c1")
    made.answer("c1")
    made.restart(directory(person("li")))
    made.finish("c1")
    made.wait(60_000)
    for contact in ("c2", "c3"):
        made.call(contact)

    assert made.told("contact_ended")[0].agent == "anna"
    assert (made.ringing("c2"), made.ringing("c3")) == ("li", "")


def test_a_restart_with_a_ringing_agent_removed() -> None:
    made = house()
    made.call("c1")
    made.restart(directory(person("li")))
    made.refuse("c1")

    assert made.ringing("c1") == "li"


def test_a_restart_with_a_queue_removed() -> None:
    """Who waits there is timed out, who talks talks to the end."""
    made = house(person("anna"))
    made.call("talks")
    made.answer("talks")
    made.call("waits")
    made.restart(directory(person("anna"), queues=(QueuePolicy("other"),)))
    assert leave_orders(made) == [("waits", "timed_out")]
    made.finish("talks")
    made.wait(20_000)

    assert made.state("anna") == AgentState.READY
    made.call("late")
    assert leave_orders(made)[-1] == ("late", "full")


def test_a_restart_with_another_phone() -> None:
    """An agent whose phone number was changed is rung there, once that phone is known to be free."""
    made = house(person("anna"))
    made.restart(directory(replace(person("anna"), phone=phone_of("1009"))))
    made.call("c1")
    assert made.ringing("c1") == ""
    made.say(PhoneReported(phone_of("1009"), "available"))

    assert made.orders[-1][1].address == "1009"


def test_an_agent_whose_contact_was_lost_is_not_stuck() -> None:
    """A record that is gone (data lost) must not keep an agent on_contact for ever."""
    made = house(person("anna"))
    made.call("c1")
    made.answer("c1")
    del made.records["c:c1"]
    made.restart()

    assert made.state("anna") == AgentState.WRAP_UP


def test_requests_may_come_in_any_state() -> None:
    """Every request in every state is answered and leaves a state of the table."""
    actions: tuple[AgentAction, ...] = ("log_in", "log_out", "pause", "resume", "end_wrap_up")
    for action in actions:
        for stage in range(6):
            made = House(directory(person("anna")))
            steps: list[Callable[[], object]] = [
                partial(made.start_work, "anna"),
                partial(made.call, "c1"),
                partial(made.answer, "c1"),
                partial(made.finish, "c1"),
            ]
            for step in steps[:stage]:
                step()
            if stage == 5:
                made.ask("anna", "pause")
            made.say(AgentAsked("anna", action, "r", "node"))
            assert made.orders[-1][1].request == "r" or made.rings()
