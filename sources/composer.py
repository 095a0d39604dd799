"""Builds data and positions from the parser's events: every scalar as text, every value and key with its place.

Anchors, aliases, merge keys, tags and second documents are refused, which also bounds what a small file can grow into.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from sources.problems import Position, Problem

MAX_DEPTH = 40
MAX_VALUES = 200_000
MAX_EXTRAS = 10  # anchors and aliases that are reported one by one

Where = tuple[str | int, ...]  # the way to a value: ("nodes", "greet", "prompt", 0)


class TooMuch(Exception):
    """A file that is deeper or larger than any that is meant, or goes on with a second document; reading ends here."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read; `key` waits for its value."""

    path: Where
    data: dict[str, Any] | list[Any]
    key: str | None = None


class Composer:
    """Builds data and positions from parser events, without recursion: depth and size are checked as it grows."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.data: Any = None
        self.values: dict[Where, Position] = {}
        self.keys: dict[Where, Position] = {}
        self.problems: list[Problem] = []
        self.ended = False  # not read to its end
        self.scalars: list[tuple[int, int]] = []  # where text stands that cannot be a comment: start and end offset
        self.texts: list[tuple[int, int]] = []  # the same for values alone
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        """One event of the parser's. Raises TooMuch."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise TooMuch(Problem(self._at(event), "a second document begins here", "one document a file: remove the '---'"))
        elif isinstance(event, yaml.AliasEvent):
            self._say(event, "aliases (*name) are not used here", 'write the value out, or quote a star key: "*"')
            self._scalar("", event)
        elif isinstance(event, yaml.ScalarEvent):
            if event.start_mark is not None and event.end_mark is not None:
                self.scalars.append((event.start_mark.index, event.end_mark.index))
            self._refuse_extras(event)
            self._scalar(event.value, event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._refuse_extras(event)
            self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()

    def end(self, problem: Problem) -> None:
        """Reading ended before the text did."""
        self.problems.append(problem)
        self.ended = True

    def all_problems(self) -> list[Problem]:
        """What is wrong; of anchors and aliases by the dozen the first alone."""
        extras = [problem for problem in self.problems if problem.message.startswith(("anchors", "aliases"))]
        if len(extras) <= MAX_EXTRAS:
            return self.problems
        first = Problem(extras[0].position, f"{extras[0].message}, and {len(extras) - 1} more like it", extras[0].hint)
        return [first, *(problem for problem in self.problems if problem not in extras)]

    def _at(self, event: Any) -> Position:
        return Position(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _say(self, event: Any, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self._at(event), message, hint))

    def _refuse_extras(self, event: Any) -> None:
        if event.anchor:
            self._say(event, f"anchors (&{event.anchor}) are not used here", "write the value out where it is needed")
        if event.tag:
            self._say(event, f"tags ({event.tag}) are not used here", "write the plain value, in quotes if it begins with '!'")

    def _scalar(self, value: str, event: Any) -> None:
        around = self._open[-1] if self._open else None
        if around is not None and isinstance(around.data, dict) and around.key is None:
            self._key(around, around.data, value, event)
        else:
            if event.start_mark is not None and event.end_mark is not None:
                self.texts.append((event.start_mark.index, event.end_mark.index))
            self._place("" if getattr(event, "tag", None) else value, event)

    def _key(self, around: _Open, data: dict[str, Any], value: str, event: Any) -> None:
        path = (*around.path, value)
        if value == "<<":
            self._say(event, "merge keys (<<) are not used here", "write the settings out")
        if value in data:
            self._say(event, f"'{value}' is written twice; first at line {self.keys[path].line}", "remove one of them")
        else:
            self.keys[path] = self._at(event)
        around.key = value

    def _begin(self, data: dict[str, Any] | list[Any], event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise TooMuch(Problem(self._at(event), f"is nested more than {MAX_DEPTH} levels deep"))
        around = self._open[-1] if self._open else None
        if around is not None and isinstance(around.data, dict) and around.key is None:
            raise TooMuch(
                Problem(self._at(event), "a key must be text, not a list or settings in braces", "quote it if it is meant as text")
            )
        self._open.append(_Open(self._place(data, event), data))

    def _place(self, value: Any, event: Any) -> Where:
        """Put a value where it belongs and return the way to it."""
        if len(self.values) >= MAX_VALUES:
            raise TooMuch(Problem(self._at(event), f"there are more than {MAX_VALUES} values", "split it"))
        path: Where = ()
        if not self._open:
            self.data = value
        else:
            around = self._open[-1]
            if isinstance(around.data, dict):
                path, key, around.key = (*around.path, around.key or ""), around.key or "", None
                around.data.setdefault(key, value)
            else:
                path = (*around.path, len(around.data))
                around.data.append(value)
        self.values.setdefault(path, self._at(event))
        return path
