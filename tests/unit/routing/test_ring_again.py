"""A phone that refuses by itself: how soon it is rung again for the same contact, and what is told of why."""

import pytest

from routing.board.contacts import RING_AGAIN_MS
from routing.domain.events.offers import OfferDeclined, OfferFailed, OfferMade
from routing.domain.messages import OfferEnded
from routing.domain.model import QueuePolicy
from routing.domain.outcomes import OfferOutcome
from tests.routing_house import House, directory, person

pytestmark = pytest.mark.unit


def at_work(strategy: str = "longest_idle") -> House:
    """One agent, in a queue that offers again at once and never pauses anybody."""
    made = House(directory(person("anna"), queues=(QueuePolicy("support", strategy=strategy, refusal_ms=0, pause_after={}),)))
    made.start_work("anna")
    return made


@pytest.mark.parametrize("strategy", ["longest_idle", "ring_all", "ring_progressively"])
@pytest.mark.parametrize("outcome", ["declined", "busy", "rang_out", "unreachable", "failed"])
def test_whatever_is_set_a_phone_is_not_rung_again_at_once_for_the_same_contact(outcome: OfferOutcome, strategy: str) -> None:
    """A phone that refuses at once, in a queue that offers again after 0 s: one ring each 2 s, not one each millisecond."""
    made = at_work(strategy)
    made.call("c1")
    for _ in range(5):
        made.refuse("c1", outcome)
        made.wait(RING_AGAIN_MS - 1)
        assert made.ringing("c1") == ""
        made.wait(1)
        assert made.ringing("c1") == "anna"
    assert len(made.facts(OfferMade)) == 6


def test_why_an_offer_came_to_nothing_is_told() -> None:
    """A phone that named another number has declined, and the event says which number; one without audio has failed."""
    made = at_work()
    made.call("c1")
    made.say(OfferEnded("c1", made.offer_of("c1"), "declined", 5, "redirected", "1002"))
    made.wait(RING_AGAIN_MS)
    made.say(OfferEnded("c1", made.offer_of("c1"), "failed", 5, "no_audio"))
    declined, failed = made.facts(OfferDeclined)[0], made.facts(OfferFailed)[0]
    assert (declined.reason, declined.redirected_to, failed.reason, failed.redirected_to) == ("redirected", "1002", "no_audio", None)
