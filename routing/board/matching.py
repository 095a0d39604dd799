"""Who could talk to whom: the waiting contacts and the ready agents, indexed by requirement class.

A *line* is one queue with its agents, a *spot* in it one kind of contact and the Asterisk that has the calls. A *pool* is one requirement
at a spot, with the tiers that are asked by now and without the agents who are excluded; it knows by one number who suits (`people.py`), and
only the first contacts of pools are ever compared. So a contact that nobody can serve holds nobody up, and the cost of a decision grows
neither with the number of contacts nor with that of agents or classes. Contacts that wait for some agents by name stand in no pool but in a
row of each of them. Contacts that no server holds are *errands*: their spots are open to agents for whom a server could carry the offer
out. Pure bookkeeping: no clock, no I/O.
"""

import heapq
import random
from collections import Counter
from collections.abc import Container, Iterable, Sequence, Set

from routing.board.line import Line
from routing.board.offer_servers import OfferServers
from routing.board.staffing import Staffing
from routing.board.standing import Named, Place, Pool, Spot, Stand
from routing.domain.agent import Agent
from routing.domain.identifiers import asterisk_of
from routing.domain.kinds import KINDS, takes
from routing.domain.model import AgentProfile, Contact, Directory
from routing.domain.phone_address import ExternalNumber
from routing.domain.requirement import parse

NOBODY: frozenset[str] = frozenset()


