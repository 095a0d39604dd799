"""A real Redis that answers and writes nothing: why, in words; said once, then again with growing pauses; and healed by itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from redis import Redis
from structlog.testing import capture_logs

from routing.client.routing_client import RoutingClient
from routing.clock import SystemClock
from routing.domain.changes import Changes
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.envelope import Event
from routing.domain.events.servers import RedisRefusedWrites
from routing.domain.identifiers import Ids
from routing.domain.messages import ServerLeft
from routing.domain.model import Directory
from routing.store.port import StoreTakesNoWrites
from routing.store.redis import RedisStore
from server.events.writer import EventLog
from server.redis_health import RedisHealth
from tests.private_redis import PrivateRedis
from tests.told import counted, fact

pytestmark = pytest.mark.integration
Settings = dict[str, str]

FULL_MEMORY: Settings = {"maxmemory": "1", "maxmemory-policy": "noeviction"}
CAUSES = [
    (FULL_MEMORY, "its memory is used up (maxmemory)"),
    ({"min-replicas-to-write": "1"}, "min-replicas-to-write"),
    ({"replicaof": "127.0.0.1 1"}, "it is a replica"),
    ({}, "the disk is full (Errors writing to the AOF file: No space left on device): free space in /data"),
]
IDS = ["memory", "replicas", "replica", "disk"]


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    """One of the test's own: it is broken."""
    server = PrivateRedis()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def store(redis: PrivateRedis) -> AsyncIterator[RedisStore]:
    store = RedisStore(redis.url, folder="/data")
    yield store
    await store.close()


def break_it(server: PrivateRedis, settings: Settings) -> Callable[[], object]:
    """Have it refuse writes: by settings, or without any by a full disk. What comes back mends it."""
    client = Redis.from_url(server.url)
    if not settings:
        server.fill_disk()
        return server.free_disk
    if "replicaof" in settings:
        client.replicaof("127.0.0.1", "1")
        return lambda: client.replicaof("NO", "ONE")
    before = {name: str(client.config_get(name)[name]) for name in settings}
    for name, value in settings.items():
        client.config_set(name, value)

    def set_back() -> None:
        for name, value in before.items():
            client.config_set(name, value)

    return set_back


async def refused(store: RedisStore) -> StoreTakesNoWrites:
    """Post until it is refused: Redis learns of a full disk by its first write there."""
    async with asyncio.timeout(10):
        while True:
            try:
                await store.post(ServerLeft("s1"))
            except StoreTakesNoWrites as reason:
                return reason
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("settings", "words"), CAUSES, ids=IDS)
async def test_the_words(redis: PrivateRedis, store: RedisStore, settings: Settings, words: str) -> None:
    """Each cause has its own, with what to do. Every way of writing is refused, whole; reading goes on."""
    fence = await store.acquire("s1", 60_000)
    assert fence is not None
    mend = break_it(redis, settings)
    assert words in str(await refused(store))
    assert str(await refused(store)).count("script") == 0
    before = await store.last_event()
    writes: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: store.append(Event("e1", 1, counted(1))),
        lambda: store.commit(fence, "1-0", Changes(events=[Event("e2", 1, counted(2))])),
    )
    for write in writes:
        with pytest.raises(StoreTakesNoWrites):
            await write()
    assert await store.last_event() == before
    await store.load()
    await store.now_ms()
    mend()
    await taken(store)


async def test_a_start_asks_whether_it_can_be_written(redis: PrivateRedis, store: RedisStore) -> None:
    """`up` and the commands need not have something to tell to find out."""
    await store.must_write()
    break_it(redis, FULL_MEMORY)
    with pytest.raises(StoreTakesNoWrites):
        await store.must_write()


async def taken(store: RedisStore) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await store.post(ServerLeft("s1"))
                return
            except StoreTakesNoWrites:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("settings", [settings for settings, _ in CAUSES], ids=IDS)
async def test_it_is_told_and_heals_by_itself(redis: PrivateRedis, store: RedisStore, settings: Settings) -> None:
    """Not ready, with the words, within a second; one line in the log for all who write; ready again by itself, with both events in the
    log, at the times when it happened, and everything else that was told meanwhile."""
    ids, clock = Ids(), SystemClock()
    events = EventLog(store, ids, clock)
    routing_client = RoutingClient(store, CurrentDirectory(Directory({}, {})), ids, clock, server="s1")
    health = RedisHealth(store, routing_client, events, clock, "s1")
    parts = [asyncio.create_task(part()) for part in (routing_client.run, events.run)]
    try:
        with capture_logs() as lines:
            await ready(health)
            mend = break_it(redis, settings)
            async with asyncio.timeout(10):
                while not (why := await health.why_not_ready()):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert "takes no writes" in why
            assert health.only_full
            refused_ms = clock.now_ms()
            events.write(counted(1))
            await asyncio.sleep(1.5)
            mend()
            await ready(health)
            assert not health.only_full
            await events.flush()
        told = [line["event"] for line in lines if line["event"].startswith("redis_")]
        assert told == ["redis_takes_no_writes", "redis_takes_writes"]
        found = {event.type: event for _, event in await store.events("0", block_ms=0)}
        assert [*found] == ["redis_refused_writes", "counted", "redis_took_writes"]
        assert found["redis_refused_writes"].at_ms <= refused_ms < found["redis_took_writes"].at_ms
        assert fact(found["redis_refused_writes"], RedisRefusedWrites).words == why
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


async def ready(health: RedisHealth) -> None:
    async with asyncio.timeout(15):
        while await health.why_not_ready():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
