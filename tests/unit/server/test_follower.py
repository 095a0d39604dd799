"""The follower: the view is right from the first moment on, after the store was away too, and whoever fails does not stop the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from routing.domain.changes import Changes
from routing.domain.contact_facts import ContactFacts
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.contacts import ContactConnected
from routing.domain.events.envelope import Event, UnknownEvent
from routing.domain.events.servers import GapInLog
from routing.domain.identifiers import Ids
from routing.domain.model import Contact, Directory, QueuePolicy
from routing.read_model.view import View
from routing.store.memory import MemoryStore
from routing.store.port import LogLimits, Snapshot, StoreUnreachable
from server.events.follower import Follower
from server.events.writer import EventLog
from simulator import virtual

pytestmark = pytest.mark.unit

SITE = Directory({"support": QueuePolicy("support")}, {})


class CutStore(MemoryStore):
    """A store that can be away."""

    away = False
    times_away = 0  # when old events are read

    def __init__(self) -> None:
        super().__init__()
        self.lets_through = asyncio.Event()
        self.lets_through.set()

    async def load(self) -> Snapshot:
        if self.away:
            raise StoreUnreachable("the store is away")
        return await super().load()

    async def events(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Event]]:
        found = await super().events(after, block_ms=block_ms, limit=limit)
        if not block_ms:
            self.times_away -= 1
        if self.away or (not block_ms and self.times_away >= 0):
            raise StoreUnreachable("the store is away")
        await self.lets_through.wait()
        return found

    async def last_event(self) -> str:
        if self.away:
            raise StoreUnreachable("the store is away")
        return await super().last_event()


class House:
    """A follower with a view and a listener; `heard` are the listener's events."""

    def __init__(self) -> None:
        self.store = CutStore()
        self.view = View(CurrentDirectory(SITE))
        self.heard: list[str] = []
        self.log = EventLog(self.store, Ids(), virtual.VirtualClock())
        self.follower = Follower(self.store, self.view, self.log, "here", self.fails, self.listen)
        self.running = asyncio.create_task(self.follower.run())

    def listen(self, event: Event) -> None:
        self.heard.append(event.type)

    def fails(self, event: Event) -> None:
        raise ValueError("a listener that cannot read this")

    async def record(self, contact: str, told: Sequence[Event] = ()) -> None:
        """The router commits a waiting contact."""
        fence = await self.store.acquire("router", 1000)
        assert fence is not None
        made = Contact(contact, "node", "support", [(0, "")], virtual.START_MS, ContactFacts(f"call-{contact}"), rev=1)
        await self.store.commit(fence, "0", Changes(contacts=[(contact, 0, made)], events=list(told)))


def scene(play: Callable[[House], Awaitable[None]]) -> None:
    async def whole() -> None:
        house = House()
        await play(house)
        house.running.cancel()
        await asyncio.gather(house.running, return_exceptions=True)

    virtual.run(whole())


def event(type: str) -> Event:
    return Event(Ids().new("event"), virtual.START_MS, UnknownEvent(type))


def test_it_begins_from_the_records_and_follows() -> None:
    """What was before is in the view; only what comes is told to listeners, in order."""

    async def play(house: House) -> None:
        await house.record("c1", [event("before")])
        await house.follower.ready.wait()
        assert list(house.view.contacts) == ["c1"]
        await house.store.append(event("one"), event("two"))
        await asyncio.sleep(0.01)
        assert house.heard == ["one", "two"]

    scene(play)


def test_a_listener_that_fails_stops_nobody() -> None:
    """Neither the other listeners nor the next event."""

    async def play(house: House) -> None:
        await house.follower.ready.wait()
        for type in ("one", "two", "three"):
            await house.store.append(event(type))
            await asyncio.sleep(0.01)
        assert house.heard == ["one", "two", "three"]

    scene(play)


def test_after_the_store_was_away_it_begins_again_from_the_records() -> None:
    """Whatever was lost or gained meanwhile: the view is that of the records."""

    async def play(house: House) -> None:
        await house.record("c1")
        await house.follower.ready.wait()
        house.store.away = True
        await asyncio.sleep(30)
        house.store._shared.contacts.clear()
        await house.record("c2")
        house.store.away = False
        await asyncio.sleep(10)
        assert list(house.view.contacts) == ["c2"]
        await house.store.append(event("afterwards"))
        await asyncio.sleep(0.01)
        assert house.heard[-1] == "afterwards"

    scene(play)


def test_a_store_that_is_away_at_the_start() -> None:
    """It is not ready before it has loaded."""

    async def play(house: House) -> None:
        house.store.away = True
        await asyncio.sleep(20)
        assert not house.follower.ready.is_set()
        house.store.away = False
        await asyncio.sleep(1)
        assert house.follower.ready.is_set()

    scene(play)


