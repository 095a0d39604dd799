"""Least skilled: whoever would be missed least in other queues rings first, so that rare skills stay free for those who need them."""

import random

from routing.board.strategies.strategy import Fit, Strategy
from routing.domain.agent import Agent


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return fit.spare


STRATEGY = Strategy(key, by_class=True)
