"""What every store must do: the same random commands give the same answers, and no two routers ever book one agent twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.board.board import restore
from routing.domain.agent import Agent
from routing.domain.agent_state import AgentState
from routing.domain.changes import Changes
from routing.domain.contact_facts import ContactFacts
from routing.domain.events.calls import CallResumed, CallTransferred
from routing.domain.events.contacts import ContactLeft as LeftEvent
from routing.domain.events.contacts import ContactMoved
from routing.domain.events.envelope import Event, EventData
from routing.domain.events.flows import NodeEntered
from routing.domain.events.offers import OfferRangOut
from routing.domain.identifiers import Ids
from routing.domain.messages import AgentAsked, ContactLeft, OfferAnswered, PhoneReported
from routing.domain.model import AgentProfile, CallerHistory, Contact, Directory, QueuePolicy
from routing.domain.orders import LeaveOrder, OfferOrder, Reply
from routing.domain.phone_address import SipAccount, phone_of
from routing.store.memory import MemoryStore
from routing.store.port import Once, StaleCommit, Store, is_before
from routing.store.redis import RedisStore
from tests.private_redis import PrivateRedis
from tests.routing_house import arrival
from tests.told import at_server, ended, queued

pytestmark = pytest.mark.contract

NOW = 1_790_000_000_000
LONG_MS = 600_000  # a lease that does not run out during a test
Views = Callable[[], Store]


@pytest.fixture(params=["memory", "redis"])
async def views(request: pytest.FixtureRequest, redis_server: PrivateRedis) -> AsyncIterator[Views]:
    """Makes views of one and the same empty domain, as several servers have them."""
    opened: list[Store] = []
    first = MemoryStore()

    def view() -> Store:
        store: Store = first.view() if request.param == "memory" else RedisStore(redis_server.url)
        opened.append(store)
        return store

    yield view
    for store in opened:
        await store.close()


def contact(id: str, rev: int = 1) -> Contact:
    return Contact(id, "node", "support", [(0, ""), (5000, "billing")], NOW, ContactFacts(f"call-{id}", data={"名": "\n'"}), rev=rev)


def event(id: str) -> Event:
    return Event(id, NOW, queued(NOW, steps=((0, "张"), (5_000, ""))))


async def test_the_inbox_keeps_order_and_positions(views: Views) -> None:
    """Messages come out in the order of posting; reading behind a position goes on there; `limit` cuts."""
    store, other = views(), views()
    messages = [ContactLeft(f"c{n}", "abandoned") for n in range(5)]
    await store.post(*messages[:3])
    await other.post(*messages[3:])
    await store.post()

    first = await store.inbox("0", block_ms=0, limit=2)
    rest = await other.inbox(first[-1][0], block_ms=0)
    assert [message for _, message in first + rest] == messages
    assert await store.inbox(rest[-1][0], block_ms=1) == []


async def test_an_entry_that_cannot_be_read_is_passed_over(views: Views) -> None:
    """One bad entry does not stop all that follow."""
    store = views()
    broken = replace(event("bad"), data=replace(queued(NOW), enqueued_at_ms="soon"))  # type: ignore[arg-type]
    await store.append(event("e1"), broken, event("e2"))
    await store.post(ContactLeft("c1", "abandoned"), ContactLeft("c2", "abandoned", key=7))  # type: ignore[arg-type]
    await store.post(ContactLeft("c3", "abandoned"))

    assert [told.id for _, told in await store.events("0", block_ms=0)] == ["e1", "e2"]
    assert [message.contact for _, message in await store.inbox("0", block_ms=0) if isinstance(message, ContactLeft)] == ["c1", "c3"]


async def test_a_reader_wakes_at_once(views: Views) -> None:
    """A blocked reader gets what another server writes: inbox, orders and events alike."""
    store, other = views(), views()
    fence = await other.acquire("b", LONG_MS)
    assert fence is not None
    waiting: list[asyncio.Task[Any]] = [
        asyncio.create_task(store.inbox("0", block_ms=30_000)),
        asyncio.create_task(store.orders("a", "0", block_ms=30_000)),
        asyncio.create_task(store.events("0", block_ms=30_000)),
    ]
    await store.load()
    await other.post(ContactLeft("c1", "abandoned"))
    await other.append(event("e1"))
    await other.commit(fence, "0", Changes(orders=[("a", Reply("r", "ready"))]))
    found = [(await task)[0][1] for task in waiting]

    assert found == [ContactLeft("c1", "abandoned"), Reply("r", "ready"), event("e1")]


async def test_orders_go_to_their_server_only(views: Views) -> None:
    store = views()
    fence = await store.acquire("a", LONG_MS)
    ring = OfferOrder("c1", "o1", "anna", "voice", "1001", "support", 15_000)
    assert await store.orders("a", "0", block_ms=1) == []
    await store.commit(fence or 0, "0", Changes(orders=[("a", ring), ("b", LeaveOrder("c2", "full")), ("a", Reply("r", "", "no"))]))

    found = await store.orders("a", "0", block_ms=1)
    assert [order for _, order in found] == [ring, Reply("r", "", "no")]
    assert [order for _, order in await store.orders("a", found[0][0], block_ms=1)] == [Reply("r", "", "no")]
    assert [order for _, order in await store.orders("b", "0", block_ms=0)] == [LeaveOrder("c2", "full")]
    assert await store.orders("c", "0", block_ms=0) == []


async def test_a_commit_says_where_its_orders_are(views: Views) -> None:
    """In the order in which they were given, each in the stream of its server."""
    store = views()
    fence = await store.acquire("a", LONG_MS) or 0

    said = await store.commit(fence, "0", Changes(orders=[("a", Reply("r1", "")), ("b", Reply("r2", "")), ("a", Reply("r3", ""))]))
    assert list(await store.commit(fence, "0", Changes(events=[event("e1")]))) == []

    (first, third), (second,) = await store.orders("a", "0", block_ms=0), await store.orders("b", "0", block_ms=0)
    assert list(said) == [first[0], second[0], third[0]]


async def test_a_commit_does_a_batch_of_messages_instead_of_the_inbox(views: Views) -> None:
    """A copy that comes by the inbox is left out then; a batch that is in the inbox is not done by a commit: nothing of it is written."""
    store, other = views(), views()
    fence = await store.acquire("a", LONG_MS) or 0
    await store.commit(fence, "0", Changes(events=[event("e1")]), Once("desk", 1))

    assert await other.post(ContactLeft("c1", "abandoned"), once=Once("desk", 1)) == "0"
    at = await other.post(ContactLeft("c2", "abandoned"), once=Once("desk", 2))
    assert at == await other.post(ContactLeft("c2", "abandoned"), once=Once("desk", 2)) == await other.post()
    for number in (1, 2):
        with pytest.raises(StaleCommit, match=r"batch|done already"):
            await store.commit(fence, "0", Changes(events=[event("e2")]), Once("desk", number))
    await store.commit(fence, "0", Changes(events=[event("e3")]), Once("another desk", 1))

    assert [(position, message.contact) for position, message in await store.inbox("0", block_ms=0)] == [(at, "c2")]  # type: ignore[union-attr]
    assert [told.id for _, told in await store.events("0", block_ms=0)] == ["e1", "e3"]


async def test_what_a_writer_sends_again_is_written_once(views: Views) -> None:
    """Messages and events alike, by whichever connection a copy arrives, and also when it arrives behind later ones."""
    store, other = views(), views()
    for way in (store, other):
        await way.post(ContactLeft("c1", "abandoned"), ContactLeft("c2", "full"), once=Once("desk", 1))
        await way.append(event("e1"), event("e2"), once=Once("log", 1))
    await store.post(ContactLeft("c3", "full"), once=Once("desk", 2))
    await store.append(event("e3"), once=Once("log", 2))
    await other.post(ContactLeft("c1", "abandoned"), ContactLeft("c2", "full"), once=Once("desk", 1))
    await other.append(event("e1"), event("e2"), once=Once("log", 1))

    assert [message.contact for _, message in await store.inbox("0", block_ms=0)] == ["c1", "c2", "c3"]  # type: ignore[union-attr]
    assert [told.id for _, told in await store.events("0", block_ms=0)] == ["e1", "e2", "e3"]


async def test_writers_number_their_own(views: Views) -> None:
    """The same number of another writer is another batch, and what has no number is always written."""
    store = views()
    for writer in ("one", "two"):
        await store.append(event(writer), once=Once(writer, 1))
    for _ in range(2):
        await store.append(event("plain"))

    assert [told.id for _, told in await store.events("0", block_ms=0)] == ["one", "two", "plain", "plain"]


async def test_a_copy_of_an_arrival_does_not_open_the_call_again(views: Views) -> None:
    """A copy that was held up behind the call's end changes neither the log nor the calls that are open."""
    store = views()
    arrived, over = Event("e1", NOW, at_server(), call="call-1"), Event("e2", NOW + 1, ended(), call="call-1")
    await store.append(arrived, once=Once("log", 1))
    await store.append(over, once=Once("log", 2))
    await store.append(arrived, once=Once("log", 1))

    assert (await store.load()).calls == ()
    assert [told.id for _, told in await store.events("0", block_ms=0)] == ["e1", "e2"]


