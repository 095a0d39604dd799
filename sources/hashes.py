"""Hash signs that were meant as a key or a value and that YAML takes for the start of a comment."""

import re
from collections.abc import Iterator

from sources.problems import Position, Problem

_COMMENT = re.compile(r"(?:^|(?<=[\s{\[,]))#")


def lost_hashes(text: str, file: str, scalars: list[tuple[int, int]]) -> Iterator[Problem]:
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
