"""Fewest contacts: whoever has handled the fewest since log-in rings first."""

import random
from collections.abc import Sequence

from routing.model import Agent, AgentProfile


def key(agent: Agent, profile: AgentProfile, skills_wanted: Sequence[str], chance: random.Random) -> float:
    return float(agent.handled)
