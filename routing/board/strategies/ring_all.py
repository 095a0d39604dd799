"""Ring all: every ready agent's phone rings, up to twenty; those who become ready while they ring join in."""

from routing.board.strategies import longest_idle
from routing.board.strategies.strategy import Strategy

STRATEGY = Strategy(longest_idle.key, at_once=20, rings_more=True)
