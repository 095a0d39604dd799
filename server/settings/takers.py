"""Who could ever take a contact, judged by what the site says alone: skills, levels, attributes, queues and where they overflow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from routing.domain.model import AgentProfile, QueuePolicy
from routing.domain.requirement import BadRequirement, parse


@dataclass(frozen=True, slots=True)
class Takers:
    """The agents of a site and the queues that they serve."""

    queues: Mapping[str, QueuePolicy]
    agents: Mapping[str, AgentProfile]

    def of(self, queue: str) -> Sequence[str]:
        """Whoever serves a queue, or one into which it overflows."""
        served = set(self._overflows(queue))
        return [name for name, agent in self.agents.items() if served.intersection(agent.queues)]

    def nobody(self, queue: str, requirement: str) -> str:
        """What to do where nobody could ever take such a contact of this queue; "" where somebody could, or nobody serves it at all."""
        try:
            required = parse(requirement)
        except BadRequirement:
            return ""
        meets = [name for name, agent in self.agents.items() if required.suits(agent.skills, name, agent.attributes)]
        here = self.of(queue)
        if not here or set(meets).intersection(here):
            return ""
        if not meets:
            return "give an agent of the queue what is missing, or add a step that asks for less"
        others = ", ".join(meets[:3]) + (", ..." if len(meets) > 3 else "")
        return f"agents of other queues meet it ({others}): add the queue to one of them, or ask for less"

    def without(self) -> Iterator[str]:
        """Queues in which a caller would wait for nobody."""
        return (queue for queue in self.queues if not self.of(queue))

    def _overflows(self, queue: str) -> Iterator[str]:
        """The queue, and every one that its callers may come to without the flow."""
        ahead, seen = [queue], set[str]()
        while ahead:
            name = ahead.pop()
            if name in seen or name not in self.queues:
                continue
            seen.add(name)
            yield name
            ahead.extend(rule.to for rule in self.queues[name].overflow if rule.to)
