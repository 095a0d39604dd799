"""What a server tells by itself: in order, whole, and not lost while the store is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from routing.domain.events import Event
from routing.domain.identifiers import Ids
from routing.store.memory import MemoryStore
from routing.store.port import Once, StoreUnreachable
from server.events.writer import EventLog
from simulator import virtual

pytestmark = pytest.mark.unit


class CutStore(MemoryStore):
    """A store that can be away."""

    away = False

    async def append(self, *events: Event, once: Once | None = None) -> None:
        if self.away:
            raise StoreUnreachable("the store is away")
        await super().append(*events, once=once)


def scene(play: Callable[[EventLog, CutStore], Awaitable[None]]) -> None:
    async def whole() -> None:
        store = CutStore()
        log = EventLog(store, Ids(), virtual.VirtualClock(), domain="main")
        running = asyncio.create_task(log.run())
        await play(log, store)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    virtual.run(whole())


async def told(store: CutStore) -> list[Event]:
    return [event for _, event in await store.events("0", block_ms=0, limit=5000)]


def test_fields_of_the_envelope_and_data() -> None:
    """What every event has goes into its envelope, as text; the rest is data."""

    async def play(log: EventLog, store: CutStore) -> None:
        log.of_call("call-1").emit("node_entered", flow="main", flow_version="ab12", node="hello", node_type="menu")
        log.tell("server_started", version=3)
        await log.flush()
        first, second = await told(store)
        assert (first.type, first.call, first.flow, first.flow_version, first.node) == ("node_entered", "call-1", "main", "ab12", "hello")
        assert first.data == {"node_type": "menu"}
        assert (second.call, second.data, second.at_ms, second.domain) == ("", {"version": 3}, virtual.START_MS, "main")
        assert first.id != second.id

    scene(play)


def test_nothing_is_lost_while_the_store_is_away() -> None:
    """It comes afterwards, in order, each once, with the time at which it happened."""

    async def play(log: EventLog, store: CutStore) -> None:
        store.away = True
        for number in range(1200):
            log.tell("counted", number=number)
        await asyncio.sleep(60)
        log.tell("counted", number=1200)
        store.away = False
        await log.flush()
        events = await told(store)
        assert [event.data["number"] for event in events] == list(range(1201))
        assert [events[0].at_ms, events[-1].at_ms] == [virtual.START_MS, virtual.START_MS + 60_000]

    scene(play)


def test_a_log_with_nothing_to_tell_costs_nothing() -> None:
    """No timer runs."""

    async def play(log: EventLog, store: CutStore) -> None:
        await asyncio.Event().wait()

    with pytest.raises(virtual.Deadlock):
        scene(play)


def test_values_of_any_kind_that_json_has() -> None:
    """Numbers, lists and nothing survive the way."""
    data: dict[str, Any] = {"ms": 12, "share": 0.5, "steps": [[0, "a"]], "none": None, "text": '王 "\n'}

    async def play(log: EventLog, store: CutStore) -> None:
        log.tell("odd", **data)
        await log.flush()
        assert (await told(store))[0].data == data

    scene(play)
