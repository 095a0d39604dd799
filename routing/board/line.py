"""One queue of the index: its agents, who of them are ready and in which order they are asked, and the spots where its contacts stand."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence

from routing.board.people import People
from routing.board.ranking import Ranking
from routing.board.staffing import Staffing
from routing.board.standing import Named, Place, Pool, PoolKey, Spot
from routing.board.strategies import STRATEGIES, Fit
from routing.domain.agent import Agent
from routing.domain.members import tier_of
from routing.domain.model import AgentProfile, QueuePolicy
from routing.domain.requirement import Requirement

SPARE_POOLS = 1_000
FEW = 8  # agents who are looked at one by one sooner than along the order of all
NO_SKILLS: frozenset[str] = frozenset()


class Line:
    """A queue. Its ring strategy orders ready agents once for all, or anew for each requirement class (`Strategy.by_class`)."""

    def __init__(
        self,
        policy: QueuePolicy,
        members: Sequence[AgentProfile],
        holders: Mapping[str, int],
        chance: random.Random,
        before: "Line | None",
    ) -> None:
        """`holders`: skill -> how many agents of the site have it. `before` was the line of the same queue in an index before this one."""
        self.name, self.policy, self.people = policy.name, policy, People(members, policy)
        self.spots: dict[Place, Spot] = {}
        self.order = Ranking()  # of the ready agents
        self._ready: dict[str, Agent] = {}
        self._holders, self._chance = holders, chance
        self._strategy = STRATEGIES[policy.strategy]
        self._fits: dict[str, Fit] = {}
        self._reached = before.reached() if before and before._strategy is self._strategy else {}
        self._own_order: dict[Pool, Ranking] = {}  # of the pools that have one, the suited ones of the ready agents
        self._count, self._most = 0, SPARE_POOLS  # of pools

    def reached(self) -> dict[tuple[Place, PoolKey], float]:
        """How far the draws of pools had come."""
        return {(place, key): pool.reached for place, spot in self.spots.items() for key, pool in spot.pools.items() if pool.reached}

    # -- agents ----------------------------------------------------------------------------------------------------------------

    def add(self, agent: Agent, spots: Iterable[Spot]) -> None:
        """The agent can take contacts of these spots."""
        bit = self.people.bits[agent.id]
        self._ready[agent.id] = agent
        self.order.add(agent.id, () if self._strategy.by_class else self._key(agent, self._fit(agent.id)))
        for spot in spots:
            spot.ready |= bit
        for pool, order in self._own_order.items():
            if pool.suited & pool.spot.ready & bit:
                order.add(agent.id, self._key(agent, self._fit_of(pool, agent.id), pool.reached))

    def discard(self, agent: str) -> None:
        """The agent can take none now."""
        if self._ready.pop(agent, None):
            bit = self.people.bits[agent]
            self.order.discard(agent)
            for spot in self.spots.values():
                spot.ready &= ~bit
            for order in self._own_order.values():
                order.discard(agent)

    def in_order(self, place: Pool | Named) -> Iterable[str]:
        """The ready agents for contacts there, the best first."""
        if isinstance(place, Named):
            return self._sorted([agent for agent in place.agents if self.people.bits.get(agent, 0) & place.spot.ready], whatever_tier=True)
        suited = place.suited & place.spot.ready
        if not suited:
            return ()
        if self._strategy.by_class:
            return [entry[2] for entry in self._order_of(place)]
        if suited.bit_count() <= FEW:
            return self._sorted([profile.id for profile in self.people.listed(suited)])
        bits = self.people.bits
        return (entry[2] for entry in self.order if bits[entry[2]] & suited)

    def note_asked(self, pool: Pool, agent: str) -> None:
        """The agent is the last one who was asked for a contact of the pool: draws go on from there."""
        order = self._own_order.get(pool)
        if order and (entry := order.place(agent)):
            pool.reached = entry[0][2]

    def _sorted(self, agents: list[str], *, whatever_tier: bool = False) -> list[str]:
        """A few ready agents in their order."""
        if len(agents) < 2:
            return agents
        known = {id: (self._key(self._ready[id], self._fit(id)), self.order.place(id)) for id in agents}
        return sorted(agents, key=lambda id: (known[id][0][whatever_tier:], known[id][1]))

    def _order_of(self, pool: Pool) -> Ranking:
        order = self._own_order.get(pool)
        if order is None:
            order = self._own_order[pool] = Ranking()
            for _, _, id in self.order:
                if self.people.bits[id] & pool.suited & pool.spot.ready:
                    order.add(id, self._key(self._ready[id], self._fit_of(pool, id), pool.reached))
        return order

    def _key(self, agent: Agent, fit: Fit, reached: float = 0.0) -> tuple[int, int, float, int]:
        """The lowest tier first; then who has least in hand; then by the strategy, then who became ready first."""
        key = self._strategy.key(agent, fit, self._chance, reached)
        return fit.tier, len(agent.assignments), key, max(agent.presence_since_ms, agent.phone_since_ms)

    def _fit(self, agent: str) -> Fit:
        """How an agent fits contacts that want no skills."""
        if agent not in self._fits:
            self._fits[agent] = self._fit_in(agent, NO_SKILLS)
        return self._fits[agent]

    def _fit_of(self, pool: Pool, agent: str) -> Fit:
        return self._fit_in(agent, pool.requirement.skills)

    def _fit_in(self, agent: str, wanted: Collection[str]) -> Fit:
        profile = self.people.profiles[agent]
        mastery = sum(profile.skills.get(skill, 0) for skill in wanted)
        spare = sum(level / self._holders[skill] for skill, level in profile.skills.items() if skill not in wanted)
        return Fit(profile, profile.membership(self.name), tier_of(profile, self.policy), mastery, spare)

    # -- pools -----------------------------------------------------------------------------------------------------------------

    def named(self, spot: Spot, agents: Iterable[str]) -> Named:
        """Where contacts stand that wait for some agents by name."""
        profiles = self.people.profiles
        return Named(spot, tuple(profiles[agent].id for agent in sorted(agents) if agent in profiles) or ("",))

    def new_pool(self, spot: Spot, requirement: Requirement, key: PoolKey, staffing: Staffing) -> Pool:
        """Requirements may be made from what callers enter: classes that nobody waits in must not pile up."""
        if self._count >= self._most:
            self._drop_empty_pools()
        self._count += 1
        pool = spot.pools[key] = Pool(spot, requirement, key[1], key[2], reached=self._reached.get((spot.place, key), 0.0))
        pool.suited = self._suited(pool, staffing)
        return pool

    def judge_tiers_anew(self, staffing: Staffing) -> None:
        """A tier has got its first agent at work, or lost its last one."""
        for spot in self.spots.values():
            for pool in spot.pools.values():
                suited = self._suited(pool, staffing)
                if suited != pool.suited:
                    pool.suited = suited
                    self._own_order.pop(pool, None)
            spot.heads.judge_anew()

    def _suited(self, pool: Pool, staffing: Staffing) -> int:
        """A tier in which nobody is at work is not waited for."""
        people, tier = self.people, pool.tier
        while tier < len(self.policy.tier_delays_ms) and not staffing.at_work(self.name, (tier,)):
            tier += 1
        suited = pool.requirement.choose(people) & people.up_to(tier) & people.taking(pool.spot.place[0])
        return suited & ~people.named(pool.excluded) if pool.excluded else suited

    def _drop_empty_pools(self) -> None:
        self._count = 0
        for spot in self.spots.values():
            spot.pools = {key: pool for key, pool in spot.pools.items() if pool.waiting}
            self._count += len(spot.pools)
        self._own_order = {pool: order for pool, order in self._own_order.items() if pool.waiting}
        self._most = max(SPARE_POOLS, 2 * self._count)
