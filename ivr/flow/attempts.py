"""How often a caller may say nothing or something that does not fit: two separate counters, each with its own prompts and its own exit."""

from typing import Annotated, Literal

from pydantic import Field

from ivr.flow.model import Prompts, Target
from ivr.flow.texts import Prompt
from sources.schema import Settings

Miss = Literal["no_input", "no_match"]


class Tries(Settings):
    """`attempts` misses lead to `then` (else to the node's `failure`).

    The n-th miss before that says the n-th of `prompts`, the last one from then on.
    """

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    prompts: list[Prompts] = Field(default=[])
    then: Target | None = None


class Attempts:
    """The counters of one visit to a menu or collect node; made anew at each entry."""

    def __init__(self, no_input: Tries, no_match: Tries) -> None:
        self._tries: dict[Miss, Tries] = {"no_input": no_input, "no_match": no_match}
        self._missed: dict[Miss, int] = {"no_input": 0, "no_match": 0}

    def missed(self, miss: Miss) -> bool:
        """Count a miss; True when it was the last one allowed."""
        self._missed[miss] += 1
        return self._missed[miss] >= self._tries[miss].attempts

    def prompts(self, miss: Miss) -> tuple[Prompt, ...]:
        """What to say after this miss, before asking again."""
        tapered = self._tries[miss].prompts
        if not tapered:
            return (Prompt(name=miss),)
        return tapered[min(self._missed[miss], len(tapered)) - 1]
