"""Random: each ready agent is as likely as any other."""

import random
from collections.abc import Sequence

from routing.model import Agent, AgentProfile


def key(agent: Agent, profile: AgentProfile, skills_wanted: Sequence[str], chance: random.Random) -> float:
    return chance.random()
