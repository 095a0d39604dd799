"""The state of the board: the records of one routing domain, what is due when, and the moment where a contact and an agent meet.

It knows nothing of messages: agents.py and contacts.py hold the rules, board.py is the whole. Sans-I/O.

Rules for whoever edits these files: a record is changed only beside a `touch`, so that it is committed; every change of state goes through
its table; whatever makes an agent free or a contact wait ends in `seek_contact` or `seek_agent`, so that nobody waits beside a ready agent.
"""

import heapq
import random
from collections.abc import Iterable
from typing import Any

from routing.board.matching import Matching
from routing.board.staffing import Staffing
from routing.board.strategies import STRATEGIES
from routing.domain.agent_state import AgentEvent, AgentState, after
from routing.domain.changes import Changes
from routing.domain.contact_state import ContactEvent, ContactState
from routing.domain.contact_state import after as contact_after
from routing.domain.events.contacts import ContactRelaxed
from routing.domain.events.envelope import Event, EventData
from routing.domain.events.offers import OfferMade
from routing.domain.members import AWAY, serves
from routing.domain.messages import LeaveOutcome, Order, RingOrder
from routing.domain.model import FOREVER_MS, OUTSIDE, Agent, CallerHistory, Contact, Directory, PhoneState
from routing.domain.requirement import one_of, parse
from routing.ports import Ids

LEASE_GRACE_MS = 10_000  # how long after its ring time a reservation without news is given up
WORDS_MS = 60_000  # so much longer where the agent hears a whisper, or is asked, before being connected
REMEMBERED_MS = 600_000  # how long an ended contact is known as ended
# Of what is due in the same millisecond: agents become free and who rang in vain moves on, then requirements relax, waits end,
# contacts overflow, queues are left.
RANKS = {"seek": 1, "ring_more": 2, "max_wait": 3, "overflow": 4, "empty": 5}
FAR = 1 << 40  # more deadlines than a board ever asks for
RUNG_AT_ONCE = 20  # phones that ring for one contact at most


