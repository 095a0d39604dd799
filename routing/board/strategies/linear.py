"""Linear: in the order of the configuration."""

import random

from routing.board.strategies.strategy import Fit, Strategy
from routing.domain.agent import Agent


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return float(fit.profile.order)


STRATEGY = Strategy(key)
