"""A YAML file as text with positions: every scalar stays the text that was written, and every value and key knows its place.

YAML's own types are never used (`0501234567` must not become a number, nor `22:30`, nor `no`); `ivr.loading.schema` gives the types.
Anchors, aliases, merge keys, tags and second documents are refused, which also bounds what a small file can grow into.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ivr.loading.problems import Position, Problem, ProblemsFound

MAX_BYTES = 2_000_000
MAX_DEPTH = 40
MAX_VALUES = 200_000

Where = tuple[str | int, ...]  # the way to a value: ("nodes", "greet", "prompt", 0)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: `data` is made of dict, list and str only."""

    file: str
    data: Any
    values: dict[Where, Position] = field(default_factory=dict, repr=False)
    keys: dict[Where, Position] = field(default_factory=dict, repr=False)

    def where(self, path: Where = ()) -> Position:
        """The place of the value at `path`, or of the nearest value around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Position(self.file))

    def where_key(self, path: Where) -> Position:
        """The place of the key that `path` ends with; of the value where there is no such key (a list's item)."""
        return self.keys.get(path) or self.where(path)


def read_source(path: Path, name: str = "") -> Source:
    """Read a YAML file; `name` is what problems call it (else the path as given). Raises only ProblemsFound."""
    file = name or str(path)
    try:
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProblemsFound([Problem(Position(file), f"cannot be read: {error.strerror or error}")]) from error
    if len(raw) > MAX_BYTES:
        raise ProblemsFound([Problem(Position(file), f"is longer than {MAX_BYTES} bytes", "split it")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        problem = Problem(Position(file, line, column), "is not UTF-8 text here", "save the file as UTF-8")
        raise ProblemsFound([problem]) from error
    return parse_source(text, file)


def parse_source(text: str, file: str) -> Source:
    """The same for text already at hand."""
    composer = _Composer(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            composer.take(event)
    except yaml.YAMLError as error:
        composer.problems.append(_syntax_problem(error, text, file))
    except _TooMuch as error:
        composer.problems.append(error.problem)
    except (RecursionError, MemoryError, ValueError) as error:
        composer.problems.append(Problem(Position(file), f"cannot be read as YAML: {error}"))
    vanished = list(_vanished(text, file, composer.scalars))
    if vanished:  # a syntax error further down is then only a consequence
        raise ProblemsFound([*vanished, *(problem for problem in composer.problems if not problem.message.startswith("is not valid YAML"))])
    if composer.problems:
        raise ProblemsFound(composer.problems)
    return Source(file, {} if composer.data in (None, "") else composer.data, composer.values, composer.keys)


class _TooMuch(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read; `key` waits for its value."""

    path: Where
    data: dict[str, Any] | list[Any]
    key: str | None = None


class _Composer:
    """Builds data and positions from parser events, without recursion: depth and size are checked as it grows."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.data: Any = None
        self.values: dict[Where, Position] = {}
        self.keys: dict[Where, Position] = {}
        self.problems: list[Problem] = []
        self.scalars: list[tuple[int, int]] = []  # where text stands that cannot be a comment: start and end offset
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _TooMuch(Problem(self._at(event), "a second document begins here", "one file holds one document: remove the '---'"))
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
            self._place(value, event)

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
            raise _TooMuch(Problem(self._at(event), f"is nested more than {MAX_DEPTH} levels deep"))
        around = self._open[-1] if self._open else None
        if around is not None and isinstance(around.data, dict) and around.key is None:
            raise _TooMuch(
                Problem(self._at(event), "a key must be text, not a list or settings in braces", "quote it if it is meant as text")
            )
        self._open.append(_Open(self._place(data, event), data))

    def _place(self, value: Any, event: Any) -> Where:
        """Put a value where it belongs and return the way to it."""
        if len(self.values) >= MAX_VALUES:
            raise _TooMuch(Problem(self._at(event), f"holds more than {MAX_VALUES} values", "split it"))
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


_COMMENT = re.compile(r"(?:^|(?<=[\s{\[,]))#")


def _vanished(text: str, file: str, scalars: list[tuple[int, int]]) -> Iterator[Problem]:
    """Keys and values `#` that YAML takes for the start of a comment: `#: person`, `finish_key: #`."""
    offset = 0
    index = 0
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        for match in _COMMENT.finditer(line):
            place = offset + match.start()
            while index < len(scalars) and scalars[index][1] <= place:
                index += 1
            if index < len(scalars) and scalars[index][0] <= place:
                continue  # inside text: an ordinary character
            if _looks_meant(line[: match.start()], line[match.end() :]):
                position = Position(file, number, match.start() + 1)
                yield Problem(position, "YAML reads this # as the start of a comment", 'quote the key: "#"')
            break  # the rest of the line is a comment
        offset += len(line)


def _looks_meant(before: str, after: str) -> bool:
    if re.match(r"\s?:(\s|$)", after):
        return True
    return bool(re.search(r"[:,\[{]\s*$|^\s*-\s+$", before)) and bool(re.match(r"\s*($|[,\]}])", after))


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """A parser's complaint in words for a person."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        return Problem(Position(file, line, column), "a control character stands here", "remove it")
    mark = getattr(error, "problem_mark", None)
    position = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
    said = str(getattr(error, "problem", "") or error)
    context = str(getattr(error, "context", "") or "")
    line_text = (text.splitlines() or [""])[min(position.line, len(text.splitlines()) or 1) - 1]
    if "alias" in context:
        return Problem(Position(file, position.line, max(1, position.column - 1)), "a star must be quoted", 'write "*"')
    if "cannot start any token" in said and "\t" in line_text[: position.column]:
        return Problem(position, "a tab stands here", "indent with spaces")
    if "mapping values are not allowed" in said:
        return Problem(position, "a ': ' stands where none is expected", "put the text in quotes, or check the indentation of this line")
    return Problem(position, f"is not valid YAML: {said}" + (f" ({context})" if context else ""), "check indentation, brackets and quotes")
