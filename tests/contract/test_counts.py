"""What every implementation of counts must do: many who ask at once never get more than the limit."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable

import pytest

from routing.store.counts import Bound, Counts, MemoryCounts, Tries
from routing.store.port import StoreUnreachable
from routing.store.redis import RedisStore
from tests.private_redis import PrivateRedis

pytestmark = pytest.mark.contract

NOW = 1_790_000_000_000
RULE = Tries(3, (60_000, 300_000))
Views = Callable[[], Counts]


@pytest.fixture(params=["memory", "redis"])
async def views(request: pytest.FixtureRequest, redis_server: PrivateRedis) -> AsyncIterator[Views]:
    """Makes views of the same counts, as several servers have them."""
    opened: list[RedisStore] = []
    shared = MemoryCounts()

    def view() -> Counts:
        if request.param == "memory":
            return shared
        opened.append(RedisStore(redis_server.url))
        return opened[-1].counts

    yield view
    for store in opened:
        await store.close()


async def test_tries_at_once_are_as_many_as_tries_in_a_row(views: Views) -> None:
    """20 at once by two servers: three are allowed, one of them locks, and the others are told for how long."""
    one, other = views(), views()
    tried = await asyncio.gather(*((one, other)[number % 2].take_try("pin 77", RULE, NOW) for number in range(20)))
    assert sum(found.allowed for found in tried) == 3
    assert sorted(found.locked_ms for found in tried) == [0, 0, *[60_000] * 18]
    assert not (await one.take_try("pin 77", RULE, NOW + 59_999)).allowed
    assert (await one.take_try("pin 78", RULE, NOW)).allowed


async def test_each_lock_is_longer_up_to_the_last(views: Views) -> None:
    """The second is the last here."""
    counts, now, locks = views(), NOW, []
    for _ in range(9):
        found = await counts.take_try("pin 77", RULE, now)
        now += found.locked_ms
        locks.append(found.locked_ms)
    assert locks == [0, 0, 60_000, 0, 0, 300_000, 0, 0, 300_000]


async def test_a_right_one_forgets_tries_and_locks(views: Views) -> None:
    """Also the lock that the right one itself brought."""
    one, other = views(), views()
    for _ in range(3):
        await one.take_try("pin 77", RULE, NOW)
    await other.forget_tries("pin 77")
    assert [(await one.take_try("pin 77", RULE, NOW)).locked_ms for _ in range(3)] == [0, 0, 60_000]


async def test_all_bounds_are_raised_or_none(views: Views) -> None:
    """One that is full is named, and the others stay."""
    counts = views()
    minute, day, line = Bound("minute", 2, 60_000), Bound("day", 5, 86_400_000), Bound("line", 3, 60_000)
    assert (await counts.take([minute, day], NOW)).counts == (1, 1)
    assert (await counts.take([minute, day], NOW)).counts == (2, 2)
    refused = await counts.take([day, line, minute], NOW)
    assert (refused.full, refused.counts) == (minute, ())
    assert (await counts.take([day, line], NOW)).counts == (3, 1)
    assert (await counts.take([], NOW)).counts == ()


async def test_a_limit_holds_for_all_who_ask_at_once(views: Views) -> None:
    """30 calls by two servers with a limit of 7."""
    one, other = views(), views()
    bounds = [Bound("day \u4e00\r\n{}:*", 7, 60_000), Bound("all", 100, 60_000)]
    taken = await asyncio.gather(*((one, other)[number % 2].take(bounds, NOW) for number in range(30)))
    assert sorted(found.counts for found in taken if not found.full) == [(number, number) for number in range(1, 8)]
    assert {found.full for found in taken if found.full} == {bounds[0]}


async def test_what_is_over_is_forgotten() -> None:
    """In memory by the caller's clock; a thousand names that are over are swept out."""
    counts, dice = MemoryCounts(), random.Random(5)
    assert (await counts.take([Bound("day", 1, 1_000)], NOW)).counts == (1,)
    assert (await counts.take([Bound("day", 1, 1_000)], NOW + 999)).full
    assert (await counts.take([Bound("day", 1, 1_000)], NOW + 1_000)).counts == (1,)
    for number in range(5_000):
        await counts.take([Bound(f"{number}", 1, 1 + dice.randrange(10))], NOW + 2_000 + 20 * number)
    assert len(counts._counts) <= 1_002
    await counts.take_try("pin 77", RULE, NOW)
    await counts.take_try("pin 77", RULE, NOW)
    assert (await counts.take_try("pin 77", RULE, NOW + RULE.life_ms)).locked_ms == 0


async def test_redis_forgets_by_its_own_clock(redis_server: PrivateRedis) -> None:
    """Every key that counts make has a time to live."""
    store = RedisStore(redis_server.url)
    await store.counts.take([Bound("day", 5, 60_000)], NOW)
    await store.counts.take([Bound("day", 5, 60_000)], NOW)
    await store.counts.take_try("pin 77", RULE, NOW)
    commands = store._connection.commands
    lives = {str(key): await commands.pttl(key) for key in await commands.keys("*")}
    assert set(lives) == {"hotline:{main}:count:day", "hotline:{main}:tries:pin 77"}
    assert 0 < lives["hotline:{main}:count:day"] <= 60_000
    assert 60_000 < lives["hotline:{main}:tries:pin 77"] <= RULE.life_ms
    await store.close()


async def test_no_answer_is_told_as_for_the_store(tmp_path: object) -> None:
    """StoreUnreachable, from each of them."""
    store = RedisStore(f"unix://{tmp_path}/nobody", log_refusals=False)
    for asked in (store.counts.take([Bound("day", 1, 1)], NOW), store.counts.take_try("a", RULE, NOW), store.counts.forget_tries("a")):
        with pytest.raises(StoreUnreachable):
            await asked
    await store.close()