class Matching:
    """The index. The board tells it who waits and who is ready; it answers who comes next."""

    def __init__(
        self, directory: Directory, staffing: Staffing, offer_servers: OfferServers, chance: random.Random, before: "Matching | None" = None
    ) -> None:
        """`before` was the index for another directory: how far its pools had come is remembered."""
        self._directory = directory
        self._staffing = staffing
        self._offer_servers = offer_servers
        self._serial = 0
        self._stands: dict[str, Stand] = {}  # contact -> where it stands
        self._ready: dict[str, Agent] = {}
        members: dict[str, list[AgentProfile]] = {name: [] for name in directory.queues}
        holders: Counter[str] = Counter()  # skill -> how many have it
        for profile in directory.agents.values():
            holders.update(profile.skills.keys())
            for queue in profile.queues:
                members.setdefault(queue, []).append(profile)
        earlier = before._lines if before else {}
        self._lines: dict[str, Line] = {
            name: Line(policy, members[name], holders, chance, earlier.get(name)) for name, policy in directory.queues.items()
        }
        self._lines_of = {
            id: tuple(self._lines[queue] for queue in dict.fromkeys(profile.queues) if queue in self._lines)
            for id, profile in directory.agents.items()
        }

    @property
    def has_errands(self) -> bool:
        """Whether contacts that no server holds stood anywhere."""
        return any(place[1] is None for line in self._lines.values() for place in line.spots)

    def ready(self) -> list[Agent]:
        """Those who can take a contact."""
        return list(self._ready.values())

    def line(self, queue: str) -> Line:
        """A queue's part of the index."""
        return self._lines[queue]

    def members(self, queue: str) -> Sequence[AgentProfile]:
        """The agents of a queue, in the order of the configuration."""
        line = self._lines.get(queue)
        return line.people.members if line else ()

    def waiting(self, queue: str) -> list[str]:
        """The contacts that wait in a queue, in their order."""
        return [stand[2] for stand in sorted(stand for stand in self._stands.values() if stand[3].spot.queue == queue)]

    def waiting_for(self, agent: str) -> list[str]:
        """The contacts that wait for this very agent, or for one of a few by name."""
        spots = (spot for line in self._lines_of.get(agent, ()) for spot in line.spots.values())
        return [stand[2] for spot in spots for stand in spot.named.get(agent, ())]

    def stands(self, contact: str) -> bool:
        """Whether a contact stands in line."""
        return contact in self._stands

    def place(self, contact: Contact, now_ms: int) -> Pool | Named:
        """Where it stands, or would: by the requirement and the tiers in force now."""
        steps = contact.steps
        requirement = parse(steps[contact.step(now_ms)][1] if len(steps) > 1 else steps[0][1])
        line, place = self._lines[contact.queue], _place_of(contact)
        spot = line.spots.get(place) or self._new_spot(line, place)
        excluded = frozenset(filter(contact.is_excluded, contact.refused_until_ms)) if contact.refused_until_ms else NOBODY
        if requirement.alone:
            return line.named(spot, requirement.alone - excluded)
        tier = _asked(line.policy.tier_delays_ms, contact.waited_ms(now_ms))
        key = requirement.text, tier, excluded
        return spot.pools.get(key) or line.new_pool(spot, requirement, key, self._staffing)

    def add_contact(self, contact: Contact, place: Pool | Named) -> None:
        """`contact` waits there."""
        self._serial += 1
        self._stands[contact.id] = stand = (contact.order_ms, self._serial, contact.id, place)
        place.add(stand)

    def remove_contact(self, contact: str) -> None:
        """`contact` does not wait any more."""
        stand = self._stands.pop(contact, None)
        if stand:
            stand[3].discard(stand)

    def add_agent(self, agent: Agent, kinds: tuple[str, ...] | None = None) -> None:
        """`agent` can take a contact of these kinds, by default of all that they can take now; nothing happens when there are none."""
        kinds = takes(agent, self._directory) if kinds is None else kinds
        if kinds:
            self._ready[agent.id] = agent
            left = agent.left_queues
            for line in self._lines_of.get(agent.id, ()):
                if line.name not in left:
                    line.add(agent, [spot for place, spot in line.spots.items() if place[0] in kinds and self._reaches(place, agent)])

    def remove_agent(self, agent: str) -> None:
        """`agent` cannot take a contact now."""
        if self._ready.pop(agent, None):
            for line in self._lines_of.get(agent, ()):
                line.discard(agent)

    def best_agents(self, contact: Contact, place: Pool | Named, count: int, now_ms: int) -> list[str]:
        """Up to `count` ready agents to be offered a contact, the best first. Who refused it comes after all who did not, and later."""
        line = self._lines[contact.queue]
        refused, found, later = contact.refused_until_ms, list[str](), list[str]()
        for agent in line.in_order(place) if count else ():
            if agent not in refused:
                found.append(agent)
                if len(found) == count:
                    break
            elif refused[agent] <= now_ms:
                later.append(agent)
        found += later[: count - len(found)]
        if found and isinstance(place, Pool):
            line.note_asked(place, found[-1])
        return found

    def best_contact(self, agent: Agent, kinds: Container[str], contacts: dict[str, Contact], now_ms: int) -> str:
        """The waiting contact of these kinds that a free agent takes: the first of one queue, by the site's choice among those of several;
        "" for none."""
        firsts, left = list[Stand](), agent.left_queues
        for line in self._lines_of.get(agent.id, ()):
            if line.name in left:
                continue
            first: Stand | None = None
            for place, spot in line.spots.items():
                if place[0] in kinds and self._reaches(place, agent):
                    found = spot.first_for(agent.id, contacts, now_ms)
                    if found and (not first or found < first):
                        first = found
            if first:
                firsts.append(first)
        if len(firsts) < 2:
            return firsts[0][2] if firsts else ""
        return max((contacts[stand[2]] for stand in firsts), key=lambda contact: self.urgency(contact, now_ms)).id

    def judge_tiers_anew(self, queue: str) -> None:
        """A tier of the queue has got its first agent at work, or lost its last one."""
        self._lines[queue].judge_tiers_anew(self._staffing)

    def next_with_agent(self, queue: str, passed: Set[str]) -> str:
        """The first waiting contact of a queue for which somebody is ready, but for those that are passed over; "" for none."""
        found = [stand for spot in self._lines[queue].spots.values() if (stand := spot.first_with_agent(passed))]
        return min(found)[2] if found else ""

    def in_turn(self, contacts: Iterable[Contact], now_ms: int) -> list[Contact]:
        """Contacts in the order in which an agent of all their queues would take them."""
        lines: dict[str, list[Contact]] = {}
        for contact in sorted(contacts, key=lambda contact: contact.order_ms):
            lines.setdefault(contact.queue, []).append(contact)
        if len(lines) == 1:
            return next(iter(lines.values()))
        for line in lines.values():
            line.reverse()
        heads = [(self._lateness(line[-1], now_ms), queue) for queue, line in lines.items()]
        heapq.heapify(heads)
        turn = []
        while heads:
            _, queue = heapq.heappop(heads)
            turn.append(lines[queue].pop())
            if lines[queue]:
                heapq.heappush(heads, (self._lateness(lines[queue][-1], now_ms), queue))
        return turn

    def urgency(self, contact: Contact, now_ms: int) -> tuple[float, int]:
        """What the first of a queue counts beside those of other queues: the highest is taken, of equal ones who joined first."""
        if self._directory.choice == "strict":
            return -contact.order_ms, -contact.enqueued_at_ms
        seconds = (now_ms - contact.enqueued_at_ms + contact.place_ms) / 1000 + contact.priority
        factor = self._factor(contact.queue)
        return seconds * factor if seconds >= 0 else seconds / factor, -contact.enqueued_at_ms

    def _lateness(self, contact: Contact, now_ms: int) -> tuple[float, int]:
        urgency, joined = self.urgency(contact, now_ms)
        return -urgency, -joined

    def _factor(self, queue: str) -> float:
        """By what a queue's seconds are multiplied: its weight, over its threshold where callers at risk come first."""
        policy = self._directory.queues[queue]
        return policy.weight / (max(1, policy.threshold_ms) if self._directory.choice == "at_risk" else 1)

    def _reaches(self, place: Place, agent: Agent) -> bool:
        """Whether a contact there could be brought to the agent: its Asterisk can ring the phone, or a server could carry the offer out."""
        kind, asterisk, trunk = place
        if asterisk is None:
            return self._offer_servers.carries(kind, trunk, agent)
        return asterisk == agent.phone_at or not KINDS[kind].by_phone or isinstance(agent.phone, ExternalNumber)

    def _new_spot(self, line: Line, place: Place) -> Spot:
        spot = line.spots[place] = Spot(line.name, place, line.people)
        for _, _, id in line.order:
            agent = self._ready[id]
            if place[0] in takes(agent, self._directory) and self._reaches(place, agent):
                spot.ready |= line.people.bits[id]
        return spot


def _asked(delays_ms: Sequence[int], waited_ms: int) -> int:
    """Up to which tier agents are asked after so long."""
    tier, last = 1, len(delays_ms)
    while tier < last and delays_ms[tier] <= waited_ms:
        tier += 1
    return tier


def _place_of(contact: Contact) -> Place:
    facts = contact.facts
    if contact.holder is None:
        return facts.kind, None, facts.trunk
    return facts.kind, asterisk_of(facts.call), ""
