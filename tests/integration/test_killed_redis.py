"""A Redis that is killed with -9 and started again: durable readers of the event log go on where they were."""

from collections.abc import Iterator

import pytest

from routing.domain.events.envelope import Event
from routing.store.log_reader import LogReader
from routing.store.port import NEWEST, LogLimits, StoreUnreachable
from routing.store.redis import RedisStore
from tests.private_redis import PrivateRedis
from tests.told import counted

pytestmark = pytest.mark.integration


@pytest.fixture
def killed() -> Iterator[PrivateRedis]:
    """One of our own, to be killed."""
    server = PrivateRedis()
    server.start()
    yield server
    server.stop()


async def test_readers_keep_their_positions(killed: PrivateRedis) -> None:
    """What they confirmed and where they were; what was told meanwhile comes, each event once, and trimming waits for them as before."""
    store = RedisStore(killed.url, log_limits=LogLimits(keep=5, every=10))
    record, web = LogReader(store, "record"), LogReader(store, "web", after=NEWEST)
    events = [Event(f"e{number}", number, counted(number)) for number in range(400)]
    assert await record.read(block_ms=0) == await web.read(block_ms=0) == []
    await store.append(*events[:200])
    read = await record.read(block_ms=0, limit=120)
    await record.confirm(read[99][0])
    before = await store.log_state()
    await store._connection.commands.waitaof(1, 0, 5_000)

    killed.kill()
    with pytest.raises(StoreUnreachable):
        await record.read(block_ms=0)
    killed.start()

    after = await store.log_state()
    assert (after.events, after.readers) == (before.events, before.readers)
    for event in events[200:]:
        await store.append(event)
    read += await record.read(block_ms=0)
    assert [told.id for _, told in read] == [event.id for event in events]
    assert [told.id for _, told in await web.read(block_ms=0)] == [event.id for event in events]
    again = await LogReader(store, "record").read(block_ms=0)
    assert [told.id for _, told in again] == [event.id for event in events[100:]]
    await store.close()
