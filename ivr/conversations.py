"""Conversations in YAML: what a caller presses and what must be heard, queued or dialled; a failure names the step.

A conversation runs on the real interpreter with a scripted world and a virtual clock; what is not written down does not happen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from ivr.flow.model import Flows
from ivr.interpreter import EndReason, Interpreter
from ivr.keys import take_expected
from ivr.ports import DialOutcome, LookupReply, LookupRequest, QueueOutcome, QueueRequest, QueueResult, Speech
from ivr.premises import Premises
from ivr.testing import CallerGone, RecordedEvents, ScriptedPhone, VirtualClock
from sources.problems import Position, Problem, ProblemsFound, suggest
from sources.schema import Keys, Settings, build
from sources.source import Source, read_source


class QueueStep(Settings):
    """The caller comes to a queue; what is left out is not compared."""

    name: str
    requirement: str | None = None
    preferred: list[str] | None = None
    exclude: list[str] | None = None
    old_place: bool | None = None
    data: dict[str, str] = Field(default={})
    outcome: QueueOutcome = "answered"
    key: str = ""
    agent: str = ""


class DialStep(Settings):
    """The caller is transferred."""

    to: str
    outcome: DialOutcome = "answered"


class Step(Settings):
    """Exactly one of these. `wait` is a silence until the time-out, `hang_up` the caller's."""

    hear: str | None = None
    press: Keys | None = None
    wait: str | None = None
    hang_up: str | None = None
    queue: QueueStep | None = None
    dial: DialStep | None = None
    ended: EndReason | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("expected exactly one of hear, press, wait, hang_up, queue, dial, ended")
        return self

    @property
    def kind(self) -> str:
        return next(iter(self.model_fields_set))


class Answer(Settings):
    """What a look-up whose address contains `url` gets."""

    url: str
    status: int = 200
    reply: Any = None
    failure: str = ""


class Conversation(Settings):
    """One call. `now` is local time of the site, `2026-11-23 10:00`."""

    conversation: str
    flow: str
    language: str = ""
    ani: str = "+8613800000000"
    dnis: str = "4000"
    caller_list: str | None = None  # None: that of `ani`, as for a real call
    now: datetime = datetime(2026, 11, 23, 10, 0)
    variables: dict[str, str] = Field(default={})
    lookups: list[Answer] = Field(default=[])
    steps: list[Step] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Result:
    """How a conversation went: `problem` is None when every step came as written."""

    name: str
    position: Position
    problem: Problem | None
    visited: tuple[tuple[str, str], ...] = ()  # (flow, node)


async def run_conversations(files: Iterable[Path], flows: Flows, premises: Premises) -> list[Result]:
    """Run every conversation of these files. Raises ProblemsFound when a file cannot be read; a conversation that fails is a result."""
    scripts: list[tuple[Source, int, Conversation]] = []
    problems: list[Problem] = []
    for path in files:
        try:
            source = read_source(path)
            scripts.extend((source, index, script) for index, script in enumerate(_read(source, flows)))
        except ProblemsFound as found:
            problems.extend(found.problems)
    if problems:
        raise ProblemsFound(problems)
    return [await run_conversation(script, source, index, flows, premises) for source, index, script in scripts]


def _read(source: Source, flows: Flows) -> list[Conversation]:
    if not isinstance(source.data, list):
        raise ProblemsFound([Problem(source.where(), "expected a list of conversations", "begin with '- conversation: what happens'")])
    scripts: list[Conversation] = []
    problems: list[Problem] = []
    for index, data in enumerate(source.data):
        try:
            script = build(Conversation, source, (index,), data)
            if script.flow not in flows:
                problems.append(Problem(source.where((index, "flow")), f"unknown flow '{script.flow}'", suggest(script.flow, flows)))
            scripts.append(script)
        except ProblemsFound as found:
            problems.extend(found.problems)
    if problems:
        raise ProblemsFound(problems)
    return scripts


async def run_conversation(script: Conversation, source: Source, index: int, flows: Flows, premises: Premises) -> Result:
    """Run one conversation."""
    now = script.now if script.now.tzinfo else script.now.replace(tzinfo=ZoneInfo(premises.time_zone))
    world = _Caller(script, VirtualClock(int(now.timestamp() * 1000)), premises)
    events = RecordedEvents()
    call = premises.call("conversation", script.ani, script.dnis, script.language, caller_list=script.caller_list)
    call.variables.update(script.variables)
    interpreter = Interpreter(
        flows,
        world,
        world,
        world,
        events,
        world.clock,
        hours=premises.hours,
        time_zone=premises.time_zone,
        currency=premises.currency,
        gone=(CallerGone, _Mismatch),
    )
    fault = ""
    try:
        ended = await interpreter.run(call, script.flow)
        world.end(ended.reason)
    except CallerGone:
        pass
    except _Mismatch as mismatch:
        fault = str(mismatch)
        fault += "".join(f"; the flow failed before: {data['message']}" for data in events.of("flow_failed")[:1])
    at = (index, "steps", min(world.at, len(script.steps) - 1))
    problem = Problem(source.where(at), f"{script.conversation}: {fault}") if fault else None
    visited = tuple((str(data["flow"]), str(data["node"])) for data in events.of("node_entered"))
    return Result(script.conversation, source.where((index,)), problem, visited)


