"""Most skilled: whoever has the highest levels in the required skills; where none is required, the highest level in the queue."""

import random

from routing.board.strategies.strategy import Fit, Strategy
from routing.domain.agent import Agent


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return -float(fit.mastery or fit.membership.level)


STRATEGY = Strategy(key, by_class=True)
