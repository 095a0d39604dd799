"""Random: each ready agent is as likely as any other, whoever was asked before (see weighted_random)."""

import random

from routing.board.strategies.strategy import Fit, Strategy
from routing.domain.agent import Agent


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return reached + chance.expovariate(1.0)


STRATEGY = Strategy(key, by_class=True)
