"""Ids in the order of a key, with removal at no cost: a heap whose stale entries are dropped when met.

They are swept out when they outnumber the live ones.
"""

import heapq
from collections.abc import Callable, Iterator
from typing import Any

SWEEP_ABOVE = 64


class Ranking:
    """The lowest key comes first; equal keys come in the order of adding. An id stands in it once."""

    __slots__ = ("_heap", "_live", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[Any, int, str]] = []
        self._live: dict[str, int] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, id: str) -> bool:
        return id in self._live

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._live))

    def add(self, id: str, key: Any) -> None:
        """Put `id` at `key`; an earlier place of it is void."""
        self._serial += 1
        self._live[id] = self._serial
        heapq.heappush(self._heap, (key, self._serial, id))

    def discard(self, id: str) -> None:
        """Take `id` out, if it is in."""
        self._live.pop(id, None)
        if len(self._heap) > 2 * len(self._live) + SWEEP_ABOVE:
            self._heap = [entry for entry in self._heap if self._live.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)

    def first(self, accept: Callable[[str], bool] | None = None) -> tuple[Any, str] | None:
        """(key, id) of the first one that `accept` takes; those refused keep their places."""
        heap, live = self._heap, self._live
        while heap and live.get(heap[0][2]) != heap[0][1]:
            heapq.heappop(heap)
        if not heap or accept is None or accept(heap[0][2]):
            return (heap[0][0], heap[0][2]) if heap else None
        return self._first_accepted(accept)

    def _first_accepted(self, accept: Callable[[str], bool]) -> tuple[Any, str] | None:
        passed: list[tuple[Any, int, str]] = []
        found: tuple[Any, str] | None = None
        while self._heap:
            entry = self._heap[0]
            if self._live.get(entry[2]) != entry[1]:
                heapq.heappop(self._heap)
            elif accept(entry[2]):
                found = (entry[0], entry[2])
                break
            else:
                passed.append(heapq.heappop(self._heap))
        for entry in passed:
            heapq.heappush(self._heap, entry)
        return found
