"""Which agent is asked: strategies, tiers, several phones at once, agents preferred, excluded or asked last."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from routing.board.strategies import least_occupied
from routing.domain.agent_state import AgentState
from routing.domain.messages import OfferAnswered, OfferEnded, PhoneReported, TalkEnded
from routing.domain.model import Membership, QueuePolicy
from routing.domain.phone_address import phone_of
from tests.routing_house import House, arrival, directory, person

pytestmark = pytest.mark.unit


def opened(*people: Any, **policy: Any) -> House:
    """Everybody logged in, a second after one another."""
    made = House(directory(*people, queues=(QueuePolicy("support", **{"wrap_up_ms": 0, **policy}),)))
    for agent in made.site.agents:
        made.wait(1_000)
        made.start_work(agent)
    return made


def serve(made: House, contact: str, talk_ms: int = 0, **more: Any) -> str:
    """A caller joins, is answered and served; gives the agent."""
    made.call(contact, **more)
    agent = made.ringing(contact)
    made.answer(contact)
    made.wait(talk_ms)
    made.say(TalkEnded(contact, made.offer_of(contact), "caller", talk_ms))
    made.wait(1_000)
    return agent


def test_round_robin_asks_everybody_in_turn() -> None:
    """Whoever was asked longest ago is next, whether they took the contact or not."""
    made = opened(person("anna"), person("li"), person("wang"), strategy="round_robin")
    assert [serve(made, f"c{n}") for n in range(4)] == ["anna", "li", "wang", "anna"]
    made.call("c9")
    made.refuse("c9")
    assert made.ringing("c9") == "wang", "li has been asked just now"


def test_least_talk_asks_who_talked_least_since_log_in() -> None:
    """However many contacts it was, and however long ago; logging in anew begins from nothing."""
    made = opened(person("anna"), person("li"), strategy="least_talk")
    assert serve(made, "c1", talk_ms=60_000) == "anna"
    assert [serve(made, f"s{n}", talk_ms=10_000) for n in range(3)] == ["li", "li", "li"]
    made.ask("anna", "log_out")
    made.ask("anna", "log_in")
    assert serve(made, "c2") == "anna"


def test_least_occupied_asks_who_worked_least_lately() -> None:
    """A long talk weighs more than several short ones, and is forgotten with time."""
    made = opened(person("anna"), person("li"), strategy="least_occupied")
    assert serve(made, "c1", talk_ms=600_000) == "anna"
    assert [serve(made, f"s{n}", talk_ms=5_000) for n in range(3)] == ["li", "li", "li"]
    made.ask("li", "pause")
    made.wait(20 * 3_600_000)
    made.ask("li", "resume")
    assert serve(made, "c2") == "anna", "hers has faded, li's time away does not count"


def test_occupancy_is_an_average_that_forgets() -> None:
    """Busy for long it comes to 1, idle for long to 0; two stretches of idling are as one."""
    assert least_occupied.after(0.0, 100 * least_occupied.MEMORY_MS, busy=True) == pytest.approx(1)
    assert least_occupied.after(1.0, 100 * least_occupied.MEMORY_MS, busy=False) == pytest.approx(0)
    once = least_occupied.after(0.5, 10_000, busy=False)
    assert least_occupied.after(least_occupied.after(0.5, 4_000, busy=False), 6_000, busy=False) == pytest.approx(once)


def test_fewest_contacts_asks_who_had_the_fewest_since_log_in() -> None:
    """Whoever comes later is asked until the others' number is reached; a log-in begins the count anew."""
    made = opened(person("anna"), person("li"), strategy="fewest_contacts")
    made.ask("li", "pause")
    assert [serve(made, f"a{n}") for n in range(2)] == ["anna", "anna"]
    made.ask("li", "resume")
    assert [serve(made, f"b{n}") for n in range(3)] == ["li", "li", "anna"]
    made.ask("anna", "log_out")
    made.start_work("anna")
    assert serve(made, "c1") == "anna"


def test_linear_asks_in_the_order_of_the_configuration() -> None:
    """However long the others have been idle."""
    made = opened(person("anna"), person("li"), strategy="linear")
    assert [serve(made, f"c{n}") for n in range(3)] == ["anna", "anna", "anna"]
    made.call("c8")
    made.call("c9")
    assert (made.ringing("c8"), made.ringing("c9")) == ("anna", "li")


