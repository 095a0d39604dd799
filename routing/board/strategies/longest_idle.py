"""Longest idle: whoever has been without a contact for the longest rings first."""

import random

from routing.board.strategies.strategy import Fit, Strategy
from routing.domain.agent import Agent


def key(agent: Agent, fit: Fit, chance: random.Random, reached: float) -> float:
    return float(agent.idle_since_ms)


STRATEGY = Strategy(key)
