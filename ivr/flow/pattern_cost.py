"""What a regular expression of a site can cost: `re` goes back and tries again, and `([0-9]+)+x` has 2^31 ways to read 32 digits.

The expression is read as its positions (each a set of keys) and how one follows another, with the number of ways in which it does. Then
entries grow key by key, those with most ways ahead, and all ways of reading them are counted: that is what `re` may have to try. An upper
bound: atomic groups count as plain ones, a back reference as nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

KEYS = "0123456789*#"
MOST_WAYS = 100_000  # some milliseconds
MOST_POSITIONS = 1000
_BREADTH = 12  # entries that are looked at for each length

_parse: Callable[[str], Any] = import_module("re._parser").parse
_CATEGORIES = {"DIGIT": str.isdigit, "WORD": str.isalnum, "SPACE": str.isspace}


def pattern_fault(pattern: str, shortest: int, longest: int) -> str:
    """Why a pattern cannot be used for entries of so many keys; "" when nothing is against it. It must be one that `re` can compile."""
    automaton = _Automaton(longest)
    try:
        whole = automaton.sequence(_parse(pattern))
        ways, entry = automaton.most_ways(whole)
    except _TooIntricate:
        return f"is too intricate to be judged for entries of up to {longest} keys: give max_length, or write it more simply"
    if ways > MOST_WAYS:
        return (
            f"can take for ever: an entry such as {entry} can be read in more than {MOST_WAYS} ways"
            " - let no repeat stand inside of another that takes the same keys: [0-9]+ instead of ([0-9]+)+"
        )
    if not automaton.references and not automaton.fulfilled(whole, shortest):
        return f"no entry of {shortest} to {longest} keys fulfils this pattern"
    return ""


class _TooIntricate(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the expression: in how many ways it is empty, begins with a position, and ends with one; the fewest keys it takes."""

    empty: int = 1
    first: Mapping[int, int] = field(default_factory=dict)
    last: Mapping[int, int] = field(default_factory=dict)
    fewest: int = 0


_NOTHING = _Part()


class _Automaton:
    """The positions of one expression."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.references = False  # to groups: what they take is not known
        self._keys: list[frozenset[str]] = []
        self._follow: list[Counter[int]] = []

    # -- building -------------------------------------------------------------------------------------------------------------

    def sequence(self, items: Iterable[tuple[Any, Any]]) -> _Part:
        """Pieces one after the other. Raises _TooIntricate."""
        whole = _NOTHING
        for kind, given in items:
            whole = self._joined(whole, self._part(str(kind), given))
        return whole

    def _part(self, kind: str, given: Any) -> _Part:
        if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeat(*given)
        if kind == "SUBPATTERN":
            return self.sequence(given[-1])
        if kind == "ATOMIC_GROUP":
            return self.sequence(given)
        if kind == "BRANCH":
            return self._either([self.sequence(branch) for branch in given[1]])
        if kind in ("ASSERT", "ASSERT_NOT"):  # what it takes is taken once more by what follows
            return self._either([_NOTHING, self._joined(self.sequence(given[1]), _NOTHING)])
        if kind.startswith("GROUPREF"):
            self.references = True
            return self._either([self.sequence(branch or ()) for branch in given[1:]]) if kind == "GROUPREF_EXISTS" else _NOTHING
        return _NOTHING if kind == "AT" else self._position(frozenset(filter(_taken(kind, given), KEYS)))

    def _position(self, keys: frozenset[str]) -> _Part:
        if len(self._keys) >= MOST_POSITIONS:
            raise _TooIntricate
        self._keys.append(keys)
        self._follow.append(Counter())
        here = {len(self._keys) - 1: 1}
        return _Part(0, here, here, 1)

    def _repeat(self, least: int, most: int, items: Sequence[tuple[Any, Any]]) -> _Part:
        """`{least,most}`: as many copies as can take a key each, or one that comes again."""
        one = self.sequence(items)
        useful = self.longest // max(1, one.fewest) + 1
        needed = min(least, useful)
        whole = one if needed else _NOTHING
        for _ in range(needed - 1):
            whole = self._joined(whole, self.sequence(items))
        if most > self.longest:
            return self._joined(whole, self._again(self.sequence(items) if needed else one))
        further = _NOTHING
        for number in range(min(most, useful) - needed):
            copy = one if number == 0 and not needed else self.sequence(items)
            further = self._either([_NOTHING, self._joined(copy, further)])
        return self._joined(whole, further)

    def _again(self, one: _Part) -> _Part:
        self._connect(one.last, one.first)
        return _Part(1, one.first, one.last, 0)

    def _joined(self, left: _Part, right: _Part) -> _Part:
        self._connect(left.last, right.first)
        first = _sum(left.first, right.first, left.empty)
        return _Part(left.empty * right.empty, first, _sum(right.last, left.last, right.empty), left.fewest + right.fewest)

    def _either(self, parts: Sequence[_Part]) -> _Part:
        whole, *others = parts
        for part in others:
            first, last = _sum(whole.first, part.first), _sum(whole.last, part.last)
            whole = _Part(whole.empty + part.empty, first, last, min(whole.fewest, part.fewest))
        return whole

    def _connect(self, last: Mapping[int, int], first: Mapping[int, int]) -> None:
        for position, ways in last.items():
            follow = self._follow[position]
            for next_position, more in first.items():
                follow[next_position] += ways * more

    # -- counting -------------------------------------------------------------------------------------------------------------

    def most_ways(self, whole: _Part) -> tuple[int, str]:
        """In how many ways an entry and what it begins with can be read, and that entry; counting ends above MOST_WAYS."""
        kinds = {tuple(key in keys for keys in self._keys): key for key in reversed(KEYS)}  # keys that mean the same here
        entries: list[tuple[int, str, Mapping[int, int]]] = [
            (sum(ways.values()), key, ways) for key in kinds.values() if (ways := self._with(whole.first, key))
        ]
        most = (0, "")
        for _ in range(self.longest):
            most = max([most, *((total, entry) for total, entry, _ in entries)])
            if most[0] > MOST_WAYS:
                break
            longer: dict[tuple[tuple[int, int], ...], tuple[int, str, Mapping[int, int]]] = {}
            for total, entry, before in entries:
                onward = self._onward(before)
                for key in kinds.values():
                    if now := self._with(onward, key):
                        longer.setdefault(tuple(sorted(now.items())), (total + sum(now.values()), entry + key, now))
            entries = sorted(longer.values(), key=lambda found: -sum(found[2].values()))[:_BREADTH]
        return most

    def fulfilled(self, whole: _Part, shortest: int) -> bool:
        """Whether some entry of the right length can be read to the end."""
        reached = {position for position in whole.first if self._keys[position]}
        for length in range(1, self.longest + 1):
            if length >= shortest and not reached.isdisjoint(whole.last):
                return True
            reached = {onward for position in reached for onward in self._follow[position] if self._keys[onward]}
        return False

    def _onward(self, ways: Mapping[int, int]) -> Counter[int]:
        onward: Counter[int] = Counter()
        for position, count in ways.items():
            for next_position, more in self._follow[position].items():
                onward[next_position] += count * more
        return onward

    def _with(self, ways: Mapping[int, int], key: str) -> dict[int, int]:
        return {position: count for position, count in ways.items() if key in self._keys[position]}


def _sum(one: Mapping[int, int], other: Mapping[int, int], times: int = 1) -> dict[int, int]:
    """Counts added up, those of `other` so many times."""
    total = {**one}
    for position, count in other.items() if times else ():
        total[position] = total.get(position, 0) + count * times
    return total


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
