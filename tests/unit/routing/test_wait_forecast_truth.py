"""The wait that callers are told, against the wait that they then had: hours of random traffic on the real board, on virtual time.

Judged as it is meant to be: of those served, at steady state, the mean absolute error is at most 25 % of the mean wait. What is left is
chance: with k ahead nobody can know the wait better than to about 0.8 / sqrt(k + 1) of it, so the queues here are busy ones.
"""

from collections.abc import Callable
from statistics import mean

import pytest

from routing.domain.model import QueuePolicy
from tests.routing_house import directory, person
from tests.unit.routing.traffic import Stream, Told, Traffic

pytestmark = [pytest.mark.unit, pytest.mark.unmeasured]

HOURS = 12.0
TALK_S = 180.0
BUSY_S = TALK_S + 20 + 4  # an agent's time on a contact: with wrap-up and ringing
GOAL = 0.25


def queue(name: str, threshold_ms: int = 20_000) -> QueuePolicy:
    """Nobody is sent away: only agents, patience and chance decide."""
    return QueuePolicy(name, wrap_up_ms=20_000, max_wait_ms=1 << 40, max_waiting=100_000, ring_timeout_ms=60_000, threshold_ms=threshold_ms)


def per_hour(agents: int, load: float) -> float:
    """Calls that keep so many agents busy for that share of their time."""
    return agents * 3600 / BUSY_S * load


def one_class(seed: int) -> Traffic:
    """Twenty agents for all, busy for 97 % of the time."""
    site = directory(*(person(f"a{i}") for i in range(20)), queues=(queue("support"),))
    return Traffic(site, [Stream("support", per_hour(20, 0.97), TALK_S)], seed)


def two_queues(seed: int) -> Traffic:
    """Two queues with eight agents each, and eight who serve both; talks are lognormal."""
    people = [person(f"{name}{i}", queues) for name, queues in (("a", ("support",)), ("b", ("sales",)), ("c", ())) for i in range(8)]
    site = directory(*people, queues=(queue("support"), queue("sales")))
    rate = per_hour(24, 0.985) / 2
    return Traffic(site, [Stream(name, rate, TALK_S, lognormal=0.8) for name in ("support", "sales")], seed)


def two_languages(seed: int) -> Traffic:
    """One queue, two languages, and eight of 24 agents who speak both; one class relaxes its requirement meanwhile."""
    people = [*(person(f"a{i}", en=3) for i in range(10)), *(person(f"b{i}", zh=3) for i in range(6))]
    people += [person(f"c{i}", en=3, zh=3) for i in range(8)]
    english = Stream("support", per_hour(24, 0.58 * 0.985), TALK_S, steps=[(0, "en")], lognormal=0.8)
    chinese = Stream("support", per_hour(24, 0.42 * 0.985), TALK_S, steps=[(0, "zh >= 2"), (120_000, "zh")], lognormal=0.8)
    return Traffic(directory(*people, queues=(queue("support"),)), [english, chinese], seed)


def given_up(seed: int) -> Traffic:
    """A quarter more callers than can be served: a fifth of them gives up."""
    site = directory(*(person(f"a{i}") for i in range(20)), queues=(queue("support"),))
    return Traffic(site, [Stream("support", per_hour(20, 1.25), TALK_S, 900)], seed)


def one_in_a_hurry(seed: int) -> Traffic:
    """Whoever joins the queue with the shorter promise later may be served earlier."""
    people = [*(person(f"a{i}", ("support",)) for i in range(10)), *(person(f"c{i}") for i in range(14))]
    site = directory(*people, queues=(queue("support", 40_000), queue("vip", 10_000)))
    load = per_hour(24, 1.15)
    return Traffic(site, [Stream("support", 0.8 * load, TALK_S, 900), Stream("vip", 0.2 * load, TALK_S, 900)], seed)


def relaxing(seed: int) -> Traffic:
    """Half of the callers want the better agents, and take any after a minute."""
    people = [*(person(f"a{i}", en=3) for i in range(12)), *(person(f"b{i}", en=1) for i in range(8))]
    load = per_hour(20, 1.15) / 2
    wanting = ([(0, "en >= 3"), (60_000, "en")], [(0, "en")])
    return Traffic(directory(*people, queues=(queue("support"),)), [Stream("support", load, TALK_S, 900, steps) for steps in wanting], seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("regime", [one_class, two_queues, two_languages, given_up, one_in_a_hurry, relaxing])
def test_callers_are_told_the_truth(regime: Callable[[int], Traffic], seed: int) -> None:
    """Over all who were served: the mean absolute error is at most 25 % of the mean wait; what was told is right on average, to 10 %."""
    traffic = regime(seed)
    traffic.run(HOURS)
    told = traffic.told
    assert len(told) > 3_000
    waited = mean(one.waited_ms for one in told)
    assert waited > 30_000, "the regime is not the busy one that it should be"
    assert mean(error_ms(one) for one in told) <= GOAL * waited
    assert mean(expected_ms(one) for one in told) == pytest.approx(waited, rel=0.1)
    if regime is given_up:
        assert traffic.left / (traffic.left + len(told)) > 0.15


def expected_ms(one: Told) -> int:
    assert one.expected_ms is not None, "nothing was told though everything was measured"
    return one.expected_ms


def error_ms(one: Told) -> int:
    return abs(one.waited_ms - expected_ms(one))
