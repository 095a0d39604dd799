"""Whether an entry can fulfil an expression at all: `[a-z]+` never takes a key, `[0-9]{11}` no entry of 10.

The expression is read as its positions (each a set of keys) and which may follow which; then entries grow key by key. Anchors count as
nothing, so what cannot be judged exactly is let pass.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

KEYS = "0123456789*#"
MOST_POSITIONS = 1000

_parse: Callable[[str], Any] = import_module("re._parser").parse
_CATEGORIES = {"DIGIT": str.isdigit, "WORD": str.isalnum, "SPACE": str.isspace}


def lengths_fault(pattern: str, shortest: int, longest: int) -> str:
    """Why no entry of so many keys fulfils a pattern; "" when one does, or when that cannot be said."""
    positions = _Positions(longest)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # [[:digit:]], which RE2 and `re` read differently
            parsed = _parse(pattern)
        expression = positions.sequence(parsed)
    except (re.error, RecursionError, OverflowError, Warning, _CannotSay):
        return ""
    return "" if positions.fulfilled(expression, shortest) else f"no entry of {shortest} to {longest} keys fulfils this pattern"


class _CannotSay(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the expression: whether it can be empty, the positions that it begins and ends with, the fewest keys it takes."""

    empty: bool = True
    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    fewest: int = 0


_NOTHING = _Part()


class _Positions:
    """The positions of one expression."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._keys: list[frozenset[str]] = []
        self._follow: list[set[int]] = []

    def sequence(self, items: Iterable[tuple[Any, Any]]) -> _Part:
        """Pieces one after the other. Raises _CannotSay."""
        joined = _NOTHING
        for kind, given in items:
            joined = self._joined(joined, self._part(str(kind), given))
        return joined

    def fulfilled(self, expression: _Part, shortest: int) -> bool:
        """Whether some entry of the right length can be read to the end."""
        reached = {position for position in expression.first if self._keys[position]}
        for length in range(1, self._longest + 1):
            if length >= shortest and not reached.isdisjoint(expression.last):
                return True
            reached = {onward for position in reached for onward in self._follow[position] if self._keys[onward]}
        return False

    def _part(self, kind: str, given: Any) -> _Part:
        if kind in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeat(*given)
        if kind == "SUBPATTERN":
            return self.sequence(given[-1])
        if kind == "BRANCH":
            return self._either([self.sequence(branch) for branch in given[1]])
        return _NOTHING if kind == "AT" else self._position(frozenset(filter(_taken(kind, given), KEYS)))

    def _position(self, keys: frozenset[str]) -> _Part:
        if len(self._keys) >= MOST_POSITIONS:
            raise _CannotSay
        self._keys.append(keys)
        self._follow.append(set())
        here = frozenset({len(self._keys) - 1})
        return _Part(False, here, here, 1)

    def _repeat(self, least: int, most: int, items: Sequence[tuple[Any, Any]]) -> _Part:
        """`{least,most}`: as many copies as can take a key each, or one that comes again."""
        one = self.sequence(items)
        useful = self._longest // max(1, one.fewest) + 1
        needed = min(least, useful)
        joined = one if needed else _NOTHING
        for _ in range(needed - 1):
            joined = self._joined(joined, self.sequence(items))
        if most > self._longest:
            return self._joined(joined, self._again(self.sequence(items) if needed else one))
        further = _NOTHING
        for number in range(min(most, useful) - needed):
            copy = one if number == 0 and not needed else self.sequence(items)
            further = self._either([_NOTHING, self._joined(copy, further)])
        return self._joined(joined, further)

    def _again(self, one: _Part) -> _Part:
        self._connect(one.last, one.first)
        return _Part(True, one.first, one.last)

    def _joined(self, left: _Part, right: _Part) -> _Part:
        self._connect(left.last, right.first)
        first = left.first | right.first if left.empty else left.first
        last = left.last | right.last if right.empty else right.last
        return _Part(left.empty and right.empty, first, last, left.fewest + right.fewest)

    def _either(self, parts: Sequence[_Part]) -> _Part:
        first, last = (frozenset[int]().union(*sets) for sets in ([part.first for part in parts], [part.last for part in parts]))
        return _Part(any(part.empty for part in parts), first, last, min(part.fewest for part in parts))

    def _connect(self, last: frozenset[int], first: frozenset[int]) -> None:
        for position in last:
            self._follow[position] |= first


def _taken(kind: str, given: Any) -> Callable[[str], bool]:
    """Whether a sign is one that this item takes."""
    if kind == "LITERAL":
        return lambda sign: ord(sign) == given
    if kind == "NOT_LITERAL":
        return lambda sign: ord(sign) != given
    if kind == "RANGE":
        return lambda sign: given[0] <= ord(sign) <= given[1]
    if kind == "CATEGORY":
        name, negated = str(given).removeprefix("CATEGORY_"), "NOT_" in str(given)
        known = _CATEGORIES.get(name.removeprefix("NOT_").removeprefix("UNI_"), lambda sign: True)
        return lambda sign: known(sign) != negated
    if kind == "IN":
        items = [_taken(str(inner), value) for inner, value in given if str(inner) != "NEGATE"]
        negated = str(given[0][0]) == "NEGATE"
        return lambda sign: any(takes(sign) for takes in items) != negated
    return lambda sign: True
