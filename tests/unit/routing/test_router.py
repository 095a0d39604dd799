"""The router on a store in memory, in virtual time: taking the lease, losing it, and living with a store or message that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from routing.board.board import HANDLERS
from routing.board.redefinition import ChangeRefused
from routing.board.state import BoardState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.envelope import Event
from routing.domain.events.servers import RoutingFailed
from routing.domain.messages import AgentAsked, ContactLeft, PhoneReported
from routing.domain.model import QueuePolicy
from routing.domain.orders import LeaveOrder, OfferOrder
from routing.domain.phone_address import phone_of
from routing.router import Router
from routing.store.memory import MemoryStore
from routing.store.port import StoreUnreachable
from simulator import virtual
from tests.routing_house import CountingIds, arrival, directory, own_phone, person
from tests.told import facts

pytestmark = pytest.mark.unit

SITE = directory(person("anna"), person("li"), queues=(QueuePolicy("support", max_wait_ms=60_000),))


class FailingStore(MemoryStore):
    """A view that can be cut off, and whose renewals or commits can be made to hang."""

    away = False
    hanging: frozenset[str] = frozenset()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("post", "inbox", "commit", "load", "acquire", "renew", "release"):
            return found

        async def guarded(*args: Any, **named: Any) -> Any:
            if name in self.hanging:
                await asyncio.Event().wait()
            if self.away:
                raise StoreUnreachable("the store is away")
            return await found(*args, **named)

        return guarded


class Site:
    """A domain in memory with any number of routers."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.ids = CountingIds()
        self.clock = virtual.VirtualClock()
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, server: str, store: MemoryStore | None = None) -> Router:
        router = Router(store or self.store.view(), CurrentDirectory(SITE), self.ids, self.clock, server=server)
        self.tasks[server] = asyncio.create_task(router.run())
        return router

    async def stop(self, *servers: str) -> None:
        for server in servers or tuple(self.tasks):
            task = self.tasks.pop(server)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def failing(self) -> FailingStore:
        return FailingStore(self.store._shared)

    async def work_begins(self) -> None:
        for agent in SITE.agents.values():
            await self.store.post(PhoneReported(own_phone(agent), "available"), AgentAsked(agent.id, "log_in", "r", "node"))

    async def call(self, contact: str) -> None:
        await self.store.post(arrival(contact, f"call-{contact}", "node", "support", [(0, "")], self.clock.now_ms()))

    async def told(self, type: str) -> list[Event]:
        """The events of that type."""
        return [event for _, event in await self.store.events("0", block_ms=0) if event.type == type]

    async def rings(self) -> list[tuple[str, str]]:
        orders = await self.store.orders("node", "0", block_ms=0)
        return [(order.contact, order.agent) for _, order in orders if isinstance(order, OfferOrder)]


def scene(play: Callable[[Site], Awaitable[None]]) -> None:
    """Play it in virtual time; every router is stopped at the end."""

    async def whole() -> None:
        site = Site()
        try:
            await play(site)
        finally:
            await site.stop()

    virtual.run(whole())


def test_a_call_is_offered_at_once() -> None:
    """A message is read, decided and committed without any time passing; the counters tell of it."""

    async def play(site: Site) -> None:
        latencies: list[float] = []
        router = site.start("a")
        router._on_latency = latencies.append
        await site.work_begins()
        await asyncio.sleep(1)
        await site.call("c1")
        await asyncio.sleep(0.001)

        assert await site.rings() == [("c1", "anna")]
        assert (router.is_leader, router.decisions, router.messages, router.skipped) == (True, 1, 5, 0)
        assert router.commits >= 2
        assert latencies == [0.0] * len(latencies) != []

    scene(play)


def test_deadlines_are_met_to_the_millisecond() -> None:
    """A caller whose wait is over is told so then, though no message comes."""

    async def play(site: Site) -> None:
        site.start("a")
        await site.call("c1")
        await asyncio.sleep(59.999)
        assert await site.store.orders("node", "0", block_ms=0) == []
        await asyncio.sleep(0.002)

        assert [order for _, order in await site.store.orders("node", "0", block_ms=0)] == [LeaveOrder("c1", "timed_out")]

    scene(play)


def test_only_one_leads_and_the_other_takes_over() -> None:
    """A router that is stopped gives the lease back: the next leads within its retry time, and goes on from the records."""

    async def play(site: Site) -> None:
        first = site.start("a")
        await asyncio.sleep(0.01)
        second = site.start("b")
        await site.work_begins()
        await site.call("c1")
        await asyncio.sleep(5)
        assert (first.is_leader, second.is_leader) == (True, False)
        await site.stop("a")
        assert not first.is_leader
        await site.call("c2")
        await asyncio.sleep(0.301)

        assert second.is_leader
        assert await site.rings() == [("c1", "anna"), ("c2", "li")]

    scene(play)


