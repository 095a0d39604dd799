"""menu: offer choices by key. A submenu is another menu; `back`, `top` and `repeat` are keys of a menu like any other."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from ivr.flow.attempts import Attempts, Miss, Tries
from ivr.flow.model import BACK, TOP, Node, Prompts, Target, Variable, Where
from ivr.flow.talk import Talk
from sources.schema import Duration, Key

_CHOICE = re.compile(r"[0-9*#X]{1,12}")


def _choice(value: Any) -> str:
    if not isinstance(value, str) or not _CHOICE.fullmatch(value):
        raise ValueError(f"expected keys such as 1, 12, \"*\" or 8XXX (X is any digit), found '{value}'")
    return value


Choice = Annotated[str, BeforeValidator(_choice)]


class Menu(Node):
    """The first prompt may be long, `short_prompt` is said when asking again.

    An entry that is a choice and also begins a longer one waits `inter_digit_timeout` for the next key.
    """

    type: ClassVar[str] = "menu"
    waits: ClassVar[bool] = True

    prompt: Prompts
    short_prompt: Prompts | None = None
    options: dict[Choice, Target]
    back: Key | None = None
    top: Key | None = None
    repeat: Key | None = None
    save: Variable | None = None
    timeout: Duration = 5000
    inter_digit_timeout: Duration = 2500
    finish_key: Key | Literal[""] = "#"
    barge_in: bool = True
    type_ahead: Literal["keep", "flush"] = "keep"
    no_input: Tries = Tries()
    no_match: Tries = Tries()
    failure: Target | None = None

    async def run(self, talk: Talk) -> str:
        if self.type_ahead == "flush":
            talk.forget_keys()
        attempts = Attempts(self.no_input, self.no_match)
        exits = self._exits(talk.flow.keys)
        prompts = self.prompt
        while True:
            talk.step()
            entered = await self._entry(talk, prompts, exits)
            choice = _matching(entered, exits)
            talk.heard(entered, bool(choice))
            if choice and exits[choice] == "repeat":
                prompts = self.prompt
                continue
            if choice:
                if self.save:
                    talk.set(self.save, entered)
                return exits[choice]
            miss: Miss = "no_match" if entered else "no_input"
            talk.forget_keys()
            if attempts.missed(miss):
                return miss
            prompts = (*attempts.prompts(miss), *(self.short_prompt or self.prompt))

    async def _entry(self, talk: Talk, prompts: Prompts, exits: Mapping[str, str]) -> str:
        """The keys pressed: as many as it takes to know the choice."""
        key = await talk.say(prompts, barge_in=self.barge_in)
        if not self.barge_in and self.type_ahead == "flush":
            talk.forget_keys()
        entered = key or await talk.key(self.timeout)
        while entered and _longer(entered, exits):
            key = await talk.key(self.inter_digit_timeout)
            if not key or (key == self.finish_key and not _begins(entered + key, exits)):
                break
            entered += key
        return entered

    def _exits(self, shortcuts: Mapping[str, Target]) -> dict[str, str]:
        """Exit by keys: the menu's own keys win over the flow's shortcuts."""
        exits = {key: f"key:{key}" for key in shortcuts}
        exits |= {key: f"option:{key}" for key in self.options}
        for key, exit in ((self.back, BACK), (self.top, TOP), (self.repeat, "repeat")):
            if key:
                exits[key] = exit
        return exits

    def target(self, exit: str) -> Target:
        kind, _, key = exit.partition(":")
        if kind == "option":
            return self.options[key]
        if exit in (BACK, TOP):
            return Target(exit)
        tries = self.no_input if exit == "no_input" else self.no_match
        return tries.then or self.failure or super().target(exit)

    def problems(self) -> Iterator[tuple[Where, str]]:
        if not self.options:
            yield ("options",), "a menu needs at least one option"
        own = [(name, key) for name in ("back", "top", "repeat") if (key := getattr(self, name))]
        for index, (name, key) in enumerate(own):
            if key in self.options or key in [other for _, other in own[:index]]:
                yield (name,), f"the key '{key}' has two meanings in this menu"
        yield from missing_exits(self.no_input, self.no_match, self.failure)


def missing_exits(no_input: Tries, no_match: Tries, failure: Target | None) -> Iterator[tuple[Where, str]]:
    """A caller who never answers must come out somewhere."""
    if failure is None and not (no_input.then and no_match.then):
        yield (), "no exit for callers who give no valid answer: set 'failure', or 'then' under no_input and no_match"


def _matches(choice: str, entered: str) -> bool:
    return all(want == key or (want == "X" and key.isdigit()) for want, key in zip(choice, entered, strict=False))


def _begins(entered: str, exits: Mapping[str, str]) -> bool:
    return any(len(choice) >= len(entered) and _matches(choice, entered) for choice in exits)


def _longer(entered: str, exits: Mapping[str, str]) -> bool:
    return any(len(choice) > len(entered) and _matches(choice, entered) for choice in exits)


def _matching(entered: str, exits: Mapping[str, str]) -> str:
    """The choice that was entered; the one written out wins over one with X."""
    if entered in exits:
        return entered
    return next((choice for choice in exits if len(choice) == len(entered) and _matches(choice, entered)), "")
