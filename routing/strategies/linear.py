"""Linear: in the order of the configuration."""

import random

from routing.model import Agent
from routing.strategies.strategy import Fit, Strategy


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return float(fit.profile.order)


STRATEGY = Strategy(key)
