"""The agents of one queue as the bits of a number: who meets a requirement is a matter of some ANDs and ORs, however many they are.

The bits stand in the order of the configuration. What is asked of skills and attributes is looked up once for each of them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from routing.domain.members import tier_of
from routing.domain.model import AgentProfile, QueuePolicy

Value = TypeVar("Value", int, str)


class People:
    """The members of a queue. A number in which each has a bit stands for some of them."""

    def __init__(self, members: Sequence[AgentProfile], policy: QueuePolicy | None) -> None:
        self.members = members
        self.profiles = {profile.id: profile for profile in members}
        self.bits = {profile.id: 1 << at for at, profile in enumerate(members)}
        self.everyone = (1 << len(members)) - 1
        self._policy = policy
        self._tiers: dict[int, int] = {}
        self._kinds: dict[str, int] = {}
        self._levels: dict[str, dict[int, int]] = {}  # skill -> level -> who has it at that level
        self._values: dict[str, dict[str, int]] = {}  # attribute -> value -> who has it

    def up_to(self, tier: int) -> int:
        """Those of these tiers."""
        if tier not in self._tiers:
            policy = self._policy
            self._tiers[tier] = self._those(policy is not None and tier_of(profile, policy) <= tier for profile in self.members)
        return self._tiers[tier]

    def taking(self, kind: str) -> int:
        """Those who take contacts of that kind at all."""
        if kind not in self._kinds:
            self._kinds[kind] = self._those(bool(profile.capacity.get(kind)) for profile in self.members)
        return self._kinds[kind]

    def named(self, agents: Iterable[str]) -> int:
        """Those with these ids; who is no member has no bit."""
        found = 0
        for agent in agents:
            found |= self.bits.get(agent, 0)
        return found

    def skilled(self, skill: str, suits: Callable[[int], bool]) -> int:
        """Those whose level suits; who has not the skill has level 0."""
        if skill not in self._levels:
            self._levels[skill] = self._sorted(profile.skills.get(skill, 0) for profile in self.members)
        found = 0
        for level, having in self._levels[skill].items():
            if suits(level):
                found |= having
        return found

    def valued(self, attribute: str, value: str) -> int:
        """Those whose attribute has that value; who has not the attribute has "" in it."""
        if attribute not in self._values:
            self._values[attribute] = self._sorted(profile.attributes.get(attribute, "") for profile in self.members)
        return self._values[attribute].get(value, 0)

    def listed(self, bits: int) -> list[AgentProfile]:
        """Some of them, in the order of the configuration."""
        found = []
        while bits:
            found.append(self.members[(bits & -bits).bit_length() - 1])
            bits &= bits - 1
        return found

    def _those(self, whether: Iterable[bool]) -> int:
        return int("".join("1" if one else "0" for one in whether)[::-1] or "0", 2)

    def _sorted(self, values: Iterable[Value]) -> dict[Value, int]:
        found: dict[Value, list[str]] = {}
        for at, value in enumerate(values):
            found.setdefault(value, []).append(self.members[at].id)
        return {value: sum(self.bits[id] for id in ids) for value, ids in found.items()}
