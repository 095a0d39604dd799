"""A decision takes as many steps (lines of routing/ that run) with thousands of waiting contacts as with hundreds, whatever they want."""

import random
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from statistics import median
from types import FrameType
from typing import Any

import pytest

from routing.board.board import Board, restore
from routing.domain.contact_facts import ContactFacts, ContactWishes
from routing.domain.identifiers import Ids
from routing.domain.messages import AgentAction, AgentAsked, ContactArrived, OfferAnswered, PhoneReported, ServerAlive, TalkEnded
from routing.domain.model import AgentProfile, Directory, Membership, QueuePolicy
from routing.domain.orders import OfferOrder
from routing.domain.phone_address import SipAccount

pytestmark = pytest.mark.unit

NOW_MS = 1_790_000_000_000
FEW, MANY = 250, 2_500
LEEWAY = 1.3  # the halves of a search are some more steps
AGENTS = 40
UNIQUE = count()  # a requirement that was read before is known


class Floor:
    """One queue of two tiers. Agents of tier 1 are `a0`, `a1`, ..., the only one of tier 2 is `far`."""

    def __init__(self) -> None:
        policy = QueuePolicy("q", wrap_up_ms=0, max_waiting=1 << 40, max_wait_ms=1 << 40, tier_delays_ms=(0, 1 << 39))
        people = [AgentProfile(f"a{at}", "", SipAccount(f"p{at}"), {"s": 1}, ("q",), order=at) for at in range(AGENTS)]
        people.append(AgentProfile("far", "", SipAccount("far"), {}, ("q",), order=AGENTS, memberships={"q": Membership(tier=2)}))
        site = Directory({"q": policy}, {profile.id: profile for profile in people})
        self.board: Board = restore(site, Ids("t"), NOW_MS, chance=random.Random(1))
        self.arrived = self.last = 0
        self.now_ms = NOW_MS
        self.board.apply(ServerAlive("here"), NOW_MS)
        for profile in people:
            self.board.apply(PhoneReported(SipAccount(str(profile.phone)), "available"), NOW_MS)

    def ask(self, agent: str, action: AgentAction) -> None:
        self.board.apply(AgentAsked(agent, action, "", "here"), self.now_ms)

    def arrive(self, want: str = "s", *, preferred: list[str] | None = None, exclude: list[str] | None = None) -> None:
        self.arrived += 1
        self.now_ms += 1
        wishes = ContactWishes([(0, want)], preferred=preferred or [], preferred_ms=1 << 39, exclude=exclude or [])
        facts = ContactFacts(f"call-1.{self.arrived}")
        self.board.apply(ContactArrived(f"c{self.arrived}", "here", "q", self.now_ms, facts, wishes), self.now_ms)

    def offers(self) -> list[OfferOrder]:
        return [order for _, order in self.board.take_changes().orders if isinstance(order, OfferOrder)]

    def all_talk(self) -> list[OfferOrder]:
        """Agents of tier 1 work, and each of them talks."""
        for at in range(AGENTS):
            self.ask(f"a{at}", "log_in")
            self.arrive()
        offers = self.offers()
        for offer in offers:
            self.board.apply(OfferAnswered(offer.contact, offer.offer), self.now_ms)
        return offers


def steps(act: Callable[[], object]) -> int:
    """So many lines of routing/ run."""
    ran, before = 0, sys.gettrace()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal ran
        if "/routing/" not in frame.f_code.co_filename:
            return None
        ran += event == "line"
        return trace

    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return ran


def taken(waiting: int, wait: Callable[[Floor, int], None]) -> tuple[int, float]:
    """With so many waiting: the steps until a free agent has the next one, and those of one more who joins (the median)."""
    floor = Floor()
    floor.last = waiting - 1
    talks = floor.all_talk()
    for number in range(waiting):
        wait(floor, number)
    talk = talks[AGENTS // 2]
    free = steps(lambda: floor.board.apply(TalkEnded(talk.contact, talk.offer, "caller", 1), floor.now_ms))
    assert [offer.agent for offer in floor.offers()] == [talk.agent]
    return free, median(steps(partial(wait, floor, waiting + number)) for number in range(9))


def each_a_class(floor: Floor, number: int) -> None:
    floor.arrive(f'site != "{next(UNIQUE)}"')


def each_ten_by_name(floor: Floor, number: int) -> None:
    names = random.Random(number).sample(range(AGENTS), 9)
    floor.arrive(preferred=[f"a{at}" for at in {*names, number % AGENTS}])


def for_somebody_else(floor: Floor, number: int) -> None:
    """All but the last one want what nobody has."""
    floor.arrive("s" if number == floor.last else f'site = "{next(UNIQUE)}"')


@pytest.mark.parametrize("wait", [each_a_class, each_ten_by_name, for_somebody_else])
def test_a_class_of_ones_own_costs_nothing(wait: Callable[[Floor, int], None]) -> None:
    """More than a thousand classes, by what is wanted or by who: neither a free agent nor one more contact takes longer."""
    (free, joins), (free_before, joins_before) = taken(MANY, wait), taken(FEW, wait)

    assert free <= LEEWAY * free_before
    assert joins <= LEEWAY * joins_before


def test_an_agent_may_be_excluded_by_thousands() -> None:
    """Whom all who wait exclude finds so at once when free."""
    found = []
    for waiting in (FEW, MANY):
        floor = Floor()
        talks = floor.all_talk()
        for _ in range(waiting):
            floor.arrive(exclude=["a0"])
        talk = next(talk for talk in talks if talk.agent == "a0")
        found.append(steps(partial(floor.board.apply, TalkEnded(talk.contact, talk.offer, "caller", 1), floor.now_ms)))
        assert not floor.offers()

    assert found[1] <= LEEWAY * found[0]


def test_the_last_agent_of_a_tier_goes() -> None:
    """The next tier is asked from then on: those of it who are ready are offered to, and nobody else is looked at."""
    found = []
    for waiting in (FEW, MANY):
        floor = Floor()
        floor.ask("a0", "log_in")
        floor.arrive("s")
        floor.ask("far", "log_in")
        for _ in range(waiting):
            floor.arrive("")
        floor.offers()
        found.append(steps(partial(floor.ask, "a0", "log_out")))
        assert [offer.agent for offer in floor.offers()] == ["far"]

    assert found[1] <= LEEWAY * found[0]
