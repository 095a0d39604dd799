"""A YAML file as text with positions: every scalar stays the text that was written, and every value and key knows its place.

YAML's own types are never used (`0501234567` must not become a number, nor `22:30`, nor `no`); `ivr.loading.schema` gives the types.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ivr.loading.composer import Composer, TooMuch
from ivr.loading.composer import Where as Where
from ivr.loading.hashes import lost_hashes
from ivr.loading.problems import Position, Problem, ProblemsFound
from ivr.loading.signs import SIGNS, first_sign, plain_text, sign_problem, signs_in_structure
from ivr.loading.syntax import missing_space, syntax_problem

MAX_BYTES = 2_000_000


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
    vanished = list(lost_hashes(text, file, composer.scalars))
    if error is not None and not vanished:  # a syntax error further down is then only a consequence
        problems.extend(_mended(error, text, file, composer.texts[:-1]))
    if vanished or problems:
        raise ProblemsFound([*vanished, *problems])
    return Source(file, {} if composer.data in (None, "") else composer.data, composer.values, composer.keys, text)


def _composed(text: str, file: str) -> tuple[Composer, yaml.YAMLError | None]:
    """What could be read, and where YAML's own rules ended it."""
    composer = Composer(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            composer.take(event)
    except yaml.YAMLError as error:
        return composer, error
    except TooMuch as error:
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
        yield replace(problem, position=Position(file, line, column))


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


def _signs_in_keys(composer: Composer, text: str) -> Iterator[Problem]:
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
