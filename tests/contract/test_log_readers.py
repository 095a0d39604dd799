"""Durable readers of the event log: nothing is missed that the log has room for, and nothing is missed without a word."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from structlog.testing import capture_logs

from routing.domain.changes import Changes
from routing.domain.events.envelope import Event
from routing.domain.events.servers import GapInLog
from routing.store.log_reader import LogReader
from routing.store.memory import MemoryStore, Shared
from routing.store.port import NEWEST, OLDEST, LogGap, LogLimits, NoSuchReader, Store
from routing.store.redis import RedisStore
from tests.private_redis import PrivateRedis
from tests.told import counted, fact, facts, number_of

pytestmark = pytest.mark.contract

NOW = 1_790_000_000_000
ROOMY = LogLimits(keep=6, bytes=10**9, every=4)
FULL = LogLimits(keep=6, bytes=0, every=4)  # whatever a reader leaves is too much
Views = Callable[[LogLimits], Store]


@pytest.fixture(scope="module", autouse=True)
def small_nodes(redis_process: PrivateRedis) -> Iterator[None]:
    """Redis drops whole nodes of a stream: here one has two entries."""
    client: Any = Redis(unix_socket_path=str(redis_process.socket), decode_responses=True)
    before = client.config_get("stream-node-max-entries")["stream-node-max-entries"]
    client.config_set("stream-node-max-entries", 2)
    yield
    client.config_set("stream-node-max-entries", before)


@pytest.fixture(params=["memory", "redis"])
async def made(request: pytest.FixtureRequest, redis_server: PrivateRedis) -> AsyncIterator[Views]:
    """Makes a store of an empty domain with these limits, and further views of it."""
    opened: list[Store] = []
    shared = Shared()

    def view(limits: LogLimits) -> Store:
        shared.limits = limits
        opened.append(MemoryStore(shared) if request.param == "memory" else RedisStore(redis_server.url, log_limits=limits))
        return opened[-1]

    yield view
    for store in opened:
        await store.close()


def event(number: int) -> Event:
    return Event(f"e{number}", NOW + number, counted(number))


async def tell(store: Store, *numbers: int) -> None:
    for number in numbers:
        await store.append(event(number))


def numbers_in(found: list[tuple[str, Event]]) -> list[int]:
    return [number_of(told) for _, told in found if told.type == "counted"]


async def everything(store: Store) -> list[Event]:
    return [told for _, told in await store.events("0", block_ms=0, limit=10_000)]


async def test_where_a_reader_begins(made: Views) -> None:
    """At the oldest event, at the newest, or at a position; one that is known stays where it is, from whichever server it is opened."""
    store, other = made(ROOMY), made(ROOMY)
    assert await store.open_reader("early", NEWEST) == await store.open_reader("early", OLDEST)
    await tell(store, 1, 2)
    positions = [position for position, _ in await store.events("0", block_ms=0)]
    begins = {name: await store.open_reader(name, after) for name, after in (("all", OLDEST), ("new", NEWEST), ("one", positions[0]))}
    begins["early"] = await other.open_reader("early", positions[0])
    await tell(store, 3)

    found = {name: numbers_in(await other.events(position, block_ms=0)) for name, position in begins.items()}
    assert found == {"all": [1, 2, 3], "new": [3], "one": [2, 3], "early": [1, 2, 3]}


async def test_confirming_goes_forwards_only(made: Views) -> None:
    """However often and in whatever order; a reader that nobody opened, or that was closed, is refused."""
    store = made(ROOMY)
    await tell(store, 1, 2, 3)
    positions = [position for position, _ in await store.events("0", block_ms=0)]
    await store.open_reader("record", OLDEST)
    for at in (1, 0, 1, 2, 0):
        await store.confirm("record", positions[at])
    assert await store.open_reader("record", OLDEST) == positions[2]

    await store.close_reader("record")
    await store.close_reader("record")
    with pytest.raises(NoSuchReader, match="record"):
        await store.confirm("record", positions[0])


@pytest.mark.parametrize("name", ["", "Record", "1st", "a b", "a:b", "x" * 65, "记录"])
async def test_names_that_are_refused(made: Views, name: str) -> None:
    with pytest.raises(ValueError, match="durable reader"):
        await made(ROOMY).open_reader(name, OLDEST)


async def test_the_state_of_the_log(made: Views) -> None:
    """Its size, and of each reader the position and since when something waits for it."""
    store = made(ROOMY)
    assert ((await store.log_state()).events, (await store.log_state()).readers) == (0, ())
    await store.open_reader("web", NEWEST)
    await store.open_reader("record", NEWEST)
    await tell(store, 1, 2)
    last = await store.last_event()
    await store.confirm("web", last)
    state = await store.log_state()

    assert (state.events, [reader.name for reader in state.readers]) == (2, ["record", "web"])
    assert state.bytes > 0
    assert (state.readers[0].since_ms > 0, state.readers[1].since_ms, state.readers[1].position) == (True, 0, last)


async def test_trimming_waits_for_the_slowest(made: Views) -> None:
    """Events of commits and of servers alike; when the slowest has confirmed, or is closed, what is left is about what is kept at least."""
    store = made(ROOMY)
    await store.open_reader("slow", NEWEST)
    await store.open_reader("quick", NEWEST)
    fence = await store.acquire("a", 600_000) or 0
    await store.commit(fence, "0", Changes(events=[event(number) for number in range(30)]))
    await tell(store, *range(30, 40))
    await store.confirm("quick", await store.last_event())
    await tell(store, *range(40, 50))
    assert [number_of(told) for told in await everything(store)] == list(range(50))

    for name in ("slow", "quick"):
        await store.confirm(name, await store.last_event())
    await tell(store, *range(50, 60))
    left = [number_of(told) for told in await everything(store)]
    assert left == list(range(left[0], 60))
    assert 6 <= len(left) <= 6 + 4 + 4, "what is kept, what was told since it was trimmed, and nodes that are dropped whole"

    await store.open_reader("gone", OLDEST)
    await tell(store, *range(60, 90))
    for name in ("slow", "quick", "gone"):
        await store.close_reader(name)
    await tell(store, *range(90, 98))
    assert len(await everything(store)) <= 6 + 4 + 4


async def test_a_reader_that_is_too_slow_is_told(made: Views) -> None:
    """Beyond the limit the log goes on without it: an event and a log line say what it lost, and reading from there raises LogGap."""
    store = made(FULL)
    begun = await store.open_reader("slow", NEWEST)
    await store.open_reader("quick", NEWEST)
    with capture_logs() as lines:
        for number in range(40):
            await tell(store, number)
            await store.confirm("quick", await store.last_event())
    gaps = [told for told in await everything(store) if told.type == "log_gap"]

    assert gaps
    assert {told.reader for told in facts(gaps, GapInLog)} == {"slow"}
    assert len({told.id for told in gaps}) == len(gaps)
    with pytest.raises(LogGap) as gap:
        await store.events(begun, block_ms=0)
    assert fact(gaps[-1], GapInLog).to <= gap.value.dropped
    left = numbers_in(await store.events(gap.value.dropped, block_ms=0))
    assert left == list(range(left[0], 40))
    if isinstance(store, RedisStore):
        assert {(line["event"], line["reader"]) for line in lines} == {("log_gap", "slow")}


async def test_what_was_lost_is_told_without_a_hole(made: Views) -> None:
    """The events of one reader's losses join: each begins where the one before ended."""
    store = made(FULL)
    begun = await store.open_reader("slow", NEWEST)
    told: list[GapInLog] = []
    after = await store.open_reader("watch", NEWEST)
    for number in range(60):
        await tell(store, number)
        found = await store.events(after, block_ms=0)
        after = found[-1][0] if found else after
        told += [gap for gap in facts((event for _, event in found), GapInLog) if gap.reader == "slow"]
        await store.confirm("watch", after)

    assert len(told) > 1
    assert [gap.from_ for gap in told] == [begun, *(gap.to for gap in told[:-1])]