class BoardState:
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
        callers: Iterable[CallerHistory] = (),
    ) -> None:
        self.site = directory  # what the site defines
        self.directory = directory  # the same, and what stands in for what it does not define any more but is still in use
        self.moves: dict[str, str] = {}  # queues that are gone -> where their callers wait now
        self.unsettled: set[str] = set()  # agents in a call who leave, or get another phone, when it is over
        self.domain = domain
        self.ids = ids
        self.contacts: dict[str, Contact] = {contact.id: contact for contact in contacts}
        self.agents: dict[str, Agent] = {agent.id: agent for agent in agents}
        self.in_queue = dict.fromkeys(directory.queues, 0)  # waiting or offered
        self.servers: dict[str, int] = {}  # those alive -> when they said so last
        self.gathering = False  # while servers tell again what Redis lost nobody is offered: who comes first is not known yet
        self.lost: set[str] = set()  # servers that were alive and are not
        self.addresses: dict[str, tuple[str, str]] = {}  # of servers that take calls -> their Asterisk, host:port of their FastAGI
        self.listed: dict[str, dict[str, str]] = {}  # Asterisk -> its servers and their addresses, as told last
        self.list_from_ms = 0
        self.callers: dict[str, CallerHistory] = {caller.id: caller for caller in callers}  # who is remembered, by number
        self.loose_phones: dict[str, tuple[PhoneState, str]] = {}  # those that are no agent's now -> state, Asterisk that sees them
        self.watched: dict[str, int] = {}  # queue -> when it is looked at for whether anybody is there
        self.stuck: dict[str, int] = {}  # contact that no overflow rule leads anywhere -> when that is looked at again
        self._records: dict[str, dict[str, Any]] = {"c": self.contacts, "a": self.agents, "m": self.callers}
        self._revs = {(kind, record.id): record.rev for kind, known in self._records.items() for record in known.values()}
        self._ended: dict[str, tuple[int, LeaveOutcome | None]] = {}  # contact -> when, and how it was sent away if we did that
        self._touched: dict[tuple[str, str], None] = {}
        self._events: list[Event] = []
        self._orders: list[tuple[str, Order]] = []
        self._deadlines: list[tuple[int, int, str, str]] = []
        self._serial = 0
        self.phones = {agent.phone: agent.id for agent in self.agents.values() if agent.phone}
        self.staffing = Staffing(directory, {})
        self._chance = chance or random.Random(0)
        self.matching = Matching(directory, self.staffing, self._chance)

    def index(self) -> None:
        """Make anew what follows from records and directory. Nobody stands in line then: each contact and agent is to be sought for."""
        self.in_queue = dict.fromkeys(self.directory.queues, 0)
        for contact in self.contacts.values():
            if contact.state != ContactState.CONNECTED:
                self.in_queue[contact.queue] += 1
        self.staffing = Staffing(self.directory, self.agents)
        self.matching = Matching(self.directory, self.staffing, self._chance, self.matching)
        self.watched = {queue: at_ms for queue, at_ms in self.watched.items() if queue in self.site.queues}

    def ask_once(self) -> None:
        """Of deadlines that were asked for more than once, each is named once."""
        first = {(at_ms, kind, id): serial for at_ms, serial, kind, id in sorted(self._deadlines, reverse=True)}
        self._deadlines = sorted((at_ms, serial, kind, id) for (at_ms, kind, id), serial in first.items())

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
        written: dict[str, list[Any]] = {"c": changes.contacts, "a": changes.agents, "m": changes.callers}
        for kind, id in self._touched:
            record: Any = self._records[kind].get(id)
            expected = self._revs.get((kind, id), 0)
            if record is None:
                self._revs.pop((kind, id), None)
            else:
                record.rev = self._revs[kind, id] = expected + 1
            if record is not None or expected:
                written[kind].append((id, expected, record))
        self._touched, self._events, self._orders = {}, [], []
        return changes

    def remember_end(self, contact: str, now_ms: int, sent_away: LeaveOutcome | None = None) -> None:
        """A contact has ended, perhaps by our order: what is told of it again for a while is old."""
        self._ended[contact] = now_ms, sent_away
        while (oldest := next(iter(self._ended))) and self._ended[oldest][0] + REMEMBERED_MS < now_ms:
            del self._ended[oldest]

    def ended_lately(self, contact: str, now_ms: int, within_ms: int = REMEMBERED_MS) -> bool:
        """Whether that contact has ended within a time, as far as this board remembers."""
        return contact in self._ended and now_ms - self._ended[contact][0] < within_ms

    def sent_away(self, contact: str, now_ms: int) -> LeaveOutcome | None:
        """How that contact was sent away lately by our order; None when it was not."""
        return self._ended[contact][1] if self.ended_lately(contact, now_ms) else None

    def touch_contact(self, contact: str) -> None:
        self._touched["c", contact] = None

    def touch_agent(self, agent: str) -> None:
        self._touched["a", agent] = None

    def touch_caller(self, caller: str) -> None:
        self._touched["m", caller] = None

    def at(self, at_ms: int, kind: str, id: str) -> None:
        """Have `due` name (kind, id) at that time; whether it still matters is judged then."""
        self._serial += 1
        heapq.heappush(self._deadlines, (at_ms, RANKS.get(kind, 0) * FAR + self._serial, kind, id))

    def due_alike(self, now_ms: int, kind: str) -> list[str]:
        """The ids of what is due next, as long as it is of that kind; they are not asked again."""
        found = []
        while self._deadlines and self._deadlines[0][0] <= now_ms and self._deadlines[0][2] == kind:
            found.append(heapq.heappop(self._deadlines)[3])
        return found

    def order(self, server: str, order: Order) -> None:
        self._orders.append((server, order))

    def tell(self, data: EventData, now_ms: int, *, contact: Contact | None = None, agent: Agent | None = None) -> None:
        """Append an event about a contact, an agent or both. Its team is that of the agent, or of whoever talks to the contact."""
        call, id, queue = (contact.facts.call, contact.id, contact.queue) if contact else ("", "", agent.queue if agent else "")
        who = agent.id if agent else ""
        team = self.directory.team_of(who or (contact.agent if contact else ""), now_ms)
        self._events.append(Event(self.ids.new("event"), now_ms, data, self.domain, call, id, who, queue, team=team))

    def seek_agent(self, contact: Contact, now_ms: int) -> None:
        """A contact waits: offer it to the best ready agent, or let it stand in line. Nobody could ring for one whose server is lost."""
        self.matching.remove_contact(contact.id)
        if contact.server in self.lost:
            return
        count = 0 if self.gathering else STRATEGIES[self.directory.queues[contact.queue].strategy].at_once
        best = self.matching.best_agents(contact, count, now_ms)
        for agent in best:
            self._offer(contact, self.agents[agent], now_ms)
        if not best:
            self.matching.add_contact(contact, now_ms)

    def seek_agents(self, contacts: Iterable[Contact], now_ms: int) -> None:
        """Many contacts wait: each gets its chance in the order in which an agent would choose."""
        for contact in self.matching.in_turn(contacts, now_ms):
            self.seek_agent(contact, now_ms)

    def seek_contact(self, agent: Agent, now_ms: int) -> None:
        """An agent's state, phone or queues changed: if the agent can take a contact, offer the one that comes first."""
        self.matching.remove_agent(agent.id)
        self._note_presence(agent, now_ms)
        if agent.id in self.unsettled:
            return
        if agent.state != AgentState.READY or agent.phone_state != "available":
            if agent.state == AgentState.READY and agent.phone_state == "unavailable":
                self.at(self.given_up_ms(agent), "presence", agent.id)
            return
        contact = "" if self.gathering else self.matching.best_contact(agent, self.contacts, now_ms)
        if contact:
            self._offer(self.contacts[contact], agent, now_ms)
        else:
            self.matching.add_agent(agent)

    def given_up_ms(self, agent: Agent) -> int:
        """Until when a ready agent without a phone is counted on."""
        return max(agent.since_ms, agent.phone_since_ms) + self.directory.presence_ms

    def seek_more(self, contact: Contact, now_ms: int) -> None:
        """Nobody has answered yet: let further phones ring beside those that do, as the queue's strategy has it."""
        strategy = STRATEGIES[self.directory.queues[contact.queue].strategy]
        count = 0 if contact.server in self.lost else min(strategy.at_once, RUNG_AT_ONCE - len(contact.offers))
        for agent in self.matching.best_agents(contact, count, now_ms):
            self._offer(contact, self.agents[agent], now_ms)
        self.plan_more(contact, now_ms)

    def plan_more(self, contact: Contact, now_ms: int) -> None:
        """Ask for the moment of further phones, counted from now."""
        policy = self.directory.queues[contact.queue]
        if contact.state == ContactState.OFFERED and STRATEGIES[policy.strategy].rings_more and contact.offered_at_ms < now_ms:
            contact.offered_at_ms = now_ms
            self.touch_contact(contact.id)
            self.at(now_ms + policy.ring_more_ms, "ring_more", contact.id)

    def _note_presence(self, agent: Agent, now_ms: int) -> None:
        """Queues that an agent has left may be empty now; where a tier has got its first agent or lost its last, places change."""
        turn = self.staffing.note(agent)
        for queue in sorted(turn.missed):
            self.watch(queue, now_ms + self.directory.queues[queue].stay_grace_ms)
        for queue in sorted(turn.turned):
            if len(self.directory.queues[queue].tier_delays_ms) > 1:
                self.seek_agents([self.contacts[contact] for contact in self.matching.waiting(queue)], now_ms)
        if turn.left:
            waited = [contact for id in self.matching.waiting_for(agent.id) if (contact := self.contacts[id]).queue in turn.left]
            for contact in sorted(waited, key=lambda contact: contact.order_ms):
                self.drop_preference(contact, now_ms)
            self.seek_agents(waited, now_ms)

    def watch(self, queue: str, at_ms: int) -> None:
        """See at that time whether those who wait there wait for nobody; asked once, however many join."""
        if self.directory.queues[queue].stay_when != "always" and at_ms < self.watched.get(queue, FOREVER_MS):
            self.watched[queue] = at_ms
            self.at(at_ms, "empty", queue)

    def drop_preference(self, contact: Contact, now_ms: int) -> None:
        """Of agents who are waited for by name some are away, or do not want to: the others are, or else the next step is in force."""
        while self._drop_absent(contact, now_ms):
            pass

    def _drop_absent(self, contact: Contact, now_ms: int) -> bool:
        """Whether another step is in force now, which may be of absent agents, too. Those that are over stay: `eligible` goes by all."""
        at = contact.step(now_ms)
        earlier, (after_ms, text), later = contact.steps[:at], contact.steps[at], contact.steps[at + 1 :]
        named, is_over = parse(text).alone, bool(contact.put_off) and at > 0
        there = [name for name in sorted(named) if self.is_to_come(contact, name)]
        if not is_over and (len(there) == len(named) or not later):
            return False
        if contact.put_off and (is_over or not there):  # on with the steps of the flow, which have run beside the preference
            contact.steps, contact.put_off = contact.put_off, []
            for each_ms, _ in contact.steps[1:]:
                self.at(max(now_ms, contact.enqueued_at_ms + each_ms), "seek", contact.id)
        elif there:
            contact.steps = [*earlier, (after_ms, one_of(there)), *later]
        else:
            contact.steps = [*earlier, (after_ms, later[0][1]), *later[1:]]
        self.touch_contact(contact.id)
        self.tell(ContactRelaxed(tuple(contact.steps)), now_ms, contact=contact)
        self.watch(contact.queue, now_ms)
        return is_over or not there

    def is_to_come(self, contact: Contact, name: str) -> bool:
        """Whether it makes sense to wait for that agent: at work for the queue, and not one who refused or is excluded."""
        agent = self.agents.get(name)
        is_there = agent is not None and agent.state not in AWAY and serves(agent, self.directory.agents[name], contact.queue)
        return is_there and name not in contact.refused_until_ms

    def _offer(self, contact: Contact, agent: Agent, now_ms: int) -> None:
        self.matching.remove_contact(contact.id)
        self.matching.remove_agent(agent.id)
        policy, profile = self.directory.queues[contact.queue], self.directory.agents[agent.id]
        offer = self.ids.new("offer")
        contact.state = contact_after(contact.state, ContactEvent.OFFER)
        contact.offers[offer] = agent.id
        agent.state = after(agent.state, AgentEvent.RESERVE)
        agent.contact, agent.queue, agent.offer = contact.id, contact.queue, offer
        accept = policy.accept or profile.accept or agent.phone.startswith(OUTSIDE)
        grace_ms = LEASE_GRACE_MS + (WORDS_MS if accept or policy.whisper else 0)
        agent.since_ms, agent.until_ms, agent.offered_at_ms = now_ms, now_ms + policy.ring_timeout_ms + grace_ms, now_ms
        self.touch_contact(contact.id)
        self.touch_agent(agent.id)
        self.at(agent.until_ms, "reservation", agent.id)
        ring = RingOrder(contact.id, offer, agent.id, agent.phone, contact.queue, policy.ring_timeout_ms, profile.auto_answer, accept)
        self.order(contact.server, ring)
        self.plan_more(contact, now_ms)
        self.tell(OfferMade(offer, now_ms - contact.enqueued_at_ms, agent.phone), now_ms, contact=contact, agent=agent)
