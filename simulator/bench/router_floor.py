"""Big call centres on a board, without store or network: what a decision costs, and what a waiting contact occupies.

Half of the queues are busy: everybody waits there, and all agents talk. In the other half all agents are ready. A decision is taken when
an agent of the first half is free, and when a contact arrives in the second half; both are timed from the message to the changes.
"""

import gc
import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter, thread_time

from routing.board.board import Board, restore
from routing.domain.contact_facts import ContactFacts, ContactWishes
from routing.domain.identifiers import Ids
from routing.domain.messages import AgentAsked, ContactArrived, Message, OfferAnswered, PhoneReported, ServerAlive, TalkEnded
from routing.domain.model import AgentProfile, Directory, QueuePolicy
from routing.domain.orders import OfferOrder
from routing.domain.phone_address import PhoneAddress, SipAccount

QUEUES, WANTS = 10, 20  # times each other: requirement classes
SKILLS = [f"skill_{number}" for number in range(10)]
SERVER = "bench"
NOW_MS = 1_790_000_000_000
SEED = 1


def queue(number: int) -> str:
    return f"queue-{number % QUEUES}"


def want(number: int) -> str:
    """One of the requirements: two skills, one of them with a level."""
    first = number % len(SKILLS)
    return f"{SKILLS[first]} >= {1 + number % WANTS // len(SKILLS)} and {SKILLS[(first + 3) % len(SKILLS)]}"


