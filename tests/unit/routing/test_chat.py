"""A toy chat room behind the port `Medium`, through the real router and two servers, on a store in memory and in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from routing.client.carried_offers import CarriedOffers
from routing.client.routing_client import RoutingClient
from routing.domain.agent_state import AgentState
from routing.domain.contact_facts import CHAT, VOICE, ContactFacts, ContactWishes
from routing.domain.current_directory import CurrentDirectory
from routing.domain.identifiers import Ids
from routing.domain.messages import ContactArrived, LeaveOutcome
from routing.domain.model import QueuePolicy
from routing.domain.orders import OfferOrder
from routing.domain.phone_address import phone_of
from routing.read_model.view import View
from routing.router import Router
from routing.store.memory import MemoryStore
from simulator import virtual
from tests.routing_house import directory, person

pytestmark = pytest.mark.unit

SITE = directory(
    replace(person("anna"), capacity={VOICE: 1, CHAT: 2}),
    queues=(QueuePolicy("support", wrap_up_ms=2_000, ring_timeout_ms=5_000),),
)


@dataclass
class ChatRoom:
    """Shows chats on agents' desks; who opens one writes with the customer until somebody leaves. Offers are told by id."""

    offers: CarriedOffers
    shown: dict[str, OfferOrder] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)

    def present(self, order: OfferOrder) -> None:
        self.shown[order.offer] = order
        self.offers.shown(order.offer)

    def withdraw(self, contact: str, offer: str) -> None:
        self.shown.pop(offer, None)
        self.left.append(offer)

    def connect(self, contact: str, offer: str) -> None:
        self.open.add(offer)

    def ended(self, contact: str, outcome: LeaveOutcome) -> None:
        """Nobody waits at a server here."""

    def closes(self, offer: str) -> None:
        self.open.discard(offer)
        self.offers.over(offer, "caller")


class Office:
    """Two servers with a chat room each, a router, and the view of one of them."""

    def __init__(self) -> None:
        self.store, self.clock, self.ids = MemoryStore(), virtual.VirtualClock(), Ids()
        self.view = View(CurrentDirectory(SITE))
        self.tasks: list[asyncio.Task[None]] = []
        self.servers = {name: self._server(name) for name in ("one", "two")}
        self.rooms: dict[str, ChatRoom] = {}
        for name, server in self.servers.items():
            server.media[CHAT] = self.rooms[name] = ChatRoom(server.carried)
        router = Router(self.store.view(), CurrentDirectory(SITE), self.ids, self.clock, server="one")
        self.running = {name: asyncio.create_task(server.run()) for name, server in self.servers.items()}
        self.tasks += [asyncio.create_task(router.run()), asyncio.create_task(self._follow())]

    def _server(self, name: str) -> RoutingClient:
        return RoutingClient(self.store.view(), CurrentDirectory(SITE), self.ids, self.clock, server=name)

    async def opens(self) -> None:
        await asyncio.sleep(3)
        self.servers["one"].report_phone(phone_of("phone-anna"), "available")
        assert (await self.servers["one"].ask("anna", "log_in")).error == ""

    async def writes(self, contact: str) -> None:
        """A customer writes; no server holds the chat."""
        facts = ContactFacts("", ani="web-7", data={"topic": "bill"}, kind=CHAT)
        self.servers["two"].post(ContactArrived(contact, "two", "support", self.clock.now_ms(), facts, ContactWishes([(0, "")])))
        await asyncio.sleep(0.5)

    def shown(self) -> Iterator[tuple[ChatRoom, OfferOrder]]:
        return ((room, order) for room in self.rooms.values() for order in room.shown.values())

    async def dies(self, name: str) -> None:
        self.running[name].cancel()
        await asyncio.gather(self.running[name], return_exceptions=True)

    async def stop(self) -> None:
        tasks = [*self.tasks, *self.running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        after = "0"
        while True:
            for position, event in await self.store.events(after, block_ms=5_000):
                after = position
                self.view.apply(event)


def office(play: Callable[[Office], Awaitable[None]]) -> None:
    """Play it in virtual time."""

    async def whole() -> None:
        made = Office()
        try:
            await made.opens()
            await play(made)
        finally:
            await made.stop()

    virtual.run(whole())


def the_last(made: Office) -> tuple[ChatRoom, OfferOrder]:
    """The chat that was shown last, and its room."""
    return list(made.shown())[-1]


def test_two_chats_at_once_from_writing_to_goodbye() -> None:
    """Both are shown with what is known of the customer, both are talked, each is wrapped up by itself, and the third gets its turn."""

    async def play(made: Office) -> None:
        for chat in ("c1", "c2", "c3"):
            await made.writes(chat)
        shown = list(made.shown())
        assert {(order.contact, order.address) for _, order in shown} == {("c1", "anna"), ("c2", "anna")}
        assert all(order.facts and order.facts.data == {"topic": "bill"} for _, order in shown)
        for room, order in shown:
            room.offers.answered(order.offer)
        await asyncio.sleep(1)
        anna = made.view.agents["anna"]
        assert (anna.state, len(anna.assignments)) == (AgentState.ON_CONTACT, 2)
        assert [contact.id for contact in made.view.waiting("support")] == ["c3"]
        room, first = shown[0]
        room.closes(first.offer)
        await asyncio.sleep(1)
        assert {known.state.value for known in made.view.agents["anna"].assignments.values()} == {"connected", "wrap_up"}
        await asyncio.sleep(2)
        assert "c3" in {order.contact for _, order in made.shown()}

    office(play)


def test_who_opens_no_chat_is_not_asked_again_at_once() -> None:
    """An offer that is left lying is given up by its room, and the agent counts as away, as with a call."""

    async def play(made: Office) -> None:
        await made.writes("c1")
        room, order = the_last(made)
        room.offers.refused(order.offer, "rang_out")
        await asyncio.sleep(1)
        assert made.view.agents["anna"].state == AgentState.PAUSED
        assert [contact.id for contact in made.view.waiting("support")] == ["c1"]

    office(play)


def test_the_server_that_shows_a_chat_dies() -> None:
    """The other one shows it within seconds; the customer has waited on at the old place."""

    async def play(made: Office) -> None:
        await made.writes("c1")
        room, order = the_last(made)
        name = next(name for name, known in made.rooms.items() if known is room)
        joined_ms = made.view.contacts["c1"].enqueued_at_ms
        await made.dies(name)
        room.shown.clear()
        await asyncio.sleep(5)
        other, again = the_last(made)
        assert other is not room
        assert (again.contact, again.offer != order.offer, made.view.contacts["c1"].enqueued_at_ms) == ("c1", True, joined_ms)
        other.offers.answered(again.offer)
        await asyncio.sleep(1)
        assert made.view.agents["anna"].state == AgentState.ON_CONTACT

    office(play)


def test_an_agent_who_pauses_has_the_chat_taken_from_the_desk() -> None:
    """Its room is told; what the agent does with it afterwards changes nothing."""

    async def play(made: Office) -> None:
        await made.writes("c1")
        room, order = the_last(made)
        await made.servers["one"].ask("anna", "pause")
        await asyncio.sleep(0.5)
        assert room.left == [order.offer]
        room.offers.answered(order.offer)
        await asyncio.sleep(0.5)
        assert made.view.agents["anna"].state == AgentState.PAUSED
        assert "c1" in made.view.contacts

    office(play)
