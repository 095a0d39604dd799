"""Who could talk to whom: the waiting contacts and the ready agents, indexed by requirement class.

A *pool* is one queue with one requirement. A waiting contact stands in one pool, a ready agent in every pool whose requirement the
agent's skills meet. So only the heads of pools are ever compared, a contact that nobody can serve holds nobody up, and the cost of a
decision does not grow with the number of contacts or agents. Pure bookkeeping: no clock, no I/O.
"""

import random
from dataclasses import dataclass, field

from routing.model import Agent, AgentProfile, Contact, Directory
from routing.ranking import Ranking
from routing.requirement import Requirement, parse
from routing.strategies import STRATEGIES

SPARE_POOLS = 1000


@dataclass(slots=True, eq=False)
class Pool:
    """One requirement class of one queue."""

    queue: str
    requirement: Requirement
    waiting: Ranking = field(default_factory=Ranking)
    ready: Ranking = field(default_factory=Ranking)


class Matching:
    """The index. The board tells it who waits and who is ready; it answers who comes next."""

    def __init__(self, directory: Directory, chance: random.Random) -> None:
        self._directory = directory
        self._chance = chance
        self._pools: dict[tuple[str, str], Pool] = {}
        self._pool_of: dict[str, Pool] = {}  # contact -> pool
        self._pools_of: dict[str, list[Pool]] = {}  # agent -> pools it could serve
        self._ready: dict[str, Agent] = {}
        self._members: dict[str, list[AgentProfile]] = {name: [] for name in directory.queues}
        for profile in directory.agents.values():
            self._pools_of[profile.id] = []
            for queue in profile.queues:
                self._members.setdefault(queue, []).append(profile)

    def members(self, queue: str) -> list[AgentProfile]:
        """The agents of a queue, in the order of the configuration."""
        return self._members.get(queue, [])

    def add_contact(self, contact: Contact, now_ms: int) -> None:
        """`contact` waits, with the requirement in force now."""
        pool = self._pool(contact.queue, contact.steps[contact.step(now_ms)][1])
        self._pool_of[contact.id] = pool
        pool.waiting.add(contact.id, contact.order_ms)

    def remove_contact(self, contact: str) -> None:
        """`contact` does not wait any more."""
        pool = self._pool_of.pop(contact, None)
        if pool:
            pool.waiting.discard(contact)

    def add_agent(self, agent: Agent) -> None:
        """`agent` can take a contact."""
        self._ready[agent.id] = agent
        for pool in self._pools_of.get(agent.id, ()):
            pool.ready.add(agent.id, self._key(agent, pool))

    def remove_agent(self, agent: str) -> None:
        """`agent` cannot take a contact now."""
        if self._ready.pop(agent, None):
            for pool in self._pools_of.get(agent, ()):
                pool.ready.discard(agent)

    def best_agent(self, contact: Contact, now_ms: int) -> str:
        """The ready agent to be offered a contact that add_contact has placed; "" when there is none."""
        refused = contact.refused_until_ms
        found = self._pool_of[contact.id].ready.first(lambda agent: refused.get(agent, 0) <= now_ms)
        return found[1] if found else ""

    def best_contact(self, agent: str, contacts: dict[str, Contact], now_ms: int) -> str:
        """The waiting contact that a free agent takes: the one most at risk of its queue's service level, by weight; "" for none."""
        best, best_risk = "", float("-inf")
        for pool in self._pools_of.get(agent, ()):
            if not pool.waiting:
                continue
            found = pool.waiting.first(lambda id: contacts[id].refused_until_ms.get(agent, 0) <= now_ms)
            if found:
                policy = self._directory.queues[pool.queue]
                risk = (now_ms - found[0]) * policy.weight / max(1, policy.threshold_ms)
                if risk > best_risk:
                    best, best_risk = found[1], risk
        return best

    def _key(self, agent: Agent, pool: Pool) -> float:
        strategy = STRATEGIES[self._directory.queues[pool.queue].strategy]
        return strategy(agent, self._directory.agents[agent.id], sorted(pool.requirement.skills), self._chance)

    def _pool(self, queue: str, expression: str) -> Pool:
        requirement = parse(expression)
        pool = self._pools.get((queue, requirement.text))
        return pool or self._new_pool(queue, requirement)

    def _new_pool(self, queue: str, requirement: Requirement) -> Pool:
        if len(self._pools) >= SPARE_POOLS:
            self._drop_empty_pools()
        pool = self._pools[queue, requirement.text] = Pool(queue, requirement)
        for profile in self.members(queue):
            if requirement.suits(profile.skills, profile.id):
                self._pools_of[profile.id].append(pool)
                if profile.id in self._ready:
                    pool.ready.add(profile.id, self._key(self._ready[profile.id], pool))
        return pool

    def _drop_empty_pools(self) -> None:
        """Requirements may be made from what callers enter: classes that nobody waits in must not pile up."""
        self._pools = {key: pool for key, pool in self._pools.items() if pool.waiting}
        kept = set(map(id, self._pools.values()))
        for agent, pools in self._pools_of.items():
            self._pools_of[agent] = [pool for pool in pools if id(pool) in kept]
