"""Fewest contacts: whoever has handled the fewest since log-in rings first."""

import random

from routing.model import Agent
from routing.strategies.strategy import Fit, Strategy


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return float(agent.handled)


STRATEGY = Strategy(key)
