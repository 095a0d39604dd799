"""Ring progressively: first whoever has been idle for the longest, then one phone more at a time while the others go on ringing."""

from routing.board.strategies import longest_idle
from routing.board.strategies.strategy import Strategy

STRATEGY = Strategy(longest_idle.key, rings_more=True)
