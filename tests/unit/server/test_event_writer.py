"""What a server tells by itself: in order, whole, and not lost while the store is away."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from ivr.ports import FlowPlace
from routing.domain.events.calls import CallArrived, CallEnded, CallTransferred, TransferEnded
from routing.domain.events.envelope import Event
from routing.domain.events.flows import FlowEnded, FlowFailed, FlowStarted, InputReceived, LookupAnswered, NodeEntered, NodeLeft
from routing.domain.events.servers import EventsDropped, ServerBack
from routing.domain.identifiers import Ids
from routing.store.memory import MemoryStore
from routing.store.port import LogLimits, Once, StoreUnreachable
from server.events.flow_events import FlowEvents
from server.events.writer import EventLog
from simulator import virtual
from tests.told import counted, example, fact, number_of

pytestmark = pytest.mark.unit


class CutStore(MemoryStore):
    """A store that can be away."""

    away = False

    async def append(self, *events: Event, once: Once | None = None) -> None:
        if self.away:
            raise StoreUnreachable("the store is away")
        await super().append(*events, once=once)


def team_of(agent: str, at_ms: int) -> str:
    return agent and f"team of {agent} at {at_ms}"


def scene(play: Callable[[EventLog, CutStore], Awaitable[None]]) -> None:
    async def whole() -> None:
        store = CutStore()
        log = EventLog(store, Ids(), virtual.VirtualClock(), domain="main", team_of=team_of)
        running = asyncio.create_task(log.run())
        await play(log, store)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    virtual.run(whole())


async def events_of(store: CutStore, limit: int = 5_000) -> list[Event]:
    return [event for _, event in await store.events("0", block_ms=0, limit=limit)]


def test_what_a_flow_tells_has_its_call_and_its_place() -> None:
    """In the envelope; each thing that a flow tells is an event of a type of its own, and whoever follows the call hears of its nodes."""
    entered: list[FlowPlace] = []

    async def play(log: EventLog, store: CutStore) -> None:
        flow, place = FlowEvents(log, "call-1", entered.append), FlowPlace("main", "ab12", "hello")
        flow.flow_started(FlowPlace("main", "ab12"), dnis="4000")
        flow.node_entered(place, node_type="menu", language="zh")
        flow.input_received(place, keys="1", understood=True)
        flow.node_left(place, exit="1")
        flow.lookup_answered(place, outcome="found", status=200, failure="")
        flow.flow_failed(place, error="ValueError", message="broken")
        flow.flow_ended(place, reason="failed")
        log.write(ServerBack("node"))
        await log.flush()
        first, *told, last = await events_of(store)
        assert (first.call, first.flow, first.flow_version, first.node) == ("call-1", "main", "ab12", "")
        assert {(event.call, event.flow, event.flow_version, event.node) for event in told} == {("call-1", "main", "ab12", "hello")}
        assert [event.data for event in (first, *told)] == [
            FlowStarted("4000"),
            NodeEntered("menu", "zh"),
            InputReceived("1", True),
            NodeLeft("1"),
            LookupAnswered("found", 200, ""),
            FlowFailed("ValueError", "broken"),
            FlowEnded("failed"),
        ]
        assert (last.call, last.data, last.at_ms, last.domain) == ("", ServerBack("node"), virtual.START_MS, "main")
        assert len({event.id for event in (first, *told, last)}) == 8

    scene(play)
    assert entered == [FlowPlace("main", "ab12", "hello")]


def test_nothing_is_lost_while_the_store_is_away() -> None:
    """It comes afterwards, in order, each once, with the time at which it happened."""

    async def play(log: EventLog, store: CutStore) -> None:
        store.away = True
        for number in range(1200):
            log.write(counted(number))
        await asyncio.sleep(60)
        log.write(counted(1200))
        store.away = False
        await log.flush()
        events = await events_of(store)
        assert [number_of(event) for event in events] == list(range(1201))
        assert [events[0].at_ms, events[-1].at_ms] == [virtual.START_MS, virtual.START_MS + 60_000]

    scene(play)


@pytest.mark.unmeasured
def test_what_is_dropped_while_the_store_is_away_for_long() -> None:
    """First the steps of flows, oldest first, and never that a call came, was passed on or ended; an event says how much of what."""

    async def play(log: EventLog, store: CutStore) -> None:
        store.away = True
        store._shared.limits = LogLimits(keep=1_000_000)
        kept = (CallArrived, FlowStarted, CallTransferred, TransferEnded, CallEnded)
        told = [example(cls) for cls in (*kept, *100 * (NodeEntered, NodeLeft))]
        for number in range(300):
            for data in told:
                log.write(data, call=f"call-{number}")
            await asyncio.sleep(0)
        store.away = False
        await log.flush()
        events = await events_of(store, 200_000)
        counts = Counter(event.type for event in events)
        assert [counts[cls.TYPE] for cls in kept] == [300] * 5
        assert 0 < counts["node_entered"] <= counts["node_left"] < 30_000
        assert {event.call for event in events if event.type == "node_left"} >= {f"call-{number}" for number in range(100, 300)}
        [dropped] = [event for event in events if event.type == "events_dropped"]
        assert fact(dropped, EventsDropped).counts == {type: 30_000 - counts[type] for type in ("node_entered", "node_left")} == log.dropped

    scene(play)


def test_an_event_of_an_agent_has_the_team_of_that_moment() -> None:
    """Of a caller whom an agent passed on, for instance; no agent is in no team."""

    async def play(log: EventLog, store: CutStore) -> None:
        log.write(counted(1), call="call-1", agent="anna")
        log.write(counted(2), call="call-1")
        await log.flush()

        anna, nobody = await events_of(store)
        assert (anna.team, nobody.team) == (f"team of anna at {anna.at_ms}", "")

    scene(play)


def test_a_log_with_nothing_to_tell_costs_nothing() -> None:
    """No timer runs."""

    async def play(log: EventLog, store: CutStore) -> None:
        await asyncio.Event().wait()

    with pytest.raises(virtual.Deadlock):
        scene(play)
