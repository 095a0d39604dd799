"""The entries of a YAML text by its indentation alone, for text that is no YAML: a queue, a node, an agent, a setting."""

from collections.abc import Sequence


def without_entry(text: str, line: int) -> tuple[str, str]:
    """The text before the entry in which that line (from 1) stands, and the text with that entry's lines empty: no other line moves."""
    lines = text.splitlines(keepends=True)
    begin, end = _entry(lines, line - 1)
    blank = ["\n"] * (end - begin)
    return "".join(lines[:begin]), "".join([*lines[:begin], *blank, *lines[end:]])


def _entry(lines: Sequence[str], at: int) -> tuple[int, int]:
    """The first line of the entry of the second level around a line - of the first, where it stands there - and the one behind its last."""
    at = min(at, len(lines) - 1)
    while at > 0 and _indent(lines[at]) is None:
        at -= 1
    top = _up(lines, at, 0)
    inner = next((found for line in lines[top + 1 :] if (found := _indent(line)) is not None), 0)
    begin = _up(lines, at, inner) if inner and at > top else top
    indent = _indent(lines[begin]) or 0
    end = begin + 1
    while end < len(lines) and not _ends(lines[begin], lines[end], indent):
        end += 1
    return begin, end


def _up(lines: Sequence[str], at: int, indent: int) -> int:
    """The nearest line at or above `at` that stands no further right than `indent`."""
    while at > 0 and ((found := _indent(lines[at])) is None or found > indent):
        at -= 1
    return at


def _ends(first: str, line: str, indent: int) -> bool:
    """Whether this line belongs no more to the entry that began with `first`; a list's items may stand below its key."""
    found = _indent(line)
    if found is None or found > indent:
        return False
    return found < indent or not line.lstrip().startswith("- ") or first.lstrip().startswith("- ")


def _indent(line: str) -> int | None:
    """None for an empty line and for a comment."""
    bare = line.lstrip()
    return None if not bare or bare.startswith("#") else len(line) - len(bare)
