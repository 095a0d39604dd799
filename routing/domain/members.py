"""Agents as members of queues: what is assumed of one before anything is known, which queues it serves, and in which tier."""

from routing.domain.agent import Agent
from routing.domain.agent_state import AgentState
from routing.domain.model import AgentProfile, QueuePolicy
from routing.domain.phone_address import ExternalNumber

AWAY = (AgentState.LOGGED_OUT, AgentState.PAUSED)


def at_first(profile: AgentProfile) -> Agent:
    """An agent of whom nothing is known yet: logged out; an external number, if it is one, counts as free."""
    return Agent(profile.id, phone=profile.phone, phone_state="available" if isinstance(profile.phone, ExternalNumber) else "unavailable")


def tier_of(profile: AgentProfile, policy: QueuePolicy) -> int:
    """The agent's tier in that queue; beyond the queue's last one it is the last one."""
    return min(profile.membership(policy.name).tier, len(policy.tier_delays_ms))


def serves(agent: Agent, profile: AgentProfile, queue: str) -> bool:
    """Whether the agent takes contacts of that queue when at work."""
    return queue in profile.queues and queue not in agent.left_queues
