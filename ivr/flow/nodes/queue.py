"""queue: leave the caller to wait for an agent, and branch on how the wait ended."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from ivr.call import Place
from ivr.flow.model import HANG_UP, Node, Target, Where
from ivr.flow.talk import Talk
from ivr.flow.texts import Template
from ivr.ports import QueueRequest
from sources.schema import Duration, Key, Settings

LONGEST_VALUE = 60


class Step(Settings):
    """From `after` on, this requirement (an expression over skills) is enough."""

    after: Duration = 0
    requirement: Template


class Queue(Node):
    """Give one `requirement`, or `steps` that relax it.

    `data` is shown to the agent, with what earlier queues of the call have shown: also when an agent has passed the caller on.
    Who leaves by one of `exit_keys` and comes to a node of the same queue within its `keep_place` has the old place again.
    Outcomes without an exit of their own lead to `otherwise`; after a talk the call ends unless `answered` says more.
    """

    type: ClassVar[str] = "queue"
    waits: ClassVar[bool] = True

    queue: str
    requirement: Template | None = None
    steps: list[Step] = Field(default=[])
    priority: Annotated[int, Field(ge=-3600, le=86_400)] = 0
    preferred_agent: Template | None = None
    preferred_agents: list[Template] = Field(default=[])
    preferred_for: Duration = 0
    exclude_agents: list[Template] = Field(default=[])
    keep_place: Duration = 600_000
    data: dict[str, Template] = Field(default={})
    exit_keys: dict[Key, Target] = Field(default={})
    answered: Target = Target(HANG_UP)
    timed_out: Target | None = None
    full: Target | None = None
    closed: Target | None = None
    no_agents: Target | None = None
    overflowed: Target | None = None
    withdrawn: Target | None = None
    failed: Target | None = None
    otherwise: Target

    async def run(self, talk: Talk) -> str:
        talk.forget_keys()
        place_from_ms = self._join(talk)
        request = self.request(talk)
        talk.call.data = dict(request.data)
        result = await talk.world.queues.wait(replace(request, place_from_ms=place_from_ms))
        place = talk.call.places.pop(self.queue, None)
        if result.outcome == "exit_key":
            if place:
                talk.call.places[self.queue] = replace(place, left_ms=talk.world.clock.now_ms())
            return f"exit_key:{result.key}"
        if result.outcome == "answered":
            talk.set("agent", result.agent)
        return result.outcome

    def _join(self, talk: Talk) -> int:
        """Remember since when the caller is in this queue, also for the server that takes the call over; the old place, or 0."""
        now_ms, before = talk.world.clock.now_ms(), talk.call.places.pop(self.queue, None)
        kept = before if before and (not before.left_ms or now_ms - before.left_ms <= self.keep_place) else None
        if self.keep_place:
            talk.call.places[self.queue] = Place(kept.from_ms if kept else now_ms)
        return kept.from_ms if kept and self.keep_place else 0

    def request(self, talk: Talk) -> QueueRequest:
        steps = [(step.after, step.requirement) for step in self.steps]
        if self.requirement is not None:
            steps = [(0, self.requirement)]
        return QueueRequest(
            queue=self.queue,
            steps=tuple((after_ms, talk.fill(requirement, _value)) for after_ms, requirement in steps) or ((0, ""),),
            priority=self.priority,
            exit_keys="".join(self.exit_keys),
            preferred=_names(talk, [*([self.preferred_agent] if self.preferred_agent else []), *self.preferred_agents]),
            preferred_ms=self.preferred_for,
            exclude=_names(talk, self.exclude_agents),
            data=talk.call.data | {name: talk.fill_shown(value) for name, value in self.data.items()},
        )

    def target(self, exit: str) -> Target:
        kind, _, key = exit.partition(":")
        if kind == "exit_key":
            return self.exit_keys.get(key, self.otherwise)
        found = getattr(self, exit, None)
        return found if isinstance(found, Target) else self.otherwise

    def requirements(self) -> Iterator[tuple[Where, Template]]:
        """Every requirement with its place."""
        if self.requirement is not None:
            yield ("requirement",), self.requirement
        for index, step in enumerate(self.steps):
            yield ("steps", index, "requirement"), step.requirement

    def agents(self) -> Iterator[tuple[Where, Template]]:
        """Every agent that is named with its place."""
        if self.preferred_agent is not None:
            yield ("preferred_agent",), self.preferred_agent
        for setting in ("preferred_agents", "exclude_agents"):
            for index, agent in enumerate(getattr(self, setting)):
                yield (setting, index), agent

    def problems(self) -> Iterator[tuple[Where, str]]:
        if self.requirement is not None and self.steps:
            yield ("steps",), "give 'requirement' or 'steps', not both: the first step can carry the requirement"
        times = [step.after for step in self.steps]
        if times and times[0] != 0:
            yield ("steps", 0), "the first step applies from the beginning: leave its 'after' out"
        for index in range(1, len(times)):
            if times[index] <= times[index - 1]:
                yield ("steps", index, "after"), "each step must come later than the one before it"
        for where, requirement in self.requirements():
            if extra := unquoted(requirement) - {"language"}:
                yield where, f'only {{language}} may stand in a requirement by itself; write "{{{min(extra)}}}", as in site = "{{branch}}"'


def unquoted(requirement: Template) -> set[str]:
    """The variables that stand outside of double quotes, where a value could change what the expression means."""
    found, quotes = set[str](), 0
    for part in requirement.parts:
        if isinstance(part, str):
            quotes += part.count('"')
        elif quotes % 2 == 0:
            found.add(part.name)
    return found


def _value(value: str) -> str:
    """A variable's value as it may stand between quotes."""
    return value.replace('"', "")[:LONGEST_VALUE]


def _names(talk: Talk, agents: Iterable[Template]) -> tuple[str, ...]:
    """The agents' names, filled in, each once; a variable without a value names nobody."""
    return tuple(dict.fromkeys(name for agent in agents if (name := talk.fill(agent).strip())))
