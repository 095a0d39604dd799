"""A YAML file as text with positions: every scalar stays the text that was written, and every value and key knows its place.

YAML's own types are never used (`0501234567` must not become a number, nor `22:30`, nor `no`); `sources.schema` gives the types.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from sources.composer import Composer, TooMuch
from sources.composer import Where as Where
from sources.encoding import decoded
from sources.entries import without_entry
from sources.hashes import lost_hashes
from sources.mending import Mend, Mended
from sources.problems import Position, Problem, ProblemsFound
from sources.signs import SIGNS, first_sign, in_structure, plain_text, sign_problem, signs_in_structure
from sources.syntax import missing_space, syntax_problem

MAX_BYTES = 2_000_000
MOST_TRIES = 12  # how often a text is read once more without what was found wrong


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: `data` is made of dict, list and str only."""

    file: str
    data: Any
    values: dict[Where, Position] = field(default_factory=dict, repr=False)
    keys: dict[Where, Position] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)
    complete: bool = True  # False: entries are left out, so what is missing or empty here may be there

    def where(self, path: Where = ()) -> Position:
        """The place of the value at `path`, or of the nearest value around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Position(self.file))

    def named(self, problem: Problem) -> Problem:
        """The problem; where what it quotes has a sign of another keyboard in it, that sign at its own place instead."""
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


class BrokenSource(ProblemsFound):
    """A file that is no plain YAML. `rest` is what can be judged all the same: all of it as it is meant, or the sound entries; or None."""

    def __init__(self, problems: Iterable[Problem], rest: Source | None = None) -> None:
        super().__init__(problems)
        self.rest = rest


def read_source(path: Path, name: str = "") -> Source:
    """Read a YAML file; `name` is what problems call it (else the path as given). Raises only BrokenSource."""
    file = name or str(path)
    try:
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise BrokenSource([Problem(Position(file), f"cannot be read: {error.strerror or error}")]) from error
    if len(raw) > MAX_BYTES:
        raise BrokenSource([Problem(Position(file), f"is longer than {MAX_BYTES} bytes", "split it")])
    text, problem = decoded(raw, file)
    if problem is None:
        return parse_source(text or "", file)
    problems, rest = _read(text, file, 0) if text is not None else ((), None)
    raise BrokenSource([problem, *problems], rest)


def parse_source(text: str, file: str, tries: int = 0) -> Source:
    """The same for text already at hand. `tries`: how often something was put right before."""
    composer, error = _composed(text, file)
    problems = [*composer.all_problems(), *lost_hashes(text, file, composer.scalars)]
    lost = problems[len(composer.all_problems()) :]
    mends = list(_signs_in_keys(composer, text))
    if error is not None and not lost:  # behind a lost hash a syntax error is only a consequence
        mends += _mends(error, text, file, composer.texts[:-1])
        if not mends:
            problems.append(syntax_problem(error, text, file))
    problems += [mend.problem for mend in mends if mend.problem]
    if not problems:
        return _source(composer, text, True)
    if mends and (error is not None or _composed(Mended(text, mends).text, file)[1] is None):
        more, rest = _read_mended(text, file, mends, tries + 1)
    elif error is not None or mends:
        more, rest = _read_without(text, file, (lost or problems)[-1].position.line, tries + 1)
    else:
        more, rest = (), None if composer.ended else _source(composer, text, False)
    raise BrokenSource([*problems, *more], rest)


def _source(composer: Composer, text: str, complete: bool) -> Source:
    return Source(composer.file, {} if composer.data in (None, "") else composer.data, composer.values, composer.keys, text, complete)


def _read(text: str, file: str, tries: int) -> tuple[tuple[Problem, ...], Source | None]:
    """What is wrong, and what can be judged."""
    if tries > MOST_TRIES:
        return (), None
    try:
        return (), parse_source(text, file, tries)
    except BrokenSource as found:
        return found.problems, found.rest


def _read_mended(text: str, file: str, mends: list[Mend], tries: int) -> tuple[tuple[Problem, ...], Source | None]:
    """What is wrong beside these signs, at its place in the text as it is."""
    mended = Mended(text, mends)
    found, rest = _read(mended.text, file, tries)
    problems = tuple(replace(problem, position=mended.back(problem.position)) for problem in found)
    if rest is None:
        return problems, None
    values, keys = ({path: mended.back(position) for path, position in places.items()} for places in (rest.values, rest.keys))
    return problems, Source(file, rest.data, values, keys, text, rest.complete)


def _read_without(text: str, file: str, line: int, tries: int) -> tuple[tuple[Problem, ...], Source | None]:
    """What is wrong in the other entries; nothing where what is before this one is unsound, too: then the fault began there."""
    before, other = without_entry(text, line)
    if other == text or _composed(before, file)[1] is not None:
        return (), None
    found, rest = _read(other, file, tries)
    return found, replace(rest, text=text, complete=False) if rest else None


def _composed(text: str, file: str) -> tuple[Composer, yaml.YAMLError | None]:
    """What could be read, and where YAML's own rules ended it."""
    composer = Composer(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            composer.take(event)
    except yaml.YAMLError as error:
        return composer, error
    except TooMuch as error:
        composer.end(error.problem)
    except (RecursionError, MemoryError, ValueError) as error:
        composer.end(Problem(Position(file), f"cannot be read as YAML: {error}"))
    return composer, None


def _mends(error: yaml.YAMLError, text: str, file: str, spared: list[tuple[int, int]]) -> Iterator[Mend]:
    """Signs of another keyboard and a missing space that keep this text from being YAML."""
    offsets = list(signs_in_structure(text, spared))
    for at in offsets:
        yield Mend(at, 1, _put(text, at), sign_problem(place(text, at, file), text[at]))
    at_colon = None if offsets else missing_space(text, error)
    if at_colon is not None:
        words = re.split(r"[\s,}]", text[at_colon:], maxsplit=1)[0]
        yield _space_missing(at_colon, place(text, at_colon, file), f"write {text[:at_colon].split()[-1]} {words}")


def _put(text: str, at: int) -> str:
    """What stands there instead of a sign; a colon wants a space behind it."""
    return in_structure(text[at]) + (" " if text[at] == "：" and text[at + 1 : at + 2].strip() else "")


def _space_missing(at: int, where: Position, hint: str) -> Mend:
    return Mend(at, 0, " ", Problem(where, "a space is missing after the colon", hint))


def place(text: str, offset: int, file: str) -> Position:
    """The position of a sign of the text."""
    return Position(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _signs_in_keys(composer: Composer, text: str) -> Iterator[Mend]:
    """Signs in keys, which are never prose, the first of each key reported; a colon without its space makes a key of the complete
    setting."""
    lines = text.splitlines(keepends=True)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))
    for path, position in composer.keys.items():
        key = str(path[-1])
        begin = begins[min(position.line, len(lines)) - 1] + position.column - 1 if lines else 0
        written = text[begin : begin + len(key) + 2].split("\n", 1)[0]
        if first_sign(key) >= 0:
            found = [at for at, sign in enumerate(written) if sign in SIGNS and sign in key]
            for number, at in enumerate(found):
                problem = sign_problem(replace(position, column=position.column + at), written[at]) if number == 0 else None
                put = plain_text(written[at]) if written[0] in "\"'" else _put(text, begin + at)
                yield Mend(begin + at, 1, put, problem)
            if found:
                continue
        match = re.match(r"([A-Za-z_]\w*):(?=[^\s:/])", written)
        if match and key.startswith(match[0]):
            where = replace(position, column=position.column + match.end())
            yield _space_missing(begin + match.end(), where, f"write {match[0]} {key[match.end() :]}")
