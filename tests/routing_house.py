"""A small call centre on a board, spoken to in short sentences, for the tests of routing."""

import random
from dataclasses import fields, replace
from typing import Any, TypeVar

from routing.board.board import Board, restore
from routing.board.redefinition import redefine
from routing.domain.agent_state import AgentState
from routing.domain.changes import Changes
from routing.domain.contact_facts import ContactFacts, ContactWishes
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.envelope import Event, EventData
from routing.domain.messages import (
    AgentAsked,
    ContactArrived,
    ContactAsked,
    ContactLeft,
    Message,
    OfferAnswered,
    OfferEnded,
    PhoneReported,
    ServerAlive,
    TalkEnded,
)
from routing.domain.model import AgentProfile, Directory, QueuePolicy
from routing.domain.orders import LeaveOrder, OfferOrder, Reply
from routing.domain.phone_address import PhoneAddress, SipAccount
from routing.domain.phone_address import phone_of as phone_of
from routing.store import codec
from tests.told import facts

T = TypeVar("T", bound=EventData)
START_MS = 1_790_000_000_000
Steps = list[tuple[int, str]]


class CountingIds:
    """`contact-1`, `contact-2`, `offer-3` ..."""

    def __init__(self) -> None:
        self.count = 0

    def new(self, kind: str) -> str:
        self.count += 1
        return f"{kind}-{self.count}"


class SetClock:
    """Shows what it is set to."""

    def __init__(self, now: int = START_MS) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now


CALENDARS = {"never": lambda now_ms: False, "first hour": lambda now_ms: now_ms < START_MS + 3_600_000}


def directory(*profiles: AgentProfile, queues: tuple[QueuePolicy, ...] = (QueuePolicy("support"),)) -> Directory:
    """The given queues and agents; an agent without queues is in all of them. Hours may be those of CALENDARS."""
    names = tuple(queue.name for queue in queues)
    people = [replace(p, queues=p.queues or names, order=i) for i, p in enumerate(profiles)]
    return Directory({queue.name: queue for queue in queues}, {p.id: p for p in people}, calendars=CALENDARS)


def person(id: str, queues: tuple[str, ...] = (), **skills: int) -> AgentProfile:
    return AgentProfile(id, id.title(), SipAccount(f"phone-{id}"), skills, queues)


def own_phone(profile: AgentProfile) -> PhoneAddress:
    """The phone of somebody who has one of their own."""
    assert profile.phone
    return profile.phone


def taken(part: type, more: dict[str, Any]) -> dict[str, Any]:
    """What of these arguments is a field of that class; it is taken out of them."""
    return {field.name: more.pop(field.name) for field in fields(part) if field.name in more}


def arrival(contact: str, call: str, server: str, queue: str, steps: Steps, enqueued_at_ms: int, **more: Any) -> ContactArrived:
    """A caller joins; `more` are facts, wishes and whatever else the message has."""
    facts, wishes = taken(ContactFacts, more), taken(ContactWishes, more)
    return ContactArrived(contact, server, queue, enqueued_at_ms, ContactFacts(call, **facts), ContactWishes(steps, **wishes), **more)


