"""The floor: the records of one routing domain, what is due when, and the moment where a contact and an agent meet.

It knows nothing of messages: agents.py and contacts.py hold the rules, board.py is the whole. Sans-I/O.

Rules for whoever edits these files: a record is changed only beside a `touch`, so that it is committed; every change of state goes through
its table; whatever makes an agent free or a contact wait ends in `seek_contact` or `seek_agent`, so that nobody waits beside a ready agent.
"""

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from routing.agent_state import AgentEvent, AgentState, after
from routing.contact_state import ContactEvent
from routing.contact_state import after as contact_after
from routing.events import Event
from routing.matching import Matching
from routing.messages import Order, RingOrder
from routing.model import Agent, Contact, Directory
from routing.ports import Ids

LEASE_GRACE_MS = 10_000  # how long after its ring time a reservation without news is given up


@dataclass(slots=True)
class Changes:
    """What one batch of messages did. Records come with the revision they were decided on; None is a record that is gone."""

    contacts: list[tuple[str, int, Contact | None]] = field(default_factory=list)
    agents: list[tuple[str, int, Agent | None]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    orders: list[tuple[str, Order]] = field(default_factory=list)  # (server, order)

    def __bool__(self) -> bool:
        return bool(self.contacts or self.agents or self.events or self.orders)


class Floor:
    """Who waits, who works, and what is due."""

    def __init__(
        self,
        directory: Directory,
        ids: Ids,
        *,
        domain: str = "main",
        chance: random.Random | None = None,
        contacts: Iterable[Contact] = (),
        agents: Iterable[Agent] = (),
    ) -> None:
        self.directory = directory
        self.domain = domain
        self.ids = ids
        self.matching = Matching(directory, chance or random.Random(0))
        self.contacts: dict[str, Contact] = {contact.id: contact for contact in contacts}
        self.agents: dict[str, Agent] = {agent.id: agent for agent in agents if agent.id in directory.agents}
        self.in_queue = dict.fromkeys(directory.queues, 0)  # waiting or offered
        self.servers: dict[str, int] = {}  # those alive -> when they said so last
        self.lost: set[str] = set()  # servers that were alive and are not
        self.addresses: dict[str, str] = {}  # of servers that take calls -> host:port of their FastAGI
        self._revs = {("c", c.id): c.rev for c in self.contacts.values()} | {("a", a.id): a.rev for a in self.agents.values()}
        self._touched: dict[tuple[str, str], None] = {}
        self._events: list[Event] = []
        self._orders: list[tuple[str, Order]] = []
        self._deadlines: list[tuple[int, int, str, str]] = []
        self._serial = 0
        for profile in directory.agents.values():
            agent = self.agents.setdefault(profile.id, Agent(profile.id, phone=profile.phone))
            if agent.phone != profile.phone:  # the site gave the agent another phone since
                agent.phone, agent.phone_state = profile.phone, "unavailable"
                self.touch_agent(agent.id)
        self.phones = {agent.phone: agent.id for agent in self.agents.values() if agent.phone}

    def due(self, now_ms: int) -> tuple[str, str] | None:
        """The next (kind, id) whose time has come; it is not asked again."""
        if not self._deadlines or self._deadlines[0][0] > now_ms:
            return None
        return heapq.heappop(self._deadlines)[2:]

    def next_deadline(self) -> int | None:
        """When something is due next, in ms; None when nothing is."""
        return self._deadlines[0][0] if self._deadlines else None

    def take_changes(self) -> Changes:
        """What happened since the last call. The caller commits it or throws the board away."""
        changes = Changes(events=self._events, orders=self._orders)
        for kind, id in self._touched:
            record: Any = (self.contacts if kind == "c" else self.agents).get(id)
            expected = self._revs.get((kind, id), 0)
            if record is None:
                self._revs.pop((kind, id), None)
            else:
                record.rev = self._revs[kind, id] = expected + 1
            if record is not None or expected:
                (changes.contacts if kind == "c" else changes.agents).append((id, expected, record))
        self._touched, self._events, self._orders = {}, [], []
        return changes

    def touch_contact(self, contact: str) -> None:
        self._touched["c", contact] = None

    def touch_agent(self, agent: str) -> None:
        self._touched["a", agent] = None

    def at(self, at_ms: int, kind: str, id: str) -> None:
        """Have `due` name (kind, id) at that time; whether it still matters is judged then."""
        self._serial += 1
        heapq.heappush(self._deadlines, (at_ms, self._serial, kind, id))

    def order(self, server: str, order: Order) -> None:
        self._orders.append((server, order))

    def tell(self, type: str, now_ms: int, *, contact: Contact | None = None, agent: Agent | None = None, **data: Any) -> None:
        """Append an event about a contact, an agent or both."""
        self._events.append(
            Event(
                self.ids.new("event"),
                type,
                now_ms,
                self.domain,
                call=contact.call if contact else "",
                contact=contact.id if contact else "",
                agent=agent.id if agent else "",
                queue=contact.queue if contact else agent.queue if agent else "",
                data=data,
            )
        )

    def seek_agent(self, contact: Contact, now_ms: int) -> None:
        """A contact waits: offer it to the best ready agent, or let it stand in line. Nobody could ring for one whose server is lost."""
        self.matching.remove_contact(contact.id)
        if contact.server in self.lost:
            return
        self.matching.add_contact(contact, now_ms)
        agent = self.matching.best_agent(contact, now_ms)
        if agent:
            self._offer(contact, self.agents[agent], now_ms)

    def seek_contact(self, agent: Agent, now_ms: int) -> None:
        """An agent's state or phone changed: if the agent can take a contact, offer the one that comes first."""
        self.matching.remove_agent(agent.id)
        if agent.state != AgentState.READY or agent.phone_state != "available":
            return
        contact = self.matching.best_contact(agent.id, self.contacts, now_ms)
        if contact:
            self._offer(self.contacts[contact], agent, now_ms)
        else:
            self.matching.add_agent(agent)

    def _offer(self, contact: Contact, agent: Agent, now_ms: int) -> None:
        self.matching.remove_contact(contact.id)
        self.matching.remove_agent(agent.id)
        policy = self.directory.queues[contact.queue]
        offer = self.ids.new("offer")
        contact.state = contact_after(contact.state, ContactEvent.OFFER)
        contact.offers[offer] = agent.id
        agent.state = after(agent.state, AgentEvent.RESERVE)
        agent.contact, agent.queue, agent.offer = contact.id, contact.queue, offer
        agent.since_ms, agent.until_ms = now_ms, now_ms + policy.ring_timeout_ms + LEASE_GRACE_MS
        self.touch_contact(contact.id)
        self.touch_agent(agent.id)
        self.at(agent.until_ms, "reservation", agent.id)
        self.order(contact.server, RingOrder(contact.id, offer, agent.id, agent.phone, contact.queue, policy.ring_timeout_ms))
        waited_ms = now_ms - contact.enqueued_at_ms
        self.tell("offer_made", now_ms, contact=contact, agent=agent, offer=offer, waited_ms=waited_ms, phone=agent.phone)
