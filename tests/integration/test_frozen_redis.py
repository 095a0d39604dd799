"""A Redis that stands still for longer than an answer is waited for: what was told meanwhile is in it once."""

import asyncio
import os
import signal
from collections import Counter

import pytest

from routing.client.routing_client import RoutingClient
from routing.clock import SystemClock
from routing.domain.current_directory import CurrentDirectory
from routing.domain.identifiers import Ids
from routing.domain.messages import ContactLeft
from routing.domain.model import Directory
from routing.store import redis_connection
from routing.store.redis import RedisStore
from server.events.writer import EventLog
from tests.private_redis import PrivateRedis
from tests.told import counted, number_of

pytestmark = pytest.mark.integration


async def test_what_was_told_to_a_frozen_redis_is_in_it_once(redis_server: PrivateRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events and messages were sent several times, since no answer came; all copies arrive when Redis goes on, and each counts once."""
    monkeypatch.setattr(redis_connection, "ANSWER_S", 0.1)
    store, ids, clock = RedisStore(redis_server.url), Ids(), SystemClock()
    log, routing_client = EventLog(store, ids, clock), RoutingClient(store, CurrentDirectory(Directory({}, {})), ids, clock, server="here")
    running = [asyncio.create_task(log.run()), asyncio.create_task(routing_client.run())]
    try:
        log.write(counted(0))
        await log.flush()
        os.kill(redis_server.pid, signal.SIGSTOP)
        for number in range(1, 4):
            log.write(counted(number))
            routing_client.post(ContactLeft(f"c{number}", "abandoned"))
        await asyncio.sleep(2.5)  # several tries of both
        os.kill(redis_server.pid, signal.SIGCONT)
        await log.flush()
        await routing_client.flush()
        await store.now_ms()  # behind whatever was held up on other connections

        numbers = [number_of(event) for _, event in await store.events("0", block_ms=0)]
        left = Counter(message.contact for _, message in await store.inbox("0", block_ms=0) if isinstance(message, ContactLeft))
        assert numbers == [0, 1, 2, 3]
        assert left == Counter(c1=1, c2=1, c3=1)
    finally:
        os.kill(redis_server.pid, signal.SIGCONT)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await store.close()
