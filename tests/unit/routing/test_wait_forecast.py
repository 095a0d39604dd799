"""What a waiting caller may be told: the formula, the place per class, and when there is nothing to be said."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from routing.domain.current_directory import CurrentDirectory
from routing.domain.messages import ContactAsked, PhoneReported
from routing.domain.model import Choice, QueuePolicy, WaitForecast
from routing.domain.phone_address import phone_of
from routing.read_model.estimate import Mean, Rate, Rival, drain_ms, expected_ms
from routing.read_model.view import View
from tests.board_history import SITE, STEPS, history, opened, play
from tests.routing_house import House, arrival, directory, person

pytestmark = pytest.mark.unit

QUEUES = (QueuePolicy("support", wrap_up_ms=0, pause_after={}), QueuePolicy("sales", wrap_up_ms=0))
CHOICES: tuple[Choice, ...] = ("at_risk", "strict")
PEOPLE = (person("anna", ("support",), zh=3), person("bob", ("support",), en=3), person("cleo", ("sales",), zh=1))


class Followed:
    """A house and the view of its events."""

    def __init__(self, choice: Choice = "at_risk") -> None:
        self.house = House(replace(directory(*PEOPLE, queues=QUEUES), choice=choice))
        self.view = View(CurrentDirectory(self.house.site))
        self.read = 0

    def wait_forecast(self, contact: str) -> WaitForecast:
        return self.follow().wait_forecast(contact, self.house.now)

    def expected(self, requirement: str = "", queue: str = "support") -> int | None:
        return self.follow().expected_wait_ms(queue, [(0, requirement)], self.house.now)

    def follow(self) -> View:
        for event in self.house.events[self.read :]:
            self.view.apply(event)
        self.read = len(self.house.events)
        return self.view

    def talk(self, contact: str, ms: int) -> None:
        """A whole contact, from which handling times are learnt."""
        self.house.call(contact, "en")
        self.house.answer(contact)
        self.house.wait(ms)
        self.house.finish(contact)


@pytest.mark.parametrize(("ahead", "rate", "leaving"), [(0, 0.1, 0.0), (7, 20 / 204_000, 1 / 900_000), (100, 1e-3, 1e-4), (3, 1e-5, 1e-9)])
def test_the_closed_form_is_the_sum(ahead: int, rate: float, leaving: float) -> None:
    """Ibrahim and Whitt's sum over everybody ahead, without walking over them."""
    assert drain_ms(ahead, rate, leaving) == pytest.approx(sum(1 / (rate + i * leaving) for i in range(ahead + 1)), rel=1e-6)


def test_where_priority_goes_before_any_wait_the_expected_wait_knows_it() -> None:
    """Somebody of priority 1 joins before all who have waited for minutes, where the site chooses strictly."""
    expected = {}
    for choice in CHOICES:
        followed = Followed(choice)
        followed.house.start_work("bob")
        followed.talk("c0", 60_000)
        for n in range(5):
            followed.house.call(f"c{n + 1}", "en")
        followed.house.wait(300_000)
        expected[choice] = followed.follow().expected_wait_ms("support", [(0, "en")], followed.house.now, priority=1)
    assert 2 * (expected["strict"] or 0) < (expected["at_risk"] or 0)


def test_two_classes_that_share_agents_are_one_crowd() -> None:
    """Ten ahead in each of two classes with two agents of their own and two shared: 21 contacts at six agents."""
    one = 1 / 1000
    mine = Rival(lambda wait: 10, 4 * one, 0.0)
    theirs = Rival(lambda wait: 10, 2 * one, 2 * one)
    assert expected_ms([mine, theirs], 4 * one, 0.0, own=2 * one) == pytest.approx(21 / 6 * 1000, rel=0.03)


def test_a_crowd_for_one_agent_keeps_one_agent_busy() -> None:
    """Thirty who wait for one of my twenty agents cost me that agent, not thirty places."""
    one = 1 / 1000
    assert expected_ms([Rival(lambda wait: 30, one, 0.0)], 20 * one, 0.0) == pytest.approx(1000 / 19, rel=0.03)


