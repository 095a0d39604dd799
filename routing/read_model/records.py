"""Contacts, agents, calls and who waits in which order, as the event log says: what each event changes.

An event about something unknown is ignored, so that whoever starts in the middle of the log becomes right by himself.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from routing.domain.agent import Agent, take_work
from routing.domain.agent_state import AgentState
from routing.domain.assignment import Assignment
from routing.domain.contact_facts import ContactFacts
from routing.domain.contact_state import QUEUED, TAKEN, ContactState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events import agents as agent_events
from routing.domain.events.agents import AgentChanged, AgentRemoved, PhoneStateChanged
from routing.domain.events.calls import CallArrived, CallEnded, CallResumed, CallTransferred
from routing.domain.events.contacts import (
    WITHOUT_AGENT,
    ContactAccepted,
    ContactConnected,
    ContactDisposed,
    ContactEnded,
    ContactHeldUp,
    ContactKnown,
    ContactMoved,
    ContactNotReached,
    ContactPrioritised,
    ContactQueued,
    ContactRelaxed,
    ContactRequeued,
    ContactRestored,
    ContactScheduled,
    ContactTakenOver,
)
from routing.domain.events.envelope import Event, EventData
from routing.domain.events.flows import NodeEntered
from routing.domain.events.offers import OVER, OfferMade, OfferRefused, OfferWithdrawn
from routing.domain.members import at_first
from routing.domain.model import Contact, Directory
from routing.domain.phone_address import parse_phone
from routing.read_model.earlier_log import is_lost_call
from routing.read_model.one_at_a_time import in_hand_before, presence_before

LOST_CALLS = 1_000


class Records:
    """As of the last event."""

    def __init__(self, current: CurrentDirectory) -> None:
        self.current = current
        self.contacts: dict[str, Contact] = {}
        self.agents: dict[str, Agent] = {}
        self._leaving: dict[str, Agent] = {}  # those whom the site does not have any more, until they have left
        self.calls: dict[str, Event] = {}  # by open call: its last event
        self.places: dict[str, Event] = {}  # by call in a flow: the event that says where it is
        self.lost_calls: deque[Event] = deque(maxlen=LOST_CALLS)  # call_ended of those that no caller and no flow ended
        self._waiting: dict[str, list[tuple[int, str]]] = {queue: [] for queue in self.directory.queues}

    @property
    def directory(self) -> Directory:
        """What the site defines now."""
        return self.current.directory

    def begin(self, contacts: Iterable[Contact], agents: Iterable[Agent], calls: Iterable[Event], places: Iterable[Event]) -> None:
        """Forget all but the lost calls, and begin from these."""
        self.calls = {event.call: event for event in calls}
        self.places = {event.call: event for event in places}
        self.agents = {profile.id: at_first(profile) for profile in self.directory.agents.values()}
        known = {agent.id: agent for agent in agents}
        self.agents |= {id: known.pop(id) for id in self.agents if id in known}
        self._leaving = known
        self.contacts.clear()
        for entries in self._waiting.values():
            entries.clear()
        for contact in contacts:
            self._add(contact)
            if contact.state == ContactState.CONNECTED and (agent := self.agents.get(contact.agent)):
                agent.last_contact, agent.last_queue = contact.id, contact.queue

    def redefine(self) -> None:
        """Follow another directory: what is new begins, who is gone is not known any more."""
        for queue in self.directory.queues:
            self._waiting.setdefault(queue, [])
        known = self._leaving | self.agents
        self.agents = {profile.id: known.get(profile.id) or at_first(profile) for profile in self.directory.agents.values()}
        self._leaving = {id: agent for id, agent in known.items() if id not in self.agents}

    def take(self, event: Event) -> None:
        """Let them be as an event says."""
        handler = _HANDLERS.get(type(event.data))
        if handler:
            handler(self, event, event.data)

    def _add(self, contact: Contact) -> None:
        is_taken = contact.state in TAKEN  # of a queue that is gone, perhaps
        if (is_taken or contact.queue in self._waiting) and contact.id not in self.contacts:
            self.contacts[contact.id] = contact
            if contact.state in QUEUED:
                self._queue(contact)

    def _queue(self, contact: Contact) -> None:
        if contact.queue in self._waiting:
            insort(self._waiting[contact.queue], (contact.order_ms, contact.id))

    def _unqueue(self, contact: Contact) -> None:
        entries, entry = self._waiting.get(contact.queue, []), (contact.order_ms, contact.id)
        at = bisect_left(entries, entry)
        if at < len(entries) and entries[at] == entry:
            del entries[at]

    def _requeued(self, event: Event, data: ContactKnown) -> None:
        known = self.contacts.get(event.contact)
        if known and known.state == ContactState.SCHEDULED:
            known.state, known.due_ms = ContactState.WAITING, data.due_ms
            self._queue(known)
            return
        self._add(
            Contact(
                event.contact,
                data.server or None,
                event.queue,
                list(data.steps),
                data.enqueued_at_ms,
                ContactFacts(event.call, data.ani, data.language, dict(data.caller), data.kind, data.trunk),
                data.priority,
                ContactState.SCHEDULED if type(data) is ContactScheduled else ContactState.WAITING,
                ageing=data.ageing,
                place_ms=data.place_ms,
                due_ms=data.due_ms,
            )
        )

    def _held_up(self, event: Event, data: ContactHeldUp) -> None:
        if contact := self.contacts.get(event.contact):
            contact.held_up = data.reason

    def _accepted(self, event: Event, data: ContactAccepted) -> None:
        if contact := self.contacts.get(event.contact):
            self._unqueue(contact)
            contact.state, contact.agent, contact.offers = ContactState.DIALLING, event.agent, {data.offer: event.agent}

    def _not_reached(self, event: Event, data: ContactNotReached) -> None:
        if contact := self.contacts.get(event.contact):
            contact.state, contact.agent, contact.due_ms = ContactState.SCHEDULED, "", data.due_ms
            contact.offers.pop(data.offer, None)

    def _taken_over(self, event: Event, data: ContactTakenOver) -> None:
        contact = self.contacts.get(event.contact)
        if contact:
            contact.holder = data.server

    def _replaced(self, event: Event, data: ContactMoved | ContactPrioritised) -> None:
        """Another queue, or another priority: another place."""
        contact = self.contacts.get(event.contact)
        if not contact or contact.state in TAKEN:
            return
        self._unqueue(contact)
        contact.queue, contact.priority = event.queue, data.priority
        contact.ageing = contact.ageing if data.ageing is None else data.ageing
        if contact.state in QUEUED:
            self._queue(contact)

    def _relaxed(self, event: Event, data: ContactRelaxed) -> None:
        contact = self.contacts.get(event.contact)
        if contact:
            contact.steps = list(data.steps)

    def _restored(self, event: Event, data: ContactRestored) -> None:
        self._requeued(event, data)
        contact = self.contacts.get(event.contact)
        if contact:
            self._unqueue(contact)
            self._connect(contact, event, data.offer, data.connected_at_ms)

    def _call_open(self, event: Event, data: CallArrived | CallResumed) -> None:
        self.calls[event.call] = event

    def _call_transferred(self, event: Event, data: CallTransferred) -> None:
        if event.call in self.calls:  # its end may have been written before
            self.calls[event.call] = event
        self.places.pop(event.call, None)

    def _call_ended(self, event: Event, data: CallEnded) -> None:
        self.places.pop(event.call, None)
        self.calls.pop(event.call, None)
        if is_lost_call(event):
            self.lost_calls.append(event)

    def _node_entered(self, event: Event, data: NodeEntered) -> None:
        if event.call in self.calls:
            self.places[event.call] = event

    def _offered(self, event: Event, data: OfferMade) -> None:
        contact, agent = self.contacts.get(event.contact), self._agent_of(event)
        if contact:
            contact.state = ContactState.OFFERED
            contact.offers[data.offer] = event.agent
        if agent:
            agent.reason = agent.reason if agent.requested else ""
            agent.assignments[data.offer] = Assignment(
                event.contact, event.queue, data.kind, since_ms=event.at_ms, until_ms=data.until_ms, server=data.server
            )

    def _offer_over(self, event: Event, data: OfferRefused | OfferWithdrawn) -> None:
        contact = self.contacts.get(event.contact)
        if contact:
            contact.offers.pop(data.offer, None)
            contact.state = ContactState.OFFERED if contact.offers else ContactState.WAITING

    def _connected(self, event: Event, data: ContactConnected) -> None:
        contact = self.contacts.get(event.contact)
        if contact:
            self._unqueue(contact)
            self._connect(contact, event, data.offer, event.at_ms)

    def _connect(self, contact: Contact, event: Event, offer: str, since_ms: int) -> None:
        """Contact and agent have each other, whoever was offered before."""
        contact.state, contact.agent, contact.connected_at_ms = ContactState.CONNECTED, event.agent, since_ms
        contact.offers = {offer: event.agent}
        if agent := self._agent_of(event):
            agent.last_contact, agent.last_queue = event.contact, event.queue

    def _left(self, event: Event, data: EventData) -> None:
        contact = self.contacts.pop(event.contact, None)
        if contact and contact.state in QUEUED:
            self._unqueue(contact)

    def _agent(self, event: Event, data: AgentChanged) -> None:
        agent = self._agent_of(event)
        if agent:
            agent.reason, agent.phone = data.reason, parse_phone(data.phone)
            agent.left_queues, agent.unreached = list(data.left_queues or ()), list(data.unreached or ())
            agent.assignments = dict(data.assignments or {}) if data.presence else in_hand_before(agent, event, data)
            agent.presence = data.presence or presence_before(data.state)
            if not agent.assignments:
                agent.presence_since_ms, agent.presence_until_ms = data.since_ms, data.until_ms
            take_work(agent, data.work)
            if agent.state == AgentState.ON_CONTACT and agent.contact:  # the router calls it the last one when it is over
                agent.last_contact, agent.last_queue = agent.contact, agent.queue

    def _disposed(self, event: Event, data: ContactDisposed) -> None:
        agent = self.agents.get(event.agent)
        if agent and agent.last_contact == event.contact:
            agent.disposition = data.disposition

    def _removed(self, event: Event, data: AgentRemoved) -> None:
        """The agent has left; one of that name who comes later begins anew."""
        self._leaving.pop(event.agent, None)
        if event.agent in self.agents:
            self.agents[event.agent] = at_first(self.directory.agents[event.agent])

    def _agent_of(self, event: Event) -> Agent | None:
        return self.agents.get(event.agent) or self._leaving.get(event.agent)

    def _phone(self, event: Event, data: PhoneStateChanged) -> None:
        agent = self._agent_of(event)
        if agent:
            agent.phone, agent.phone_state, agent.phone_at = parse_phone(data.phone), data.phone_state, data.asterisk


_HANDLERS: dict[type[EventData], Callable[[Records, Event, Any], None]] = {
    **{cls: Records._agent for cls in agent_events.TYPES},
    **{cls: Records._offer_over for cls in OVER.values()},
    **{cls: Records._left for cls in (*WITHOUT_AGENT, ContactEnded)},
    ContactQueued: Records._requeued,
    ContactScheduled: Records._requeued,
    ContactHeldUp: Records._held_up,
    ContactAccepted: Records._accepted,
    ContactNotReached: Records._not_reached,
    ContactRequeued: Records._requeued,
    ContactConnected: Records._connected,
    ContactTakenOver: Records._taken_over,
    ContactRestored: Records._restored,
    ContactMoved: Records._replaced,
    ContactRelaxed: Records._relaxed,
    ContactPrioritised: Records._replaced,
    ContactDisposed: Records._disposed,
    PhoneStateChanged: Records._phone,
    AgentRemoved: Records._removed,
    CallArrived: Records._call_open,
    CallResumed: Records._call_open,
    CallTransferred: Records._call_transferred,
    CallEnded: Records._call_ended,
    NodeEntered: Records._node_entered,
    OfferMade: Records._offered,
}
