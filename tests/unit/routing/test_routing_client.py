"""Callers and agents of one server against the real router on a store in memory, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from routing.client.join_request import JoinRequest
from routing.client.queue_stay import Waited
from routing.client.requests import NoReply
from routing.client.routing_client import RoutingClient
from routing.domain.changes import Changes
from routing.domain.contact_facts import ContactFacts, ContactWishes
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.agents import PhoneStateChanged
from routing.domain.events.contacts import ContactEnded, ContactQueued
from routing.domain.events.envelope import Event
from routing.domain.messages import (
    AgentAsked,
    ContactArrived,
    ContactAsked,
    ContactLeft,
    Message,
    OfferAnswered,
    OfferRinging,
    PhoneReported,
    TalkEnded,
    TalkReported,
)
from routing.domain.model import QueuePolicy
from routing.domain.orders import MoveOrder, OfferOrder, Reply, ReportPhoneOrder
from routing.domain.phone_address import phone_of
from routing.read_model.view import View
from routing.router import Router
from routing.store.memory import MemoryStore
from routing.store.port import StoreUnreachable
from simulator import virtual
from tests.routing_house import CountingIds, arrival, directory, own_phone, person, taken
from tests.scripted_caller import Phone, ScriptedCaller
from tests.told import fact, facts

pytestmark = pytest.mark.unit

SITE = directory(
    person("anna", billing=5),
    person("li"),
    queues=(QueuePolicy("support", wrap_up_ms=5_000, max_wait_ms=60_000, first_position_ms=10_000, every_position_ms=30_000),),
)
CUT = ("post", "inbox", "commit", "load", "acquire", "renew", "release", "orders", "events", "append")


class CutStore(MemoryStore):
    """A view that can be cut off from the store."""

    away = False

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in CUT:
            return found

        async def guarded(*args: Any, **named: Any) -> Any:
            if self.away:
                raise StoreUnreachable("the store is away")
            return await found(*args, **named)

        return guarded


class OddStore(CutStore):
    """A store in memory whose next reading of orders breaks in a way that nobody foresaw."""

    breaks: BaseException | None = None

    async def orders(self, *given: Any, **more: Any) -> Any:
        found = await MemoryStore.orders(self, *given, **more)
        if self.breaks:
            broken, self.breaks = self.breaks, None
            raise broken
        return found


class House:
    """A desk with its router; `routed` False leaves the router out, `one_process` has both in one: the store is away for both then."""

    def __init__(self, *, routed: bool = True, one_process: bool = False) -> None:
        self.store = MemoryStore()
        self.cut = CutStore(self.store._shared)
        self.clock, ids = virtual.VirtualClock(), CountingIds()
        self.view = View(CurrentDirectory(SITE))
        self.dropped = Counter[str]()
        self.routing_client = RoutingClient(
            self.cut,
            CurrentDirectory(SITE),
            ids,
            self.clock,
            server="node",
            wait_forecast=self.view.wait_forecast,
            on_dropped=self.dropped.update,
        )
        store = self.cut if one_process else self.store.view()
        router = Router(store, CurrentDirectory(SITE), ids, self.clock, server="node")
        if one_process:
            router.short_way = self.routing_client.short_way
        self.tasks = [asyncio.create_task(self.routing_client.run()), asyncio.create_task(self._follow())]
        self.tasks += [asyncio.create_task(router.run())] if routed else []

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def work_begins(self, *agents: str) -> None:
        for agent in agents or SITE.agents:
            self.routing_client.report_phone(own_phone(SITE.agents[agent]), "available")
            assert (await self.routing_client.ask(agent, "log_in")).error == ""

    def call(self, line: ScriptedCaller, **more: Any) -> asyncio.Task[Waited]:
        facts, wishes = taken(ContactFacts, more), {"steps": [(0, "")], **taken(ContactWishes, more)}
        join_request = JoinRequest("support", ContactFacts("call-1", **facts), ContactWishes(**wishes), **more)
        return asyncio.create_task(self.routing_client.wait(join_request, line))

    async def events(self) -> list[Event]:
        return [event for _, event in await self.store.events("0", block_ms=0)]

    async def told(self, *beginnings: str) -> list[str]:
        return [event.type for event in await self.events() if event.type.startswith(beginnings)]

    async def _follow(self) -> None:
        after = "0"
        while True:
            for position, event in await self.store.events(after, block_ms=5_000):
                after = position
                self.view.apply(event)


def scene(play: Callable[[House], Awaitable[None]], *, routed: bool = True, one_process: bool = False) -> None:
    """Play it in virtual time; at the end the desk holds no visit, and everything can be stopped."""

    async def whole() -> None:
        house = House(routed=routed, one_process=one_process)
        try:
            await play(house)
            assert house.routing_client.stays == {}
        finally:
            await house.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual.run(whole())


def test_a_call_meets_an_agent() -> None:
    """From joining to the end of the talk: who talked is told, and the events come in order."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        waited = await house.call(ScriptedCaller(Phone(talk_ms=30_000)), steps=[(0, "billing >= 3")], ani="+8613800138000")
        assert (waited.outcome, waited.agent) == ("answered", "anna")
        await asyncio.sleep(1)
        assert await house.told("contact", "offer") == [
            "contact_queued",
            "offer_made",
            "offer_ringing",
            "contact_connected",
            "contact_ended",
        ]
        (ended,) = [event for event in await house.events() if event.type == "contact_ended"]
        assert (ended.call, ended.agent) == ("call-1", "anna")
        assert (fact(ended, ContactEnded).talk_ms, fact(ended, ContactEnded).ended_by) == (30_000, "agent")

    scene(play)


