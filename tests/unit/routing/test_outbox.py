"""What a writer brings to the store: each thing once, in order, also when the store takes it and the answer is lost; in virtual time."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from routing.domain.events import Event
from routing.store.memory import MemoryStore
from routing.store.outbox import Outbox
from routing.store.port import Once, StoreUnreachable
from simulator import virtual

pytestmark = pytest.mark.unit


class SlowStore(MemoryStore):
    """Does at times what it was asked to, and answers too late; copies may be held up on the way and arrive later."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance
        self.away = ""
        self.held_up: list[tuple[tuple[Event, ...], Once | None]] = []

    async def append(self, *events: Event, once: Once | None = None) -> None:
        if self.away:
            raise StoreUnreachable(self.away)
        fate = self.chance.random()
        if fate < 0.3:
            self.held_up.append((events, once))
        else:
            await super().append(*events, once=once)
        if fate < 0.6:
            raise StoreUnreachable("no answer within 3 s")

    async def let_in(self) -> None:
        """A copy that was held up arrives."""
        if self.held_up:
            events, once = self.held_up.pop(self.chance.randrange(len(self.held_up)))
            await super().append(*events, once=once)


def scene(play: Callable[[Outbox[Event], SlowStore], Coroutine[Any, Any, None]], seed: int = 1) -> None:
    async def whole() -> None:
        store = SlowStore(random.Random(seed))
        outbox = Outbox(store.append, "log", retry_s=0.5)
        running = asyncio.create_task(outbox.run())
        await play(outbox, store)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    virtual.run(whole())


async def told(store: MemoryStore) -> list[str]:
    return [event.id for _, event in await store.events("0", block_ms=0, limit=10_000)]


@pytest.mark.parametrize("seed", range(10))
def test_each_once_and_in_order_whatever_becomes_of_answers(seed: int) -> None:
    """Batches are taken without an answer, not taken, or held up and let in behind later ones: the log has each event once."""

    async def play(outbox: Outbox[Event], store: SlowStore) -> None:
        for number in range(200):
            outbox.add(Event(f"e{number}", "counted", 0))
            await asyncio.sleep(store.chance.choice((0, 0.2, 2)))
            await store.let_in()
        await outbox.flush()
        while store.held_up:
            await store.let_in()
        assert await told(store) == [f"e{number}" for number in range(200)]

    scene(play, seed)


def test_a_run_that_broke_off_is_gone_on_with() -> None:
    """What was on its way when the sending was ended is sent by the next run, once."""

    async def whole() -> None:
        store = SlowStore(random.Random(4))
        outbox = Outbox(store.append, "log", retry_s=0.5)
        for turn in range(40):
            outbox.add(Event(f"e{turn}", "counted", 0))
            running = asyncio.create_task(outbox.run())
            await asyncio.sleep(store.chance.choice((0, 0.2, 2)))
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        running = asyncio.create_task(outbox.run())
        await outbox.flush()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert await told(store) == [f"e{turn}" for turn in range(40)]

    virtual.run(whole())


def test_why_it_is_held_up() -> None:
    """The store's own words, from the first refusal until the store takes what was told."""

    async def play(outbox: Outbox[Event], store: SlowStore) -> None:
        assert outbox.held_up == ""
        store.away = "disk full"
        outbox.add(Event("e1", "counted", 0))
        await asyncio.sleep(1)
        assert outbox.held_up == "disk full"
        store.away, store.chance = "", random.Random(4)
        await outbox.flush()
        assert outbox.held_up == ""

    scene(play)
