"""Who could talk to whom: the waiting contacts and the ready agents, indexed by requirement class.

A *pool* is one queue with one kind of contact and one requirement, the tiers that are asked by now, and the Asterisk that has the calls. A
waiting contact stands in one pool; an agent in every pool whose requirement the agent meets, of whose kind they can take one more
(`kinds.can_take`), and whose Asterisk can ring the phone. So only the heads of pools are ever compared, a contact that nobody can serve
holds nobody up, and the cost of a decision does not grow with the number of contacts or agents. Contacts that no server holds are
*errands*: their pools are open to agents for whom a server could carry the offer out. Pure bookkeeping: no clock, no I/O.
"""

import heapq
import random
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from routing.board.offer_servers import OfferServers
from routing.board.ranking import Ranking
from routing.board.staffing import Staffing
from routing.board.strategies import STRATEGIES, Fit, Strategy
from routing.domain.agent import Agent
from routing.domain.identifiers import asterisk_of
from routing.domain.kinds import KINDS, takes
from routing.domain.members import tier_of
from routing.domain.model import AgentProfile, Contact, Directory
from routing.domain.phone_address import ExternalNumber
from routing.domain.requirement import Requirement, parse

SPARE_POOLS = 1000
Place = tuple[str, str | None, str]  # kind; the Asterisk of the calls, None for errands; the line out of an errand
Key = tuple[str, str, int, Place]  # queue, requirement, tier, place


@dataclass(slots=True, eq=False)
class Pool:
    """One requirement class of one queue, asking the tiers up to `tier`. `fits` are the agents who meet it."""

    queue: str
    requirement: Requirement
    tier: int
    place: Place
    strategy: Strategy
    fits: dict[str, Fit] = field(default_factory=dict)
    waiting: Ranking = field(default_factory=Ranking)
    ready: Ranking = field(default_factory=Ranking)
    reached: float = 0.0  # the strategy's key of whoever was asked last