@pytest.mark.parametrize("outcome", ["declined", "busy", "rang_out", "unreachable", "failed"])
def test_an_offer_that_fails_goes_to_the_next_agent(outcome: Any) -> None:
    """The caller keeps the place and gets the other agent."""

    async def play(house: House) -> None:
        await house.work_begins()
        line = ScriptedCaller(Phone(outcome, 2_000), Phone())
        waited = await house.call(line)
        rung = [what.removeprefix("ring phone-") for _, what in line.did if what.startswith("ring")]
        assert len(set(rung)) == 2
        assert waited.agent == rung[1]
        assert f"offer_{outcome}" in await house.told("offer")

    scene(play)


def test_positions_are_those_of_the_queue() -> None:
    """The second caller hears two, and one after the first has left."""

    async def play(house: House) -> None:
        first, second = ScriptedCaller(), ScriptedCaller()
        stays = [house.call(first)]
        await asyncio.sleep(1)
        stays.append(house.call(second))
        await asyncio.sleep(15)
        first.hang_up()
        await asyncio.sleep(30)
        second.hang_up()
        await asyncio.gather(*stays)
        assert [what for _, what in second.did if what.startswith("position")] == ["position 2", "position 1"]

    scene(play)


def test_a_wait_that_is_over() -> None:
    """The router ends it after the queue's longest wait."""

    async def play(house: House) -> None:
        began = house.clock.now_ms()
        assert (await house.call(ScriptedCaller())).outcome == "timed_out"
        assert house.clock.now_ms() - began == 60_000

    scene(play)


def test_an_agent_who_logs_out_while_the_phone_rings() -> None:
    """The ringing stops, and the caller gets somebody else."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        line = ScriptedCaller(Phone(after_ms=10_000), Phone())
        stay = house.call(line)
        await asyncio.sleep(2)
        assert (await house.routing_client.ask("anna", "log_out")).state == "logged_out"
        await asyncio.sleep(0.1)
        assert [what for _, what in line.did][-1] == "music"
        await house.work_begins("li")
        assert (await stay).agent == "li"

    scene(play)


def test_a_caller_who_gives_up_while_a_phone_rings() -> None:
    """The agent is free again at once."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        line = ScriptedCaller(Phone(after_ms=10_000))
        stay = house.call(line)
        await asyncio.sleep(2)
        line.hang_up()
        assert (await stay).outcome == "abandoned"
        assert (await house.call(ScriptedCaller(Phone()))).agent == "anna"

    scene(play)


