"""The router on a real Redis: take-over, a Redis that is killed, scripts that are lost, and how fast it is."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from routing.clock import SystemClock
from routing.domain.current_directory import CurrentDirectory
from routing.domain.identifiers import Ids
from routing.domain.messages import AgentAsked, ContactArrived, Message, OfferAnswered, PhoneReported, TalkEnded
from routing.domain.model import AgentProfile, Directory, QueuePolicy
from routing.domain.orders import OfferOrder
from routing.domain.phone_address import SipAccount, phone_of
from routing.router import Router
from routing.store.port import StoreUnreachable
from routing.store.redis import RedisStore
from tests.private_redis import PrivateRedis
from tests.routing_house import arrival

pytestmark = pytest.mark.integration

AGENTS = 50
SITE = Directory(
    {"support": QueuePolicy("support", wrap_up_ms=0, max_waiting=100_000)},
    {f"a{n}": AgentProfile(f"a{n}", f"A{n}", SipAccount(f"phone{n}"), {"s": 1 + n % 5}, ("support",), order=n) for n in range(AGENTS)},
)


class Site:
    """Routers and a desk on one Redis."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = SystemClock()
        self.ids = Ids()
        self.store = RedisStore(url)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.stores: list[RedisStore] = [self.store]
        self.last_ms = 0

    def start(self, server: str) -> Router:
        store = RedisStore(self.url)
        self.stores.append(store)
        router = Router(store, CurrentDirectory(SITE), self.ids, self.clock, server=server, chance=random.Random(1))
        self.tasks[server] = asyncio.create_task(router.run())
        return router

    async def stop(self, server: str) -> None:
        task = self.tasks.pop(server)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        for server in tuple(self.tasks):
            await self.stop(server)
        for store in self.stores:
            await store.close()

    async def work_begins(self, agents: int = AGENTS) -> None:
        messages: list[Message] = [PhoneReported(phone_of(f"phone{n}"), "available") for n in range(agents)]
        await self.store.post(*messages, *(AgentAsked(f"a{n}", "log_in", f"r{n}", "desk") for n in range(agents)))

    def arrival(self, contact: str) -> ContactArrived:
        """Callers come at least a millisecond apart: those of one millisecond have no order of their own after a restart."""
        self.last_ms = max(self.clock.now_ms(), self.last_ms + 1)
        return arrival(contact, f"call-{contact}", "node", "support", [(0, "")], self.last_ms)

    async def rung(self) -> list[str]:
        """The contacts rung for so far, in order."""
        found, after = [], "0"
        while batch := await self.store.orders("node", after, block_ms=0):
            found += [order.contact for _, order in batch if isinstance(order, OfferOrder)]
            after = batch[-1][0]
        return found


@pytest.fixture
async def site(redis_server: PrivateRedis) -> AsyncIterator[Site]:
    made = Site(redis_server.url)
    yield made
    await made.close()


async def eventually(condition: Callable[[], Awaitable[bool]], within_s: float = 15.0) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in Redis
            await asyncio.sleep(0.005)


async def silent(fence: int) -> None:
    """What a killed process says."""


async def rings_for(site: Site, *contacts: str) -> None:
    async def rung() -> bool:
        return set(contacts) <= set(await site.rung())

    await eventually(rung)


async def test_a_second_router_takes_over_within_the_lease(site: Site, redis_server: PrivateRedis) -> None:
    """A leader that dies without a word is replaced when its lease runs out; nobody is rung for twice."""
    first, second = site.start("a"), site.start("b")
    await site.work_begins()
    await site.store.post(site.arrival("c1"))
    await rings_for(site, "c1")
    leader, other = (("a", second), ("b", first))[second.is_leader]
    dead = site.tasks.pop(leader)
    router = first if leader == "a" else second
    router._give_lease_back = silent  # type: ignore[method-assign]  # kill -9 gives nothing back
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)
    began = time.monotonic()
    await site.store.post(site.arrival("c2"))
    await rings_for(site, "c2")
    print(f"\ntake-over after the leader's death: {time.monotonic() - began:.2f} s")

    assert other.is_leader
    assert await site.rung() == ["c1", "c2"]