def directory(agents: int, max_waiting: int = 1_000_000) -> Directory:
    """So many agents, each in two or three queues of one half, with seven of ten skills."""
    chance = random.Random(SEED)
    policies = {queue(n): QueuePolicy(queue(n), wrap_up_ms=0, max_waiting=max_waiting, max_wait_ms=1 << 40) for n in range(QUEUES)}
    people = {}
    for number in range(agents):
        half = number % 2 * QUEUES // 2
        places = chance.sample(range(half, half + QUEUES // 2), chance.choice((2, 3)))
        skills = {skill: chance.randint(1, 5) for skill in chance.sample(SKILLS, 7)}
        name = f"agent-{number}"
        people[name] = AgentProfile(
            name, name, SipAccount(f"phone-{number}"), skills, tuple(queue(place) for place in places), order=number
        )
    return Directory(policies, people)


def own_phone(profile: AgentProfile) -> PhoneAddress:
    """The phone of one of these agents."""
    assert profile.phone
    return profile.phone


def arrival(number: int, place: int, now_ms: int, server: str = SERVER) -> ContactArrived:
    """A contact as a flow makes it."""
    steps = [(0, want(number // QUEUES)), (60_000, SKILLS[number % len(SKILLS)])]
    data = {"customer": f"K-{number:08d}", "reason": "invoice", "tier": "gold"}
    id = f"contact-k3v9q2x7a1{number:06d}"
    facts = ContactFacts(f"call-1790000000.{number}", f"+49301234{number:05d}", "en", data)
    return ContactArrived(id, server, queue(place), now_ms, facts, ContactWishes(steps))


@dataclass(slots=True)
class Floor:
    """A board at work. `talking`: (contact, offer) of those who talk in the busy half, `quiet` of those in the other."""

    board: Board
    now_ms: int = NOW_MS
    arrived: int = 0
    talking: list[tuple[str, str]] = field(default_factory=list)
    quiet: list[tuple[str, str]] = field(default_factory=list)

    def say(self, *messages: Message) -> list[OfferOrder]:
        """What a router does with a batch."""
        for message in messages:
            self.board.apply(message, self.now_ms)
        self.board.advance(self.now_ms)
        return [order for _, order in self.board.take_changes().orders if isinstance(order, OfferOrder)]

    def pass_ms(self) -> None:
        """A millisecond is over; the server shows life."""
        self.now_ms += 1
        if self.now_ms % 1_000 == 0:
            self.say(ServerAlive(SERVER))

    def arrive(self, place: int) -> list[OfferOrder]:
        self.arrived += 1
        return self.say(arrival(self.arrived, place, self.now_ms))

    def answer(self, rings: Sequence[OfferOrder], talks: list[tuple[str, str]]) -> None:
        """Agents whose phones ring answer at once."""
        for ring in rings:
            self.say(OfferAnswered(ring.contact, ring.offer))
            talks.append((ring.contact, ring.offer))


def filled(agents: int, waiting: int) -> Floor:
    """Everybody at work, so many waiting in the busy half."""
    floor = Floor(restore(directory(agents), Ids("bench"), NOW_MS, chance=random.Random(SEED)))
    floor.say(ServerAlive(SERVER))
    for profile in floor.board.directory.agents.values():
        floor.say(PhoneReported(own_phone(profile), "available"), AgentAsked(profile.id, "log_in", "", SERVER))
    while len(floor.board.contacts) < waiting + agents // 2:
        floor.pass_ms()
        floor.answer(floor.arrive(floor.arrived % (QUEUES // 2)), floor.talking)
        if floor.arrived > 4 * (waiting + agents):
            break
    return floor


@dataclass(frozen=True, slots=True)
class Decision:
    """How long one took, and the processor time of it, which other programs do not lengthen; in ms."""

    took: float
    cost: float


def decisions(agents: int, waiting: int, count: int) -> list[Decision]:
    """So many decisions, half of each kind; the number of those who wait stays the same."""
    floor, chance, times = filled(agents, waiting), random.Random(SEED), list[Decision]()
    for number in range(QUEUES * WANTS // 2):  # a class that was never used is set up once, and costs more
        floor.arrived += 1
        first = replace(arrival(floor.arrived, QUEUES // 2 + number // WANTS, floor.now_ms), wishes=ContactWishes([(0, want(number))]))
        floor.answer(floor.say(first), floor.quiet)
    gc.collect()
    while len(times) < count:
        floor.pass_ms()
        at = chance.randrange(len(floor.talking))
        floor.talking[at], floor.talking[-1] = floor.talking[-1], floor.talking[at]
        contact, offer = floor.talking.pop()
        times += _timed(floor, TalkEnded(contact, offer, "caller", 1), floor.talking)
        taken = floor.board.contacts[floor.talking[-1][0]]  # the next to come wants the same: as many wait in each class as before
        floor.arrived += 1
        fresh = arrival(floor.arrived, 0, floor.now_ms)
        floor.answer(floor.say(replace(fresh, queue=taken.queue, wishes=ContactWishes(list(taken.steps)))), floor.talking)
        floor.arrived += 1
        times += _timed(floor, arrival(floor.arrived, QUEUES // 2 + chance.randrange(QUEUES // 2), floor.now_ms), floor.quiet)
        if len(floor.quiet) > agents // 8:
            contact, offer = floor.quiet.pop(0)
            floor.say(TalkEnded(contact, offer, "caller", 1))
    return times


def _timed(floor: Floor, message: Message, talks: list[tuple[str, str]]) -> Sequence[Decision]:
    """A message that led to an offer, which is answered then; nothing when it led to no offer."""
    began, busy = perf_counter(), thread_time()
    rings = floor.say(message)
    found = Decision(1000 * (perf_counter() - began), 1000 * (thread_time() - busy))
    floor.answer(rings, talks)
    return [found] if rings else []


def bytes_per_waiting(agents: int, waiting: int) -> float:
    """What one more waiting contact occupies in the router: records, index and deadlines."""
    floor = Floor(restore(directory(agents), Ids("bench"), NOW_MS, chance=random.Random(SEED)))
    floor.say(ServerAlive(SERVER))
    for _ in range(QUEUES * WANTS):  # the classes themselves
        floor.arrive(floor.arrived)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(waiting):
            floor.pass_ms()
            floor.arrive(floor.arrived)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / waiting
    finally:
        tracemalloc.stop()