@pytest.mark.parametrize(("one_process", "within_ms"), [(False, 500), (True, 2_500)])  # a router has to win its lease first
def test_a_store_that_is_away_loses_nothing(one_process: bool, within_ms: int) -> None:
    """What happened meanwhile is told afterwards in its order; the caller keeps the music and the place."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        house.cut.away = True
        line = ScriptedCaller(Phone(talk_ms=1_000))
        stay = house.call(line)
        for state in ("busy", "unavailable", "available"):
            house.routing_client.report_phone(phone_of("phone-li"), state)
        await asyncio.sleep(30)
        assert await house.told("contact") == []
        house.cut.away = False
        assert (await stay).agent == "anna"
        await house.routing_client.flush()
        await asyncio.sleep(1)
        queued = next(event for event in await house.events() if event.type == "contact_queued")
        assert queued.at_ms - fact(queued, ContactQueued).enqueued_at_ms in range(30_000, 30_000 + within_ms)
        states = [told.phone_state for told in facts((e for e in await house.events() if e.agent == "li"), PhoneStateChanged)]
        assert states == ["busy", "unavailable", "available"]

    scene(play, one_process=one_process)


def test_a_store_that_goes_in_the_middle_of_a_talk() -> None:
    """The talk goes on; its end is told when the store is back."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        stay = house.call(ScriptedCaller(Phone(talk_ms=10_000)))
        await asyncio.sleep(3)
        house.cut.away = True
        assert (await stay).outcome == "answered"
        house.cut.away = False
        await house.routing_client.flush()
        await asyncio.sleep(0.5)
        assert await house.told("contact") == ["contact_queued", "contact_connected", "contact_ended"]

    scene(play)


def test_an_order_for_nobody() -> None:
    """A ring order for a caller who is gone makes the router forget that contact; other orders for it are nothing."""

    async def play(house: House) -> None:
        ghost = arrival("ghost", "call-ghost", "node", "support", [(0, "")], house.clock.now_ms())
        house.routing_client.post(ghost)
        await house.work_begins("anna")
        await asyncio.sleep(1)
        assert await house.told("contact", "offer") == ["contact_queued", "offer_made", "contact_left", "offer_withdrawn"]
        assert (await house.call(ScriptedCaller(Phone()))).agent == "anna"

    scene(play)


def test_messages_leave_in_the_order_they_were_posted() -> None:
    """Also when there are more than fit into one batch."""

    async def play(house: House) -> None:
        posted: list[Message] = [ContactLeft(f"c{number}", "abandoned") for number in range(1200)]
        for message in posted:
            house.routing_client.post(message)
        await house.routing_client.flush()
        found = [message for _, message in await house.store.inbox("0", block_ms=0, limit=2000)]
        assert found == posted

    scene(play, routed=False)


def test_nobody_routes() -> None:
    """Who asks is told so after a while; a reply that comes too late disturbs nobody."""

    async def play(house: House) -> None:
        with pytest.raises(NoReply, match=r"no answer from routing within 5 s; the request may still take effect"):
            await house.routing_client.ask("anna", "log_in")
        house.routing_client._hand_over(Reply("request-1", "ready"))
        house.routing_client._hand_over(OfferOrder("c9", "o9", "anna", "voice", "phone-anna", "support", 1000))
        await house.routing_client.flush()
        posted = [message for _, message in await house.store.inbox("0", block_ms=0)]
        assert [(message.contact, message.outcome) for message in posted if isinstance(message, ContactLeft)] == [("c9", "failed")]

    scene(play, routed=False)


def test_refusals_are_told_in_words() -> None:
    """An agent that there is not, and a change that the table refuses."""

    async def play(house: House) -> None:
        assert "'nobody'" in (await house.routing_client.ask("nobody", "log_in")).error
        refused = await house.routing_client.ask("anna", "resume")
        assert (refused.state, refused.error != "") == ("logged_out", True)

    scene(play)


def test_what_the_flow_wants_and_how_the_queue_looks_reach_the_router() -> None:
    """Every field of a joining is one of the message, and stays when it is told again."""

    async def play(house: House) -> None:
        asked: dict[str, Any] = {"preferred": ["li"], "preferred_ms": 40_000, "exclude": ["anna"], "place_ms": 60_000}
        known: dict[str, Any] = {"ani": "+49301234567", "language": "de", "data": {"customer": "K-1"}}
        more = {"expected_wait_ms": 90_000, "service_level": 71.5, "back": True, "last_offer": "offer-1", "last_outcome": "busy"}
        call = house.call(ScriptedCaller(Phone()), **asked, **known, **more)
        await asyncio.sleep(0.1)
        house.routing_client.report_again()
        await asyncio.sleep(0.1)
        told = [message for _, message in await house.store.inbox("0", block_ms=0) if isinstance(message, ContactArrived)]
        assert [message.again for message in told] == [False, True]
        for message in told:
            assert message.facts == ContactFacts("call-1", **known)
            assert message.wishes == ContactWishes([(0, "")], **asked)
            assert {name: getattr(message, name) for name in more} == more | {"back": not message.again}
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    scene(play, routed=False)