async def test_the_newest_event(views: Views) -> None:
    """Its position, from whichever view; positions can be compared, and "0" is before all."""
    store, other = views(), views()
    assert await store.last_event() == "0"
    positions = ["0"]
    for name in ("e1", "e2", "e3"):
        await other.append(event(name))
        positions.append(await store.last_event())

    assert positions[1:] == [position for position, _ in await store.events("0", block_ms=0)]
    assert [is_before(one, two) for one in positions for two in positions] == [one < two for one in range(4) for two in range(4)]


async def test_back_in_the_log(views: Views) -> None:
    """What was told in the time given is behind the position; whether more is, is the store's business."""
    store = views()
    for name in ("e1", "e2"):
        await store.append(event(name))
    last = await store.last_event()
    behind = await store.events(store.back(last, 60_000), block_ms=0)

    assert [told for _, told in behind] == [event("e1"), event("e2")]
    assert store.back("0", 60_000) == "0"


async def test_a_commit_is_all_or_nothing(views: Views) -> None:
    """One record that moved refuses the whole batch: nothing of it is written, not even events, orders and position."""
    store = views()
    fence = await store.acquire("a", LONG_MS) or 0
    await store.commit(fence, "7", Changes([("c1", 0, contact("c1"))], [("anna", 0, Agent("anna", rev=1))], [event("e1")]))
    before = await store.load()
    bad = Changes(
        [("c2", 0, contact("c2")), ("c1", 0, contact("c1"))],
        [("anna", 1, Agent("anna", rev=2))],
        [event("e2")],
        [("a", LeaveOrder("c2", "full"))],
    )
    with pytest.raises(StaleCommit, match="c1"):
        await store.commit(fence, "8", bad)

    assert await store.load() == before
    assert (before.contacts, before.agents, before.inbox) == ((contact("c1"),), (Agent("anna", rev=1),), "7")
    assert [e for _, e in await store.events("0", block_ms=0)] == [event("e1")]
    assert await store.orders("a", "0", block_ms=0) == []
    assert await store.events(before.events, block_ms=0) == []


