"""A YAML file as text with positions: every scalar stays the text that was written, and every value and key knows its place.

YAML's own types are never used (`0501234567` must not become a number, nor `22:30`, nor `no`); `sources.schema` gives the types.
Anchors, aliases, merge keys, tags and second documents are refused, which also bounds what a small file can grow into.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sources.problems import Position, Problem, ProblemsFound
from sources.signs import SIGNS, first_sign, plain_text, sign_problem, signs_in_structure
from sources.syntax import missing_space, syntax_problem

MAX_BYTES = 2_000_000
MAX_DEPTH = 40
MAX_VALUES = 200_000
MAX_EXTRAS = 10  # anchors and aliases that are told one by one

Where = tuple[str | int, ...]  # the way to a value: ("nodes", "greet", "prompt", 0)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: `data` is made of dict, list and str only."""

    file: str
    data: Any
    values: dict[Where, Position] = field(default_factory=dict, repr=False)
    keys: dict[Where, Position] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)

    def where(self, path: Where = ()) -> Position:
        """The place of the value at `path`, or of the nearest value around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Position(self.file))

    def named(self, problem: Problem) -> Problem:
        """The problem; where what it quotes holds a sign of another keyboard, that sign at its own place instead."""
        at = first_sign(problem.message)
        if at < 0 or problem.position.file != self.file:
            return problem
        lines = self.text.splitlines()
        line, column = problem.position.line, problem.position.column
        written = lines[line - 1][column - 1 :] if line <= len(lines) else ""
        found = first_sign(written)
        if found < 0 or written[found] not in problem.message:
            return problem
        value = re.findall("'(.*)'", problem.message)
        prose = not plain_text(value[0] if value else problem.message).isascii()
        if prose and not re.match(r"[\w\"'#*-]+\s*：", written, re.ASCII):
            return problem
        return sign_problem(Position(self.file, line, column + found), written[found])

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
    composer, error = _composed(text, file)
    problems = [*composer.told(), *_signs_in_keys(composer, text)]
    vanished = list(_vanished(text, file, composer.scalars))
    if error is not None and not vanished:  # a syntax error further down is then only a consequence
        problems.extend(_mended(error, text, file, composer.texts[:-1]))
    if vanished or problems:
        raise ProblemsFound([*vanished, *problems])
    return Source(file, {} if composer.data in (None, "") else composer.data, composer.values, composer.keys, text)


def _composed(text: str, file: str) -> tuple["_Composer", yaml.YAMLError | None]:
    """What could be read, and where YAML's own rules ended it."""
    composer = _Composer(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            composer.take(event)
    except yaml.YAMLError as error:
        return composer, error
    except _TooMuch as error:
        composer.problems.append(error.problem)
    except (RecursionError, MemoryError, ValueError) as error:
        composer.problems.append(Problem(Position(file), f"cannot be read as YAML: {error}"))
    return composer, None


def _mended(error: yaml.YAMLError, text: str, file: str, spared: list[tuple[int, int]]) -> list[Problem]:
    """Why this is no YAML: signs of another keyboard or missing spaces, and what is wrong beside them; else what the parser says."""
    offsets = list(signs_in_structure(text, spared))
    if offsets:
        told = [sign_problem(place(text, at, file), text[at]) for at in offsets]
        return [*told, *_problems_behind(text, offsets, file)]
    at = missing_space(text, error)
    if at is not None:
        found = Problem(place(text, at, file), "a space is missing after the colon", f"write {text[:at].split()[-1]} {_word_at(text, at)}")
        return [found, *_problems_of(f"{text[:at]} {text[at:]}", file)]
    return [syntax_problem(error, text, file)]


def _problems_behind(text: str, offsets: list[int], file: str) -> Iterator[Problem]:
    """What is wrong when these signs are plain ones, at its place in the text as it is."""
    pieces: list[str] = []
    moved: list[tuple[Position, int]] = []  # by how many columns the rest of a line stands further right
    begin = 0
    for at in offsets:
        plain = plain_text(text[at])
        plain += " " if text[at] == "：" and text[at + 1 : at + 2].strip() else ""  # a colon wants a space behind it
        pieces += [text[begin:at], plain]
        begin = at + 1
        moved.append((place(text, at, file), len(plain) - 1))
    for problem in _problems_of("".join([*pieces, text[begin:]]), file):
        line, column = problem.position.line, problem.position.column
        for sign, columns in moved:
            column -= columns if sign.line == line and sign.column < column else 0
        yield Problem(Position(file, line, column), problem.message, problem.hint)


def _word_at(text: str, at: int) -> str:
    return re.split(r"[\s,}]", text[at:], maxsplit=1)[0]


def _problems_of(text: str, file: str) -> tuple[Problem, ...]:
    try:
        parse_source(text, file)
    except ProblemsFound as found:
        return found.problems
    return ()


def place(text: str, offset: int, file: str) -> Position:
    """The position of a sign of the text."""
    return Position(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _signs_in_keys(composer: "_Composer", text: str) -> Iterator[Problem]:
    """Signs in keys, which are never prose; a colon without its space makes a key of the whole setting."""
    lines = text.splitlines()
    for path, position in composer.keys.items():
        key = str(path[-1])
        written = lines[position.line - 1][position.column - 1 :] if position.line <= len(lines) else ""
        for at, sign in enumerate(written[: len(key) + 2]) if first_sign(key) >= 0 else ():
            if sign in SIGNS and sign in key:
                yield sign_problem(Position(position.file, position.line, position.column + at), sign)
                break
        else:
            match = re.match(r"([A-Za-z_]\w*):(?=[^\s:/])", written)
            if match and key.startswith(match[0]):
                where = Position(position.file, position.line, position.column + match.end())
                yield Problem(where, "a space is missing after the colon", f"write {match[0]} {key[match.end() :]}")


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
        self.texts: list[tuple[int, int]] = []  # the same for values alone
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

    def told(self) -> list[Problem]:
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
