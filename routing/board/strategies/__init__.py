"""Ring strategies: which of several ready agents is offered a contact. One file each, which defines `STRATEGY`.

The key is computed once per ready agent and requirement, so choosing costs the same with ten agents and with ten thousand.
"""

from routing.board.strategies import (
    fewest_contacts,
    least_occupied,
    least_skilled,
    least_talk,
    linear,
    longest_idle,
    most_skilled,
    random_order,
    ring_all,
    ring_progressively,
    round_robin,
    weighted_random,
)
from routing.board.strategies.strategy import Fit, Strategy

STRATEGIES: dict[str, Strategy] = {
    "longest_idle": longest_idle.STRATEGY,
    "round_robin": round_robin.STRATEGY,
    "fewest_contacts": fewest_contacts.STRATEGY,
    "least_talk": least_talk.STRATEGY,
    "least_occupied": least_occupied.STRATEGY,
    "random": random_order.STRATEGY,
    "weighted_random": weighted_random.STRATEGY,
    "linear": linear.STRATEGY,
    "most_skilled": most_skilled.STRATEGY,
    "least_skilled": least_skilled.STRATEGY,
    "ring_all": ring_all.STRATEGY,
    "ring_progressively": ring_progressively.STRATEGY,
}

__all__ = ["STRATEGIES", "Fit", "Strategy"]
