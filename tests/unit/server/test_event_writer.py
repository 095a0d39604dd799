"""What a server tells by itself: in order, whole, and not lost while the store is away."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from routing.domain.events import Event
from routing.domain.identifiers import Ids
from routing.store.memory import MemoryStore
from routing.store.port import LogLimits, Once, StoreUnreachable
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


async def told(store: CutStore, limit: int = 5_000) -> list[Event]:
    return [event for _, event in await store.events("0", block_ms=0, limit=limit)]


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


def test_what_is_dropped_while_the_store_is_away_for_long() -> None:
    """First the steps of flows, oldest first, and never that a call came, was passed on or ended; an event says how much of what."""

    async def play(log: EventLog, store: CutStore) -> None:
        store.away = True
        store._shared.limits = LogLimits(keep=1_000_000)
        kept = ("call_arrived", "flow_started", "call_transferred", "transfer_ended", "call_ended")
        for number in range(300):
            for type in (*kept, *100 * ("node_entered", "node_left")):
                log.tell(type, call=f"call-{number}")
            await asyncio.sleep(0)
        store.away = False
        await log.flush()
        events = await told(store, 200_000)
        counts = Counter(event.type for event in events)
        assert [counts[type] for type in kept] == [300] * 5
        assert 0 < counts["node_entered"] <= counts["node_left"] < 30_000
        assert {event.call for event in events if event.type == "node_left"} >= {f"call-{number}" for number in range(100, 300)}
        [dropped] = [event for event in events if event.type == "events_dropped"]
        assert dropped.data["counts"] == {type: 30_000 - counts[type] for type in ("node_entered", "node_left")} == log.dropped

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