def test_questions_about_agents_and_contacts() -> None:
    """What belongs to each action is in the message, with the moment of asking; silence is told as such."""

    async def play(house: House) -> None:
        now_ms = house.clock.now_ms()
        with pytest.raises(NoReply):
            await house.routing_client.ask("anna", "log_in", phone=phone_of("1020"))
        with pytest.raises(NoReply):
            await house.routing_client.ask("anna", "leave_queue", queue="support")
        with pytest.raises(NoReply):
            await house.routing_client.ask("anna", "dispose", disposition="42")
        with pytest.raises(NoReply):
            await house.routing_client.ask_contact("c1", "move", queue="support")
        with pytest.raises(NoReply):
            await house.routing_client.ask_contact("c1", "prioritise", priority=120)
        kinds = (AgentAsked, ContactAsked)
        asked = [message for _, message in await house.store.inbox("0", block_ms=0) if isinstance(message, kinds)]
        assert [message.at_ms for message in asked] == [now_ms + 5_000 * at for at in range(5)]
        assert [replace(message, request="", at_ms=0) for message in asked] == [
            AgentAsked("anna", "log_in", "", "node", phone=phone_of("1020")),
            AgentAsked("anna", "leave_queue", "", "node", queue="support"),
            AgentAsked("anna", "dispose", "", "node", disposition="42"),
            ContactAsked("c1", "move", "", "node", queue="support"),
            ContactAsked("c1", "prioritise", "", "node", priority=120),
        ]

    scene(play, routed=False)


def test_a_moved_contact_is_told_again_in_its_new_queue() -> None:
    """Whatever Redis lost, the contact waits, and later talks, where it was moved to; each offer that rings is told."""

    async def play(house: House) -> None:
        call = house.call(ScriptedCaller(Phone("rang_out", 90_000), Phone(after_ms=30_000)))
        await asyncio.sleep(0.1)
        (contact,) = house.routing_client.stays
        house.routing_client._hand_over(MoveOrder(contact, "sales"))
        house.routing_client._hand_over(OfferOrder(contact, "o1", "anna", "voice", "phone-anna", "sales", 90_000))
        house.routing_client._hand_over(OfferOrder(contact, "o2", "li", "voice", "phone-li", "sales", 90_000))
        await asyncio.sleep(0.1)
        house.routing_client.report_again()
        await asyncio.sleep(31)
        house.routing_client.report_again()
        await asyncio.sleep(0.1)
        posted = [message for _, message in await house.store.inbox("0", block_ms=0)]
        told = [message for message in posted if isinstance(message, ContactArrived)]
        assert [(message.queue, message.again, message.ringing) for message in told] == [
            ("support", False, ""),
            ("sales", True, "o1"),
            ("sales", True, "o2"),
        ]
        assert OfferAnswered(contact, "o2") in posted
        (held,) = [message for message in posted if isinstance(message, TalkReported)]
        assert (held.queue, held.offer, held.agent) == ("sales", "o2", "li")
        await call

    scene(play, routed=False)


def test_a_phone_that_the_router_asks_for_is_reported_again() -> None:
    """As it was reported last; one that nobody knows is not."""

    async def play(house: House) -> None:
        house.routing_client.report_phone(phone_of("phone-li"), "busy")
        for phone in ("phone-li", "unknown"):
            house.routing_client._hand_over(ReportPhoneOrder(phone_of(phone)))
        await house.routing_client.flush()
        told = [message for _, message in await house.store.inbox("0", block_ms=0) if isinstance(message, PhoneReported)]
        assert told == [PhoneReported(phone_of("phone-li"), "busy")] * 2

    scene(play, routed=False)


@pytest.mark.parametrize("broken", [ValueError("odd"), asyncio.CancelledError()])
def test_a_desk_of_which_one_part_ends_ends_whole_and_goes_on_when_run_again(broken: BaseException) -> None:
    """Nothing runs on by halves, no order is handed over twice, and none is lost."""

    async def whole() -> None:
        shared = MemoryStore()
        store = OddStore(shared._shared)
        routing_client = RoutingClient(store, CurrentDirectory(SITE), CountingIds(), virtual.VirtualClock(), server="node")
        fence = await shared.acquire("router", 60_000) or 0
        routing_client.requests._replies = {name: asyncio.get_running_loop().create_future() for name in ("r1", "r2", "r3")}
        first = asyncio.create_task(routing_client.run())
        await shared.commit(fence, "0", Changes(orders=[("node", Reply("r1", "ready"))]))
        assert (await routing_client.requests._replies["r1"]).state == "ready"
        store.breaks = broken
        await shared.commit(fence, "0", Changes(orders=[("node", Reply("r2", "ready"))]))
        await asyncio.wait([first])
        assert first.cancelled() or isinstance(first.exception(), ValueError)
        await shared.commit(fence, "0", Changes(orders=[("node", Reply("r3", "paused"))]))
        second = asyncio.create_task(routing_client.run())
        assert [(await routing_client.requests._replies[name]).state for name in ("r2", "r3")] == ["ready", "paused"]
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)

    virtual.run(whole())


