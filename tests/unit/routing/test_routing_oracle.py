"""The board against the oracle: in random histories of random sites both do the same, at the same millisecond.

`HOTLINE_ORACLE=20000` plays so many histories, other ones each time, instead of the few hundred that are always the same.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.domain.events.contacts import WITHOUT_AGENT
from routing.domain.messages import OfferAnswered, OfferEnded, PhoneReported, TalkEnded
from routing.domain.model import UNTIL_DONE, Directory, Membership, Overflow, QueuePolicy
from tests.routing_house import House, arrival, directory, own_phone, person
from tests.routing_oracle import Oracle

pytestmark = pytest.mark.unit
S = 1000
MANY = int(os.environ.get("HOTLINE_ORACLE", "0"))
TRIES = settings(max_examples=MANY or 300, derandomize=not MANY)

QUEUES, PEOPLE = ("a", "b", "c"), ("w", "x", "y", "z")


OVERFLOWS = (
    (Overflow("b", waited_ms=9 * S),),
    (Overflow("c", waited_ms=7 * S), Overflow("", waited_ms=30 * S)),
    (Overflow("a", waited_ms=12 * S), Overflow("b", waited_ms=20 * S)),
    (Overflow("c", waiting=1), Overflow("a", waiting=2), Overflow("", waiting=4)),
    (Overflow("a", expected_wait_ms=20 * S), Overflow("b", service_level=70)),
)


def one(*values: Any) -> st.SearchStrategy[Any]:
    """One of these; the first is the plainest."""
    return st.sampled_from(values)


policies = st.fixed_dictionaries(
    {
        "strategy": one("longest_idle", "round_robin", "fewest_contacts", "least_talk", "linear"),
        "priority": one(0, 5, -5),
        "ageing": one(1.0, 0.5, 0.0, 3.0),
        "threshold_ms": one(20 * S, 5 * S),
        "weight": one(1.0, 3.0),
        "wrap_up_ms": one(0, 3 * S, UNTIL_DONE),
        "refusal_ms": one(6 * S, 0, 40 * S),
        "max_wait_ms": one(600 * S, 45 * S),
        "pause_after": one({}, {"rang_out": 2, "unreachable": 1}, {"declined": 1}),
        "tier_delays_ms": one((0,), (0, 5 * S), (0, 4 * S, 10 * S)),
        "preferred_ms": one(8 * S, 20 * S),
        "max_waiting": one(200, 2, 0),
        "join_when": one("always", "staffed", "ready", "eligible"),
        "stay_when": one("always", "staffed", "ready", "eligible"),
        "stay_grace_ms": one(30 * S, 6 * S),
        "overflow": one((), *OVERFLOWS),
        "keep_place_ms": one(0, 60 * S),
        "last_agent_ms": one(0, 100 * S),
    }
)
profiles = st.fixed_dictionaries(
    {
        "queues": one(QUEUES, ("a",), ("a", "b"), ("b", "c")),
        "skills": one({}, {"s": 1}, {"s": 3}, {"t": 2}, {"s": 2, "t": 5}),
        "wrap_up_ms": one(None, 0, 4 * S),
        "tier": one(1, 2, 3),
    }
)
sites = st.tuples(
    st.tuples(policies, policies, policies), st.tuples(profiles, profiles, profiles, profiles), one("at_risk", "weighted", "strict")
)
STEPS = (
    [(0, "")],
    [(0, "s")],
    [(0, "s >= 3"), (4 * S, "s"), (12 * S, "")],
    [(0, "s and t"), (3 * S, "s or t >= 3")],
    [(0, "not t"), (9 * S, "")],
    [(0, "@w"), (10 * S, "@x or @y"), (20 * S, "s"), (25 * S, "")],
    [(0, "s"), (6 * S, "@z"), (15 * S, "t")],
    [(0, "@y"), (5 * S, "@z")],
)
PREFERRED = ((), (), (), (), (), (), ("x",), ("z", "y"))
EXCLUDED = ((), (), (), (), ("w",), (), (), (), (), ("y", "z"))
WORDS = (
    "call", "call", "call", "call", "leave", "answer", "answer", "refuse", "refuse", "finish", "finish", "wait",
    "log_in", "log_out", "pause", "resume", "end_wrap_up", "restart",
    "withdraw", "move", "prioritise", "leave_queue", "join_queue", "extend_wrap_up", "phone", "phone",
)  # fmt: skip
GAPS = (1, 701, 1003, 2999, 5003, 11_003, 47_017)
moves = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 19), st.integers(0, 19), st.sampled_from(GAPS)), max_size=40)


def site_of(drawn: tuple[Any, ...]) -> Directory:
    queues, people, choice = drawn
    policies = {name: QueuePolicy(name, **more) for name, more in zip(QUEUES, queues, strict=True)}
    made = []
    for name, more in zip(PEOPLE, people, strict=True):
        tiers = {queue: min(more["tier"], len(policy.tier_delays_ms)) for queue, policy in policies.items()}
        more = {key: value for key, value in more.items() if key != "tier"}
        made.append(replace(person(name), **more, memberships={queue: Membership(tier=tier) for queue, tier in tiers.items()}))
    return replace(directory(*made, queues=tuple(policies.values())), choice=choice)


class Both:
    """The same is done on the board and on the oracle."""

    def __init__(self, site: Directory) -> None:
        self.house, self.oracle = House(site), Oracle(site, House(site).now)
        self.since = self.house.now
        self.calls = 0
        self.story: list[str] = []
        for name in PEOPLE:
            self.wait(1)
            self.do(["phone", name, "available"])
            self.do(["log_in", name])

    def wait(self, ms: int) -> None:
        """Time passes; phones ring out, each a little later than its time, so that no two do at once. Of every seventh no news comes."""
        end = self.oracle.now + ms
        while self.oracle.now < end:
            soon = min(end, self.oracle.now + 14 * S)  # by then no phone that begins to ring meanwhile has rung out
            self.pass_by(min([soon, *(at_ms for at_ms, _, _ in self.ringing_out())]) - self.oracle.now)
            for at_ms, contact, agent in self.ringing_out():
                if at_ms == self.oracle.now:
                    self.story.append(f"{at_ms - self.since} {contact} rings out at {agent}")
                    self.do(["refuse", contact, agent, "rang_out"])

    def ringing_out(self) -> list[tuple[int, str, str]]:
        """(when, contact, agent) of the phones that ring."""
        found = [(self.oracle.people[agent], caller.id) for caller in self.oracle.callers.values() for agent in caller.rings]
        return [(who.asked_at + 15 * S + who.planned % 89, name, who.id) for who, name in found if who.planned % 7]

    def pass_by(self, ms: int) -> None:
        self.house.wait(ms)
        self.oracle.wait(ms)

    def play(self, word: str, a: int, b: int, gap: int) -> None:
        """One move; what does not apply is left out."""
        self.wait(gap)
        move = self.move(word, a, b)
        self.story.append(f"+{gap} {move}")
        if move:
            self.do(move)

    def move(self, word: str, a: int, b: int) -> list[Any]:
        callers = self.oracle.callers
        waiting = [name for name, caller in callers.items() if not caller.talks_to]
        ringing = [(name, agent) for name, caller in callers.items() for agent in caller.rings]
        talking = [name for name, caller in callers.items() if caller.talks_to]
        if word == "call":
            self.calls += 1
            more: dict[str, Any] = {
                "number": ("", "+1", "+2")[(a + b * 2) % 3],
                "expected_wait": 9 * S * (b % 5),
                "service_level": 100 - 10 * (a % 6),
            }
            more |= {"preferred": PREFERRED[(a + b) % 8], "exclude": EXCLUDED[(a * 3 + b) % 10]}
            return [
                word,
                f"c{self.calls}",
                QUEUES[a % 3],
                STEPS[b % 8],
                (0, 0, 3, -8)[(a + b) % 4],
                {name: value for name, value in more.items() if value},
            ]
        if word == "restart":
            return [word]
        if word == "leave" and waiting:
            return [word, waiting[a % len(waiting)], ("abandoned", "exit_key")[b % 2]]
        what: dict[str, list[Any]] = {"withdraw": [], "move": [QUEUES[b % 3]], "prioritise": [5 * b - 30]}
        if word in what and waiting:
            return [word, waiting[a % len(waiting)], *what[word]]
        if word == "phone":
            return [word, PEOPLE[a % 4], ("available", "unavailable", "available", "busy")[b % 4]]
        if word in ("leave_queue", "join_queue"):
            return [word, PEOPLE[a % 4], QUEUES[b % 3]]
        if word in ("answer", "refuse") and ringing:
            outcome = ("declined", "rang_out", "busy", "unreachable", "failed")[b % 5]
            return [word, *ringing[a % len(ringing)], *([outcome] if word == "refuse" else [])]
        if word == "finish" and talking:
            return [word, talking[a % len(talking)]]
        if word in ("log_in", "log_out", "pause", "resume", "end_wrap_up", "extend_wrap_up"):
            return [word, PEOPLE[a % 4]]
        return []

    def do(self, move: list[Any]) -> None:
        word, *rest = move
        more = rest.pop() if rest and isinstance(rest[-1], dict) else {}
        if word in DOINGS:
            DOINGS[word](self.house, *rest, **more)
        else:
            self.house.ask(rest[0], word, queue=(*rest, "")[1])
        getattr(self.oracle, word)(*rest, **more)

    def compare(self) -> None:
        """What was done so far, and how everybody is now."""
        assert decided(self.house) == sorted(self.oracle.log), self.told()
        states = {agent.id: str(agent.state) for agent in self.house.board.agents.values()}
        assert states == {name: agent.state for name, agent in self.oracle.people.items()}, self.told()
        queues = {c.id: (c.queue, sorted(c.offers.values())) for c in self.house.board.contacts.values()}
        expected = {c.id: (c.queue, sorted([c.talks_to] if c.talks_to else c.rings)) for c in self.oracle.callers.values()}
        assert queues == expected, self.told()

    def told(self) -> str:
        """The story, and the last of what both did."""
        board, oracle = decided(self.house), sorted(self.oracle.log)
        same = next((at for at, (one, other) in enumerate(zip(board, oracle, strict=False)) if one != other), min(len(board), len(oracle)))
        base = self.since
        lines = [
            f"{name}: {[(ms - base, *rest) for ms, *rest in log[max(0, same - 6) : same + 6]]}"
            for name, log in (("board", board), ("oracle", oracle))
        ]
        return "\n".join([*self.story, f"now {self.house.now - base}", *lines])


def call(house: House, name: str, queue: str, steps: list[tuple[int, str]], priority: int, **more: Any) -> None:
    names: dict[str, Any] = {which: list(more.get(which, ())) for which in ("preferred", "exclude")}
    seen: dict[str, Any] = {
        "ani": more.get("number", ""),
        "expected_wait_ms": more.get("expected_wait", 0),
        "service_level": more.get("service_level", 100),
    }
    house.say(arrival(name, f"call-{name}", "node", queue, list(steps), house.now, priority=priority, **names, **seen))


def change(word: str) -> Callable[..., object]:
    """What a supervisor does to a contact; the argument is the one that it needs."""
    needs = {"prioritise": "priority", "move": "queue"}
    return lambda house, contact, *what: house.change(contact, word, **({needs[word]: what[0]} if what else {}))


def offer_to(house: House, contact: str, agent: str) -> str:
    return next(offer for offer, who in house.board.contacts[contact].offers.items() if who == agent)


def answer(house: House, contact: str, agent: str) -> None:
    house.say(OfferAnswered(contact, offer_to(house, contact, agent)))


def refuse(house: House, contact: str, agent: str, outcome: Any) -> None:
    house.say(OfferEnded(contact, offer_to(house, contact, agent), outcome))


def finish(house: House, contact: str) -> None:
    talk = house.board.contacts[contact]
    house.say(TalkEnded(contact, house.offer_of(contact), "caller", house.now - talk.connected_at_ms))


def restart(house: House) -> None:
    """Another router goes on from the records; what it has to ask servers for is told."""
    phones = house.board.loose_phones
    house.restart()
    house.board.loose_phones = phones


def phone(house: House, agent: str, state: Any) -> None:
    house.say(PhoneReported(own_phone(house.site.agents[agent]), state))


DOINGS: dict[str, Callable[..., object]] = {
    "call": call,
    "leave": House.leave,
    "restart": restart,
    **{word: change(word) for word in ("prioritise", "move", "withdraw")},
    "answer": answer,
    "refuse": refuse,
    "finish": finish,
    "phone": phone,
}
LEFT = {"contact_abandoned", "contact_timed_out", "contact_left"}


def decided(house: House) -> list[tuple[int, str, str, str]]:
    """The events of the board in the words of the oracle's log."""
    found = []
    for event in house.events:
        if event.type == "offer_made":
            found.append((event.at_ms, "ring", event.contact, event.agent))
        elif isinstance(event.data, WITHOUT_AGENT):
            found.append((event.at_ms, "out", event.contact, event.data.outcome))
        elif event.type == "contact_ended":
            found.append((event.at_ms, "out", event.contact, "ended"))
        elif event.type in ("contact_overflowed", "contact_moved"):
            found.append((event.at_ms, "moved", event.contact, event.queue))
    return sorted(found)


@TRIES
@given(sites, moves)
def test_the_board_does_as_the_document_says(drawn: tuple[Any, ...], history: list[tuple[str, int, int, int]]) -> None:
    """After every move the same phones have rung, the same callers gone, moved and waited, and agents are in the same state."""
    both = Both(site_of(drawn))
    for move in history:
        both.play(*move)
        both.compare()
    both.play("wait", 0, 0, 100 * S)
    both.compare()
