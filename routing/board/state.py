"""The state of the board: its records, and the moment where a contact and an agent meet.

It knows nothing of messages: agents.py, assignments.py and contacts.py hold the rules, board.py is the whole. Sans-I/O.

Rules for whoever edits these files: a record is changed only beside a `touch`, so that it is committed; every change of state goes through
its table; whatever makes an agent free or a contact wait ends in `seek_contact` or `seek_agent`, so that nobody waits beside a ready agent.
"""

from collections.abc import Iterable
from dataclasses import replace

from routing.board.board_records import BoardRecords
from routing.board.strategies import STRATEGIES, least_occupied
from routing.domain.agent import Agent
from routing.domain.agent_state import AgentPresence, AgentState
from routing.domain.assignment import Assignment
from routing.domain.contact_state import ContactEvent, ContactState
from routing.domain.contact_state import after as contact_after
from routing.domain.events.contacts import ContactHeldUp, ContactRelaxed
from routing.domain.events.offers import OfferMade
from routing.domain.kinds import KINDS, is_counted_on, takes
from routing.domain.members import AWAY, serves
from routing.domain.model import FOREVER_MS, Contact
from routing.domain.orders import OfferOrder
from routing.domain.phone_address import ExternalNumber, phone_text
from routing.domain.requirement import one_of, parse

LEASE_GRACE_MS = 10_000  # how long after its ring time a reservation without news is given up
WORDS_MS = 60_000  # so much longer where the agent hears a whisper, or is asked, before being connected
RUNG_AT_ONCE = 20  # phones that ring for one contact at most