def test_measured_means_fade_and_lean_on_the_prior() -> None:
    """Nothing seen: the prior, or nothing. Much seen: what was seen, the young before the old."""
    seen = Mean(half=10)
    assert (seen.value(None), seen.value(5.0)) == (None, 5.0)
    for _ in range(100):
        seen.add(1.0)
    assert seen.value(5.0) == pytest.approx(1.0, abs=1.0)
    for _ in range(10):
        seen.add(3.0)
    assert seen.value(None) == pytest.approx(2.0, abs=0.1)


def test_a_rate_of_arrivals() -> None:
    """One a second for an hour is one a second, and fades when nobody comes."""
    rate = Rate()
    for second in range(1, 3600):
        rate.add(1000 * second)
    assert rate.value(3_600_000) == pytest.approx(1 / 1000, rel=0.01)
    assert rate.value(3_600_000 + 900_000) < 0.5 / 1000
    assert Rate().value(5) == 0


def test_nothing_is_said_of_what_nobody_knows() -> None:
    """No agent there, none who has the skill, or nothing ever measured: None, never a guess."""
    made = Followed()
    assert made.expected() is None
    made.house.start_work("bob")
    assert (made.expected("en"), made.expected("zh"), made.expected(queue="sales")) == (0, None, None)
    made.house.call("c1", "en")
    assert made.expected("en") is None
    assert made.wait_forecast("nobody") == WaitForecast()


def test_the_wait_is_learnt_and_told() -> None:
    """After talks of one minute: a minute for the first in line at one agent, two for the second; nothing for whom an agent is free."""
    made = Followed()
    made.house.start_work("bob")
    for number in range(20):
        made.talk(f"t{number}", 60_000)
    assert made.expected("en") == 0
    for contact in ("talking", "first", "second"):
        made.house.call(contact, "en")
    made.house.answer("talking")
    assert made.wait_forecast("first") == WaitForecast(1, 60_000)
    assert made.wait_forecast("second") == WaitForecast(2, 120_000)
    assert made.expected("en") == 180_000
    made.house.start_work("anna")
    assert (made.expected("zh"), made.wait_forecast("second")) == (0, WaitForecast(2, 120_000))


def test_the_place_counts_those_who_want_the_same_agents() -> None:
    """Behind three in the queue, but the first of those who want Chinese; the place in the queue is told, too."""
    made = Followed()
    for contact, wanted in (("e1", "en"), ("e2", "en"), ("e3", "en"), ("z1", "zh"), ("any", "")):
        made.house.call(contact, wanted)
        made.house.wait(10)
    assert [made.wait_forecast(one).position for one in ("e1", "e3", "z1", "any")] == [1, 3, 1, 5]
    assert made.view.position("z1") == 4


def test_a_contact_that_is_moved_or_made_urgent_has_another_place() -> None:
    """In front of its class by priority; in another queue it stands in that queue's line, and behind nobody of the old one."""
    made = Followed()
    for contact in ("e1", "e2", "e3"):
        made.house.call(contact, "en")
        made.house.wait(10)
    made.house.say(ContactAsked("e3", "prioritise", "r1", "node", priority=60))
    assert [made.wait_forecast(one).position for one in ("e1", "e2", "e3")] == [2, 3, 1]
    made.house.say(ContactAsked("e3", "move", "r2", "node", queue="sales"))
    assert [made.wait_forecast(one).position for one in ("e1", "e2", "e3")] == [1, 2, 1]


def test_a_phone_that_rings_keeps_the_place_and_ends_the_wait() -> None:
    """Whoever is being offered is first still, and has nothing to wait for; the next one counts the agent, not the place."""
    made = Followed()
    made.house.start_work("bob")
    for number in range(20):
        made.talk(f"t{number}", 60_000)
    made.house.call("offered", "en")
    made.house.wait(10)
    made.house.call("next", "en")
    assert made.wait_forecast("offered") == WaitForecast(1, 0)
    assert made.wait_forecast("next") == WaitForecast(2, 60_000)


