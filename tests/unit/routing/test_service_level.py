"""The service level: each formula on the worked example of docs/metrics.md, and who counts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.contacts import ContactConnected, ContactLeft, LeftOutcome
from routing.domain.events.envelope import Event
from routing.domain.model import Overflow, QueuePolicy
from routing.domain.service_level import FORMULAS, WINDOW_MS, Departure, Departures, Formula, Tally, departure
from routing.read_model.view import View
from tests.routing_house import House, directory, person

pytestmark = pytest.mark.unit

NOW_MS = 1_790_000_000_000
THRESHOLD_MS, SHORT_MS = 20_000, 5_000
# 1,000 answered, 860 of them in time; 60 abandoned, 20 of them in time and 10 of those at once.
EXAMPLE = [("answered", 20_000)] * 860 + [("answered", 20_001)] * 140
EXAMPLE += [("abandoned", 5_000)] * 10 + [("abandoned", 5_001)] * 10 + [("abandoned", 20_001)] * 40
WORKED: dict[Formula, float] = {
    "offered": 100 * 860 / 1050,
    "abandoned_in_time": 100 * 880 / 1060,
    "answered": 100 * 860 / 1000,
    "abandoned": 100 * 860 / 1060,
    "abandoned_late": 100 * 860 / 1040,
    "abandoned_short": 100 * 870 / 1060,
}


def tally_of(left: list[tuple[str, int]]) -> Tally:
    departures = Departures()
    for how, waited_ms in left:
        departures.add((NOW_MS, how, waited_ms))
    return departures.tally(0, THRESHOLD_MS, SHORT_MS)


@pytest.mark.parametrize("formula", FORMULAS)
def test_each_formula_on_the_worked_example(formula: Formula) -> None:
    """1,000 answered and 60 abandoned make 81.1 to 86 %, as the formula is."""
    assert FORMULAS[formula].percent(tally_of(EXAMPLE)) == pytest.approx(WORKED[formula])


@pytest.mark.parametrize("formula", FORMULAS)
def test_of_nobody_there_is_no_share(formula: Formula) -> None:
    """Nobody came, or only callers who were refused because the queue is closed: no figure is better than a wrong one."""
    assert FORMULAS[formula].percent(tally_of([])) is None
    assert FORMULAS[formula].percent(tally_of([("closed", 0)])) is None


def level(made: House, queue: str = "support") -> float | None:
    view = View(CurrentDirectory(made.site))
    for event in made.events:
        view.apply(event)
    return view.service_level(queue, made.now)


def test_who_waited_in_vain_counts() -> None:
    """One answered at once and three whose longest wait was over: 25 %, not 100 %."""
    made = House(directory(person("anna"), queues=(QueuePolicy("support", max_wait_ms=3_000),)))
    made.start_work("anna")
    made.call("c0")
    made.answer("c0")
    for contact in ("c1", "c2", "c3"):
        made.call(contact)
    made.wait(3_000)
    assert level(made) == 25.0


@pytest.mark.parametrize("outcome", ["exit_key", "full", "no_agents", "overflowed", "withdrawn", "failed"])
def test_every_way_out_but_closed_counts(outcome: LeftOutcome) -> None:
    """Whoever came and left without an agent was offered and missed; who came when the queue was closed was not."""
    cases: tuple[tuple[LeftOutcome, float], ...] = ((outcome, 50.0), ("closed", 100.0))
    for how, expected in cases:
        departures = Departures()
        for told in (ContactConnected("o", 0), ContactLeft(9_000, how)):
            left = departure(Event("e", NOW_MS, told, queue="support"))
            assert left is not None
            departures.add(left[1])
        assert FORMULAS["offered"].percent(departures.tally(0, THRESHOLD_MS, SHORT_MS)) == expected


def test_who_goes_to_another_queue_is_missed_by_the_first_and_counts_in_the_second() -> None:
    """On arrival and while waiting; the wait that is judged is the whole one."""
    queues = (
        QueuePolicy("support", overflow=(Overflow("sales", waiting=1), Overflow("sales", waited_ms=30_000))),
        QueuePolicy("sales", threshold_ms=40_000),
    )
    made = House(directory(person("anna", ("sales",)), queues=queues))
    made.call("waits", queue="support")
    made.wait(1_000)
    made.call("sent on", queue="support")
    made.wait(29_000)
    made.start_work("anna")
    made.answer("waits")
    made.wait(1_000)
    made.finish("waits")
    made.wait(15_000)
    made.answer("sent on")
    assert (level(made), level(made, "sales")) == (0.0, 50.0)


kinds = st.sampled_from(["answered", "abandoned", "missed", "closed"])
lefts = st.lists(st.tuples(st.integers(0, 3 * WINDOW_MS), kinds, st.integers(0, 30_000)), max_size=40).map(sorted)


@given(lefts, lefts, st.lists(st.tuples(st.integers(0, 2 * WINDOW_MS), st.sampled_from([0, 5_000, 20_000])), min_size=1, max_size=5))
def test_counting_as_they_go_is_counting_at_once(before: list[Departure], lately: list[Departure], asked: list[tuple[int, int]]) -> None:
    """In whatever order the past is learnt, time passes and the site's limits change: the figures are those of a count from nothing."""
    departures, earlier = Departures(), Departures()
    for one in lately:
        departures.add((one[0] + 3 * WINDOW_MS, *one[1:]))
    for one in before:
        earlier.add(one)
    first = departures.tally(0, *asked[0])
    assert first.answered == sum(how == "answered" for _, how, _ in lately)
    departures.take_in(earlier)
    everything: list[Any] = [*before, *((at_ms + 3 * WINDOW_MS, how, waited_ms) for at_ms, how, waited_ms in lately)]
    since_ms = 0
    for passed_ms, limit_ms in asked:
        since_ms += passed_ms
        fresh = Departures()
        for one in everything:
            if one[0] >= since_ms:
                fresh.add(one)
        assert departures.tally(since_ms, limit_ms, limit_ms // 4) == fresh.tally(0, limit_ms, limit_ms // 4)
