"""Reads callers.yaml: lists of callers by their number, who are served before others and whom flows know by the list's name."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from ivr.numbers import e164
from server.settings.files import CallerListFile, CallersFile
from server.settings.number_files import read_number_file
from server.settings.reading import Reading
from sources.problems import Position, Problem, ProblemsFound

FILE = "callers.yaml"
MOST_TOLD = 20  # problems of one file of numbers


@dataclass(frozen=True, slots=True)
class CallerLists:
    """`priorities` are seconds by list, `members` the list by number (+8613800138000), `files` what the lists name."""

    priorities: Mapping[str, int] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    files: Collection[str] = ()

    def of(self, ani: str) -> str:
        """The list in which this number is; "" when it is in none."""
        return self.members.get(ani, "")

    def priority(self, ani: str) -> int:
        """Seconds that are added to the wait of this caller."""
        return self.priorities.get(self.of(ani), 0)


def read_callers(reading: Reading, country: str) -> CallerLists:
    """Every list. A number is read as somebody in `country` writes it."""
    lists = reading.file(FILE, CallersFile).lists
    members: dict[str, str] = {}
    spellings: dict[str, str] = {}
    for name, given in lists.items():
        for number, problem in _numbers(reading, name, given, country):
            text = e164(number, country)
            if not text:
                reading.problems.append(_no_number(number, problem))
            elif members.setdefault(text, name) != name:
                reading.problems.append(problem(f"{number} is already in the list '{members[text]}'", "a number is in one list"))
            elif spellings.setdefault(text, number) != number:
                reading.problems.append(problem(f"{number} is in this list already, as {spellings[text]}", "remove one of them"))
    files = frozenset(given.file for given in lists.values())
    return CallerLists({name: given.priority for name, given in lists.items()}, members, files)


Complaint = Callable[[str, str], Problem]


def _no_number(number: str, problem: Complaint) -> Problem:
    if re.fullmatch(r"[0-9.,]+E\+?[0-9]+", number, re.IGNORECASE):
        return problem(f"{number!r} is a number that a spreadsheet has cut short", "format the column as text there, and fill it anew")
    return problem(f"{number[:40]!r} is no telephone number", "write it like +8613800138000")


def _numbers(reading: Reading, name: str, given: CallerListFile, country: str) -> Iterator[tuple[str, Complaint]]:
    """Each number as it is written, with who can complain about it. Too many complaints about one file are one."""
    source = reading.sources[FILE]
    for at, number in enumerate(given.numbers):
        yield number, partial(Problem, source.where(("lists", name, "numbers", at)))
    if not given.file:
        if not given.numbers:
            where = source.where_key(("lists", name))
            reading.problems.append(Problem(where, "a list without callers", 'give numbers: ["+8613800138000"], or a file'))
        return
    path = reading.config / given.file
    before = len(reading.problems)
    try:
        rows, problems = read_number_file(path, lambda number: bool(e164(number, country)))
    except OSError as error:
        message = f"{given.file} cannot be read: {error.strerror or error}"
        reading.problems.append(Problem(source.where(("lists", name, "file")), message, "a file beside this one, one number a line"))
        return
    except ProblemsFound as found:
        reading.problems.extend(found.problems)
        return
    reading.problems.extend(problems)
    for line, number in rows:
        yield number, partial(Problem, Position(str(path), line))
        if len(reading.problems) - before >= MOST_TOLD:
            reading.problems.append(Problem(Position(str(path), line), "there may be more: this file was read up to here"))
            return