@pytest.mark.parametrize("hangs", [{"renew"}, {"renew", "commit"}, {"renew", "release"}, {"renew", "inbox"}])
def test_a_renewal_that_hangs_ends_the_lead_in_time(hangs: set[str]) -> None:
    """When the store does not answer, the leader stops no later than its lease ends there, and another takes over."""

    async def play(site: Site) -> None:
        store = site.failing()
        first = site.start("a", store)
        await site.work_begins()
        await asyncio.sleep(2)
        second = site.start("b")
        store.hanging = frozenset(hangs | {"acquire"})
        await asyncio.sleep(1.001)
        assert not first.is_leader
        await asyncio.sleep(0.3)
        await site.call("c1")
        await asyncio.sleep(0.1)

        assert second.is_leader
        assert await site.rings() == [("c1", "anna")]

    scene(play)


def test_a_store_that_goes_and_comes() -> None:
    """While the store is away nothing is decided; what was posted is decided when it is back, once."""

    async def play(site: Site) -> None:
        store = site.failing()
        router = site.start("a", store)
        await site.work_begins()
        await asyncio.sleep(1)
        store.away = True
        await site.call("c1")
        await asyncio.sleep(60)
        assert (router.is_leader, await site.rings()) == (False, [])
        store.away = False
        await asyncio.sleep(1.5)

        assert (router.is_leader, await site.rings()) == (True, [("c1", "anna")])

    scene(play)


def test_a_stale_commit_means_starting_from_the_records() -> None:
    """When somebody else's commit was in between, the router throws its board away and goes on from what is written."""

    async def play(site: Site) -> None:
        router = site.start("a")
        await site.work_begins()
        await asyncio.sleep(1)
        shared = site.store._shared
        revision, text = shared.agents["anna"]
        shared.agents["anna"] = (revision + 1, text.replace(f'"rev":{revision}', f'"rev":{revision + 1}').replace('"ready"', '"paused"'))
        await site.call("c1")
        await asyncio.sleep(1)

        assert await site.rings() == [("c1", "li")]
        assert router.is_leader

    scene(play)


def test_a_message_that_breaks_the_board_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """One poisonous message is skipped; those before and after it, in the same batch too, are served once each."""

    def poison(board: BoardState, message: ContactLeft, now_ms: int) -> None:
        board.contacts.clear()
        raise RuntimeError("half changed")

    monkeypatch.setitem(HANDLERS, ContactLeft, poison)

    async def play(site: Site) -> None:
        await site.work_begins()
        await site.call("c1")
        await site.store.post(ContactLeft("ghost", "abandoned"))
        await site.call("c2")
        router = site.start("a")
        await asyncio.sleep(1)

        assert await site.rings() == [("c1", "anna"), ("c2", "li")]
        assert (router.skipped, router.is_leader) == (1, True)

    scene(play)


def test_a_deadline_that_breaks_the_board_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again, with growing pauses, and each time it is told."""
    from routing.board import board

    def poison(state: BoardState, id: str, now_ms: int) -> None:
        raise RuntimeError("never works")

    monkeypatch.setitem(board.DEADLINES, "max_wait", poison)

    async def play(site: Site) -> None:
        router = site.start("a")
        await site.call("c1")
        await asyncio.sleep(61)
        await site.work_begins()
        await asyncio.sleep(29)

        assert await site.rings() == [("c1", "anna")]
        assert (router.skipped, router.is_leader) == (5, True)  # after 60, 61, 63, 67 and 75 s
        told = [told.again_ms for told in facts(await site.told("routing_failed"), RoutingFailed)]
        assert told == [1_000, 2_000, 4_000, 8_000, 16_000]

    scene(play)


def test_a_deadline_that_failed_once_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever depends on it is not stuck: the contact is timed out a second late."""
    from routing.board import board, contacts

    tried: list[str] = []

    def at_first_poison(state: BoardState, id: str, now_ms: int) -> None:
        tried.append(id)
        if len(tried) == 1:
            raise RuntimeError("works the second time")
        contacts.waited_long_enough(state, id, now_ms)

    monkeypatch.setitem(board.DEADLINES, "max_wait", at_first_poison)

    async def play(site: Site) -> None:
        router = site.start("a")
        await site.call("c1")
        await asyncio.sleep(65)

        assert [event.contact for event in await site.told("contact_timed_out")] == ["c1"]
        assert (tried, router.skipped) == (["c1", "c1"], 1)

    scene(play)


def test_an_idle_router_writes_nothing() -> None:
    """An hour without a message costs no commit but the first, which tells that the store was empty."""

    async def play(site: Site) -> None:
        router = site.start("a")
        await asyncio.sleep(3600)

        assert (router.commits, router.is_leader) == (1, True)

    scene(play)


