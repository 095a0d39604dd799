"""What the board knows: the records of one routing domain, what follows from them, what is due when, and what is to be committed."""

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from routing.board.matching import Matching
from routing.board.offer_servers import OfferServers
from routing.board.staffing import Staffing
from routing.domain.agent import Agent
from routing.domain.changes import Changes
from routing.domain.contact_state import QUEUED
from routing.domain.events.envelope import Event, EventData
from routing.domain.messages import LeaveOutcome
from routing.domain.model import CallerHistory, Contact, Directory, PhoneState
from routing.domain.orders import Order
from routing.domain.phone_address import PhoneAddress
from routing.ports import Ids

REMEMBERED_MS = 600_000  # how long an ended contact is known as ended
# Of what is due in the same millisecond: agents become free and who rang in vain moves on, then contacts that were due later wait,
# requirements relax, waits end, contacts overflow, queues are left.
RANKS = {"due": 1, "seek": 2, "ring_more": 3, "max_wait": 4, "overflow": 5, "empty": 6}
FAR = 1 << 40  # more deadlines than a board ever asks for


@dataclass(frozen=True, slots=True)
class Known:
    """The records that a board begins with."""

    contacts: Iterable[Contact] = ()
    agents: Iterable[Agent] = ()
    callers: Iterable[CallerHistory] = ()


NOTHING = Known()


class BoardRecords:
    """Who waits, who works, and what is due."""

    def __init__(
        self,
        directory: Directory,
        ids: Ids,
        *,
        domain: str = "main",
        chance: random.Random | None = None,
        known: Known = NOTHING,
    ) -> None:
        self.site = directory  # what the site defines
        self.directory = directory  # the same, and what stands in for what it does not define any more but is still in use
        self.moves: dict[str, str] = {}  # queues that are gone -> where their callers wait now
        self.unsettled: set[str] = set()  # agents in a call who leave, or get another phone, when it is over
        self.domain = domain
        self.ids = ids
        self.contacts: dict[str, Contact] = {contact.id: contact for contact in known.contacts}
        self.agents: dict[str, Agent] = {agent.id: agent for agent in known.agents}
        self.in_queue = dict.fromkeys(directory.queues, 0)  # waiting or offered
        self.servers: dict[str, int] = {}  # those alive -> when they said so last
        self.gathering = False  # while servers report again what Redis lost nobody is offered: who comes first is not known yet
        self.lost: set[str] = set()  # servers that were alive and are not
        self.offer_servers = OfferServers(self.servers)
        self.addresses: dict[str, tuple[str, str]] = {}  # of servers that take calls -> their Asterisk, host:port of their FastAGI
        self.listed: dict[str, dict[str, str]] = {}  # Asterisk -> its servers and their addresses, as written last
        self.list_from_ms = 0
        self.callers: dict[str, CallerHistory] = {caller.id: caller for caller in known.callers}  # who is remembered, by number
        # Phones that are no agent's now -> state, Asterisk that sees them.
        self.loose_phones: dict[PhoneAddress, tuple[PhoneState, str]] = {}
        self.watched: dict[str, int] = {}  # queue -> when it is looked at for whether anybody is there
        self.stuck: dict[str, int] = {}  # contact that no overflow rule leads anywhere -> when that is looked at again
        self._records: dict[str, dict[str, Any]] = {"c": self.contacts, "a": self.agents, "m": self.callers}
        self._revs = {(kind, record.id): record.rev for kind, known in self._records.items() for record in known.values()}
        self._nothing_happened()
        self.phones: dict[PhoneAddress | None, str] = {agent.phone: agent.id for agent in self.agents.values() if agent.phone}
        self.staffing = Staffing(directory, {})
        self._chance = chance or random.Random(0)
        self.matching = Matching(directory, self.staffing, self.offer_servers, self._chance)

    def _nothing_happened(self) -> None:
        self._ended: dict[str, tuple[int, LeaveOutcome | None]] = {}  # contact -> when, and how it was sent away if we did that
        self._touched: dict[tuple[str, str], None] = {}
        self._events: list[Event] = []
        self._orders: list[tuple[str, Order]] = []
        self._deadlines: list[tuple[int, int, str, str]] = []
        self._serial = 0

    def index(self) -> None:
        """Make anew what follows from records and directory. Nobody is in a pool then: each contact and agent is to be sought for."""
        self.in_queue = dict.fromkeys(self.directory.queues, 0)
        for contact in self.contacts.values():
            if contact.state in QUEUED:
                self.in_queue[contact.queue] += 1
        self.staffing = Staffing(self.directory, self.agents)
        self.matching = Matching(self.directory, self.staffing, self.offer_servers, self._chance, self.matching)
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
        """A contact has ended, perhaps by our order: what is reported of it again for a while is old."""
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

    def schedule(self, at_ms: int, kind: str, id: str) -> None:
        """Have `due` name (kind, id) at that time; whether it still matters is judged then."""
        self._serial += 1
        heapq.heappush(self._deadlines, (at_ms, RANKS.get(kind, 0) * FAR + self._serial, kind, id))

    def due_alike(self, now_ms: int, kind: str) -> list[str]:
        """The ids of what is due next, as long as it is of that kind; they are not asked again."""
        found = []
        while self._deadlines and self._deadlines[0][0] <= now_ms and self._deadlines[0][2] == kind:
            found.append(heapq.heappop(self._deadlines)[3])
        return found

    def order(self, server: str | None, order: Order) -> None:
        """An order for a server; a contact that no server has needs none."""
        if server:
            self._orders.append((server, order))

    def write(self, data: EventData, now_ms: int, *, contact: Contact | None = None, agent: Agent | None = None, queue: str = "") -> None:
        """Append an event about a contact, an agent or both. Without `queue` it is the contact's, or that of what the agent has in hand.
        Its team is that of the agent, or of the agent who talks to the contact."""
        call, id = (contact.facts.call, contact.id) if contact else ("", "")
        queue = queue or (contact.queue if contact else agent.queue if agent else "")
        who = agent.id if agent else ""
        team = self.directory.team_of(who or (contact.agent if contact else ""), now_ms)
        self._events.append(Event(self.ids.new("event"), now_ms, data, self.domain, call, id, who, queue, "", "", "", team))