@pytest.mark.parametrize(("expected", "record"), [(2, contact("c1", 3)), (0, contact("c1")), (2, None)])
async def test_a_wrong_revision_is_refused(views: Views, expected: int, record: Contact | None) -> None:
    """Too new, expected to be absent, or to be deleted at another revision."""
    store = views()
    fence = await store.acquire("a", LONG_MS) or 0
    await store.commit(fence, "1", Changes([("c1", 0, contact("c1"))]))

    with pytest.raises(StaleCommit, match="c1"):
        await store.commit(fence, "2", Changes([("c1", expected, record)]))
    await store.commit(fence, "2", Changes([("c1", 1, None)]))
    with pytest.raises(StaleCommit, match="c1"):
        await store.commit(fence, "3", Changes([("c1", 1, contact("c1", 2))]))
    assert (await store.load()).contacts == ()


async def test_an_old_token_is_refused(views: Views) -> None:
    """As soon as another server has led, the former one can write nothing, an empty batch included."""
    first, second = views(), views()
    old = await first.acquire("a", LONG_MS) or 0
    assert await second.acquire("b", LONG_MS) is None
    assert await first.renew("a", old, LONG_MS)
    await first.release("b", old)
    assert await second.acquire("b", LONG_MS) is None, "only the holder can give it up"
    await first.release("a", old)
    new = await second.acquire("b", LONG_MS) or 0

    assert new > old
    assert not await first.renew("a", old, LONG_MS)
    for changes in (Changes(), Changes([("c1", 0, contact("c1"))])):
        with pytest.raises(StaleCommit, match="the lease"):
            await first.commit(old, "1", changes)
    await second.commit(new, "1", Changes())


