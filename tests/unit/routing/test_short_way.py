"""The short way between a server and the router of its process: nothing is lost, done twice or out of turn, whatever fails and when."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from routing.domain.current_directory import CurrentDirectory
from routing.domain.messages import AgentAsked, ContactLeft
from routing.domain.model import QueuePolicy
from routing.domain.orders import Order, Reply
from routing.router import Router
from routing.store.memory import MemoryStore, Shared
from routing.store.outbox import Outbox, Worth
from routing.store.port import Once, Store
from routing.store.short_way import ShortWay
from simulator import virtual
from tests.routing_house import CountingIds, arrival, directory
from tests.unit.routing.shaky_store import ShakyStore

pytestmark = pytest.mark.unit

SITE = directory(queues=(QueuePolicy("support", max_wait_ms=3_600_000),))
CALLS = 150


def play(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    virtual.run(story())


class CountingStore(MemoryStore):
    """Counts what is put into the inbox."""

    posted = 0

    async def post(self, *given: Any, **more: Any) -> str:
        self.posted += 1
        return await super().post(*given, **more)


@dataclass
class Weather:
    """What the store suffers from."""

    chance: random.Random
    away: bool = False
    shaky: bool = False


@dataclass
class Process:
    """A server whose process has a router."""

    store: Store
    orders: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.way = ShortWay(self.store, self.orders.append)
        self.router = Router(
            self.store, CurrentDirectory(SITE), CountingIds(), virtual.VirtualClock(), server="node", chance=random.Random(1)
        )
        self.router.short_way = self.way
        self.outbox = Outbox(self.way.post, "node", retry_s=0.2, kind=lambda message: "message", worth=lambda message: Worth.FACT)
        self.tasks = [asyncio.create_task(self.outbox.run())]
        self.lead()

    def lead(self) -> None:
        self.tasks.append(asyncio.create_task(self.router.run()))

    async def stop_leading(self) -> None:
        task = self.tasks.pop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def queued(shared: Shared) -> list[str]:
    found = await MemoryStore(shared).events("0", block_ms=0, limit=100_000)
    return [event.contact for _, event in found if event.type == "contact_queued"]


async def trouble(chance: random.Random, weather: Weather, process: Process) -> None:
    """The store may go or come back, or become unreliable; the router may stand by for a time; some time passes."""
    match chance.randrange(8):
        case 0:
            weather.away = not weather.away
        case 1:
            weather.shaky = not weather.shaky
        case 2:
            await process.stop_leading()
            await asyncio.sleep(chance.random() * 2)
            process.lead()
    await asyncio.sleep(chance.choice((0, 0, 0.001, 0.3, 2)))


def test_messages_do_not_go_by_the_inbox_while_the_router_of_the_process_leads() -> None:
    async def story() -> None:
        store = CountingStore()
        process = Process(store)
        await asyncio.sleep(1)
        process.outbox.add(arrival("c1", "call", "node", "support", [(0, "")], 0))
        await process.outbox.flush()
        assert (store.posted, await queued(store._shared)) == (0, ["c1"])

        await process.stop_leading()
        process.outbox.add(arrival("c2", "call", "node", "support", [(0, "")], 0))
        await process.outbox.flush()
        assert (store.posted, await queued(store._shared)) == (1, ["c1"])
        process.lead()
        await asyncio.sleep(1)
        assert await queued(store._shared) == ["c1", "c2"]
        await process.stop()

    play(story)


@pytest.mark.parametrize("seed", range(8))
def test_every_message_is_decided_on_once_and_in_order(seed: int) -> None:
    """The store goes and comes, answers get lost after it has written, routers lose their lease: each contact is queued once, in turn."""

    async def story() -> None:
        chance = random.Random(seed)
        weather, shared = Weather(random.Random(seed)), Shared()
        process = Process(ShakyStore(shared, weather))
        for number in range(CALLS):
            process.outbox.add(arrival(f"c{number}", "call", "node", "support", [(0, "")], 0))
            await trouble(chance, weather, process)
        weather.away = weather.shaky = False
        await asyncio.sleep(30)
        assert await queued(shared) == [f"c{number}" for number in range(CALLS)]
        assert process.router.skipped == 0
        await process.stop()

    play(story)


def test_a_batch_waits_for_what_went_by_the_inbox_before() -> None:
    """A router that has not read that far yet sends it after the others."""

    async def story() -> None:
        store = CountingStore()
        way = ShortWay(store)
        await way.post(ContactLeft("c1", "abandoned"), once=Once("node", 1))
        way.open(lambda: None)
        posting = asyncio.create_task(way.post(ContactLeft("c2", "abandoned"), once=Once("node", 2)))
        await asyncio.sleep(0)
        assert way.take("0") is None
        await posting
        assert [position for position, _ in await store.inbox("0", block_ms=0)] == ["1", "2"]

        posting = asyncio.create_task(way.post(ContactLeft("c3", "abandoned"), once=Once("node", 3)))
        await asyncio.sleep(0)
        batch = way.take("2")
        assert batch
        assert batch.messages == (ContactLeft("c3", "abandoned"),)
        way.committed()
        await posting
        assert store.posted == 2

    play(story)


def test_a_batch_that_was_tried_before_goes_by_the_inbox() -> None:
    """Whether it was written is known there."""

    async def story() -> None:
        store = CountingStore()
        way = ShortWay(store)
        way.open(lambda: None)
        first = asyncio.create_task(way.post(ContactLeft("c1", "abandoned"), once=Once("node", 1)))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert way.take("0") is None
        await way.post(ContactLeft("c1", "abandoned"), once=Once("node", 1))
        assert store.posted == 1

    play(story)


def test_orders_are_carried_out_once_from_wherever_they_come_first() -> None:
    """The first of a reign come by the stream, behind those of the router before; later ones at once, until the stream brings them."""

    async def story() -> None:
        done: list[Order] = []
        way = ShortWay(MemoryStore(), done.append)
        first, second, third = (Reply(f"r{number}", "") for number in range(3))
        way.open(lambda: None)
        way.deliver("1", first)
        way.deliver("2", second)  # the stream has not brought the first yet
        assert (way.is_new("1"), way.is_new("2")) == (True, True)
        way.deliver("3", third)
        await asyncio.sleep(0)
        assert done == [third]
        assert not way.is_new("3")
        assert way.is_new("4")
        way.deliver("4", first)  # the stream was faster
        await asyncio.sleep(0)
        assert done == [third]
        way.open(lambda: None)
        way.deliver("5", first)
        await asyncio.sleep(0)
        assert done == [third]

    play(story)


@pytest.mark.parametrize("seed", range(8))
def test_every_order_is_carried_out_once(seed: int) -> None:
    """Whatever fails: what was committed for the server is handed over once, by the stream or by the short way."""

    async def story() -> None:
        chance = random.Random(seed)
        weather, shared = Weather(random.Random(seed)), Shared()
        process = Process(ShakyStore(shared, weather))
        stream = MemoryStore(shared)

        async def receive() -> None:
            reached = "0"
            while True:
                for position, order in await stream.orders("node", reached, block_ms=5_000):
                    reached = position
                    if process.way.is_new(position):
                        process.orders.append(order)
                await asyncio.sleep(chance.choice((0, 0, 0.01, 1)))

        process.tasks.insert(0, asyncio.create_task(receive()))
        for number in range(CALLS):
            process.outbox.add(AgentAsked("nobody", "pause", f"r{number}", "node"))
            await trouble(chance, weather, process)
        weather.away = weather.shaky = False
        await asyncio.sleep(30)
        replies = [order.request for order in process.orders if isinstance(order, Reply)]
        assert sorted(replies) == sorted(f"r{number}" for number in range(CALLS))
        await process.stop()

    play(story)
