"""collect: have digits entered into a variable, check them, have them confirmed."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.flow.attempts import Attempts, Miss, Tries
from ivr.flow.entry_rules import Rules
from ivr.flow.model import Node, Prompts, Target, Variable, Where
from ivr.flow.nodes.menu import missing_exits
from ivr.flow.pattern_lengths import lengths_fault
from ivr.flow.talk import Talk
from ivr.flow.texts import Prompt
from sources.schema import Duration, Key

Length = Annotated[int, Field(ge=1, le=64)]


class Collect(Node):
    """An entry ends at `max_length`, at the finish key, or when no digit follows in time.

    A shortcut key of the flow counts when it is all that was entered and no valid entry by itself.
    """

    type: ClassVar[str] = "collect"
    waits: ClassVar[bool] = True

    prompt: Prompts
    short_prompt: Prompts | None = None
    save: Variable
    next: Target
    min_length: Length = 1
    max_length: Length = 32
    finish_key: Key | Literal[""] = "#"
    finish_timeout: Duration = 2000
    timeout: Duration = 6000
    inter_digit_timeout: Duration = 4000
    valid: Rules = Rules()
    confirm: bool = False
    confirm_prompt: Prompts = (Prompt(name="confirm"),)
    sensitive: bool = False
    barge_in: bool = True
    type_ahead: Literal["keep", "flush"] = "keep"
    no_input: Tries = Tries()
    no_match: Tries = Tries()
    failure: Target | None = None

    async def run(self, talk: Talk) -> str:
        if self.type_ahead == "flush":
            talk.forget_keys()
        attempts = Attempts(self.no_input, self.no_match)
        prompts = self.prompt
        while True:
            talk.step()
            entered = await self._entry(talk, prompts)
            if self._is_shortcut(talk, entered):
                talk.heard(entered, True)
                return f"key:{entered}"
            accepted = self.accepts(entered)
            talk.heard(entered, accepted, sensitive=self.sensitive)
            miss: Miss | None = None if accepted else ("no_match" if entered else "no_input")
            if accepted and self.confirm:
                miss = await self._doubt(talk, entered, attempts)
            if miss is None:
                talk.set(self.save, entered, sensitive=self.sensitive)
                return "next"
            talk.forget_keys()
            if attempts.missed(miss):
                return miss
            again = self.short_prompt or self.prompt
            prompts = again if accepted else (*attempts.prompts(miss), *again)

    def accepts(self, entered: str) -> bool:
        return self.min_length <= len(entered) <= self.max_length and self.valid.accept(entered)

    async def _entry(self, talk: Talk, prompts: Prompts) -> str:
        key = await talk.say(prompts, barge_in=self.barge_in)
        if not self.barge_in and self.type_ahead == "flush":
            talk.forget_keys()
        key = key or await talk.key(self.timeout)
        entered = ""
        while key and key != self.finish_key:
            entered += key
            if len(entered) >= self.max_length:
                if self.finish_key:
                    talk.expect_late(self.finish_key, self.finish_timeout)
                return entered
            if len(entered) == 1 and key in talk.flow.keys and not key.isdigit():
                return entered
            key = await talk.key(self.inter_digit_timeout)
        return entered

    def _is_shortcut(self, talk: Talk, entered: str) -> bool:
        return entered in talk.flow.keys and (not entered.isdigit() or not self.accepts(entered))

    async def _doubt(self, talk: Talk, entered: str, attempts: Attempts) -> Miss | None:
        """Have the entry confirmed: None when it is right, no_match when it is not, no_input when nobody answers."""
        while True:
            talk.step()
            key = await talk.say(self.confirm_prompt, entered=entered) or await talk.key(self.timeout)
            if key == "1":
                return None
            if key == "2":
                return "no_match"
            if attempts.missed("no_match" if key else "no_input"):
                return "no_match" if key else "no_input"

    def target(self, exit: str) -> Target:
        if exit == "next":
            return self.next
        tries = self.no_input if exit == "no_input" else self.no_match
        return tries.then or self.failure or super().target(exit)

    def problems(self) -> Iterator[tuple[Where, str]]:
        if self.min_length > self.max_length:
            yield ("min_length",), f"is greater than max_length ({self.max_length})"
        elif self.valid.pattern and (fault := lengths_fault(self.valid.pattern.text, self.min_length, self.max_length)):
            yield ("valid", "pattern"), fault
        if self.finish_key and self.finish_key in "0123456789":
            yield ("finish_key",), 'a digit cannot finish an entry of digits: use "#" or "*"'
        yield from missing_exits(self.no_input, self.no_match, self.failure)
