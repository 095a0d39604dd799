"""Sequences that stay sorted: by a key, equal keys in the order of adding.

Each is a list that is searched by halves. To move the rest of one up by a place is one copy in memory, some microseconds with ten thousand
entries; most entries come in the order of their keys, behind all others, and are taken from the front.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from typing import Any

Entry = tuple[Any, int, str]  # key, serial number, id


def insert(entries: list[Any], entry: Any) -> None:
    """Put an entry at its place."""
    if not entries or entries[-1] < entry:
        entries.append(entry)
    else:
        insort(entries, entry)


def remove(entries: list[Any], entry: Any) -> None:
    """Take an entry out that is in."""
    del entries[0 if entries[0] is entry else bisect_left(entries, entry)]


class Ranking:
    """The lowest key comes first; equal keys come in the order of adding. An id stands in it once."""

    __slots__ = ("_entries", "_places", "_serial")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._places: dict[str, Entry] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, id: str) -> bool:
        return id in self._places

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def add(self, id: str, key: Any) -> None:
        """Put `id` at `key`; an earlier place of it is void."""
        self.discard(id)
        self._serial += 1
        self._places[id] = entry = (key, self._serial, id)
        insert(self._entries, entry)

    def discard(self, id: str) -> None:
        """Take `id` out, if it is in."""
        entry = self._places.pop(id, None)
        if entry:
            remove(self._entries, entry)

    def place(self, id: str) -> Entry | None:
        """Where `id` stands."""
        return self._places.get(id)

    def first(self, accept: Callable[[str], bool]) -> Entry | None:
        """The first one that `accept` takes."""
        return next((entry for entry in self._entries if accept(entry[2])), None)