class Matching:
    """The index. The board tells it who waits and who is ready; it answers who comes next."""

    def __init__(
        self, directory: Directory, staffing: Staffing, offer_servers: OfferServers, chance: random.Random, before: "Matching | None" = None
    ) -> None:
        """`before` was the index for another directory: how far its pools had come is remembered."""
        self._directory = directory
        self._presence = staffing
        self._offer_servers = offer_servers
        self._chance = chance
        self._pools: dict[Key, Pool] = {}
        self._reached = {key: pool for key, pool in before._pools.items() if pool.reached} if before else {}
        self._pool_of: dict[str, Pool] = {}  # contact -> pool
        self._pools_of: dict[str, list[Pool]] = {}  # agent -> pools it could serve
        self._ready: dict[str, Agent] = {}
        self._members: dict[str, list[AgentProfile]] = {name: [] for name in directory.queues}
        self._holders: Counter[str] = Counter()  # skill -> how many have it
        for profile in directory.agents.values():
            self._pools_of[profile.id] = []
            self._holders.update(profile.skills.keys())
            for queue in profile.queues:
                self._members.setdefault(queue, []).append(profile)

    @property
    def has_errands(self) -> bool:
        """Whether there is a pool of contacts that no server holds."""
        return any(place[1] is None for _, _, _, place in self._pools)

    def ready(self) -> list[Agent]:
        """Those who can take a contact."""
        return list(self._ready.values())

    def members(self, queue: str) -> list[AgentProfile]:
        """The agents of a queue, in the order of the configuration."""
        return self._members.get(queue, [])

    def waiting(self, queue: str) -> list[str]:
        """The contacts that wait in a queue, class by class."""
        return [contact for pool in self._pools.values() if pool.queue == queue for contact in pool.waiting]

    def waiting_for(self, agent: str) -> list[str]:
        """The contacts that wait for this very agent, or for one of a few by name."""
        return [id for pool in self._pools_of.get(agent, ()) if agent in pool.requirement.alone for id in pool.waiting]

    def stands(self, contact: str) -> bool:
        """Whether a contact stands in line."""
        return contact in self._pool_of

    def add_contact(self, contact: Contact, now_ms: int) -> None:
        """`contact` waits, with the requirement and the tiers in force now."""
        pool = self._pool_for(contact, now_ms)
        self._pool_of[contact.id] = pool
        pool.waiting.add(contact.id, contact.order_ms)

    def remove_contact(self, contact: str) -> None:
        """`contact` does not wait any more."""
        pool = self._pool_of.pop(contact, None)
        if pool:
            pool.waiting.discard(contact)

    def add_agent(self, agent: Agent, kinds: tuple[str, ...] | None = None) -> None:
        """`agent` can take a contact of these kinds, by default of all that they can take now; nothing happens when there are none."""
        kinds = takes(agent, self._directory) if kinds is None else kinds
        if kinds:
            self._ready[agent.id] = agent
            for pool in self._open_to(agent, kinds):
                pool.ready.add(agent.id, self._key(agent, pool))

    def remove_agent(self, agent: str) -> None:
        """`agent` cannot take a contact now."""
        if self._ready.pop(agent, None):
            for pool in self._pools_of.get(agent, ()):
                pool.ready.discard(agent)

    def best_agents(self, contact: Contact, count: int, now_ms: int) -> list[str]:
        """Up to `count` ready agents to be offered a contact, the best first. Who refused it comes after all who did not, and later."""
        pool, refused, found = self._pool_for(contact, now_ms), contact.refused_until_ms, list[str]()
        while len(found) < count:
            best = pool.ready.first((lambda agent: agent not in refused and agent not in found) if refused or found else None)
            best = best or (pool.ready.first(lambda agent: refused.get(agent, 0) <= now_ms and agent not in found) if refused else None)
            if not best:
                break
            found.append(best[1])
            pool.reached = best[0][2]
        return found

    def best_contact(self, agent: Agent, kinds: Container[str], contacts: dict[str, Contact], now_ms: int) -> str:
        """The waiting contact of these kinds that a free agent takes: the first of one queue, by the site's choice among those of several;
        "" for none."""
        firsts: dict[str, tuple[float, str]] = {}
        for pool in self._open_to(agent, kinds):
            found, first = pool.waiting.first(), firsts.get(pool.queue)
            if not found or (first and first[0] <= found[0]):
                continue
            if contacts[found[1]].refused_until_ms:
                found = pool.waiting.first(lambda id: contacts[id].refused_until_ms.get(agent.id, 0) <= now_ms)
            if found and (not first or found[0] < first[0]):
                firsts[pool.queue] = found
        if len(firsts) < 2:
            return next(iter(firsts.values()))[1] if firsts else ""
        return max((contacts[id] for _, id in firsts.values()), key=lambda contact: self.urgency(contact, now_ms)).id

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

    def _key(self, agent: Agent, pool: Pool) -> tuple[int, int, float, int]:
        """The lowest tier first, where nobody is wanted by name; then who has least in hand; then by the strategy, then who became ready
        first."""
        fit = pool.fits[agent.id]
        key = pool.strategy.key(agent, fit, self._chance, pool.reached)
        tier = 0 if pool.requirement.alone else fit.tier
        return tier, len(agent.assignments), key, max(agent.presence_since_ms, agent.phone_since_ms)

    def _open_to(self, agent: Agent, kinds: Container[str]) -> Iterator[Pool]:
        """The agent's pools of these kinds, but for queues that are left, and for contacts that could not be brought to the agent."""
        left = agent.left_queues
        return (
            pool
            for pool in self._pools_of.get(agent.id, ())
            if pool.place[0] in kinds and (not left or pool.queue not in left) and self._reaches(pool.place, agent)
        )

    def _reaches(self, place: Place, agent: Agent) -> bool:
        """Whether a contact there could be brought to the agent: its Asterisk can ring the phone, or a server could carry the offer out."""
        kind, asterisk, line = place
        if asterisk is None:
            return self._offer_servers.carries(kind, line, agent)
        return asterisk == agent.phone_at or not KINDS[kind].by_phone or isinstance(agent.phone, ExternalNumber)

    def _is_open(self, pool: Pool, agent: Agent) -> bool:
        is_taken = pool.place[0] in takes(agent, self._directory) and pool.queue not in agent.left_queues
        return is_taken and self._reaches(pool.place, agent)

    def _tier(self, contact: Contact, requirement: Requirement, now_ms: int) -> int:
        """Up to which tier agents are asked by now: any who are wanted by name. A tier in which nobody is at work is not waited for."""
        delays_ms = self._directory.queues[contact.queue].tier_delays_ms
        waited_ms, tier = contact.waited_ms(now_ms), len(delays_ms) if requirement.alone else 1
        while tier < len(delays_ms) and (delays_ms[tier] <= waited_ms or not self._presence.at_work(contact.queue, (tier,))):
            tier += 1
        return tier

    def _pool_for(self, contact: Contact, now_ms: int) -> Pool:
        requirement = parse(contact.steps[contact.step(now_ms)][1])
        key = contact.queue, requirement.text, self._tier(contact, requirement, now_ms), _place_of(contact)
        return self._pools.get(key) or self._new_pool(requirement, *key)

    def _new_pool(self, requirement: Requirement, queue: str, text: str, tier: int, place: Place) -> Pool:
        if len(self._pools) >= SPARE_POOLS:
            self._drop_empty_pools()
        policy = self._directory.queues[queue]
        pool = Pool(queue, requirement, tier, place, STRATEGIES[policy.strategy])
        earlier = self._reached.get((queue, text, tier, place))
        pool.reached = earlier.reached if earlier and earlier.strategy is pool.strategy else 0.0
        self._pools[queue, text, tier, place] = pool
        for profile in self.members(queue):
            is_asked = place[0] in profile.capacity and tier_of(profile, policy) <= tier
            if is_asked and requirement.suits(profile.skills, profile.id, profile.attributes):
                pool.fits[profile.id] = self._fit(profile, pool)
                self._pools_of[profile.id].append(pool)
                ready = self._ready.get(profile.id)
                if ready and self._is_open(pool, ready):
                    pool.ready.add(profile.id, self._key(ready, pool))
        return pool

    def _fit(self, profile: AgentProfile, pool: Pool) -> Fit:
        wanted = pool.requirement.skills
        mastery = sum(profile.skills.get(skill, 0) for skill in wanted)
        spare = sum(level / self._holders[skill] for skill, level in profile.skills.items() if skill not in wanted)
        return Fit(profile, profile.membership(pool.queue), tier_of(profile, self._directory.queues[pool.queue]), mastery, spare)

    def _drop_empty_pools(self) -> None:
        """Requirements may be made from what callers enter: classes that nobody waits in must not pile up."""
        self._pools = {key: pool for key, pool in self._pools.items() if pool.waiting}
        kept = set(map(id, self._pools.values()))
        for agent, pools in self._pools_of.items():
            self._pools_of[agent] = [pool for pool in pools if id(pool) in kept]


def _place_of(contact: Contact) -> Place:
    if contact.holder is None:
        return contact.kind, None, contact.facts.line
    return contact.kind, asterisk_of(contact.facts.call), ""