class BoardState(BoardRecords):
    """The records, and how contacts and agents find each other."""

    def seek_agent(self, contact: Contact, now_ms: int) -> None:
        """A contact waits: offer it to the best ready agent, or let it stand in line. Nobody could ring for one whose server is lost."""
        self.matching.remove_contact(contact.id)
        if contact.holder in self.lost:
            return
        count = 0 if self.gathering else STRATEGIES[self.directory.queues[contact.queue].strategy].at_once
        place = self.matching.place(contact, now_ms)
        best = self.matching.best_agents(contact, place, count, now_ms)
        for agent in best:
            self._offer(contact, self.agents[agent], now_ms)
            self.matching.add_agent(self.agents[agent])  # who can take more
        if not best:
            self.matching.add_contact(contact, place)
            self.note_hold_up(contact, now_ms)

    def note_hold_up(self, contact: Contact, now_ms: int) -> None:
        """Tell when a waiting contact cannot be offered to anybody because no server could carry it out, and when one can."""
        if contact.holder:
            return
        if now_ms < self.list_from_ms:  # a router that has just taken over has not heard of every server yet
            self.schedule(self.list_from_ms, "trusted", "")
            return
        reason = self.offer_servers.hold_up(contact.kind, contact.facts.trunk)
        if reason != contact.held_up:
            contact.held_up = reason
            self.touch_contact(contact.id)
            self.write(ContactHeldUp(reason), now_ms, contact=contact)

    def follow_offer_servers(self, now_ms: int) -> None:
        """Servers came or went: agents and contacts that need one to carry an offer out get their chance."""
        if not self.matching.has_errands:
            return
        for contact in list(self.contacts.values()):
            if contact.holder is None and contact.state == ContactState.WAITING:
                self.note_hold_up(contact, now_ms)
        for agent in sorted(self.matching.ready(), key=lambda agent: agent.presence_since_ms):
            self.seek_contact(agent, now_ms)

    def seek_agents(self, contacts: Iterable[Contact], now_ms: int) -> None:
        """Many contacts wait: each gets its chance in the order in which an agent would choose."""
        for contact in self.matching.in_turn(contacts, now_ms):
            self.seek_agent(contact, now_ms)

    def seek_contact(self, agent: Agent, now_ms: int) -> None:
        """An agent's presence, work, phone or queues changed: as long as the agent can take a contact, offer the one that comes first."""
        self.matching.remove_agent(agent.id)
        self._note_presence(agent, now_ms)
        if agent.id in self.unsettled:
            return
        if agent.state == AgentState.READY and not is_counted_on(agent, self.directory.agents[agent.id]):
            self.schedule(self.given_up_ms(agent), "presence", agent.id)
        while kinds := takes(agent, self.directory):
            contact = "" if self.gathering else self.matching.best_contact(agent, kinds, self.contacts, now_ms)
            if not contact:
                self.matching.add_agent(agent, kinds)
                return
            self._offer(self.contacts[contact], agent, now_ms)

    def given_up_ms(self, agent: Agent) -> int:
        """Until when a ready agent without a phone is counted on."""
        return max(agent.presence_since_ms, agent.phone_since_ms) + self.directory.presence_ms

    def seek_more(self, contact: Contact, now_ms: int) -> None:
        """Nobody has answered yet: let further phones ring beside those that do, as the queue's strategy has it."""
        strategy = STRATEGIES[self.directory.queues[contact.queue].strategy]
        count = 0 if contact.holder in self.lost else min(strategy.at_once, RUNG_AT_ONCE - len(contact.offers))
        for agent in self.matching.best_agents(contact, self.matching.place(contact, now_ms), count, now_ms):
            self._offer(contact, self.agents[agent], now_ms)
            self.matching.add_agent(self.agents[agent])
        self.plan_more(contact, now_ms)

    def plan_more(self, contact: Contact, now_ms: int) -> None:
        """Ask for the moment of further phones, counted from now."""
        policy = self.directory.queues[contact.queue]
        if contact.state == ContactState.OFFERED and STRATEGIES[policy.strategy].rings_more and contact.offered_at_ms < now_ms:
            contact.offered_at_ms = now_ms
            self.touch_contact(contact.id)
            self.schedule(now_ms + policy.ring_more_ms, "ring_more", contact.id)

    def _note_presence(self, agent: Agent, now_ms: int) -> None:
        """Queues that an agent has left may be empty now; where a tier has got its first agent or lost its last, places change."""
        turn = self.staffing.note(agent)
        for queue in sorted(turn.missed):
            self.watch(queue, now_ms + self.directory.queues[queue].stay_grace_ms)
        for queue in sorted(turn.turned):
            if len(self.directory.queues[queue].tier_delays_ms) > 1:
                self._follow_tiers(queue, now_ms)
        if turn.left:
            waited = [contact for id in self.matching.waiting_for(agent.id) if (contact := self.contacts[id]).queue in turn.left]
            for contact in sorted(waited, key=lambda contact: contact.order_ms):
                self.drop_preference(contact, now_ms)
            self.seek_agents(waited, now_ms)

    def _follow_tiers(self, queue: str, now_ms: int) -> None:
        """A tier has got its first agent at work or lost its last: contacts for whom somebody is ready by that are offered in their turn,
        and nobody else is looked at."""
        self.matching.judge_tiers_anew(queue)
        passed = set[str]()
        while not self.gathering and (contact := self.matching.next_with_agent(queue, passed)):
            passed.add(contact)
            self.seek_agent(self.contacts[contact], now_ms)

    def watch(self, queue: str, at_ms: int) -> None:
        """See at that time whether those who wait there wait for nobody; asked once, however many join."""
        if self.directory.queues[queue].stay_when != "always" and at_ms < self.watched.get(queue, FOREVER_MS):
            self.watched[queue] = at_ms
            self.schedule(at_ms, "empty", queue)

    def drop_preference(self, contact: Contact, now_ms: int) -> None:
        """Of agents who are waited for by name some are away, or do not want to: the others are, or else the next step is in force."""
        while self._drop_absent(contact, now_ms):
            pass

    def _drop_absent(self, contact: Contact, now_ms: int) -> bool:
        """Whether another step is in force now, which may be of absent agents, too. Those that are over stay: `eligible` goes by all."""
        at = contact.step(now_ms)
        named, is_over = parse(contact.steps[at][1]).alone, bool(contact.put_off) and at > 0
        if not named and not is_over:
            return False
        earlier, (after_ms, _), later = contact.steps[:at], contact.steps[at], contact.steps[at + 1 :]
        there = [name for name in sorted(named) if self.is_to_come(contact, name)]
        if not is_over and (len(there) == len(named) or not later):
            return False
        if contact.put_off and (is_over or not there):  # on with the steps of the flow, which have run beside the preference
            contact.steps, contact.put_off = contact.put_off, []
            for each_ms, _ in contact.steps[1:]:
                self.schedule(max(now_ms, contact.waits_from_ms + each_ms), "seek", contact.id)
        elif there:
            contact.steps = [*earlier, (after_ms, one_of(there)), *later]
        else:
            contact.steps = [*earlier, (after_ms, later[0][1]), *later[1:]]
        self.touch_contact(contact.id)
        self.write(ContactRelaxed(tuple(contact.steps)), now_ms, contact=contact)
        self.watch(contact.queue, now_ms)
        return is_over or not there

    def is_to_come(self, contact: Contact, name: str) -> bool:
        """Whether it makes sense to wait for that agent: at work for the queue, and not one who refused or is excluded."""
        agent = self.agents.get(name)
        is_there = agent is not None and agent.presence == AgentPresence.READY and serves(agent, self.directory.agents[name], contact.queue)
        return is_there and name not in contact.refused_until_ms

    def server_of(self, contact: Contact, assignment: Assignment) -> str:
        """The server that carries an offer out: whoever holds the contact, else whoever was given it."""
        return contact.holder or assignment.server

    def measure(self, agent: Agent, before: AgentState, now_ms: int) -> None:
        """Keep the agent's occupancy up to date: time away does not count."""
        if before not in AWAY:
            busy = before in (AgentState.ON_CONTACT, AgentState.WRAP_UP)
            agent.occupancy = least_occupied.after(agent.occupancy, now_ms - agent.occupied_at_ms, busy=busy)
        agent.occupied_at_ms = now_ms

    def _offer(self, contact: Contact, agent: Agent, now_ms: int) -> None:
        self.matching.remove_contact(contact.id)
        self.matching.remove_agent(agent.id)
        policy, profile = self.directory.queues[contact.queue], self.directory.agents[agent.id]
        offer, server = self.ids.new("offer"), "" if contact.holder else self.offer_servers.choose(contact.kind, contact.facts.trunk, agent)
        by_phone = KINDS[contact.kind].by_phone
        accept = by_phone and (policy.accept or profile.accept or isinstance(agent.phone, ExternalNumber))
        grace_ms = LEASE_GRACE_MS + (WORDS_MS if accept or policy.whisper else 0)
        until_ms = now_ms + policy.ring_timeout_ms + grace_ms
        contact.state = contact_after(contact.state, ContactEvent.OFFER)
        contact.offers[offer] = agent.id
        if agent.assignments:
            self.measure(agent, agent.state, now_ms)
        agent.assignments[offer] = Assignment(contact.id, contact.queue, contact.kind, since_ms=now_ms, until_ms=until_ms, server=server)
        agent.offered_at_ms = now_ms
        self.touch_contact(contact.id)
        self.touch_agent(agent.id)
        self.schedule(until_ms, "reservation", agent.id)
        address = phone_text(agent.phone) if by_phone else agent.id
        order = OfferOrder(
            contact.id, offer, agent.id, contact.kind, address, contact.queue, policy.ring_timeout_ms, profile.auto_answer, accept
        )
        if server:
            order = replace(order, facts=contact.facts, enqueued_at_ms=contact.enqueued_at_ms)
        self.order(contact.holder or server, order)
        self.plan_more(contact, now_ms)
        data = OfferMade(offer, contact.waited_ms(now_ms), address if by_phone else "", contact.kind, until_ms, server)
        self.write(data, now_ms, contact=contact, agent=agent)
