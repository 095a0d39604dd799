"""What is wrong with a file, in words for the person who wrote it: where, what was found, what was expected. Knows no YAML and no
schema."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; `line` and `column` count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. `hint` says what to do: "did you mean 'x'?". A `warning` is printed and keeps nothing from being used."""

    position: Position
    message: str
    hint: str = ""
    warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.warning else ""
        return f"{self.position}: {kind}{self.message}" + (f" - {self.hint}" if self.hint else "")


class ProblemsFound(Exception):
    """A file or a folder cannot be used; `problems` has every mistake found, warnings included, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def suggest(word: str, choices: Iterable[str]) -> str:
    """A hint: the nearest of `choices`, or all of them when they are few and none is near; "" when there is nothing to say."""
    known = sorted({choice for choice in choices if choice})
    folded = {choice.lower(): choice for choice in known}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{folded[near[0]]}'?"
    return f"possible: {', '.join(known)}" if 0 < len(known) <= 12 else ""
