"""Who is there for a queue: agents logged in, agents at work, agents with the skills that a contact wants.

`Staffing` counts who is at work by queue and tier as agents change, so that nobody is counted per waiting contact. Pure bookkeeping.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from routing.domain.agent import Agent
from routing.domain.agent_state import AgentPresence
from routing.domain.kinds import is_counted_on, is_to_be_reached
from routing.domain.members import serves, tier_of
from routing.domain.model import AgentProfile, Contact, Directory
from routing.domain.model import StaffingRule as Rule
from routing.domain.requirement import parse


def is_there(rule: Rule, agent: Agent, profile: AgentProfile, contact: Contact, queue: str) -> bool:
    """Whether this agent of a queue is somebody whom the rule asks for; `eligible` is logged in and suited by any step of the contact."""
    if rule == "always":
        return True
    if agent.presence == AgentPresence.LOGGED_OUT or not serves(agent, profile, queue):
        return False
    if contact.kind not in profile.capacity:
        return False
    if rule == "ready":
        return agent.presence == AgentPresence.READY and is_to_be_reached(agent, contact.kind)
    return rule == "staffed" or suits_sometime(profile, contact)


def gone_since(rule: Rule, agent: Agent, profile: AgentProfile, contact: Contact) -> int:
    """Since when an agent who is not there is away, by whatever made them so first; 0 for one who would never be there for the contact."""
    if contact.kind not in profile.capacity or (rule == "eligible" and not suits_sometime(profile, contact)):
        return 0
    reasons = [agent.left_at_ms.get(contact.queue, 0)] if contact.queue in agent.left_queues else []
    if agent.presence == AgentPresence.LOGGED_OUT:
        reasons.append(agent.presence_since_ms)
    if rule == "ready" and agent.presence != AgentPresence.READY:
        reasons.append(agent.away_since_ms or agent.presence_since_ms)
    if rule == "ready" and not is_to_be_reached(agent, contact.kind):
        reasons.append(agent.phone_since_ms)
    return min(reasons, default=0)


def suits_sometime(profile: AgentProfile, contact: Contact) -> bool:
    """Whether the agent meets the requirement of any step, and is not excluded."""
    if contact.is_excluded(profile.id):
        return False
    return any(parse(text).suits(profile.skills, profile.id, profile.attributes) for _, text in contact.flow_steps)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a change of an agent meant: the queues where they are not at work any more (`left`), those in which a tier has got its first
    or lost its last one at work (`turned`), and those in which somebody is not there any more in the sense of `stay_when` (`missed`)."""

    left: frozenset[str] = frozenset()
    turned: frozenset[str] = frozenset()
    missed: frozenset[str] = frozenset()


NO_TURN = Turn()
STAFFED, AT_WORK, REACHABLE = 1, 2, 3  # how much an agent is there; 0 is logged out
LEAST: dict[Rule, int] = {"staffed": STAFFED, "eligible": STAFFED, "ready": REACHABLE}
Standing = tuple[int, tuple[str, ...]]  # how much, and the queues that the agent has left


def _standing(agent: Agent, profile: AgentProfile) -> Standing:
    if agent.presence == AgentPresence.LOGGED_OUT:
        return 0, ()
    at_work = REACHABLE if is_counted_on(agent, profile) else AT_WORK
    return STAFFED if agent.presence == AgentPresence.PAUSED else at_work, tuple(agent.left_queues)


class Staffing:
    """Agents at work - logged in, not paused - by queue and tier."""

    def __init__(self, directory: Directory, agents: Mapping[str, Agent]) -> None:
        self._directory = directory
        self._at_work: Counter[tuple[str, int]] = Counter()
        self._standings: dict[str, Standing] = {}
        for agent in agents.values():
            self.note(agent)

    def at_work(self, queue: str, tiers: Iterable[int]) -> bool:
        """Whether anybody of these tiers is at work."""
        return any(self._at_work[queue, tier] for tier in tiers)

    def note(self, agent: Agent) -> Turn:
        """An agent may have changed."""
        before, now = self._standings.get(agent.id, (0, ())), _standing(agent, self._directory.agents[agent.id])
        if before == now:
            return NO_TURN
        self._standings[agent.id] = now
        were, are = self._places(agent.id, before, AT_WORK), self._places(agent.id, now, AT_WORK)
        lost, gained = were - are, are - were
        self._at_work.subtract(lost)
        self._at_work.update(gained)
        turned = {place[0] for place in lost if not self._at_work[place]} | {place[0] for place in gained if self._at_work[place] == 1}
        missed = (queue for queue, _ in self._places(agent.id, before, STAFFED) if self._is_missed(queue, before, now))
        return Turn(frozenset(queue for queue, _ in lost), frozenset(turned), frozenset(missed))

    def _places(self, agent: str, standing: Standing, least: int) -> set[tuple[str, int]]:
        """Where an agent of that standing is at least so much there: queue and tier."""
        profile, queues = self._directory.agents[agent], self._directory.queues
        there = (name for name in profile.queues if name in queues and name not in standing[1]) if standing[0] >= least else ()
        return {(name, tier_of(profile, queues[name])) for name in there}

    def _is_missed(self, queue: str, before: Standing, now: Standing) -> bool:
        least = LEAST.get(self._directory.queues[queue].stay_when)
        return least is not None and before[0] >= least and (now[0] < least or queue in now[1])
