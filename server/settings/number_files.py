"""Reads a CSV file of telephone numbers: the first column, a number a line; says what the file is when it is none.

A first line without a digit is a title row, which may be there or not.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from sources.encoding import decoded
from sources.problems import Position, Problem, ProblemsFound

LARGEST_FILE = 64 * 1024 * 1024  # bytes
SAVE_AS = "save it as CSV UTF-8 (comma delimited)"
_LOOKED_AT = 20  # rows that show which column has the numbers
_BINARY = {
    b"PK\x03\x04": "an Excel workbook (XLSX), not a CSV file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook (XLS), not a CSV file",
    b"%PDF": "a PDF file, not a CSV file",
}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", "，": "full-width commas", "；": "full-width semicolons"}

Row = tuple[int, Sequence[str]]  # line and columns


def read_number_file(path: Path, is_number: Callable[[str], bool]) -> tuple[list[tuple[int, str]], list[Problem]]:
    """(line, number) of each line, not judged one by one, and what is wrong with the file itself.

    Raises OSError, and ProblemsFound where the rest would be only consequences.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise OSError("it is larger than 64 MiB")
    raw = path.read_bytes()
    for begin, kind in _BINARY.items():
        if raw.startswith(begin):
            raise ProblemsFound([Problem(Position(str(path)), f"is {kind}", SAVE_AS)])
    text, problem = decoded(raw, str(path))
    problems = [replace(problem, hint=SAVE_AS)] if problem else []
    if text is None or "\0" in text:
        raise ProblemsFound(problems or [Problem(Position(str(path)), "is no text", SAVE_AS)])
    rows = _rows(text, str(path))
    shape = _shape(rows, str(path), is_number)
    if shape:
        raise ProblemsFound([*problems, shape])
    return [(line, columns[0].strip()) for line, columns in rows if columns[0].strip()], problems


def _rows(text: str, file: str) -> list[Row]:
    """Lines with something in them, without the title row. Raises ProblemsFound for a quote without its end, which swallows lines."""
    lines = text.splitlines()
    reader = csv.reader(lines)
    rows: list[Row] = []
    begin = last = 0
    try:
        for columns in reader:
            if any(column.strip() for column in columns):
                rows.append((begin + 1, columns))
            last, begin = begin, reader.line_num
        begin = last
        list(csv.reader(lines[begin:], strict=len(lines) - begin > 1))
    except csv.Error:
        unclosed = Problem(Position(file, begin + 1), 'a quote " is opened here and never closed', "close or remove it")
        raise ProblemsFound([unclosed]) from None
    titled = bool(rows) and rows[0][0] == 1 and not any(sign.isdecimal() for sign in rows[0][1][0])
    return rows[1:] if titled else rows


def _shape(rows: Sequence[Row], file: str, is_number: Callable[[str], bool]) -> Problem | None:
    """Another separator, or numbers in another column, in all of the first rows."""
    first = list(islice(rows, _LOOKED_AT))
    if not first or any(is_number(columns[0].strip()) for _, columns in first):
        return None
    where = Position(file, first[0][0])
    for sign, name in _SEPARATORS.items():
        if all(sign in columns[0] and is_number(columns[0].partition(sign)[0].strip()) for _, columns in first):
            return Problem(where, f"the columns are separated by {name}, not by commas", SAVE_AS)
    for column in range(1, max(len(columns) for _, columns in first)):
        if 2 * sum(1 for _, columns in first if column < len(columns) and is_number(columns[column].strip())) > len(first):
            return Problem(
                where, f"there are no telephone numbers in the first column, but in column {column + 1}", "put the numbers first"
            )
    return None
