"""A text with single signs put right, and the way back from its places to those of the text as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sources.problems import Position, Problem


@dataclass(frozen=True, slots=True)
class Mend:
    """`put` instead of the `removed` characters at an offset; no line ends among them. `problem` reports it, if it is to be reported."""

    at: int
    removed: int
    put: str
    problem: Problem | None = None


class Mended:
    """`text` is the text put right."""

    def __init__(self, text: str, mends: Sequence[Mend]) -> None:
        pieces: list[str] = []
        self._moved: dict[int, list[tuple[int, int]]] = {}  # line: (the first column behind the mend, by how much it stands further right)
        done, line, line_begin = 0, 1, 0
        for mend in sorted({mend.at: mend for mend in reversed(mends)}.values(), key=lambda mend: mend.at):
            if mend.at < done:
                continue
            pieces += [text[done : mend.at], mend.put]
            lines = text.count("\n", line_begin, mend.at)
            if lines:
                line, line_begin = line + lines, text.rfind("\n", 0, mend.at) + 1
            moved = self._moved.setdefault(line, [])
            column = mend.at - line_begin + 1 + sum(columns for _, columns in moved)
            moved.append((column + len(mend.put), len(mend.put) - mend.removed))
            done = mend.at + mend.removed
        self.text = "".join([*pieces, text[done:]])

    def back(self, position: Position) -> Position:
        """The place in the text as it is."""
        columns = sum(columns for behind, columns in self._moved.get(position.line, ()) if behind <= position.column)
        return replace(position, column=position.column - columns) if columns else position
