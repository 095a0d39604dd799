"""Round robin: whoever was offered a contact the longest ago rings first, whatever became of that offer."""

import random

from routing.board.strategies.strategy import Fit, Strategy
from routing.domain.agent import Agent


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return float(agent.offered_at_ms)


STRATEGY = Strategy(key)
