"""Longest idle: whoever has been without a contact for the longest rings first."""

import random
from collections.abc import Sequence

from routing.model import Agent, AgentProfile


def key(agent: Agent, profile: AgentProfile, skills_wanted: Sequence[str], chance: random.Random) -> float:
    return float(agent.idle_since_ms)
