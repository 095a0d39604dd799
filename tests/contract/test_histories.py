"""The invariants of routing in a store: random histories, each step committed, with other routers that go on from what the store holds."""

import asyncio
import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.board.board import restore
from routing.domain.changes import Changes
from routing.store import codec
from routing.store.memory import MemoryStore
from routing.store.port import StaleCommit, Store
from routing.store.redis import RedisStore
from tests import kinds_history
from tests.board_history import changing, check_booking, check_conservation, check_counts, check_nobody_waits_in_vain, opened, play
from tests.private_redis import PrivateRedis
from tests.routing_house import House

pytestmark = pytest.mark.contract

LEASE_MS = 600_000
Move = tuple[str, int, int]


class Kept:
    """A call centre whose every change is committed; `take_over` makes its board anew from the store, under a new token."""

    def __init__(self, store: Store, made: House) -> None:
        self.store = store
        self.made = made
        self.taken: list[Changes] = []
        self.fence = 0
        self._routers = 0
        settle = self.made.settle

        def settle_and_keep() -> Changes:
            self.taken.append(deepcopy(settle()))  # the board goes on changing its records
            return self.taken[-1]

        self.made.settle = settle_and_keep  # type: ignore[method-assign]

    async def begin(self) -> None:
        """The centre as it is when it opens: its records as one commit."""
        await self.take_lease()
        first = Changes(agents=[(agent.id, 0, agent) for agent in self.made.board.agents.values() if agent.rev])
        await self.store.commit(self.fence, "0", first)

    async def commit(self) -> None:
        for changes in self.taken:
            if changes:
                await self.store.commit(self.fence, "0", changes)
        self.taken.clear()

    async def take_over(self) -> None:
        """What another router finds is all there is."""
        await self.take_lease()
        found, made = await self.store.load(), self.made
        known: dict[str, Any] = {"contacts_known": found.contacts, "agents_known": found.agents, "callers_known": found.callers}
        records: dict[str, Any] = {"c": found.contacts, "a": found.agents, "m": found.callers}
        made.records = {f"{kind}:{one.id}": (one.rev, codec.record_text(one)) for kind, ones in records.items() for one in ones}
        known |= {"former": made.board.directory.queues, "moves": made.board.moves}
        made.board = restore(made.site, made.ids, made.now, chance=made.chance, **known)
        made.settle()
        await self.commit()

    async def take_lease(self) -> None:
        if self._routers:
            await self.store.release(f"router-{self._routers}", self.fence)
        self._routers += 1
        self.fence = await self.store.acquire(f"router-{self._routers}", LEASE_MS) or 0

    async def check(self) -> None:
        """What the store holds is what the board says."""
        found, board = await self.store.load(), self.made.board
        assert {contact.id: contact for contact in found.contacts} == board.contacts
        assert {agent.id: agent for agent in found.agents} == {agent.id: agent for agent in board.agents.values() if agent.rev}
        assert {caller.id: caller for caller in found.callers} == board.callers


def holds(made: House) -> None:
    check_booking(made)
    check_nobody_waits_in_vain(made)
    check_counts(made)


async def live(store: Store, moves: list[Move], restarts: set[int]) -> None:
    kept = Kept(store, opened())
    await kept.begin()
    for number, move in enumerate(moves):
        if number in restarts:
            await kept.take_over()
        play(kept.made, move, number)
        holds(kept.made)
        await kept.commit()
    await kept.check()
    check_conservation(kept.made)


@pytest.mark.parametrize("kind", ["memory", "redis"])
@settings(max_examples=60)
@given(moves=changing, restarts=st.sets(st.integers(0, 69), max_size=8))
def test_after_any_history_in_a_store(redis_process: PrivateRedis, kind: str, moves: list[Move], restarts: set[int]) -> None:
    """No double booking, nobody waits in vain, nobody lost or counted twice, whoever routes; and the store holds it all."""

    async def run() -> None:
        redis_process.flush()
        store: Store = RedisStore(redis_process.url) if kind == "redis" else MemoryStore()
        try:
            await live(store, moves, restarts)
        finally:
            await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["memory", "redis"])
@settings(max_examples=40)
@given(moves=changing, cut=st.integers(1, 40))
def test_a_router_that_dies_between_two_commands(redis_process: PrivateRedis, kind: str, moves: list[Move], cut: int) -> None:
    """It has decided and not written: the next one begins before that, nothing of it is in the store, and time brings everybody home."""

    async def run() -> None:
        redis_process.flush()
        store: Store = RedisStore(redis_process.url) if kind == "redis" else MemoryStore()
        try:
            kept = Kept(store, opened())
            await kept.begin()
            for number, move in enumerate(moves[:cut]):
                play(kept.made, move, number)
                await kept.commit()
            written = await store.load()
            for number, move in enumerate(moves[cut:], cut):
                play(kept.made, move, number)
            lost, old = [changes for changes in kept.taken if changes], kept.fence
            kept.taken.clear()
            await kept.take_lease()
            for changes in lost[:1]:
                with pytest.raises(StaleCommit):
                    await store.commit(old, "0", changes)
            assert (await store.load()).contacts == written.contacts
            kept.made.chance = random.Random(1)
            await kept.take_over()
            holds(kept.made)
            kept.made.wait(1_000_000)
            await kept.commit()
            assert not [contact for contact in kept.made.board.contacts.values() if not contact.agent]
            await kept.check()
        finally:
            await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["memory", "redis"])
@settings(max_examples=40)
@given(many=st.sampled_from((1, 3)), moves=kinds_history.history, restarts=st.sets(st.integers(0, 59), max_size=5))
def test_contacts_of_several_kinds_in_a_store(
    redis_process: PrivateRedis, kind: str, many: int, moves: list[Move], restarts: set[int]
) -> None:
    """With one and with three chats at once, for contacts that no server holds, whoever routes: hands agree, and the store holds it all."""

    async def run() -> None:
        redis_process.flush()
        store: Store = RedisStore(redis_process.url) if kind == "redis" else MemoryStore()
        try:
            made = kinds_history.KindsHouse(many)
            kept = Kept(store, made)
            await kept.begin()
            for number, move in enumerate(moves):
                if number in restarts:
                    await kept.take_over()
                    made.wait(2_500)
                kinds_history.play(made, move, number)
                kinds_history.check_hands(made)
                kinds_history.check_nobody_waits_in_vain(made)
                await kept.commit()
            await kept.check()
        finally:
            await store.close()

    asyncio.run(run())
