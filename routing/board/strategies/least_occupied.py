"""Least occupied: whoever spent the smallest share of the recent past on contacts and wrap-up rings first.

The share is an exponential average over half an hour: it rises towards 1 while busy and decays towards 0 while idle. All
idle agents decay by the same factor, so their order does not change while they wait, and the logarithm is a key that stands still.
"""

import math
import random

from routing.board.strategies.strategy import Fit, Strategy
from routing.domain.agent import Agent

MEMORY_MS = 30 * 60_000


def after(occupancy: float, lasted_ms: int, *, busy: bool) -> float:
    """The share after having been busy or idle for so long."""
    if lasted_ms <= 0:
        return occupancy
    fades = math.exp(-lasted_ms / MEMORY_MS)
    return occupancy * fades + 1 - fades if busy else occupancy * fades


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    if agent.occupancy <= 0:
        return -math.inf
    return math.log(agent.occupancy) + agent.occupied_at_ms / MEMORY_MS


STRATEGY = Strategy(key)
