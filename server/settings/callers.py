"""Reads callers.yaml: lists of callers by their number, who are served before others and whom flows know by the list's name."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from ivr.numbers import e164
from server.settings.files import CallerListFile, CallersFile
from server.settings.reading import Reading
from sources.problems import Position, Problem

FILE = "callers.yaml"
MOST_TOLD = 20  # problems of one file of numbers
LARGEST_FILE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CallerLists:
    """`priorities` are seconds by list, `members` the list by number (+8613800138000)."""

    priorities: Mapping[str, int] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)

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
    for name, given in lists.items():
        for number, problem in _numbers(reading, name, given):
            text = e164(number, country)
            if not text:
                reading.problems.append(problem(f"{number[:40]!r} is no telephone number", "write it like +8613800138000"))
            elif members.setdefault(text, name) != name:
                reading.problems.append(problem(f"{number} is already in the list '{members[text]}'", "a number is in one list"))
    return CallerLists({name: given.priority for name, given in lists.items()}, members)


Complaint = Callable[[str, str], Problem]


def _numbers(reading: Reading, name: str, given: CallerListFile) -> Iterator[tuple[str, Complaint]]:
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
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise OSError("it is larger than 64 MiB")
        text = path.read_bytes().decode("utf-8-sig", errors="replace")  # names in other columns may be in any encoding
    except OSError as error:
        message = f"{given.file} cannot be read: {error.strerror or error}"
        reading.problems.append(Problem(source.where(("lists", name, "file")), message, "a file beside this one, one number a line"))
        return
    before = len(reading.problems)
    for line, number in _first_column(text.splitlines()):
        yield number, partial(Problem, Position(str(path), line))
        if len(reading.problems) - before >= MOST_TOLD:
            reading.problems.append(Problem(Position(str(path), line), "there may be more: this file was read up to here"))
            return


def _first_column(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(line, number) of a CSV file; empty lines and a heading without a digit are none."""
    reader = csv.reader(lines)
    for row in reader:
        number = row[0].strip() if row else ""
        if number and (reader.line_num > 1 or any(sign.isdecimal() for sign in number)):
            yield reader.line_num, number