def test_weighted_random_follows_the_weights() -> None:
    """Who weighs three times as much is asked about three times as often."""
    heavy = replace(person("anna"), memberships={"support": Membership(weight=3.0)})
    made = opened(heavy, person("li"), strategy="weighted_random")
    asked = Counter(serve(made, f"c{n}") for n in range(400))
    assert 240 < asked["anna"] < 345


def test_random_asks_everybody_alike() -> None:
    made = opened(person("anna"), person("li"), strategy="random")
    asked = Counter(serve(made, f"c{n}") for n in range(400))
    assert 150 < asked["anna"] < 250


@pytest.mark.parametrize(("strategy", "expected"), [("most_skilled", "expert"), ("least_skilled", "junior")])
def test_skill_decides_where_it_is_to(strategy: str, expected: str) -> None:
    """The best in what is wanted first; or whoever has the least that others would miss."""
    people = (
        person("expert", billing=5, french=4),
        person("allrounder", billing=3, french=5, technical=5),
        person("junior", billing=1, technical=1),
    )
    made = opened(*people, strategy=strategy)
    made.call("c1", "billing")
    assert made.ringing("c1") == expected


def test_least_skilled_keeps_the_rarest_skill_free() -> None:
    """Two agents with as many skills: the one whose other skill more people have is asked."""
    made = opened(
        person("rare", billing=3, dutch=3), person("usual", billing=3, french=3), person("other", french=3), strategy="least_skilled"
    )
    made.call("c1", "billing")
    assert made.ringing("c1") == "usual"


def tiered(*tiers: int, delays: tuple[int, ...] = (0, 10_000, 30_000)) -> House:
    people = [replace(person(f"a{n}"), memberships={"support": Membership(tier=tier)}) for n, tier in enumerate(tiers)]
    return opened(*people, tier_delays_ms=delays, max_wait_ms=600_000)


def test_a_lower_tier_is_asked_first_and_a_higher_one_after_its_delay() -> None:
    """A free agent of tier 2 takes a contact only when it has waited so long, though nobody of tier 1 is free."""
    made = tiered(1, 2)
    made.call("c1")
    made.answer("c1")
    made.call("c2")
    made.wait(9_000)
    assert made.ringing("c2") == ""
    made.wait(1_001)
    assert made.ringing("c2") == "a1"


def test_a_tier_without_anybody_at_work_is_not_waited_for() -> None:
    """With tier 1 on break tier 2 is asked at once; when tier 1 is back those who wait are its own again."""
    made = tiered(1, 2)
    made.ask("a0", "pause")
    made.call("c1")
    assert made.ringing("c1") == "a1"
    made.answer("c1")
    made.call("c2")
    made.ask("a0", "resume")
    assert made.ringing("c2") == "a0"
    made.call("c3")
    made.finish("c1")
    assert made.ringing("c3") == "", "tier 2 is for those who have waited"
    made.ask("a0", "log_out")
    made.answer("c2")


def test_the_last_of_a_tier_leaving_opens_the_next_one() -> None:
    """Who waits for tier 1 is offered to tier 2 in the moment in which tier 1 is empty."""
    made = tiered(1, 2)
    made.call("c1")
    made.answer("c1")
    made.call("c2")
    assert made.ringing("c2") == ""
    made.ask("a0", "log_out")
    made.finish("c1")
    assert made.state("a0") == AgentState.LOGGED_OUT
    assert made.ringing("c2") == "a1"


def test_the_next_tier_takes_those_who_wait_in_their_order() -> None:
    """Who was offered to the first tier and waits again goes before those who joined later."""
    made = tiered(1, 2)
    made.call("c1")
    made.wait(1_000)
    made.call("c2")
    assert (made.ringing("c1"), made.ringing("c2")) == ("a0", "")
    made.ask("a0", "log_out")
    assert (made.ringing("c1"), made.ringing("c2")) == ("a1", "")


def test_ring_all_reserves_all_and_frees_the_losers_at_once() -> None:
    """Every ready phone rings; whoever answers has the contact, the others are free in the same commit, unmarked."""
    made = opened(person("anna"), person("li"), person("wang"), strategy="ring_all")
    made.call("c1")
    assert made.ringers("c1") == {"anna", "li", "wang"}
    winner = next(offer for offer, agent in made.board.contacts["c1"].offers.items() if agent == "li")
    made.say(OfferAnswered("c1", winner))
    assert {agent: made.state(agent) for agent in ("anna", "li", "wang")} == {
        "anna": AgentState.READY,
        "li": AgentState.ON_CONTACT,
        "wang": AgentState.READY,
    }
    assert {event.agent for event in made.told("offer_withdrawn")} == {"anna", "wang"}