async def test_a_reader_that_begins_where_events_are_gone(made: Views) -> None:
    """It is told at once, and sees the gap itself."""
    store = made(FULL)
    await tell(store, 0)
    old = await store.last_event()
    await tell(store, *range(1, 30))
    assert await store.open_reader("late", old) == old

    gap = fact((await everything(store))[-1], GapInLog)
    assert (gap.reader, gap.from_) == ("late", old)
    reader = LogReader(store, "late", after=old)
    with pytest.raises(LogGap):
        await reader.read(block_ms=0)
    assert numbers_in(await reader.read(block_ms=0))[-1] == 29


async def test_the_beginning_is_no_gap(made: Views) -> None:
    """Who reads from "0" wants what there is."""
    store = made(FULL)
    await tell(store, *range(30))
    assert numbers_in(await store.events("0", block_ms=0))[-1] == 29
    position = await store.open_reader("all", OLDEST)
    assert await store.events(position, block_ms=0) == await store.events("0", block_ms=0)


async def test_a_reader_that_the_store_has_lost(made: Views, redis_server: PrivateRedis) -> None:
    """Redis lost its data: whoever confirms is known again, and misses nothing that comes."""
    store = made(ROOMY)
    reader = LogReader(store, "record")
    await tell(store, 1, 2)
    read = await reader.read(block_ms=0)
    if isinstance(store, MemoryStore):
        store._shared.readers.clear()
    else:
        redis_server.flush()
    await tell(store, 3)
    await reader.confirm(read[-1][0])

    assert numbers_in(await reader.read(block_ms=0)) == [3]
    assert [state.position for state in (await store.log_state()).readers] == [read[-1][0]]


