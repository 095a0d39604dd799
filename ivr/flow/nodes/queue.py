"""queue: leave the caller to wait for an agent, and branch on how the wait ended."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from ivr.flow.model import HANG_UP, Node, Target, Where
from ivr.flow.talk import Talk
from ivr.flow.texts import Template
from ivr.loading.schema import Duration, Key, Settings
from ivr.ports import QueueRequest


class Step(Settings):
    """From `after` on, this requirement (an expression over skills) is enough."""

    after: Duration = 0
    requirement: Template


class Queue(Node):
    """Give one `requirement`, or `steps` that relax it.

    Outcomes without an exit of their own lead to `otherwise`; after a talk the call ends unless `answered` says more.
    """

    type: ClassVar[str] = "queue"
    waits: ClassVar[bool] = True

    queue: str
    requirement: Template | None = None
    steps: list[Step] = Field(default=[])
    priority: Annotated[int, Field(ge=-3600, le=86_400)] = 0
    preferred_agent: Template | None = None
    data: dict[str, Template] = Field(default={})
    exit_keys: dict[Key, Target] = Field(default={})
    answered: Target = Target(HANG_UP)
    timed_out: Target | None = None
    full: Target | None = None
    closed: Target | None = None
    no_agents: Target | None = None
    failed: Target | None = None
    otherwise: Target

    async def run(self, talk: Talk) -> str:
        talk.forget_keys()
        result = await talk.world.desk.wait(self.request(talk))
        if result.outcome == "exit_key":
            return f"exit_key:{result.key}"
        if result.outcome == "answered":
            talk.set("agent", result.agent)
        return result.outcome

    def request(self, talk: Talk) -> QueueRequest:
        steps = [(step.after, step.requirement) for step in self.steps]
        if self.requirement is not None:
            steps = [(0, self.requirement)]
        return QueueRequest(
            queue=self.queue,
            steps=tuple((after_ms, talk.fill(requirement)) for after_ms, requirement in steps) or ((0, ""),),
            priority=self.priority,
            exit_keys="".join(self.exit_keys),
            preferred_agent=talk.fill(self.preferred_agent) if self.preferred_agent else "",
            data={name: talk.fill_shown(value) for name, value in self.data.items()},
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

    def problems(self) -> Iterator[tuple[Where, str]]:
        if self.requirement is not None and self.steps:
            yield ("steps",), "give 'requirement' or 'steps', not both: the first step can carry the requirement"
        times = [step.after for step in self.steps]
        if times and times[0] != 0:
            yield ("steps", 0), "the first step holds from the beginning: leave its 'after' out"
        for index in range(1, len(times)):
            if times[index] <= times[index - 1]:
                yield ("steps", index, "after"), "each step must come later than the one before it"
        for where, requirement in self.requirements():
            if extra := requirement.names - {"language"}:
                yield where, f"a requirement may use no variable but {{language}}, found {{{min(extra)}}}"