def test_ring_all_one_refusing_leaves_the_others_ringing() -> None:
    """A decline ends that phone's offer alone; nobody is paused for not answering what everybody was asked."""
    made = opened(person("anna"), person("li"), strategy="ring_all")
    made.call("c1")
    for offer in list(made.board.contacts["c1"].offers)[:1]:
        made.say(OfferEnded("c1", offer, "declined"))
    assert made.ringers("c1") == {"li"}
    made.refuse("c1", "rang_out")
    assert made.state("li") == AgentState.READY
    assert made.ringers("c1") == set()


def test_ring_all_takes_in_who_becomes_ready() -> None:
    """While phones ring, those who have become ready since ring, too, from the next round on."""
    made = opened(person("anna"), person("li"), strategy="ring_all", ring_more_ms=5_000)
    made.ask("li", "pause")
    made.call("c1")
    made.ask("li", "resume")
    assert made.ringers("c1") == {"anna"}
    made.wait(5_000)
    assert made.ringers("c1") == {"anna", "li"}


def test_ring_progressively_adds_one_phone_at_a_time() -> None:
    """The first goes on ringing while the next ones join."""
    made = opened(person("anna"), person("li"), person("wang"), strategy="ring_progressively", ring_more_ms=4_000, ring_timeout_ms=60_000)
    made.call("c1")
    seen = [made.ringers("c1")]
    for _ in range(3):
        made.wait(4_000)
        seen.append(made.ringers("c1"))
    assert seen == [{"anna"}, {"anna", "li"}, {"anna", "li", "wang"}, {"anna", "li", "wang"}]


def test_who_refused_is_asked_again_only_after_those_who_did_not() -> None:
    """The refusal is forgotten after a time, but who has not refused goes first even then."""
    made = opened(person("anna"), person("li"), refusal_ms=5_000)
    made.ask("li", "pause")
    made.call("c1")
    made.refuse("c1")
    made.wait(4_000)
    assert made.ringing("c1") == ""
    made.ask("li", "resume")
    assert made.ringing("c1") == "li", "anna has been idle for longer, but she refused"


def test_excluded_agents_are_never_asked() -> None:
    """Not even when nobody else is there, and not after any time."""
    made = opened(person("anna"))
    made.call("c1", exclude=["anna"])
    made.wait(300_000)
    assert made.rings() == []


def test_a_preferred_agent_is_waited_for_until_the_time_is_over() -> None:
    made = opened(person("anna"), person("li"))
    made.call("c0", preferred=["anna"])
    assert made.ringing("c0") == "anna"
    made.answer("c0")
    made.call("c1", preferred=["anna"], preferred_ms=30_000)
    assert made.ringing("c1") == "", "li is free, but the caller waits for anna"
    made.wait(30_000)
    assert made.ringing("c1") == "li"


@pytest.mark.parametrize("away", ["log_out", "pause"])
def test_a_preferred_agent_who_is_not_there_is_not_waited_for(away: str) -> None:
    """Neither on joining nor from the moment in which they leave; nor one who refuses."""
    made = opened(person("anna"), person("li"), person("wang"))
    made.ask("anna", away)
    made.call("c1", preferred=["anna"])
    assert made.ringing("c1") == "li"
    made.call("c2", preferred=["li"])
    assert made.ringing("c2") == ""
    made.ask("li", away)
    assert made.ringing("c2") != "" or made.ringing("c1") == "wang"
    made.call("c3", preferred=["wang"])
    made.refuse("c2" if made.ringing("c2") == "wang" else "c1")
    assert "wang" not in (made.ringing("c1"), made.ringing("c2")) or made.ringing("c3") == ""


def test_a_preferred_agent_who_refuses_is_not_waited_for() -> None:
    made = opened(person("anna"), person("li"))
    made.call("c1", preferred=["anna"])
    made.refuse("c1")
    assert made.ringing("c1") == "li"


