"""Where waiting contacts stand: in pools, whose first ones are heads, or by the names of those whom they wait for."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from routing.board.people import People
from routing.board.ranking import insert, remove
from routing.domain.model import Contact
from routing.domain.requirement import Requirement

CHUNK = 64  # heads that are passed over together
Place = tuple[str, str | None, str]  # kind; the Asterisk of the calls, None for errands; the trunk out of an errand
Stand = tuple[int, int, str, Any]  # the contact's order_ms, serial number, contact, the Pool or Named where it stands
PoolKey = tuple[str, int, frozenset[str]]  # requirement, tiers asked by the time waited, agents who are excluded


@dataclass(slots=True, eq=False)
class Pool:
    """One requirement class at one spot, asking the tiers up to `tier` by the time waited. `suited` are the bits of those who may take its
    contacts."""

    spot: "Spot"
    requirement: Requirement
    tier: int
    excluded: frozenset[str]
    suited: int = 0
    waiting: list[Stand] = field(default_factory=list)
    reached: float = 0.0  # the strategy's key of whoever was asked last, where it draws

    def add(self, stand: Stand) -> None:
        """A contact waits."""
        before = self.waiting[0] if self.waiting else None
        insert(self.waiting, stand)
        if self.waiting[0] is stand:
            if before:
                self.spot.heads.discard(before)
            self.spot.heads.add(stand, self.suited)

    def discard(self, stand: Stand) -> None:
        """It does not wait any more."""
        is_head = self.waiting[0] is stand
        remove(self.waiting, stand)
        if is_head:
            self.spot.heads.discard(stand)
            if self.waiting:
                self.spot.heads.add(self.waiting[0], self.suited)


@dataclass(slots=True, eq=False)
class Named:
    """Where a contact stands that waits for some agents and nobody else. Each of them looks at those who want them."""

    spot: "Spot"
    agents: tuple[str, ...]  # "": none of them is a member of the queue

    def add(self, stand: Stand) -> None:
        """A contact waits."""
        for agent in self.agents:
            insert(self.spot.named.setdefault(agent, []), stand)

    def discard(self, stand: Stand) -> None:
        """It does not wait any more."""
        for agent in self.agents:
            remove(self.spot.named[agent], stand)


class Heads:
    """The first contacts of pools, in their order. Some that follow each other are passed over at once when nobody of them is suited."""

    __slots__ = ("_chunks", "_lowest", "_suited")

    def __init__(self) -> None:
        self._chunks: list[list[Stand]] = [[]]
        self._lowest: list[tuple[int, int]] = [(0, 0)]  # of each chunk; of the first one nothing is lower
        self._suited: list[int] = [0]  # of each chunk: who is suited by any of it; more, when one was taken out since

    def add(self, stand: Stand, suited: int) -> None:
        at = self._chunk_of(stand)
        chunk = self._chunks[at]
        insert(chunk, stand)
        self._suited[at] |= suited
        if len(chunk) > 2 * CHUNK:
            self._chunks[at : at + 1] = [chunk[:CHUNK], chunk[CHUNK:]]
            self._lowest.insert(at + 1, chunk[CHUNK][:2])
            self._suited[at : at + 1] = [_suited(chunk[:CHUNK]), _suited(chunk[CHUNK:])]

    def discard(self, stand: Stand) -> None:
        at = self._chunk_of(stand)
        chunk = self._chunks[at]
        remove(chunk, stand)
        if not chunk:
            self._suited[at] = 0
            if at:
                del self._chunks[at], self._lowest[at], self._suited[at]

    def suiting(self, people: int) -> Iterator[Pool]:
        """The pools that suit one of these people, in the order of their heads."""
        for at, suited in enumerate(self._suited):
            if not suited & people:
                continue
            is_there = False
            for stand in self._chunks[at]:
                pool: Pool = stand[3]
                if pool.suited & people:
                    is_there = True
                    yield pool
            if not is_there:
                self._suited[at] = _suited(self._chunks[at])

    def judge_anew(self) -> None:
        """Pools suit others than before."""
        self._suited = [_suited(chunk) for chunk in self._chunks]

    def _chunk_of(self, stand: Stand) -> int:
        return bisect_right(self._lowest, stand[:2], 1) - 1 if len(self._lowest) > 1 else 0


def _suited(chunk: list[Stand]) -> int:
    found = 0
    for stand in chunk:
        found |= stand[3].suited
    return found


@dataclass(slots=True, eq=False)
class Spot:
    """Contacts of one queue and one place. `ready` are the bits of the queue's agents whom its contacts could be offered now."""

    queue: str
    place: Place
    people: People
    ready: int = 0
    pools: dict[PoolKey, Pool] = field(default_factory=dict)
    heads: Heads = field(default_factory=Heads)
    named: dict[str, list[Stand]] = field(default_factory=dict)  # agent -> the contacts that wait for this very agent, or for one of a few

    def first_for(self, agent: str, contacts: Mapping[str, Contact], now_ms: int) -> Stand | None:
        """The first contact that the agent may be offered; one that they refused lately is not."""

        def is_open(stand: Stand) -> bool:
            refused = contacts[stand[2]].refused_until_ms
            return not refused or refused.get(agent, 0) <= now_ms

        return self._first(self.people.bits.get(agent, 0), is_open, self.named.get(agent, ()))

    def first_with_agent(self, passed: Set[str]) -> Stand | None:
        """The first contact of a pool for which somebody is ready, but for those that are passed over."""
        return self._first(self.ready, lambda stand: stand[2] not in passed)

    def _first(self, people: int, is_open: Callable[[Stand], bool], row: Iterable[Stand] = ()) -> Stand | None:
        """The first open one of a row, and of the pools that suit one of these people."""
        best = next(filter(is_open, row), None)
        for pool in self.heads.suiting(people):
            if best and best < pool.waiting[0]:
                break
            found = next(filter(is_open, pool.waiting), None)
            if found and (not best or found < best):
                best = found
        return best
