"""Weighted random: an agent whose membership weighs twice as much is twice as likely to ring first.

The lowest of exponential draws at the rates of the weights is each agent's with a probability in proportion to the weight
(Efraimidis and Spirakis, 2006). What is left of the other draws beyond the lowest is distributed as if they were drawn anew, so a draw
is made once, when the agent becomes ready, and counts from the key that was reached by then.
"""

import random

from routing.board.strategies.strategy import Fit, Strategy
from routing.domain.agent import Agent


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return reached + chance.expovariate(fit.membership.weight)


STRATEGY = Strategy(key, by_class=True)