@pytest.mark.parametrize("away", ["log_out", "pause", "leave_queue", "refuse"])
def test_of_several_preferred_agents_each_is_waited_for_while_there(away: str) -> None:
    """Who leaves - the queue or work - or refuses is waited for no more; after the last one anybody is asked."""
    made = opened(person("anna"), person("li"), person("wang"), refusal_ms=600_000)
    for contact in ("t1", "t2"):
        made.call(contact)
        made.answer(contact)
    made.call("c1", preferred=["anna", "li"], preferred_ms=300_000)
    assert made.ringing("c1") == ""
    for contact, agent in (("t1", "anna"), ("t2", "li")):
        if away == "refuse":
            made.finish(contact)
            assert made.ringing("c1") == agent
            made.refuse("c1", "busy")
        else:
            made.ask(agent, away, queue="support" if away == "leave_queue" else "")
            made.finish(contact)
        assert made.ringing("c1") == ("" if agent == "anna" else "wang")


def test_a_preferred_agent_of_a_later_tier_is_asked_at_once() -> None:
    """Nobody is waited for who is not asked meanwhile; the tiers hold for everybody else."""
    made = tiered(1, 2)
    made.call("c1", preferred=["a1"])
    assert made.ringing("c1") == "a1"


def test_a_step_for_one_agent_is_over_when_they_refuse_wherever_it_stands() -> None:
    """The steps before it are past, the one behind it is in force."""
    made = opened(person("anna"), person("li", zh=3), refusal_ms=600_000)
    made.call("c1", steps=[(0, "en"), (10_000, "@anna"), (60_000, "zh")])
    made.wait(10_000)
    assert made.ringing("c1") == "anna"
    made.refuse("c1")
    assert made.ringing("c1") == "li"


def test_however_many_agents_are_preferred_the_caller_waits() -> None:
    """A flow may name any number; the first ones are waited for."""
    people = [person(f"an-agent-with-a-very-long-name-number-{n:03}") for n in range(40)]
    made = opened(*people)
    made.call("c1", preferred=[one.id for one in people])
    assert made.ringing("c1") == people[0].id


def test_the_last_agent_is_preferred_within_the_time() -> None:
    """Whoever talked to a caller is asked first when they call again soon."""
    made = opened(person("anna"), person("li"), last_agent_ms=3_600_000)
    assert serve(made, "c1", ani="+861") == "anna"
    assert serve(made, "c2", ani="+862") == "li"
    assert serve(made, "c3", ani="+862") == "li"
    made.wait(3_600_000)
    assert serve(made, "c4", ani="+862") == "anna", "too long ago"


def test_attributes_are_part_of_the_requirement() -> None:
    north = replace(person("anna"), attributes={"site": "north"})
    made = opened(person("li"), north)
    made.call("c1", "site = north")
    assert made.ringing("c1") == "anna"


def test_an_agent_is_asked_by_the_asterisk_that_can_ring_the_phone() -> None:
    """Two machines, one queue: each caller is offered to an agent whose phone is at the machine of the call, an external number to any."""
    made = opened(person("east"), person("west"), replace(person("far"), phone=phone_of("+8613800000000")))
    made.ask("far", "pause")
    for asterisk in ("east", "west"):
        made.say(
            PhoneReported(phone_of(f"phone-{asterisk}"), "unavailable"), PhoneReported(phone_of(f"phone-{asterisk}"), "available", asterisk)
        )
    for contact, asterisk in (("c1", "west"), ("c2", "west"), ("c3", "east")):
        made.say(arrival(contact, f"call-{asterisk}-1790000000.1", "node", "support", [(0, "")], made.now))
    assert [made.ringing(contact) for contact in ("c1", "c2", "c3")] == ["west", "", "east"]
    made.refuse("c3")
    assert made.ringing("c3") == ""
    made.ask("far", "resume")
    assert made.ringing("c2") == "far"
    made.refuse("c2")
    made.say(PhoneReported(phone_of("phone-east"), "available", "west"))
    assert made.ringing("c2") == "east", "the phone has been registered at the other machine"


@pytest.mark.parametrize(("policy", "longest_ms"), [({}, 25_000), ({"whisper": {"en": "Billing."}}, 85_000), ({"accept": True}, 85_000)])
def test_words_before_the_talk_are_waited_for(policy: dict[str, Any], longest_ms: int) -> None:
    """A reservation without news is given up ten seconds after its ring time; a minute later where the agent is told or asked something."""
    made = opened(person("anna"), ring_timeout_ms=15_000, max_wait_ms=600_000, **policy)
    made.call("c1")
    made.wait(longest_ms - 1)
    assert made.ringing("c1") == "anna"
    made.wait(1)
    assert made.ringing("c1") == ""