def test_it_catches_up_with_what_was_told() -> None:
    """Who asks waits until the view knows each event that was in the log when they asked, and no longer."""

    async def play(house: House) -> None:
        await house.follower.ready.wait()
        house.store.lets_through.clear()
        await house.store.append(event("one"))
        waiting = asyncio.create_task(house.follower.catch_up())
        await asyncio.sleep(0.3)
        assert not waiting.done()
        house.store.lets_through.set()
        await waiting
        assert house.heard == ["one"]
        before = asyncio.get_running_loop().time()
        await house.follower.catch_up()
        assert asyncio.get_running_loop().time() == before

    scene(play)


@pytest.mark.parametrize("away", [True, False])
def test_catching_up_has_an_end(away: bool) -> None:
    """Without the store, or with events that do not come, what is known must do: after half a second at most."""

    async def play(house: House) -> None:
        await house.follower.ready.wait()
        house.store.away = away
        house.store.lets_through.clear()
        await house.store.append(event("one"))
        before = asyncio.get_running_loop().time()
        await house.follower.catch_up()
        assert asyncio.get_running_loop().time() - before <= 0.5
        assert house.heard == []
        before = asyncio.get_running_loop().time()
        await house.follower.catch_up()
        assert asyncio.get_running_loop().time() == before, "what did not come is not waited for again"

    scene(play)


def test_what_was_before_the_start_is_learnt() -> None:
    """The service level of the last half hour goes on where it was, with what happens meanwhile; listeners hear nothing of old events.

    Neither a store that is away for a moment nor an event that nobody understands is in the way.
    """

    async def play(house: House) -> None:
        await house.follower.ready.wait()
        await house.store.append(answered(5_000))
        await asyncio.sleep(3)
        assert house.view.service_level("support", virtual.START_MS) == 50.0
        assert house.heard == ["contact_connected"]

    async def before(house: House) -> None:
        odd = replace(answered(0), data=ContactConnected("o", "soon"))  # type: ignore[arg-type]
        await house.store.append(*(answered(waited_ms) for waited_ms in (1_000, 90_000)), odd, answered(90_000))
        house.store.times_away = 2
        await play(house)

    scene(before)


def test_a_gap_is_seen_and_the_view_is_made_anew() -> None:
    """The log was trimmed before this server had read it: contacts that ended meanwhile are gone from the view, one that came is in it, and
    it follows from there. It is counted, and told in the log."""

    async def play(house: House) -> None:
        await house.record("c1")
        await house.follower.ready.wait()
        house.store._shared.limits = LogLimits(keep=5, every=1)
        house.store.lets_through.clear()
        await house.store.append(event("read late"))
        await asyncio.sleep(1)
        house.store._shared.contacts.clear()
        await house.record("c2", [event("unseen") for _ in range(20)])
        house.store.lets_through.set()
        await asyncio.sleep(1)
        assert (list(house.view.contacts), house.follower.gaps) == (["c2"], 1)
        assert "unseen" not in house.heard
        await house.store.append(event("afterwards"))
        await asyncio.sleep(0.01)
        assert house.heard[-1] == "afterwards"

        sending = asyncio.create_task(house.log.run())
        await house.log.flush()
        sending.cancel()
        [gap] = [told for _, told in await house.store.events("0", block_ms=0) if told.type == "log_gap"]
        assert gap.data == GapInLog("", "here", "1", "16")

    scene(play)


def test_what_was_skipped_counts_as_far_as_it_is_there() -> None:
    """The service level after a gap is made of what was before it, what the log still holds of it, and what comes."""

    async def play(house: House) -> None:
        await house.follower.ready.wait()
        await house.store.append(answered(1_000))
        await asyncio.sleep(3)
        assert house.view.service_level("support", virtual.START_MS) == 100.0
        house.store._shared.limits = LogLimits(keep=2, every=1)
        house.store.lets_through.clear()
        await house.store.append(event("read late"))
        await asyncio.sleep(1)
        await house.store.append(*(answered(90_000) for _ in range(7)))
        house.store.lets_through.set()
        await asyncio.sleep(3)
        assert house.view.tally("support", virtual.START_MS).answered == 1 + 2
        await house.store.append(answered(1_000))
        await asyncio.sleep(0.01)
        assert house.view.service_level("support", virtual.START_MS) == 50.0

    scene(play)


def test_what_was_told_while_the_store_was_away_for_us_counts() -> None:
    """Another server went on meanwhile: whoever left a queue is in the figures, once."""

    async def play(house: House) -> None:
        await house.follower.ready.wait()
        await house.store.append(answered(1_000))
        await asyncio.sleep(3)
        house.store.away = True
        await asyncio.sleep(30)
        await house.store.append(answered(90_000))
        house.store.away = False
        await asyncio.sleep(3)
        await house.store.append(answered(90_000), answered(90_000))
        await asyncio.sleep(3)
        assert house.view.service_level("support", virtual.START_MS) == 25.0

    scene(play)


def answered(waited_ms: int) -> Event:
    return replace(event(""), queue="support", data=ContactConnected("o", waited_ms))