class _Mismatch(Exception):
    """The flow does something else than the script says."""


class _Caller(ScriptedPhone):
    """The caller, the queue desk and the systems asked, all reading the same script."""

    def __init__(self, script: Conversation, clock: VirtualClock, premises: Premises) -> None:
        super().__init__(clock=clock)
        self.at = 0
        self._script = script
        self._premises = premises
        self._heard: list[str] = []

    def _next(self) -> Step | None:
        """The step that is due; keys of a `press` are taken out into `early`."""
        steps = self._script.steps
        while self.at < len(steps) and steps[self.at].kind == "press":
            self.early.extend(steps[self.at].press or "")
            self._heard.clear()
            self.at += 1
        return steps[self.at] if self.at < len(steps) else None

    def _hear(self) -> None:
        while not self.early and (step := self._next()) is not None and step.kind == "hear":
            found = next((index for index, text in enumerate(self._heard) if (step.hear or "") in text), None)
            if found is None:
                return
            del self._heard[: found + 1]
            self.at += 1

    def _expected(self, what: str) -> _Mismatch:
        step = self._next()
        if step is None:
            return _Mismatch(f"{what}, but the conversation is over")
        if step.kind == "hear":
            return _Mismatch(f"expected to hear '{step.hear}', heard {self._heard[-3:] or 'nothing'}; then {what}")
        expected = {"wait": "a silence", "hang_up": "the caller to hang up"}.get(step.kind) or f"{step.kind} {_words(step)}"
        return _Mismatch(f"{what}, expected {expected}")

    async def play(self, speech: Any, *, keys: str = "") -> str:
        pieces: list[Speech] = list(speech)
        self.said.extend(piece.text for piece in pieces)
        self._heard.extend(piece.text for piece in pieces)
        self._hear()
        self._next_if_pressed()
        return take_expected(self.early, keys)

    def _next_if_pressed(self) -> None:
        if not self.early:
            self._next()

    async def wait_key(self, timeout_ms: int) -> str:
        self._next_if_pressed()
        if self.early:
            return self.early.pop(0)
        step = self._next()
        if step is not None and step.kind == "wait":
            self.at += 1
            self.clock.advance(timeout_ms)
            return ""
        if step is not None and step.kind == "hang_up":
            raise CallerGone
        if self.at and self._script.steps[self.at - 1].kind == "press" and not self._heard:
            self.clock.advance(timeout_ms)  # the pause after an entry
            return ""
        raise self._expected("the flow waits for a key")

    async def dial(self, target: str, timeout_ms: int) -> DialOutcome:
        step = self._next()
        if step is None or step.dial is None or step.dial.to != target:
            raise self._expected(f"the flow dials '{target}'")
        if step.dial.outcome != "not_allowed" and not self._premises.may_dial(target):
            raise self._expected(f"the flow dials '{target}', which the site does not allow (outcome: not_allowed)")
        self.at += 1
        return step.dial.outcome

    async def wait(self, request: QueueRequest) -> QueueResult:
        step = self._next()
        expected = step.queue if step is not None else None
        requirement = request.steps[0][1]
        found = f"the flow comes to the queue '{request.queue}' with the requirement '{requirement}' and the data {dict(request.data)}"
        if expected is None or expected.name != request.queue or expected.requirement not in (None, requirement):
            raise self._expected(found)
        if any(request.data.get(name) != value for name, value in expected.data.items()):
            raise self._expected(found)
        if not _suits(expected, request):
            preferred, exclude = list(request.preferred), list(request.exclude)
            found += f", preferred {preferred}, exclude {exclude}, {'the old' if request.place_from_ms else 'a new'} place"
            raise self._expected(found)
        if expected.outcome != "closed" and not self._premises.is_open(request.queue, self.clock.now_ms()):
            raise self._expected(f"the queue '{request.queue}' is closed at this time (outcome: closed)")
        self.at += 1
        return QueueResult(expected.outcome, expected.key, expected.agent)

    async def fetch(self, request: LookupRequest) -> LookupReply:
        for answer in self._script.lookups:
            if answer.url in request.url:
                return LookupReply(answer.status, answer.reply, answer.failure)
        return LookupReply(0, failure=f"there is no lookup in the conversation for {request.url}")

    def end(self, reason: Literal["hung_up", "failed"]) -> None:
        """The flow is over: nothing may be left but that."""
        step = self._next()
        if step is not None and step.ended == reason:
            self.at += 1
            step = self._next()
        if step is not None:
            raise self._expected(f"the flow ended ({reason})")


def _suits(expected: QueueStep, request: QueueRequest) -> bool:
    """Whether agents and place are as written, as far as they are."""
    found = (list(request.preferred), list(request.exclude), bool(request.place_from_ms))
    return all(want in (None, have) for want, have in zip((expected.preferred, expected.exclude, expected.old_place), found, strict=True))


def _words(step: Step) -> str:
    value = getattr(step, step.kind)
    return str(value.model_dump(exclude_unset=True) if isinstance(value, Settings) else value)