async def test_the_same_server_may_lead_again(views: Views) -> None:
    """A server that came back gets its lease at once, with a new token."""
    store = views()
    old = await store.acquire("a", LONG_MS) or 0
    new = await views().acquire("a", LONG_MS) or 0

    assert new > old
    assert not await store.renew("a", old, LONG_MS)


# The same random commands on both stores.

ids = st.sampled_from(("x", "y"))
revisions = st.integers(0, 2)
parts = st.lists(st.tuples(ids, revisions, st.booleans()), max_size=2, unique_by=lambda part: part[0])
commands = st.one_of(
    st.tuples(st.just("acquire"), ids),
    st.tuples(st.just("renew"), ids, st.integers(0, 1)),
    st.tuples(st.just("release"), ids, st.integers(0, 1)),
    st.tuples(st.just("post"), st.lists(ids, max_size=3), st.integers(0, 3)),
    st.tuples(st.just("inbox"), st.integers(1, 3)),
    st.tuples(
        *(st.just("commit"), st.integers(0, 3).map(lambda back: back // 3), parts, parts),
        *(st.lists(ids, max_size=2), parts, st.integers(0, 3)),
    ),
    st.tuples(st.just("load")),
    st.tuples(st.just("orders"), ids),
    st.tuples(st.just("append"), st.lists(ids, max_size=2), st.integers(0, 3)),
    st.tuples(st.just("events")),
)


class Player:
    """Plays commands on one store, and tells the answers in words that do not depend on the store's own positions and tokens."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fences = [0]
        self.position = "0"
        self.seen: dict[str, str] = {}

    async def play(self, verb: str, *args: Any) -> Any:
        return await getattr(self, verb)(*args)

    async def acquire(self, server: str) -> bool:
        fence = await self.store.acquire(server, LONG_MS)
        if fence is None:
            return False
        assert fence > self.fences[-1]
        self.fences.append(fence)
        return True

    async def renew(self, server: str, back: int) -> bool:
        return await self.store.renew(server, self._fence(back), LONG_MS)

    async def release(self, server: str, back: int) -> None:
        await self.store.release(server, self._fence(back))

    async def post(self, contacts: list[str], number: int) -> None:
        await self.store.post(*(ContactLeft(id, "abandoned") for id in contacts), once=_once("desk", number))

    async def inbox(self, limit: int) -> list[Any]:
        found = await self.store.inbox(self.position, block_ms=0, limit=limit)
        self.position = found[-1][0] if found else self.position
        return [message for _, message in found]

    async def commit(self, back: int, contacts: list[Any], agents: list[Any], others: list[str], callers: list[Any], number: int) -> str:
        changes = Changes(
            [(id, rev, contact(id, rev + 1) if stays else None) for id, rev, stays in contacts],
            [(id, rev, Agent(id, rev=rev + 1) if stays else None) for id, rev, stays in agents],
            [event(id) for id in others],
            [(id, Reply(id, "ready")) for id in others],
            [(id, rev, CallerHistory(id, "anna", rev, rev=rev + 1) if stays else None) for id, rev, stays in callers],
        )
        try:
            await self.store.commit(self._fence(back), self.position, changes, _once("desk", number))
        except StaleCommit as stale:
            return "lease" if "lease" in str(stale) else "moved"
        return "written"

    async def load(self) -> Any:
        found = await self.store.load()
        behind = [e for _, e in await self.store.events(found.events, block_ms=0)]
        waiting = [m for _, m in await self.store.inbox(found.inbox, block_ms=0)]
        by_id = [sorted(records, key=lambda record: record.id) for records in (found.contacts, found.agents, found.callers)]
        return by_id, behind, waiting

    async def orders(self, server: str) -> list[Any]:
        return await self._follow(f"orders {server}", lambda after: self.store.orders(server, after, block_ms=0))

    async def append(self, names: list[str], number: int) -> None:
        await self.store.append(*map(event, names), once=_once("log", number))

    async def events(self) -> list[Any]:
        return await self._follow("events", lambda after: self.store.events(after, block_ms=0))

    async def _follow(self, stream: str, read: Callable[[str], Any]) -> list[Any]:
        found = await read(self.seen.get(stream, "0"))
        self.seen[stream] = found[-1][0] if found else self.seen.get(stream, "0")
        return [item for _, item in found]

    def _fence(self, back: int) -> int:
        return self.fences[-1 - back] if back < len(self.fences) else 0


def _once(writer: str, number: int) -> Once | None:
    return Once(writer, number) if number else None


@settings(max_examples=200)
@given(st.lists(commands, max_size=30))
def test_both_stores_answer_alike(redis_process: PrivateRedis, script: list[tuple[Any, ...]]) -> None:
    """Any sequence of commands gives the same answers in memory and in Redis."""

    async def both() -> None:
        redis_process.flush()
        in_redis = RedisStore(redis_process.url)
        memory, redis = Player(MemoryStore()), Player(in_redis)
        try:
            for command in script:
                assert await redis.play(*command) == await memory.play(*command), command
        finally:
            await in_redis.close()

    asyncio.run(both())


# Two routers without a lease between them.

AGENTS = 12
SITE = Directory(
    {"support": QueuePolicy("support")},
    {f"a{n}": AgentProfile(f"a{n}", f"A{n}", SipAccount(f"10{n:02}"), {"s": 1 + n % 5}, ("support",), order=n) for n in range(AGENTS)},
)


async def race(store: Store, server: str, chance: random.Random, shared_fence: list[int]) -> int:
    """Decide from the records again and again, as a router with the newest token would; returns how many commits were refused."""
    refused, idle = 0, 0
    while idle < 3:
        snapshot = await store.load()
        board = restore(SITE, Ids(), NOW, contacts_known=snapshot.contacts, agents_known=snapshot.agents, chance=chance)
        batch = await store.inbox(snapshot.inbox, block_ms=0, limit=chance.randrange(1, 6))
        for _, message in batch:
            board.apply(message, NOW)
        idle = 0 if batch else idle + 1
        await asyncio.sleep(0)
        try:
            await store.commit(shared_fence[-1], batch[-1][0] if batch else snapshot.inbox, board.take_changes())
        except StaleCommit:
            refused += 1
    return refused


async def test_racing_routers_never_book_twice(views: Views) -> None:
    """Even if two routers hold the same, newest token - which the lease forbids - the revisions keep every booking single."""
    stores = [views(), views()]
    fence = await stores[0].acquire("a", LONG_MS) or 0
    for n in range(AGENTS):
        await stores[0].post(PhoneReported(phone_of(f"10{n:02}"), "available"), AgentAsked(f"a{n}", "log_in", f"r{n}", "node"))
        await stores[0].post(arrival(f"c{n}", f"call{n}", "node", "support", [(0, "s >= 2" if n % 3 else "")], NOW + n))

    await asyncio.gather(*(race(store, name, random.Random(name), [fence]) for store, name in zip(stores, "ab", strict=True)))

    snapshot = await stores[0].load()
    held = [agent for contact in snapshot.contacts for agent in contact.offers.values()]
    assert len(held) == len(set(held))
    reserved = {agent.id: (agent.contact, agent.offer) for agent in snapshot.agents if agent.state == AgentState.RESERVED}
    assert reserved == {agent: (c.id, offer) for c in snapshot.contacts for offer, agent in c.offers.items()}
    rung = [order for _, order in await stores[1].orders("node", "0", block_ms=0) if isinstance(order, OfferOrder)]
    assert sorted(order.agent for order in rung) == sorted(reserved)
    queued = [e.contact for _, e in await stores[0].events("0", block_ms=0) if e.type == "contact_queued"]
    assert sorted(queued) == sorted(f"c{n}" for n in range(AGENTS)), "each message was applied once"


async def test_a_router_that_lost_its_lease_writes_nothing(views: Views) -> None:
    """A decision made before the lease went elsewhere is refused whole when it is committed after."""
    first, second = views(), views()
    old = await first.acquire("a", LONG_MS) or 0
    await first.post(arrival("c1", "call", "node", "support", [(0, "")], NOW), OfferAnswered("c1", "ghost"))
    board = restore(SITE, Ids(), NOW)
    batch = await first.inbox("0", block_ms=0)
    for _, message in batch:
        board.apply(message, NOW)
    await first.release("a", old)
    await second.acquire("b", LONG_MS)

    with pytest.raises(StaleCommit):
        await first.commit(old, batch[-1][0], board.take_changes())
    assert ((await second.load()).contacts, (await second.load()).inbox) == ((), "0")


async def test_a_reader_is_cancelled_at_any_moment(redis_server: PrivateRedis) -> None:
    """A task that reads the inbox ends when it is cancelled, also in the moment in which it sends for the next messages."""
    reader, writer = RedisStore(redis_server.url), RedisStore(redis_server.url)

    async def follow() -> None:
        after = "0"
        while True:
            for position, _ in await reader.inbox(after, block_ms=5_000):
                after = position

    try:
        for turns in range(20):
            reading = asyncio.create_task(follow())
            for _ in range(10):
                await writer.now_ms()  # meanwhile the reader has read all and blocks
            await writer.post(PhoneReported(phone_of("1001"), "busy"))
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            _, late = await asyncio.wait([reading], timeout=2)
            assert not late
    finally:
        await reader.close()
        await writer.close()


async def test_where_an_open_call_is_outlives_every_server(views: Views) -> None:
    """The last node of each open call, until it is passed on or over; of a call that is not open nothing is kept."""
    store = views()

    def told(data: EventData, call: str, node: str = "") -> Event:
        return Event(f"event-{call}-{node}", NOW, data, call=call, flow="main" if node else "", node=node)

    async def places() -> dict[str, str]:
        return {place.call: place.node for place in (await views().load()).places}

    await store.append(told(NodeEntered("menu", "zh"), "c0", "early"), told(at_server(), "c1"), told(at_server(), "c2"))
    await store.append(*(told(NodeEntered("menu", "zh"), call, node) for call, node in (("c1", "hello"), ("c1", "menu"), ("c2", "hello"))))
    assert await places() == {"c1": "menu", "c2": "hello"}
    await store.append(told(at_server(cls=CallResumed), "c1"))
    assert await places() == {"c1": "menu", "c2": "hello"}
    await store.append(told(at_server(cls=CallTransferred), "c1"), told(ended(), "c2"), told(NodeEntered("menu", "zh"), "c2", "late"))
    assert await places() == {}
    assert [(call.call, call.type) for call in (await store.load()).calls] == [("c1", "call_transferred")]


async def test_totals_are_counted_once_for_all_servers(views: Views) -> None:
    """What a commit tells of queues is added up in that commit, and is the same for whoever begins then; a refused one counts nothing."""
    store = views()
    fence = await store.acquire("router", LONG_MS)
    assert fence is not None
    joined = [Event(f"q{n}", NOW, queued(NOW), queue="support") for n in range(3)]
    left = [Event("l", NOW, LeftEvent(0, "full"), queue="support")]
    moved = [Event("m", NOW, ContactMoved("support", "asked", 0), queue="sales")]
    await store.commit(fence, "0", Changes(events=[*joined, *left]))
    await store.commit(fence, "0", Changes(events=[*moved, Event("o", NOW, OfferRangOut("o1", 0), queue="sales"), event("e")]))
    with pytest.raises(StaleCommit):
        await store.commit(fence + 1, "0", Changes(events=joined))
    assert (await views().load()).totals == {
        "support": {"queued": 3, "full": 1, "moved_away": 1},
        "sales": {"moved_here": 1, "offer_rang_out": 1},
        "": {"queued": 1},
    }