async def test_a_consumer_with_a_position_of_its_own(made: Views) -> None:
    """Its own counts, ahead of what was confirmed and behind it; one that the log has never reached is another log's: it begins anew."""
    store = made(ROOMY)
    await tell(store, 1, 2, 3)
    positions = [position for position, _ in await store.events("0", block_ms=0)]
    await store.open_reader("record", OLDEST)

    assert numbers_in(await LogReader(store, "record", after=positions[1]).read(block_ms=0)) == [3]
    assert (await store.log_state()).readers[0].position == positions[1]
    assert numbers_in(await LogReader(store, "record", after=positions[0]).read(block_ms=0)) == [2, 3]
    beyond = f"{int(positions[2].partition('-')[0]) + 10**9}-0"
    assert numbers_in(await LogReader(store, "record", after=beyond).read(block_ms=0)) == [1, 2, 3]


# Whatever the order of telling, reading, confirming and trimming.

names = st.sampled_from(("record", "web"))
steps = st.one_of(
    st.tuples(st.just("tell"), st.integers(1, 9)),
    st.tuples(st.just("read"), names, st.integers(1, 9)),
    st.tuples(st.just("confirm"), names, st.integers(0, 9)),
    st.tuples(st.just("restart"), names),
    st.tuples(st.just("follow"), st.integers(1, 9)),
    st.tuples(st.just("trim")),
)