def test_routers_that_come_and_go_lose_nobody() -> None:
    """With leaders stopped every few seconds among a stream of calls, every caller is rung for exactly once."""

    async def play(site: Site) -> None:
        await site.work_begins()
        for turn in range(20):
            site.start(f"r{turn}")
            if turn:
                await site.stop(f"r{turn - 1}")
            await site.call(f"c{turn}")
            await asyncio.sleep(0.37)
            await site.store.post(ContactLeft(f"c{turn}", "abandoned"))

        assert [contact for contact, _ in await site.rings()] == [f"c{turn}" for turn in range(20)]

    scene(play)


# -- a change of the directory -----------------------------------------------------------------------------------------

LATER = directory(person("anna"), person("wu"), queues=(QueuePolicy("support", max_wait_ms=60_000), QueuePolicy("sales")))


def test_the_directory_changes_between_two_commits() -> None:
    """Under the same lease and without a pause of deadlines: who was removed leaves, and the next commits are the new directory's."""

    async def play(site: Site) -> None:
        router = site.start("a")
        await site.work_begins()
        await site.call("c1")
        await asyncio.sleep(2)
        assert await site.rings() == [("c1", "anna")]
        fence = site.store._shared.fence
        await router.change_directory(LATER)

        assert router._definitions.directory is LATER
        assert (router.is_leader, site.store._shared.fence) == (True, fence)
        found = await site.store.load()
        assert {agent.id for agent in found.agents} == {"anna", "wu"}
        assert [contact.state for contact in found.contacts] == ["offered"]
        told = [event.type for _, event in await site.store.events("0", block_ms=0)]
        assert "agent_removed" in told

    scene(play)


def test_nothing_is_told_before_everybody_here_sees_the_new_directory() -> None:
    """The holder is changed in the moment of the change: whoever follows the log knows a new agent when the first event of them comes."""

    async def play(site: Site) -> None:
        router, seen = site.start("a"), list[int]()
        await site.store.post(PhoneReported(phone_of("phone-wu"), "available"))
        await asyncio.sleep(2)

        def put_in_force() -> None:
            router._definitions._current.replace(LATER)
            seen.append(sum('"agent":"wu"' in text for _, text in site.store._shared.events.entries))

        await router.change_directory(LATER, put_in_force=put_in_force)
        assert seen == [0]
        told = [event.type for _, event in await site.store.events("0", block_ms=0) if event.agent == "wu"]
        assert told == ["phone_state_changed"]

    scene(play)


def test_a_change_that_is_refused_changes_nothing() -> None:
    """Neither the board nor the holder; the router goes on, and makes the next change."""

    async def play(site: Site) -> None:
        router = site.start("a")
        await site.call("c1")
        await asyncio.sleep(2)
        gone = directory(person("anna"), queues=(QueuePolicy("sales"),))
        with pytest.raises(ChangeRefused, match="1 caller waits in 'support'"):
            await router.change_directory(gone)
        assert (router._definitions.directory, router.skipped) == (SITE, 0)
        await router.change_directory(gone, {"support": "sales"})
        (contact,) = (await site.store.load()).contacts
        assert contact.queue == "sales"

    scene(play)


def test_a_router_that_stands_by_leads_with_the_new_directory() -> None:
    """It refuses by what the records say, and takes the callers of a queue that is gone along when it leads."""

    async def play(site: Site) -> None:
        site.start("a")
        await asyncio.sleep(1)
        spare = site.start("b")
        await site.call("c1")
        await asyncio.sleep(1)
        gone = directory(person("anna"), queues=(QueuePolicy("sales"),))
        with pytest.raises(ChangeRefused, match="1 caller waits in 'support'"):
            await spare.change_directory(gone)
        await spare.change_directory(gone, {"support": "sales"})
        assert (await site.store.load()).contacts[0].queue == "support"
        await site.stop("a")
        await asyncio.sleep(2)
        assert spare.is_leader
        assert (await site.store.load()).contacts[0].queue == "sales"

    scene(play)


def test_a_change_while_the_store_is_away_is_not_made() -> None:
    """Nobody could say who waits. A lead that ends while a change waits is no answer: the change is made with the next one."""

    async def play(site: Site) -> None:
        store = site.failing()
        router = site.start("a", store)
        await asyncio.sleep(1.1)  # the lease ends before the inbox is read again
        changing = asyncio.create_task(router.change_directory(LATER))
        await asyncio.sleep(0)
        store.away = True
        await asyncio.sleep(3)
        with pytest.raises(StoreUnreachable):
            await changing
        assert router._definitions.directory is SITE
        store.away = False
        await asyncio.sleep(3)
        await router.change_directory(LATER)
        assert router._definitions.directory is LATER

    scene(play)


def test_a_change_that_the_board_cannot_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect: whoever asked is told, the board is made anew from the records, and the directory stays the old one."""

    async def play(site: Site) -> None:
        router = site.start("a")
        await asyncio.sleep(1)

        def broken(*args: object) -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr("routing.definitions.redefine", broken)
        with pytest.raises(RuntimeError):
            await router.change_directory(LATER)
        await asyncio.sleep(3)
        assert (router.is_leader, router._definitions.directory, router.skipped) == (True, SITE, 1)

    scene(play)
