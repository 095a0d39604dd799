"""Who is there for a queue: agents logged in, agents at work, agents with the skills that a contact wants.

`Presence` counts who is at work by queue and tier as agents change, so that nobody is counted per waiting contact. Pure bookkeeping.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from routing.agent_state import AgentState
from routing.model import OUTSIDE, Agent, AgentProfile, Contact, Directory, QueuePolicy
from routing.model import Presence as Rule
from routing.requirement import parse

AWAY = (AgentState.LOGGED_OUT, AgentState.PAUSED)


def at_first(profile: AgentProfile) -> Agent:
    """An agent of whom nothing is known yet: logged out; a line outside, if it is one, counts as free."""
    return Agent(profile.id, phone=profile.phone, phone_state="available" if profile.phone.startswith(OUTSIDE) else "unavailable")


def tier_of(profile: AgentProfile, policy: QueuePolicy) -> int:
    """The agent's tier in that queue; beyond the queue's last one it is the last one."""
    return min(profile.membership(policy.name).tier, len(policy.tier_delays_ms))


def serves(agent: Agent, profile: AgentProfile, queue: str) -> bool:
    """Whether the agent takes contacts of that queue when at work."""
    return queue in profile.queues and queue not in agent.left_queues


def is_there(rule: Rule, agent: Agent, profile: AgentProfile, contact: Contact) -> bool:
    """Whether this agent is somebody whom the rule asks for; `eligible` is logged in and suited by any step of the contact."""
    if rule == "always":
        return True
    if agent.state == AgentState.LOGGED_OUT or not serves(agent, profile, contact.queue):
        return False
    if rule == "ready":
        return agent.state != AgentState.PAUSED and agent.phone_state != "unavailable"
    return rule == "staffed" or suits_sometime(profile, contact)


def suits_sometime(profile: AgentProfile, contact: Contact) -> bool:
    """Whether the agent meets the requirement of any step, and is not excluded."""
    if contact.is_excluded(profile.id):
        return False
    return any(parse(text).suits(profile.skills, profile.id, profile.attributes) for _, text in contact.steps)


class Presence:
    """Agents at work - logged in, not paused - by queue and tier."""

    def __init__(self, directory: Directory, agents: Mapping[str, Agent]) -> None:
        self._directory = directory
        self._at_work: Counter[tuple[str, int]] = Counter()
        self._places: dict[str, frozenset[tuple[str, int]]] = {}  # agent -> (queue, tier) where they are at work
        for agent in agents.values():
            self.note(agent)

    def at_work(self, queue: str, tiers: Iterable[int]) -> bool:
        """Whether anybody of these tiers is at work."""
        return any(self._at_work[queue, tier] for tier in tiers)

    def note(self, agent: Agent) -> tuple[set[str], set[str]]:
        """An agent may have changed. Gives the queues that they left, and those in which a tier has got its first or lost its last one."""
        before, now = self._places.get(agent.id, frozenset()), self._places_of(agent)
        if before == now:
            return set(), set()
        self._places[agent.id] = now
        turned = set()
        for place in before - now:
            self._at_work[place] -= 1
            turned |= {place[0]} if not self._at_work[place] else set()
        for place in now - before:
            self._at_work[place] += 1
            turned |= {place[0]} if self._at_work[place] == 1 else set()
        return {queue for queue, _ in before - now}, turned

    def _places_of(self, agent: Agent) -> frozenset[tuple[str, int]]:
        profile, queues = self._directory.agents[agent.id], self._directory.queues
        if agent.state in AWAY:
            return frozenset()
        return frozenset(
            (name, tier_of(profile, queues[name])) for name in profile.queues if name in queues and name not in agent.left_queues
        )