class Play:
    """A log, two durable readers and a follower that is none; each checks that it sees every number, or is told that it did not."""

    def __init__(self, store: MemoryStore | RedisStore) -> None:
        self.store = store
        self.told = 0
        self.readers = {name: LogReader(store, name) for name in ("record", "web")}
        self.read: dict[str, list[tuple[str, int]]] = {"record": [], "web": []}
        self.confirmed = dict.fromkeys(self.read, -1)
        self.next = dict.fromkeys((*self.read, "follower"), 0)
        self.gaps = dict.fromkeys(self.next, 0)
        self.followed = ""

    async def begin(self) -> None:
        self.followed = await self.store.open_reader("follower", OLDEST)
        await self.store.close_reader("follower")
        for name in self.read:
            await self._see(name, self.readers[name].read(block_ms=0))

    async def play(self, verb: str, *args: Any) -> None:
        await getattr(self, f"do_{verb}")(*args)

    async def do_tell(self, count: int) -> None:
        await self.store.append(*(event(self.told + n) for n in range(count)))
        self.told += count

    async def do_read(self, name: str, limit: int) -> None:
        for position, told in await self._see(name, self.readers[name].read(block_ms=0, limit=limit)):
            self.read[name].append((position, number_of(told)))

    async def do_confirm(self, name: str, back: int) -> None:
        read = self.read[name]
        if back < len(read):
            at = len(read) - 1 - back
            await self.readers[name].confirm(read[at][0])
            self.confirmed[name] = max(self.confirmed[name], *(number for _, number in read[: at + 1]))

    async def do_restart(self, name: str) -> None:
        """The consumer is started anew: it begins where it has confirmed."""
        self.readers[name], self.read[name] = LogReader(self.store, name), []
        self.next[name] = self.confirmed[name] + 1

    async def do_follow(self, limit: int) -> None:
        async def read() -> list[tuple[str, Event]]:
            try:
                found = await self.store.events(self.followed, block_ms=0, limit=limit)
            except LogGap as gap:
                self.followed = gap.dropped
                raise
            self.followed = found[-1][0] if found else self.followed
            return found

        await self._see("follower", read())

    async def do_trim(self) -> None:
        await self.store.trim()

    async def _see(self, who: str, reading: Any) -> list[tuple[str, Event]]:
        try:
            found: list[tuple[str, Event]] = await reading
        except LogGap:
            self.gaps[who] += 1
            self.next[who] = -1
            return []
        for number in numbers_in(found):
            assert self.next[who] in (-1, number), f"{who} expected {self.next[who]}, got {number}"
            self.next[who] = number + 1
        return found

    async def end(self) -> None:
        """Everybody reads to the end."""
        for _ in range(self.told + 20):
            for name in self.read:
                await self.do_read(name, 9)
            await self.do_follow(9)
        assert all(upto in (-1, self.told) for upto in self.next.values()), self.next


def play_on(store: str, limits: LogLimits, redis_process: PrivateRedis, script: list[tuple[Any, ...]]) -> tuple[Play, list[Event]]:
    async def whole() -> tuple[Play, list[Event]]:
        redis_process.flush()
        made = MemoryStore(Shared(limits)) if store == "memory" else RedisStore(redis_process.url, log_limits=limits)
        play = Play(made)
        try:
            await play.begin()
            for step in script:
                await play.play(*step)
            await play.end()
            return play, await everything(made)
        finally:
            await made.close()

    return asyncio.run(whole())


@pytest.mark.parametrize("store", ["memory", "redis"])
@settings(max_examples=100)
@given(st.lists(steps, max_size=40))
def test_no_durable_reader_misses_what_there_is_room_for(redis_process: PrivateRedis, store: str, script: list[tuple[Any, ...]]) -> None:
    """Each sees each event, from the last one that it confirmed, however often it is started anew; no gap is told."""
    play, left = play_on(store, ROOMY, redis_process, script)
    assert (play.gaps["record"], play.gaps["web"]) == (0, 0)
    assert not [told for told in left if told.type == "log_gap"]


@pytest.mark.parametrize("store", ["memory", "redis"])
@settings(max_examples=100)
@given(st.lists(steps, max_size=40))
def test_a_gap_is_always_seen(redis_process: PrivateRedis, store: str, script: list[tuple[Any, ...]]) -> None:
    """Without room events are dropped; whoever did not get to see one is told, durable or not, and sees all the others."""
    play_on(store, FULL, redis_process, script)
