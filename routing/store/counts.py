"""Counts that all servers of a site share. Each is asked and raised in one step, so that what many ask at once stays within its limit.

Two implementations, `MemoryCounts` (the readable specification) and routing/store/redis_counts.py, pass one contract suite. Names are
any text; times are milliseconds since 1970, and come from the caller's clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Bound:
    """At most `most` under this name, which is forgotten `life_ms` after it began: a count of a day has the day in its name."""

    name: str
    most: int
    life_ms: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The counts of all bounds, in their order; or `full`, the first bound that is reached: then nothing was raised."""

    counts: tuple[int, ...] = ()
    full: Bound | None = None


@dataclass(frozen=True, slots=True)
class Tries:
    """How a secret may be tried: after each `each` tries, right or wrong, no further one for the next of `locks_ms`, the last again and
    again. What was tried is forgotten when it was right, and `life_ms` (longer than any lock) after the last try."""

    each: int
    locks_ms: tuple[int, ...]
    life_ms: int = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Try:
    """Whether the secret may be compared, and for how long none may be from now on."""

    allowed: bool
    locked_ms: int = 0


class Counts(Protocol):
    """All methods raise StoreUnreachable."""

    async def take(self, bounds: Sequence[Bound], now_ms: int) -> Taken:
        """Raise all bounds by one, or none of them when one is reached."""

    async def take_try(self, name: str, tries: Tries, now_ms: int) -> Try:
        """Count a try before its secret is compared. The one that fills the tries locks at once, whatever comes of it."""

    async def forget_tries(self, name: str) -> None:
        """A try was right."""


@dataclass(slots=True)
class _Tried:
    taken: int = 0
    locks: int = 0
    until_ms: int = 0
    forgotten_ms: int = 0


@dataclass(slots=True)
class MemoryCounts:
    """Counts of one process. What is forgotten is dropped when it is asked for, or when much has gathered."""

    _counts: dict[str, tuple[int, int]] = field(default_factory=dict)  # name -> count, and when it is forgotten
    _tried: dict[str, _Tried] = field(default_factory=dict)
    _sweep_above: int = 1_000

    async def take(self, bounds: Sequence[Bound], now_ms: int) -> Taken:
        self._sweep(now_ms)
        fresh = [self._now(bound, now_ms) for bound in bounds]
        full = next((bound for bound, (count, _) in zip(bounds, fresh, strict=True) if count >= bound.most), None)
        if full:
            return Taken(full=full)
        for bound, (count, until) in zip(bounds, fresh, strict=True):
            self._counts[bound.name] = (count + 1, until)
        return Taken(tuple(count + 1 for count, _ in fresh))

    async def take_try(self, name: str, tries: Tries, now_ms: int) -> Try:
        tried = self._tried.get(name)
        if tried is None or tried.forgotten_ms <= now_ms:
            tried = self._tried[name] = _Tried()
        if now_ms < tried.until_ms:
            return Try(False, tried.until_ms - now_ms)
        tried.taken += 1
        tried.forgotten_ms = now_ms + tries.life_ms
        if tried.taken % tries.each:
            return Try(True)
        locked_ms = tries.locks_ms[min(tried.locks, len(tries.locks_ms) - 1)]
        tried.locks, tried.until_ms = tried.locks + 1, now_ms + locked_ms
        return Try(True, locked_ms)

    async def forget_tries(self, name: str) -> None:
        self._tried.pop(name, None)

    def _now(self, bound: Bound, now_ms: int) -> tuple[int, int]:
        kept = self._counts.get(bound.name)
        return kept if kept and kept[1] > now_ms else (0, now_ms + bound.life_ms)

    def _sweep(self, now_ms: int) -> None:
        if len(self._counts) > self._sweep_above:
            self._counts = {name: kept for name, kept in self._counts.items() if kept[1] > now_ms}
            self._sweep_above = max(1_000, 2 * len(self._counts))
