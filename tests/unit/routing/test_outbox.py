"""What a writer brings to the store: each thing once, in order, also when the store takes it and the answer is lost; in virtual time."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from routing.domain.events.envelope import Event, UnknownEvent
from routing.store.memory import MemoryStore
from routing.store.outbox import Outbox, Waiting, Worth
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


def outbox_to(store: MemoryStore, most: int = 1_000, **more: Any) -> Outbox[Event]:
    """Events are worth what their type says."""
    return Outbox(store.append, "log", retry_s=0.5, kind=lambda event: event.type, worth=worth, most=most, **more)


def worth(event: Event) -> Worth:
    return {"detail": Worth.DETAIL, "end": Worth.END}.get(event.type, Worth.FACT)


def scene(play: Callable[[Outbox[Event], SlowStore], Coroutine[Any, Any, None]], seed: int = 1) -> None:
    async def whole() -> None:
        store = SlowStore(random.Random(seed))
        outbox = outbox_to(store)
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
            outbox.add(Event(f"e{number}", 0, UnknownEvent("counted")))
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
        outbox = outbox_to(store)
        for turn in range(40):
            outbox.add(Event(f"e{turn}", 0, UnknownEvent("counted")))
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
        outbox.add(Event("e1", 0, UnknownEvent("counted")))
        await asyncio.sleep(1)
        assert outbox.held_up == "disk full"
        store.away, store.chance = "", random.Random(4)
        await outbox.flush()
        assert outbox.held_up == ""

    scene(play)


MIXED = st.lists(st.sampled_from(("detail", "fact", "end")), max_size=60)


@given(MIXED, MIXED, st.integers(1, 20))
def test_what_is_dropped_while_the_store_is_away(first: list[str], later: list[str], most: int) -> None:
    """Beside ends no more than `most` wait, and no end is dropped. What is left comes in order; the counts that are told make up for the
    rest."""
    told_counts: list[Counter[str]] = []

    async def whole() -> None:
        store = SlowStore(random.Random(4))
        store.away = "down"
        outbox = outbox_to(store, most, on_dropped=lambda counts: told_counts.append(Counter(counts)))
        running = asyncio.create_task(outbox.run())
        await asyncio.sleep(0)
        added = [Event(f"e{number}", number, UnknownEvent(type)) for number, type in enumerate((*first, *later))]
        for event in added[: len(first)]:
            outbox.add(event)
        await asyncio.sleep(1)  # a batch is on its way
        for event in added[len(first) :]:
            outbox.add(event)
        left = most + sum(type == "end" for type in (*first, *later)) + len(first)
        store.away = ""
        await outbox.flush()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        got = await told(store)
        assert len(got) <= left
        assert got == [event.id for event in added if event.id in set(got)]
        gone = [event for event in added if event.id not in got]
        assert Counter(event.type for event in gone) == sum(told_counts, Counter()) == outbox.dropped
        assert not [event for event in gone if event.type == "end"]

    virtual.run(whole())


@given(MIXED, st.integers(1, 20), st.integers(1, 9))
def test_the_oldest_detail_goes_first_then_the_oldest_fact(types: list[str], most: int, taken: int) -> None:
    """And nothing while there is room."""
    waiting, model = Waiting(worth, most), list[Event]()
    for number, type in enumerate(types):
        event = Event(f"e{number}", number, UnknownEvent(type))
        model.append(event)
        expendable = (
            sorted((event for event in model if event.type != "end"), key=worth)
            if sum(event.type != "end" for event in model) > most
            else []
        )
        assert waiting.add(event) == (expendable[0] if expendable else None)
        if expendable:
            model.remove(expendable[0])
        if number % 7 == 6:
            assert waiting.take(taken) == model[:taken]
            del model[:taken]
    assert waiting.take(1_000) == model


def test_the_log_says_at_once_that_something_is_dropped() -> None:
    """Once, and once more how much when the store is back; a store that is there drops nothing."""

    async def whole() -> None:
        store = SlowStore(random.Random(4))
        store.chance = Never()
        outbox = outbox_to(store, 10)
        running = asyncio.create_task(outbox.run())
        with capture_logs() as lines:
            for number in range(50):
                outbox.add(Event(f"e{number}", 0, UnknownEvent("fact")))
                await outbox.flush()
            assert not lines
            store.away = "down"
            outbox.add(Event("away", 0, UnknownEvent("fact")))
            await asyncio.sleep(1)
            for number in range(13):
                outbox.add(Event(f"x{number}", 0, UnknownEvent("fact")))
            assert [line["event"] for line in lines] == ["store_unreachable", "outbox_full"]
            store.away = ""
            await outbox.flush()
            assert [line.get("counts") for line in lines[2:]] == [{"fact": 3}]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert (await told(store))[-11:] == ["away", *(f"x{number}" for number in range(3, 13))]

    virtual.run(whole())


def test_a_full_outbox_costs_as_much_as_an_empty_one() -> None:
    """What goes is found without looking through what waits."""
    waiting = Waiting(worth, 1_000)
    gone = [waiting.add(Event(f"e{number}", 0, UnknownEvent("end" if number % 2 else "detail"))) for number in range(20_000)]
    assert (len(waiting), sum(event is not None for event in gone)) == (11_000, 9_000)


class Never(random.Random):
    """A store that takes everything and answers."""

    def random(self) -> float:
        return 1.0


def test_details_wait_for_a_moment_for_what_matters_more() -> None:
    """They go out with it, in order; alone they wait for so long and no longer. What matters goes out at once."""

    async def whole() -> None:
        loop = asyncio.get_running_loop()
        sent: list[tuple[float, list[str]]] = []

        async def put(*events: Event, once: Once) -> None:
            sent.append((loop.time(), [event.type for event in events]))

        outbox = Outbox(put, "log", retry_s=0.5, kind=lambda event: event.type, worth=worth)
        running = asyncio.create_task(outbox.run())
        began = loop.time()
        outbox.add(Event("e", 0, UnknownEvent("detail")))
        await asyncio.sleep(0.001)
        outbox.add(Event("e", 0, UnknownEvent("end")))
        await asyncio.sleep(1)
        outbox.add(Event("e", 0, UnknownEvent("detail")))
        await asyncio.sleep(1)
        outbox.add(Event("e", 0, UnknownEvent("fact")))
        await outbox.flush()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert [(round(1000 * (at - began)), types) for at, types in sent] == [
            (1, ["detail", "end"]),
            (1_004, ["detail"]),
            (2_001, ["fact"]),
        ]

    virtual.run(whole())