def test_a_talk_that_ended_while_its_news_were_lost_ends_all_the_same() -> None:
    """Redis lost the end of a talk with its data: the log has it as open, so the talk and its end are told once more, to a new router."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        line = ScriptedCaller(Phone(talk_ms=1_000))
        waited = house.call(line)
        await waited
        await asyncio.sleep(1)
        [ended] = [event for event in await house.events() if event.type == "contact_ended"]
        empty = MemoryStore()
        house.cut._shared = empty._shared
        house.routing_client.report_ends({"another"})
        house.routing_client.report_ends({ended.contact})
        await house.routing_client.flush()
        told = [message for _, message in await empty.inbox("0", block_ms=0) if isinstance(message, TalkReported | TalkEnded)]
        assert [(type(message), message.contact) for message in told] == [(TalkReported, ended.contact), (TalkEnded, ended.contact)]

    scene(play)


@pytest.mark.parametrize(("away_s", "outcome"), [(25, "answered"), (45, "failed")])
def test_nobody_waits_for_ever_while_nothing_is_routed(away_s: float, outcome: str) -> None:
    """A caller waits through a short absence of the store; in a long one the flow goes on with other words, and the log has it later."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        house.cut.away = True
        began = asyncio.get_running_loop().time()
        call = house.call(ScriptedCaller(Phone(talk_ms=5_000)))
        await asyncio.sleep(away_s)
        assert call.done() == (outcome == "failed")
        house.cut.away = False
        waited = await call
        assert waited.outcome == outcome
        await asyncio.sleep(5)
        told = await house.told("contact_queued", "contact_left", "contact_ended")
        assert told == ["contact_queued", "contact_left" if outcome == "failed" else "contact_ended"]
        assert asyncio.get_running_loop().time() - began < away_s + 15

    scene(play)


def test_who_talks_or_is_rung_is_not_given_up_while_nothing_is_routed() -> None:
    """Both need no routing. Who waited before the store went has the same patience from then on."""

    async def play(house: House) -> None:
        await house.work_begins("anna")
        talk = house.call(ScriptedCaller(Phone(after_ms=40_000, talk_ms=40_000)))
        waiting = asyncio.create_task(
            house.routing_client.wait(JoinRequest("support", ContactFacts("call-2"), ContactWishes([(0, "")])), ScriptedCaller())
        )
        await asyncio.sleep(20)
        house.cut.away = True
        await asyncio.sleep(25)
        assert not waiting.done()
        await asyncio.sleep(10)
        assert (await waiting).outcome == "failed"
        house.cut.away = False
        assert (await talk).outcome == "answered"

    scene(play)


def test_what_is_dropped_while_the_store_is_away_for_long() -> None:
    """What passes goes first, ends are kept. When the store is back each phone is reported as it is now, and what was dropped is told."""

    async def play(house: House) -> None:
        house.routing_client.report_phone(phone_of("1001"), "busy")
        await house.routing_client.flush()
        house.cut.away = True
        await asyncio.sleep(3)
        house.routing_client.report_phone(phone_of("1001"), "available")
        for number in range(52_000):
            house.routing_client.post(OfferRinging(f"c{number}", "o"))
        for number in range(1_000):
            house.routing_client.post(ContactLeft(f"c{number}", "abandoned"))
        house.routing_client.report_phone(phone_of("1002"), "available")
        house.cut.away = False
        await house.routing_client.flush()
        told = [message for _, message in await house.store.inbox("0", block_ms=0, limit=200_000)]
        kinds = Counter(type(message) for message in told)
        assert (kinds[ContactLeft], kinds[OfferRinging] <= 50_000) == (1_000, True)
        reported = [(message.phone, message.state) for message in told if isinstance(message, PhoneReported)]
        assert reported[0] == (phone_of("1001"), "busy")
        assert reported[-2:] == [(phone_of("1001"), "available"), (phone_of("1002"), "available")]
        assert house.dropped == house.routing_client.dropped
        assert house.dropped["offer_ringing"] == 52_000 - kinds[OfferRinging]

    scene(play, routed=False)
