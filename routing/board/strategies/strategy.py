"""What a ring strategy is made of."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from routing.domain.agent import Agent
from routing.domain.model import AgentProfile, Membership


@dataclass(frozen=True, slots=True)
class Fit:
    """How an agent fits one requirement class of one queue: all that does not change while the site's definitions stand.

    `mastery` is the sum of the levels of the required skills; `spare` what other contacts would miss: of the skills that are
    not required here each level counts the more, the fewer agents have the skill.
    """

    profile: AgentProfile
    membership: Membership
    tier: int
    mastery: int
    spare: float


Key = Callable[[Agent, Fit, random.Random, float], float]


@dataclass(frozen=True, slots=True)
class Strategy:
    """`key` gives a sortable value when the agent becomes ready, the lowest rings first; equal ones in the order of becoming ready.
    It is given what a draw needs: chance, and the key of whoever was asked last (`reached`).

    Where `by_class` the key is another one for each requirement class, and agents are put in order for each of them.
    `at_once` phones ring together. Where `rings_more`, further ones begin every `ring_more_ms` of the queue while nobody has answered.
    """

    key: Key
    at_once: int = 1
    rings_more: bool = False
    by_class: bool = False

    @property
    def rings_several(self) -> bool:
        """Whether several phones may ring for one contact."""
        return self.at_once > 1 or self.rings_more