def test_the_wait_under_a_requirement_that_relaxes() -> None:
    """Nobody has the skill that is wanted for the first half minute: half a minute, and then the wait for the others."""
    made = Followed()
    made.house.start_work("bob")
    for number in range(20):
        made.talk(f"t{number}", 60_000)
    made.house.call("talking", "en")
    made.house.answer("talking")
    steps = [(0, "fr"), (30_000, "en")]
    assert made.follow().expected_wait_ms("support", steps, made.house.now) == 90_000


def test_whoever_gives_up_shortens_the_wait() -> None:
    """Half of those who waited hung up: with nine ahead it is far less than ten talks."""
    made = Followed()
    made.house.start_work("bob")
    for number in range(20):
        made.talk(f"t{number}", 60_000)
        made.house.call(f"talking{number}", "en")
        made.house.answer(f"talking{number}")
        made.house.call(f"gone{number}", "en")
        made.house.wait(60_000)
        made.house.leave(f"gone{number}")
        made.house.finish(f"talking{number}")
    for contact in ("talking", *(f"w{i}" for i in range(9))):
        made.house.call(contact, "en")
    made.house.answer("talking")
    told = made.expected("en")
    assert told is not None
    assert 120_000 < told < 300_000


@settings(max_examples=50)
@given(history)
def test_after_any_history_a_view_that_began_now_has_the_same_places(moves: list[tuple[str, int, int]]) -> None:
    """Places and lines do not depend on having followed every event, and nobody who has left stands in a line."""
    made = opened()
    followed = View(CurrentDirectory(SITE))
    for number, move in enumerate(moves):
        play(made, move, number)
    for event in made.events:
        followed.apply(event)
    begun = View(CurrentDirectory(SITE))
    begun.start(list(followed.contacts.values()), list(followed.agents.values()))
    for contact in followed.contacts:
        assert begun.wait_forecast(contact, made.now).position == followed.wait_forecast(contact, made.now).position
    for steps in STEPS:
        told = followed.expected_wait_ms("support", steps, made.now)
        assert told is None or told >= 0


def test_where_priority_goes_first_a_priority_is_foreseen_at_the_head() -> None:
    """On a `strict` site no wait outweighs a priority: who would join with one waits for nobody who has none."""
    site = replace(directory(person("anna"), queues=(QueuePolicy("support", wrap_up_ms=0),)), choice="strict")
    house, view = House(site), View(CurrentDirectory(site))
    house.start_work()
    house.call("c0")
    house.answer("c0")
    house.wait(100_000)
    house.finish("c0")
    for n in range(5):
        house.call(f"c{n + 1}")
    house.answer("c1")
    house.wait(300_000)
    for event in house.events:
        view.apply(event)
    plain, first = (view.expected_wait_ms("support", [(0, "")], house.now, priority) or 0 for priority in (0, 1))
    assert 0 < first < plain / 3


def test_only_agents_whom_the_callers_asterisk_can_ring_are_counted() -> None:
    """A phone that is registered at one machine takes no call of another: its agent shortens no wait there.

    An external number is rung from everywhere, and a phone that turns up elsewhere counts there.
    """
    outside = replace(person("dora", ("support",), en=3), phone=phone_of("+8613800138000"))
    made = Followed()
    made.house = House(directory(*PEOPLE, outside, queues=QUEUES))
    made.view = View(CurrentDirectory(made.house.site))
    made.house.say(PhoneReported(phone_of("phone-bob"), "available", "east"))
    made.house.ask("bob", "log_in")

    def expected(asterisk: str | None) -> int | None:
        return made.follow().expected_wait_ms("support", [(0, "en")], made.house.now, asterisk=asterisk)

    assert (expected("east"), expected("west"), expected(None)) == (0, None, 0)
    made.house.say(arrival("w1", "call-west-1790000000.1", "node", "support", [(0, "en")], enqueued_at_ms=made.house.now))
    assert made.follow().wait_forecast("w1", made.house.now) == WaitForecast(1, None)
    assert expected("east") == 0, "who waits at another machine is nobody's rival here"
    made.house.say(PhoneReported(phone_of("phone-bob"), "available", "west"))
    assert (expected("east"), made.follow().contacts["w1"].state) == (None, "offered")
    made.house.ask("dora", "log_in")
    assert (expected("east"), expected("west"), expected("north")) == (0, 0, 0)
