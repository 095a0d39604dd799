"""Ring strategies: which of several ready agents is offered a contact.

A strategy is one function in one file: `key(agent, profile, skills_wanted, chance)` gives a sortable value when the agent becomes ready,
the lowest rings first. It is computed once per ready agent and requirement, so choosing costs the same with ten agents and with
ten thousand.
"""

import random
from collections.abc import Callable, Sequence

from routing.model import Agent, AgentProfile
from routing.strategies import fewest_contacts, linear, longest_idle, random_order

Key = Callable[[Agent, AgentProfile, Sequence[str], random.Random], float]

STRATEGIES: dict[str, Key] = {
    "longest_idle": longest_idle.key,
    "fewest_contacts": fewest_contacts.key,
    "linear": linear.key,
    "random": random_order.key,
}
