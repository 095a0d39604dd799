"""Ids in the order of a key, with removal at no cost: entries that became stale are dropped when met, or swept out when they are many.

Most ids come in the order of their keys: agents as they become idle, contacts as they join. Those stand in a plain line, whose head is
dropped in one step however long it is; only who comes out of order stands in a heap beside it.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

SWEEP_ABOVE = 64
Entry = tuple[Any, int, str]  # key, serial number, id


class Ranking:
    """The lowest key comes first; equal keys come in the order of adding. An id stands in it once."""

    __slots__ = ("_heap", "_line", "_live", "_serial")

    def __init__(self) -> None:
        self._line: deque[Entry] = deque()
        self._heap: list[Entry] = []
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
        if not self._line or key >= self._line[-1][0]:
            self._line.append((key, self._serial, id))
        else:
            heapq.heappush(self._heap, (key, self._serial, id))

    def discard(self, id: str) -> None:
        """Take `id` out, if it is in."""
        self._live.pop(id, None)
        if len(self._line) + len(self._heap) > 2 * len(self._live) + SWEEP_ABOVE:
            self._line = deque(sorted(entry for entry in (*self._line, *self._heap) if self._live.get(entry[2]) == entry[1]))
            self._heap = []

    def first(self, accept: Callable[[str], bool] | None = None) -> tuple[Any, str] | None:
        """(key, id) of the first one that `accept` takes; those refused keep their places."""
        head = self._head()
        if head is None or accept is None or accept(head[2]):
            return (head[0], head[2]) if head else None
        passed: list[Entry] = []
        while head and not accept(head[2]):
            passed.append(self._take_head())
            head = self._head()
        for entry in passed:
            heapq.heappush(self._heap, entry)
        return (head[0], head[2]) if head else None

    def _head(self) -> Entry | None:
        line, heap, live = self._line, self._heap, self._live
        while line and live.get(line[0][2]) != line[0][1]:
            line.popleft()
        while heap and live.get(heap[0][2]) != heap[0][1]:
            heapq.heappop(heap)
        if line and heap:
            return min(line[0], heap[0])
        return line[0] if line else heap[0] if heap else None

    def _take_head(self) -> Entry:
        """After `_head` has given one."""
        line, heap = self._line, self._heap
        return line.popleft() if line and (not heap or line[0] < heap[0]) else heapq.heappop(heap)