class House:
    """A board with its clock; keeps every event, order and the records as the store would hold them."""

    def __init__(self, site: Directory, *, at_ms: int = START_MS) -> None:
        self.site = site
        self.current = CurrentDirectory(site)  # for whoever follows the events
        self.now = at_ms
        self.node_lives = True  # the server of all callers here
        self.ids = CountingIds()
        self.chance = random.Random(1)
        self.board: Board = restore(site, self.ids, self.now, chance=self.chance)
        self.events: list[Event] = []
        self.orders: list[tuple[str, Any]] = []
        self.records: dict[str, tuple[int, str]] = {}  # "c:id" or "a:id" -> (revision, text)
        self.settle()

    def settle(self) -> Changes:
        """Take the changes as a store does: revisions are checked, texts kept."""
        self.board.advance(self.now)
        changes = self.board.take_changes()
        for kind, group in (("c", changes.contacts), ("a", changes.agents), ("m", changes.callers)):
            for id, expected, record in group:
                assert self.records.get(f"{kind}:{id}", (0, ""))[0] == expected, f"{id} was decided on an old revision"
                if record is None:
                    del self.records[f"{kind}:{id}"]
                else:
                    self.records[f"{kind}:{id}"] = (record.rev, codec.record_text(record))
        self.events += changes.events
        self.orders += changes.orders
        return changes

    def say(self, *messages: Message) -> Changes:
        for message in messages:
            self.board.apply(message, self.now)
        return self.settle()

    def wait(self, ms: int) -> None:
        """Let time pass, stopping at each deadline as the router does."""
        end = self.now + ms
        while (due := self.board.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            if self.node_lives:
                self.board.apply(ServerAlive("node"), self.now)
            self.settle()
        self.now = end

    def redefine(self, site: Directory, **moves: str) -> Changes:
        """Another directory is in force from now on. ChangeRefused leaves everything as it is."""
        redefine(self.board, site, self.now, moves)
        self.site = site
        self.current.replace(site)
        return self.settle()

    def restart(self, site: Directory | None = None) -> None:
        """Another router takes over from the records; of queues that are gone it knows what the one before knew."""
        contacts = [codec.contact_from(text) for key, (_, text) in self.records.items() if key.startswith("c:")]
        agents = [codec.agent_from(text) for key, (_, text) in self.records.items() if key.startswith("a:")]
        self.site = site or self.site
        callers = [codec.caller_from(text) for key, (_, text) in self.records.items() if key.startswith("m:")]
        known: dict[str, Any] = {"contacts_known": contacts, "agents_known": agents, "callers_known": callers}
        known |= {"former": self.board.directory.queues, "moves": self.board.moves}
        self.board = restore(self.site, self.ids, self.now, chance=self.chance, **known)
        self.settle()

    def start_work(self, *agents: str) -> None:
        """Log in with a free phone."""
        for agent in agents or tuple(self.site.agents):
            self.say(PhoneReported(own_phone(self.site.agents[agent]), "available"))
            self.ask(agent, "log_in")

    def ask(self, agent: str, action: Any, reason: str = "", **more: Any) -> Reply:
        more |= {"phone": phone_of(str(more["phone"]))} if "phone" in more else {}
        return self._replied(AgentAsked(agent, action, self.ids.new("request"), "node", reason, **more))

    def change(self, contact: str, action: Any, **more: Any) -> Reply:
        """A supervisor prioritises, moves or withdraws a contact."""
        return self._replied(ContactAsked(contact, action, self.ids.new("request"), "node", **more))

    def _replied(self, message: Message) -> Reply:
        self.say(message)
        reply = next(order for _, order in reversed(self.orders) if isinstance(order, Reply))
        assert isinstance(reply, Reply)
        return reply

    def call(self, contact: str, requirement: str = "", *, queue: str = "support", priority: int = 0, **more: Any) -> None:
        """A caller joins."""
        steps = more.pop("steps", [(0, requirement)])
        at_ms = more.pop("enqueued_at_ms", self.now)
        self.say(arrival(contact, f"call-{contact}", "node", queue, steps, at_ms, priority=priority, **more))

    def ringers(self, contact: str) -> set[str]:
        """The agents whose phones ring for the contact."""
        found = self.board.contacts.get(contact)
        return set(found.offers.values()) if found else set()

    def outcome(self, contact: str) -> str:
        """How the wait ended by order of the router, or ""."""
        return next((order.outcome for _, order in self.orders if isinstance(order, LeaveOrder) and order.contact == contact), "")

    def offer_of(self, contact: str) -> str:
        """The offer that a contact has now, or ""."""
        return next(iter(self.board.contacts[contact].offers), "") if contact in self.board.contacts else ""

    def ringing(self, contact: str) -> str:
        """The agent whose phone rings for the contact, or ""."""
        return self.board.contacts[contact].offers.get(self.offer_of(contact), "") if contact in self.board.contacts else ""

    def answer(self, contact: str) -> None:
        self.say(OfferAnswered(contact, self.offer_of(contact)))

    def refuse(self, contact: str, outcome: Any = "declined") -> None:
        self.say(OfferEnded(contact, self.offer_of(contact), outcome))

    def finish(self, contact: str) -> None:
        self.say(TalkEnded(contact, self.offer_of(contact), "caller", 1000))

    def leave(self, contact: str, outcome: Any = "abandoned") -> None:
        self.say(ContactLeft(contact, outcome))

    def state(self, agent: str) -> AgentState:
        return self.board.agents[agent].state

    def due(self, kind: str, id: str) -> list[int]:
        """When such deadlines come that are still ahead."""
        return [at_ms for at_ms, _, *what in self.board._deadlines if what == [kind, id]]

    def told(self, *types: str) -> list[Event]:
        """The events of these types."""
        return [event for event in self.events if event.type in types]

    def facts(self, cls: type[T]) -> list[T]:
        """The data of the events of that type."""
        return facts(self.events, cls)

    def rings(self) -> list[tuple[str, str]]:
        """(contact, agent) of every ring order so far."""
        return [(order.contact, order.agent) for _, order in self.orders if isinstance(order, OfferOrder)]
