"""Questions that people ask about order and tiers, and the answer of docs/routing.md to each."""

from dataclasses import replace

import pytest

from routing.domain.messages import OfferEnded
from routing.domain.model import AgentProfile, Membership, Overflow, QueuePolicy
from tests.routing_house import House, directory, person

pytestmark = pytest.mark.unit
S = 1000


def queue(name: str = "support", **more: object) -> QueuePolicy:
    return QueuePolicy(name, **{"wrap_up_ms": 0, "refusal_ms": 600 * S, "pause_after": {}, **more})  # type: ignore[arg-type]


def in_tier(id: str, tier: int, **skills: int) -> AgentProfile:
    return replace(person(id, ("support",), **skills), memberships={"support": Membership(tier=tier)})


TIERS = queue(tier_delays_ms=(0, 10 * S, 30 * S))


def test_tier_one_busy_and_tier_two_empty() -> None:
    """Tier 3 is asked at the time of tier 2: a tier in which nobody is at work is not waited for."""
    made = House(directory(in_tier("one", 1), in_tier("two", 2), in_tier("three", 3), queues=(TIERS,)))
    made.start_work("one", "three")
    made.call("first")
    made.answer("first")
    made.call("c")
    made.wait(10 * S - 1)
    assert made.ringers("c") == set()
    made.wait(1)
    assert made.ringers("c") == {"three"}


def test_a_tier_at_work_without_the_skill_delays_the_next() -> None:
    """Who is at work counts for the tier, whatever this contact wants."""
    made = House(directory(in_tier("one", 1), in_tier("two", 2, skill=3), queues=(TIERS,)))
    made.start_work()
    made.call("c", "skill")
    made.wait(10 * S - 1)
    assert made.ringers("c") == set()
    made.wait(1)
    assert made.ringers("c") == {"two"}


def test_on_joining_overflow_comes_before_full() -> None:
    """Whoever can be led to a queue that takes them is not told that this one is full."""
    full = queue(max_waiting=1, overflow=(Overflow("other", waiting=1),))
    made = House(directory(person("x", ("other",)), queues=(full, queue("other"))))
    made.call("first")
    made.call("c")
    assert made.board.contacts["c"].queue == "other"


def test_who_refused_in_tier_one_is_asked_behind_tier_two() -> None:
    """Behind all who have not refused and are asked by now, of whatever tier; also when the refusal is forgotten."""
    made = House(directory(in_tier("one", 1), in_tier("two", 2), queues=(replace(TIERS, refusal_ms=5 * S),)))
    made.start_work("one")
    made.call("c")
    made.refuse("c")
    made.ask("one", "pause")
    made.wait(20 * S)
    made.ask("one", "resume")
    made.refuse("c")
    made.start_work("two")
    assert made.ringers("c") == {"two"}
    made.say(OfferEnded("c", made.offer_of("c"), "declined"))
    made.wait(5 * S)
    assert made.ringers("c") == {"one"}


def test_wrap_up_counts_as_idle() -> None:
    """For `longest_idle` an agent is idle from the end of the talk on."""
    made = House(directory(replace(person("x"), wrap_up_ms=30 * S), person("y"), queues=(queue(),)))
    made.start_work()
    made.call("a")
    made.answer("a")
    talks = made.board.contacts["a"].agent
    assert talks == "x"
    made.call("b")
    made.answer("b")
    made.finish("a")
    made.wait(1 * S)
    made.finish("b")
    made.wait(40 * S)
    made.call("c")
    assert made.ringers("c") == {"x"}


def test_two_contacts_that_relax_in_the_same_millisecond() -> None:
    """They are offered in the order in which an agent free for both would take them, whichever was planned first."""
    queues = (queue("slow", threshold_ms=60 * S), queue("fast", threshold_ms=10 * S))
    made = House(directory(person("x"), queues=queues))
    made.start_work()
    made.call("ca", queue="slow", steps=[(0, "skill"), (10 * S, "")])
    made.call("cb", queue="fast", steps=[(0, "skill"), (10 * S, "")])
    made.wait(10 * S)
    assert made.rings() == [("cb", "x")]


def test_a_wait_that_is_kept_counts_between_queues() -> None:
    """What an earlier call waited is part of the seconds that an agent of several queues compares."""
    made = House(directory(person("x"), queues=(queue("a"), queue("b", keep_place_ms=600 * S))))
    made.call("before", queue="b", ani="+861")
    made.wait(60 * S)
    made.leave("before")
    made.call("long", queue="a")
    made.wait(20 * S)
    made.call("again", queue="b", ani="+861")
    made.start_work()
    assert made.rings() == [("again", "x")]


def test_an_agent_by_name_who_is_not_there_at_joining() -> None:
    """The step is left out at once, however many such steps there are; the last one never is."""
    made = House(directory(person("x"), person("y"), person("z"), queues=(queue(),)))
    made.start_work("z")
    made.call("c", steps=[(0, "@x"), (10 * S, "@y"), (20 * S, "")])
    assert made.ringers("c") == {"z"}
    made.call("d", steps=[(0, "@x"), (10 * S, "@y")])
    made.start_work("y")
    assert made.ringers("d") == {"y"}


def test_a_wait_that_ends_in_the_moment_in_which_an_agent_becomes_free() -> None:
    """Of one millisecond, agents become free first: the caller is served."""
    made = House(directory(replace(person("x"), wrap_up_ms=10 * S), queues=(queue(max_wait_ms=10 * S),)))
    made.start_work()
    made.call("first")
    made.answer("first")
    made.finish("first")
    made.call("c")
    made.wait(10 * S)
    assert made.ringers("c") == {"x"}
