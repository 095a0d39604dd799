"""A Redis that does not let us in: said once, in the words that help, asked again less and less often, and healed by itself."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import _AsyncGeneratorContextManager

import pytest
from redis import Redis
from structlog.testing import capture_logs

from routing.client.routing_client import RoutingClient
from routing.clock import SystemClock
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.servers import ServerLeft as LeftEvent
from routing.domain.identifiers import Ids
from routing.domain.messages import ServerLeft
from routing.domain.model import Directory
from routing.read_model.view import View
from routing.router import Router
from routing.store.port import StoreRefused, StoreUnreachable
from routing.store.redis import RedisStore
from routing.store.redis_connection import RedisConnection
from server.events.follower import Follower
from server.events.writer import EventLog
from tests.private_redis import PrivateRedis

pytestmark = pytest.mark.unit


class Counting(RedisConnection):
    """Counts how often it is asked for something."""

    asked = 0

    def reaching(self) -> _AsyncGeneratorContextManager[None]:
        self.asked += 1
        return super().reaching()


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    """One that wants the password `right`."""
    server = PrivateRedis()
    server.start()
    Redis.from_url(server.url).config_set("requirepass", "right")
    yield server
    server.stop()


@pytest.mark.parametrize(("user", "words"), [("", "wants a password, and none is configured"), (":wrong@", "refused the password")])
async def test_the_words(redis: PrivateRedis, user: str, words: str) -> None:
    """A password that is missing is told from a wrong one; both say where it belongs, and neither tells it."""
    store = RedisStore(redis.url.replace("unix://", f"unix://{user}"))
    with pytest.raises(StoreRefused) as refused:
        await store.now_ms()
    await store.close()

    assert words in str(refused.value)
    assert "redis.password_file" in str(refused.value)
    assert "wrong" not in str(refused.value)


async def test_said_once_and_asked_again_with_pauses(redis: PrivateRedis) -> None:
    """However many parts ask and however often: one line in the log, and one login tried until the pause is over."""
    store = RedisStore(redis.url.replace("unix://", "unix://:wrong@"))
    with capture_logs() as lines:
        for _ in range(50):
            with pytest.raises(StoreUnreachable) as refused:
                await asyncio.gather(store.now_ms(), store.last_event())
            assert refused.value.logged
    await store.close()

    assert [line["event"] for line in lines] == ["redis_refused"]
    assert len([entry for entry in Redis.from_url(redis.url, password="right").acl_log() if entry["reason"] == "auth"]) <= 2


async def test_a_password_that_is_right_again(redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Redis lets us in the store works, and says so once."""
    monkeypatch.setattr("routing.store.redis_connection.FIRST_REFUSED_S", 0.01)
    store = RedisStore(redis.url.replace("unix://", "unix://:later@"))
    with capture_logs() as lines:
        with pytest.raises(StoreRefused):
            await store.now_ms()
        Redis.from_url(redis.url, password="right").config_set("requirepass", "later")
        async with asyncio.timeout(10):
            while True:
                try:
                    await store.now_ms()
                    break
                except StoreRefused:
                    await asyncio.sleep(0.01)
        await store.now_ms()
    await store.close()

    assert [line["event"] for line in lines] == ["redis_refused", "redis_lets_us_in"]


async def test_every_part_of_a_server_together_says_it_once(redis: PrivateRedis) -> None:
    """Router, desk, event log and follower all ask a Redis that refuses them, for as long as it takes: one line, not two a second."""
    url = redis.url.replace("unix://", "unix://:wrong@")
    store, connection = RedisStore(url), Counting(url, log_refusals=True, folder="")
    store._connection = connection
    directory, ids, clock = CurrentDirectory(Directory({}, {})), Ids(), SystemClock()
    view, events = View(directory), EventLog(store, ids, clock)
    routing_client = RoutingClient(store, directory, ids, clock, server="s1", wait_forecast=view.wait_forecast)
    router = Router(store, directory, ids, clock, server="s1", chance=random.Random(1))
    routing_client.post(ServerLeft("s1"))
    events.write(LeftEvent("s1"))
    with capture_logs() as lines:
        follower = Follower(store, view, events, "s1")
        parts = [asyncio.create_task(part()) for part in (router.run, routing_client.run, events.run, follower.run)]
        async with asyncio.timeout(60):
            while connection.asked < 20:  # noqa: ASYNC110 - what the parts do by themselves has no event of its own
                await asyncio.sleep(0.01)
        assert not any(part.done() for part in parts)
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
    await store.close()

    assert [line["event"] for line in lines] == ["redis_refused"]
