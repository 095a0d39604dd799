"""What a node has in its hands while it serves a caller: the call, the phone, the outside world, and keys that were pressed early.

It says prompts and reads keys the same way for every node type; what to say and what a key means is the node's business.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ivr.call import MASK, CallContext
from ivr.flow.expressions import Expression
from ivr.flow.texts import Prompt, Template
from ivr.hours import Hours
from ivr.ports import ALL_KEYS, Clock, Events, FlowPlace, Lookup, LookupReply, Phone, QueuePort, Speech

if TYPE_CHECKING:
    from ivr.flow.model import Flow

MAX_STEPS = 2000


class TooManySteps(Exception):
    """The flow runs in a circle: more steps than any caller takes."""


@dataclass(frozen=True, slots=True)
class World:
    """What a flow needs from outside. `meanwhile` runs a look-up while a prompt is played to the caller."""

    phone: Phone
    queues: QueuePort
    lookup: Lookup
    events: Events
    clock: Clock
    meanwhile: Callable[[Awaitable[LookupReply], Awaitable[Any]], Awaitable[LookupReply]]
    hours: Mapping[str, Hours] = field(default_factory=dict)
    time_zone: str = "UTC"
    currency: str = "CNY"


@dataclass(slots=True)
class Talk:
    """One call on its way through flows; `node` is where it is now."""

    call: CallContext
    flow: "Flow"
    world: World
    node: str = ""
    steps: int = 0
    _early: list[str] = field(default_factory=list)  # keys taken from the phone and not used yet
    _late: str = ""  # a finish key that still belongs to the entry before ...
    _late_until_ms: int = 0  # ... when it comes by then

    def step(self) -> None:
        """Count one more step of this call. Raises TooManySteps."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooManySteps(f"more than {MAX_STEPS} steps in one call")

    # -- saying ---------------------------------------------------------------------------------------------------------------

    @property
    def language(self) -> str:
        return self.call.language if self.call.language in self.flow.languages else self.flow.languages[0]

    async def say(self, prompts: Iterable[Prompt], *, barge_in: bool = True, **extra: str) -> str:
        """Say prompts; return the key that stopped them, else "". `extra` are variables for these prompts only."""
        return await self._utter(self.speech(prompts, extra), barge_in)

    async def announce(self, text: str, *, barge_in: bool = True) -> str:
        """Say one ready text; return the key that stopped it, else ""."""
        return await self._utter([Speech(self.language, text)] if text.strip() else [], barge_in)

    async def _utter(self, speech: list[Speech], barge_in: bool) -> str:
        while True:
            if barge_in and self._early:
                key = self._early.pop(0)
            else:
                key = await self.world.phone.play(speech, keys=ALL_KEYS if barge_in else "") if speech else ""
            if not self._is_late(key):
                return key
            self.step()

    def speech(self, prompts: Iterable[Prompt], extra: Mapping[str, str] | None = None) -> list[Speech]:
        """The prompts in the caller's language with their variables filled in."""
        variables = {**self.call.known(), **(extra or {})}
        said = []
        for use in prompts:
            prompt = self.flow.prompts.get(use.name, use) if not use.texts else use
            text = prompt.text(self.language)
            if text is None:
                continue
            recording = prompt.name if not text.names else ""
            language = prompt.spoken_in or self.language
            spoken = text.spoken(variables, language, self.world.currency).strip()
            if spoken or recording:
                said.append(Speech(language, spoken, recording, self.flow.name if recording else ""))
        return said

    # -- listening ------------------------------------------------------------------------------------------------------------

    async def key(self, timeout_ms: int) -> str:
        """The next key, pressed early or within the time; "" when none came."""
        while True:
            key = self._early.pop(0) if self._early else await self.world.phone.wait_key(timeout_ms)
            if not self._is_late(key):
                return key
            self.step()

    def give_back(self, keys: str) -> None:
        """Keys that were taken and belong to what comes next."""
        self._early[:0] = keys

    def forget_keys(self) -> None:
        """Drop whatever was pressed early."""
        self._early.clear()
        self.world.phone.forget_keys()

    def expect_late(self, key: str, within_ms: int) -> None:
        """The entry is complete without its finish key: swallow that key if it comes next and in time."""
        self._late, self._late_until_ms = key, self.world.clock.now_ms() + within_ms

    def _is_late(self, key: str) -> bool:
        if not key or not self._late:
            return False
        late = key == self._late and self.world.clock.now_ms() <= self._late_until_ms
        self._late = ""
        return late

    # -- variables and events -------------------------------------------------------------------------------------------------

    def fill(self, template: Template, escape: Callable[[str], str] = str) -> str:
        """The text with plain values; sensitive ones may be among them."""
        return template.fill(self.call.known(), escape)

    def fill_shown(self, template: Template) -> str:
        """The text for eyes: sensitive values masked."""
        return template.fill(self.call.shown())

    def is_true(self, expression: Expression) -> bool:
        return expression.is_true(self.call.known())

    def set(self, name: str, value: str, *, sensitive: bool = False) -> None:
        """Write a variable; a value made of a sensitive one is sensitive too."""
        self.call.variables[name] = value
        (self.call.sensitive.add if sensitive else self.call.sensitive.discard)(name)

    def is_sensitive(self, names: Iterable[str]) -> bool:
        return not self.call.sensitive.isdisjoint(names)

    @property
    def place(self) -> FlowPlace:
        """Where the call is now."""
        return FlowPlace(self.flow.name, self.flow.version, self.node)

    def heard(self, keys: str, understood: bool, *, sensitive: bool = False) -> None:
        """Write what the caller entered, masked where it must be."""
        self.world.events.input_received(self.place, keys=MASK if sensitive and keys else keys, understood=understood)
