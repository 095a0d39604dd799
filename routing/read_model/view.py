"""The read model: what the event log says is so, kept on every server, for HTTP, metrics and announcements. It decides nothing.

`start` takes the records of a snapshot, `apply` each event behind it. An event about something unknown is ignored, so that a view that
starts in the middle of the log becomes right by itself.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from routing.domain.agent_state import AgentState
from routing.domain.contact_facts import ContactFacts
from routing.domain.contact_state import ContactState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events import Event
from routing.domain.members import at_first, serves
from routing.domain.model import WORK, Agent, Contact, Directory, WaitForecast
from routing.domain.service_level import FORMULAS, WINDOW_MS, Departures, Formula, Tally
from routing.domain.totals import Totals, counted
from routing.read_model.earlier_log import EarlierLog, depart, is_lost_call
from routing.read_model.wait_forecast import WaitForecasts

LOST_CALLS = 1_000
ANY_AGENT = ((0, ""),)  # the requirement steps of who takes any agent


class View:
    """Contacts, agents and queues as of the last event."""

    def __init__(self, current: CurrentDirectory) -> None:
        self.current = current
        self.contacts: dict[str, Contact] = {}
        self.agents: dict[str, Agent] = {}
        self._leaving: dict[str, Agent] = {}  # those whom the site does not have any more, until they have left
        self.calls: dict[str, Event] = {}  # open calls -> the event that told of them last
        self.places: dict[str, Event] = {}  # those in a flow -> the event that told where
        self.lost_calls: deque[Event] = deque(maxlen=LOST_CALLS)  # call_ended of those that no caller and no flow ended
        self.totals: Totals = {}
        self._departures = {queue: Departures() for queue in self.directory.queues}
        self._lines: dict[str, list[tuple[int, str]]] = {queue: [] for queue in self.directory.queues}
        self._wait_forecasts = WaitForecasts(current)
        self.start((), ())
        current.on_change(self._redefined)

    @property
    def directory(self) -> Directory:
        """What the site defines now."""
        return self.current.directory

    def start(
        self,
        contacts: Iterable[Contact],
        agents: Iterable[Agent],
        calls: Iterable[Event] = (),
        places: Iterable[Event] = (),
        totals: Totals | None = None,
    ) -> None:
        """Begin from these records: `routing.store.port.Snapshot` says what each is."""
        self.calls = {event.call: event for event in calls}
        self.places = {event.call: event for event in places}
        self.totals = {queue: dict((totals or {}).get(queue, {})) for queue in self.directory.queues}
        self.agents = {profile.id: at_first(profile) for profile in self.directory.agents.values()}
        known = {agent.id: agent for agent in agents}
        self.agents |= {id: known.pop(id) for id in self.agents if id in known}
        self._leaving = known
        self.contacts.clear()
        for line in self._lines.values():
            line.clear()
        for contact in contacts:
            self._add(contact)
            if contact.state == ContactState.CONNECTED and (agent := self.agents.get(contact.agent)):
                agent.last_contact, agent.last_queue = contact.id, contact.queue
        self._wait_forecasts.start(self.contacts, self.agents)

    def _redefined(self) -> None:
        """Follow another directory: what is new begins, who is gone is not known any more; figures of a queue that is gone are kept."""
        for queue in self.directory.queues:
            self.totals.setdefault(queue, {})
            self._departures.setdefault(queue, Departures())
            self._lines.setdefault(queue, [])
        known = self._leaving | self.agents
        self.agents = {profile.id: known.get(profile.id) or at_first(profile) for profile in self.directory.agents.values()}
        self._leaving = {id: agent for id, agent in known.items() if id not in self.agents}
        self._wait_forecasts.redefine(self.contacts, self.agents)

    def apply(self, event: Event) -> None:
        """Take one event."""
        handler = _HANDLERS.get(event.type) or _HANDLERS.get(event.type.partition("_")[0])
        if handler:
            handler(self, event)
        depart(self._departures, event)
        for queue, what in counted(event):
            if queue in self.totals:
                self.totals[queue][what] = self.totals[queue].get(what, 0) + 1
        self._wait_forecasts.apply(event)

    def remember(self, earlier_log: EarlierLog) -> None:
        """Take over what was learned of the time before the first `start`."""
        self.make_up_for(earlier_log)
        self._wait_forecasts.remember(earlier_log.measures)

    def make_up_for(self, skipped: EarlierLog) -> None:
        """Count what was skipped at a later `start`: who left, and calls that were lost. Means go on without it."""
        for queue, departures in skipped.departures.items():
            self._departures[queue].take_in(departures)
        self.lost_calls = deque(sorted([*skipped.lost_calls, *self.lost_calls], key=lambda event: event.at_ms), maxlen=LOST_CALLS)

    def position(self, contact: str) -> int:
        """The place of a waiting contact in its queue, from 1; 0 when it does not wait."""
        found = self.contacts.get(contact)
        if not found or found.state == ContactState.CONNECTED:
            return 0
        return bisect_left(self._lines[found.queue], (found.order_ms, found.id)) + 1

    def wait_forecast(self, contact: str, now_ms: int) -> WaitForecast:
        """What a waiting contact may be told: its place among those who compete for the same agents, and the wait still to expect."""
        found = self.contacts.get(contact)
        return self._wait_forecasts.wait_forecast(found, now_ms) if found else WaitForecast()

    def expected_wait_ms(
        self, queue: str, steps: Sequence[tuple[int, str]], now_ms: int, priority: int = 0, *, asterisk: str | None = None
    ) -> int | None:
        """The wait to expect for somebody who would join now, wanting `steps`; None when unknown. `priority`: seconds, the queue's too.

        Only agents count whose phones that Asterisk can ring; all agents without one.
        """
        return self._wait_forecasts.expected_wait_ms(queue, list(steps), now_ms, priority, asterisk=asterisk)

    def waiting(self, queue: str) -> list[Contact]:
        """Who waits in a queue (an agent's phone may be ringing for them), in order."""
        return [self.contacts[id] for _, id in self._lines[queue]]

    def members(self, queue: str) -> list[Agent]:
        """The agents of a queue."""
        return [self.agents[profile.id] for profile in self.directory.agents.values() if serves(self.agents[profile.id], profile, queue)]

    def service_level(self, queue: str, now_ms: int) -> float | None:
        """Percent by the queue's formula, of those who left it in the last half hour; None when there is nothing to measure."""
        return FORMULAS[self.directory.queues[queue].formula].percent(self.tally(queue, now_ms))

    def service_levels(self, queue: str, now_ms: int) -> dict[Formula, float | None]:
        """The same by every formula."""
        tally = self.tally(queue, now_ms)
        return {name: share.percent(tally) for name, share in FORMULAS.items()}

    def tally(self, queue: str, now_ms: int) -> Tally:
        """How those left a queue who left it in the last half hour."""
        policy = self.directory.queues[queue]
        return self._departures[queue].tally(now_ms - WINDOW_MS, policy.threshold_ms, policy.short_abandon_ms)

    def calls_with_contacts(self) -> Iterator[tuple[Event, Contact | None]]:
        """Every open call of every server: the event that told of it last, and the contact that it makes now."""
        contacts = {contact.facts.call: contact for contact in self.contacts.values()}
        return ((told, contacts.get(call)) for call, told in self.calls.items())

    # -- what events do ----------------------------------------------------------------------------------------------

    def _add(self, contact: Contact) -> None:
        talks = contact.state == ContactState.CONNECTED  # of a queue that is gone, perhaps
        if (talks or contact.queue in self._lines) and contact.id not in self.contacts:
            self.contacts[contact.id] = contact
            if not talks:
                insort(self._lines[contact.queue], (contact.order_ms, contact.id))

    def _unqueue(self, contact: Contact) -> None:
        line, entry = self._lines[contact.queue], (contact.order_ms, contact.id)
        at = bisect_left(line, entry)
        if at < len(line) and line[at] == entry:
            del line[at]

    def _requeued(self, event: Event) -> None:
        data = event.data
        steps = [(int(after), str(text)) for after, text in data["steps"]]
        self._add(
            Contact(
                event.contact,
                data["server"],
                event.queue,
                steps,
                data["enqueued_at_ms"],
                ContactFacts(event.call, data["ani"], data["language"], data["caller"]),
                data["priority"],
                ageing=data.get("ageing", 1.0),
                place_ms=data.get("place_ms", 0),
            )
        )

    def _taken_over(self, event: Event) -> None:
        contact = self.contacts.get(event.contact)
        if contact:
            contact.server = event.data["server"]

    def _replaced(self, event: Event) -> None:
        """Another queue, or another priority: another place."""
        contact = self.contacts.get(event.contact)
        if not contact or contact.state == ContactState.CONNECTED:
            return
        self._unqueue(contact)
        contact.queue, contact.priority = event.queue, event.data["priority"]
        contact.ageing = event.data.get("ageing", contact.ageing)
        if contact.queue in self._lines:
            insort(self._lines[contact.queue], (contact.order_ms, contact.id))

    def _relaxed(self, event: Event) -> None:
        contact = self.contacts.get(event.contact)
        if contact:
            contact.steps = [(int(after), str(text)) for after, text in event.data["steps"]]

    def _restored(self, event: Event) -> None:
        self._requeued(event)
        contact = self.contacts.get(event.contact)
        if contact:
            self._unqueue(contact)
            self._talks(contact, event, event.data["connected_at_ms"])

    def _call(self, event: Event) -> None:
        opens = event.type in ("call_arrived", "call_resumed")
        if opens or (event.type == "call_transferred" and event.call in self.calls):  # its end may have been told before
            self.calls[event.call] = event
        if event.type in ("call_transferred", "call_ended"):
            self.places.pop(event.call, None)
        if event.type == "call_ended":
            self.calls.pop(event.call, None)
            if is_lost_call(event):
                self.lost_calls.append(event)

    def _node_entered(self, event: Event) -> None:
        if event.call in self.calls:
            self.places[event.call] = event

    def _offer(self, event: Event) -> None:
        contact, agent = self.contacts.get(event.contact), self._agent_of(event)
        if event.type == "offer_made":
            if contact:
                contact.state = ContactState.OFFERED
                contact.offers[event.data["offer"]] = event.agent
            if agent:
                agent.state, agent.since_ms, agent.reason = AgentState.RESERVED, event.at_ms, ""
                agent.contact, agent.queue, agent.offer = event.contact, event.queue, event.data["offer"]
        elif event.type != "offer_ringing" and contact:
            contact.offers.pop(event.data["offer"], None)
            contact.state = ContactState.OFFERED if contact.offers else ContactState.WAITING

    def _connected(self, event: Event) -> None:
        contact = self.contacts.get(event.contact)
        if contact:
            self._unqueue(contact)
            self._talks(contact, event, event.at_ms)

    def _talks(self, contact: Contact, event: Event, since_ms: int) -> None:
        """Contact and agent hold each other, whoever was offered before."""
        offer = event.data["offer"]
        contact.state, contact.agent, contact.connected_at_ms = ContactState.CONNECTED, event.agent, since_ms
        contact.offers = {offer: event.agent}
        if agent := self._agent_of(event):
            agent.contact, agent.queue, agent.offer = event.contact, event.queue, offer
            agent.last_contact, agent.last_queue = event.contact, event.queue

    def _left(self, event: Event) -> None:
        contact = self.contacts.pop(event.contact, None)
        if contact and contact.state != ContactState.CONNECTED:
            self._unqueue(contact)

    def _agent(self, event: Event) -> None:
        agent = self._agent_of(event)
        if agent:
            agent.state, agent.reason = AgentState(event.data["state"]), event.data["reason"]
            agent.until_ms, agent.phone = event.data["until_ms"], event.data["phone"]
            agent.since_ms = event.data.get("since_ms", event.at_ms)
            agent.left_queues = event.data.get("left_queues", [])
            if "work" in event.data:
                nothing = Agent(agent.id)
                for name in WORK:
                    setattr(agent, name, event.data["work"].get(name, getattr(nothing, name)))
            if agent.state == AgentState.ON_CONTACT and agent.contact:  # the router calls it the last one when it is over
                agent.last_contact, agent.last_queue = agent.contact, agent.queue
            if agent.state == AgentState.WRAP_UP:
                agent.queue = event.queue
            if agent.state not in (AgentState.ON_CONTACT, AgentState.RESERVED):
                agent.contact = agent.offer = ""

    def _disposed(self, event: Event) -> None:
        agent = self.agents.get(event.agent)
        if agent and agent.last_contact == event.contact:
            agent.disposition = event.data["disposition"]

    def _removed(self, event: Event) -> None:
        """The agent has left; one of that name who comes later begins anew."""
        self._leaving.pop(event.agent, None)
        if event.agent in self.agents:
            self.agents[event.agent] = at_first(self.directory.agents[event.agent])

    def _agent_of(self, event: Event) -> Agent | None:
        return self.agents.get(event.agent) or self._leaving.get(event.agent)

    def _phone(self, event: Event) -> None:
        agent = self._agent_of(event)
        if agent:
            agent.phone, agent.phone_state = event.data["phone"], event.data["phone_state"]
            agent.phone_at = event.data.get("asterisk", "")


_HANDLERS: dict[str, Callable[[View, Event], None]] = {
    "contact_queued": View._requeued,
    "contact_requeued": View._requeued,
    "contact_connected": View._connected,
    "contact_abandoned": View._left,
    "contact_timed_out": View._left,
    "contact_left": View._left,
    "contact_ended": View._left,
    "contact_taken_over": View._taken_over,
    "contact_restored": View._restored,
    "contact_moved": View._replaced,
    "contact_relaxed": View._relaxed,
    "contact_prioritised": View._replaced,
    "contact_disposed": View._disposed,
    "phone_state_changed": View._phone,
    "agent_removed": View._removed,
    "call": View._call,
    "node_entered": View._node_entered,
    "offer": View._offer,
    "agent": View._agent,
}