async def test_a_stopped_router_hands_over_at_once(site: Site) -> None:
    site.start("a")
    await site.work_begins()
    await site.store.post(site.arrival("c1"))
    await rings_for(site, "c1")
    second = site.start("b")
    await site.stop("a")
    await site.store.post(site.arrival("c2"))
    await rings_for(site, "c2")

    assert second.is_leader
    assert await site.rung() == ["c1", "c2"]


async def test_redis_killed_and_started_again(site: Site, redis_server: PrivateRedis) -> None:
    """kill -9 of Redis: whoever was answered is kept, the store says what is wrong meanwhile, and routing goes on by itself."""
    router = site.start("a")
    await site.work_begins()
    await site.store.post(*(site.arrival(f"c{n}") for n in range(AGENTS + 10)))
    await rings_for(site, f"c{AGENTS - 1}")
    await asyncio.sleep(1.2)  # the append-only file is synced each second
    redis_server.kill()
    with pytest.raises(StoreUnreachable, match=r"redis\.sock does not answer .*; check that it runs"):
        await site.store.post(site.arrival("lost"))
    with pytest.raises(StoreUnreachable):
        await site.store.inbox("0", block_ms=50)
    redis_server.start()
    before = await site.rung()
    assert before == [f"c{n}" for n in range(AGENTS)]
    snapshot = await site.store.load()
    assert len(snapshot.contacts) == AGENTS + 10
    offer = next(offer for contact in snapshot.contacts if contact.id == "c0" for offer in contact.offers)
    await site.store.post(OfferAnswered("c0", offer), TalkEnded("c0", offer, "caller", 1000))
    await rings_for(site, f"c{AGENTS}")

    assert router.is_leader
    assert await site.rung() == [*before, f"c{AGENTS}"]


async def test_scripts_that_were_lost_are_sent_again(site: Site, redis_server: PrivateRedis) -> None:
    """SCRIPT FLUSH is not noticed."""
    router = site.start("a")
    await site.work_begins()
    await site.store.post(site.arrival("c1"))
    await rings_for(site, "c1")
    redis_server._ask(b"SCRIPT FLUSH")
    await site.store.post(site.arrival("c2"))
    await rings_for(site, "c2")

    assert router.is_leader


async def test_redis_flushed(site: Site, redis_server: PrivateRedis) -> None:
    """When all data is gone the router starts from nothing, and serves who is reported again."""
    site.start("a")
    await site.work_begins()
    await site.store.post(site.arrival("c1"))
    await rings_for(site, "c1")
    redis_server.flush()
    await site.work_begins()
    await site.store.post(site.arrival("c1"), site.arrival("c2"))
    await rings_for(site, "c1", "c2")

    assert await site.rung() == ["c1", "c2"]


async def test_an_entry_of_a_newer_version_is_passed_over(site: Site, redis_server: PrivateRedis) -> None:
    """Messages and records that this version cannot read stop nothing."""
    site.start("a")
    await site.work_begins()
    keys, client = site.store._keys, site.store._connection.commands
    await client.xadd(keys.inbox, {"json": '{"type":"contact_beamed","contact":"c9"}'})
    await client.xadd(keys.inbox, {"other": "field"})
    await client.hset(keys.contacts, "odd", "1:{}")
    await site.store.post(site.arrival("c1"))
    await rings_for(site, "c1")


async def test_the_clock_is_steered_by_redis(site: Site) -> None:
    """Redis tells its time in milliseconds; here it is the same machine's."""
    assert abs(await site.store.now_ms() - site.clock.now_ms()) < 5_000


async def test_waiting_readers_do_not_delay_commands(site: Site) -> None:
    """With 100 blocked readers a command is answered."""
    readers = [asyncio.create_task(site.store.events("$", block_ms=60_000)) for _ in range(100)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(2):
        await site.store.load()
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


async def test_the_way_from_a_call_to_its_ring_order(site: Site) -> None:
    """Printed, not judged: from posting an arrival to reading the order, one after another."""
    site.start("a")
    await site.work_begins()
    found, after = [], "0"
    for n in range(AGENTS):
        reader = asyncio.create_task(site.store.orders("node", after, block_ms=5000))
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        await site.store.post(site.arrival(f"c{n}"))
        after = (await reader)[-1][0]
        found.append(1000 * (time.perf_counter() - began))
    found.sort()
    print(f"\narrival posted -> ring order read: p50 {found[AGENTS // 2]:.2f} ms, p99 {found[-1]:.2f} ms, {AGENTS} calls")

    assert len(found) == AGENTS
