"""Fewest contacts: whoever has handled the fewest since log-in rings first."""

import random

from routing.board.strategies.strategy import Fit, Strategy
from routing.domain.agent import Agent


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return float(agent.handled)


STRATEGY = Strategy(key)
