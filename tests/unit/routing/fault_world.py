"""A call centre whose parts fail at random, on virtual time: real routers on a store that goes away, forgets, and lies about what it took;
servers that die, freeze, leave and come back; callers who hang up, are carried over to another server, or never turn up again.

The world knows only messages, orders and the store: what a server does with an order, and what it tells, is as in
routing_client.py, queue_stay.py and server/cluster/orphaned_calls.py. A message is lost only with the server that was
about to send it; it may come twice, late, and behind younger ones.
"""

import asyncio
import random
from dataclasses import dataclass, field, replace

from routing.domain.agent import Agent
from routing.domain.agent_state import AgentState
from routing.domain.contact_state import ContactState
from routing.domain.current_directory import CurrentDirectory
from routing.domain.messages import (
    AgentReported,
    ContactArrived,
    ContactLeft,
    ContactsReported,
    Message,
    OfferAnswered,
    OfferEnded,
    OfferRinging,
    PhoneReported,
    ServerAlive,
    ServerLeft,
    TalkEnded,
    TalkReported,
)
from routing.domain.model import Contact, Directory, PhoneState
from routing.domain.orders import LeaveOrder, MoveOrder, OfferOrder, Order, ReportContactOrder, WithdrawOrder
from routing.domain.outcomes import OfferOutcome
from routing.router import Router
from routing.store import codec
from routing.store.memory import Shared
from simulator.virtual import VirtualClock
from tests.routing_house import CountingIds, own_phone
from tests.unit.routing.shaky_store import ShakyStore

ALIVE_EVERY_MS = 1_000
HOLDS_EVERY_MS = 60_000
MISSED: tuple[OfferOutcome, ...] = ("declined", "busy", "rang_out", "unreachable", "failed")


@dataclass(slots=True)
class Caller:
    """How things really are with one caller, whoever believes what."""

    arrived: ContactArrived
    server: str  # "": at none
    queue: str
    rings: dict[str, tuple[str, int]] = field(default_factory=dict)  # offer -> (agent, rings until)
    talk: str = ""  # the offer
    agent: str = ""
    talks_since_ms: int = 0
    last_offer: str = ""
    last_outcome: OfferOutcome = "withdrawn"
    over: bool = False

    @property
    def contact(self) -> str:
        return self.arrived.contact


@dataclass(slots=True)
class Server:
    """One server: `up`, `frozen` or `down`. What it has to say waits in `outbox`."""

    name: str
    state: str = "up"
    outbox: list[Message] = field(default_factory=list)
    read: str = "0"  # order position
    alive_ms: int = 0
    holds_ms: int = 0
    was_away: bool = False


class World:
    """Everything outside the routers. `chance` decides all; the same seed is the same story, told in `story`."""

    def __init__(self, site: Directory, seed: int) -> None:
        self.site = site
        self.chance = random.Random(seed)
        self.clock = VirtualClock()
        self.shared = Shared()
        self.ids = CountingIds()
        self.away = self.shaky = False
        self.servers = {name: Server(name) for name in ("north", "south", "west")}
        self.callers: dict[str, Caller] = {}
        self.phones_off: set[str] = set()
        self.phones_told: dict[tuple[str, str], PhoneState] = {}  # (server, agent) -> what it told last of the phone
        self.agents_told: dict[str, Agent] = {}  # what servers remember of agents
        self.routers: dict[str, tuple[ShakyStore, asyncio.Task[None], Router]] = {}
        self.skipped = 0  # messages and deadlines that broke a board
        self.story: list[str] = []

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    def note(self, *words: object) -> None:
        self.story.append(f"{self.now % 100_000_000} {' '.join(map(str, words))}")

    # -- routers -----------------------------------------------------------------------------------------------------------

    def start_router(self, name: str) -> None:
        store = ShakyStore(self.shared, self)
        router = Router(store, CurrentDirectory(self.site), self.ids, self.clock, server=name, chance=random.Random(1))
        self.routers[name] = (store, asyncio.create_task(router.run()), router)

    async def stop_router(self, name: str, *, killed: bool) -> None:
        store, task, router = self.routers.pop(name)
        store.cut = killed
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.skipped += router.skipped

    # -- servers -----------------------------------------------------------------------------------------------------------

    def up(self) -> list[Server]:
        return [server for server in self.servers.values() if server.state == "up"]

    def held_by(self, server: str) -> list[Caller]:
        return [caller for caller in self.callers.values() if caller.server == server and not caller.over]

    def post(self, caller: Caller, *messages: Message) -> None:
        """The caller's server reports; one that is down reports nothing, one that is frozen did not see it."""
        server = self.servers.get(caller.server)
        if server and server.state == "up":
            server.outbox += messages

    def tick(self, server: Server) -> None:
        """What an `up` server does all the time: show life, post, take orders."""
        if server.state != "up":
            return
        if self.now - server.alive_ms >= ALIVE_EVERY_MS:
            server.alive_ms = self.now
            server.outbox.append(ServerAlive(server.name, f"{server.name}:4573"))
            if self.now - server.holds_ms >= HOLDS_EVERY_MS:
                server.holds_ms = self.now
                self._report_held(server)
        for agent, profile in self.site.agents.items():
            state = self.phone_state(agent)
            if self.phones_told.get((server.name, agent)) != state and self.chance.random() < 0.7:
                self.phones_told[server.name, agent] = state
                server.outbox.append(PhoneReported(own_phone(profile), state))
        if self.away:
            server.was_away = True
            return
        self._post(server)
        if server.was_away and not server.outbox:
            server.was_away = False
            self.report_again(server)
        stream = self.shared.orders.get(server.name)
        for position, text in stream.after(server.read, 500) if stream else ():
            server.read = position
            self.obey(server, codec.order_from(text))
        if stream:
            stream.trim(server.read)

    def _post(self, server: Server) -> None:
        for message in server.outbox:
            self.shared.inbox.add(codec.tagged_text(message))
        if self.shaky and self.chance.random() < 0.3:
            server.was_away = True  # the answer was lost: all of it is sent again
            return
        server.outbox.clear()

    def report_again(self, server: Server, *, all_lost: bool = False) -> None:
        """As Memory and Desk do."""
        if all_lost:
            server.outbox += [PhoneReported(own_phone(profile), self.phone_state(id)) for id, profile in self.site.agents.items()]
            known = [agent for agent in self.agents_told.values() if agent.state != AgentState.LOGGED_OUT]
            server.outbox += [AgentReported(one.id, one.state, one.reason, one.since_ms, one.until_ms) for one in known]
        for caller in self.held_by(server.name):
            self._report_one(server, caller)
        self._report_held(server)

    def _report_held(self, server: Server) -> None:
        server.outbox.append(ContactsReported(server.name, [caller.contact for caller in self.held_by(server.name)]))

    def _report_one(self, server: Server, caller: Caller) -> None:
        if caller.talk:
            server.outbox.append(self._held(caller))
            return
        ringing = next(iter(caller.rings), "")
        server.outbox.append(replace(caller.arrived, queue=caller.queue, server=server.name, back=False, again=True, ringing=ringing))

    def _held(self, caller: Caller) -> TalkReported:
        was = caller.arrived
        return TalkReported(
            was.contact,
            caller.server,
            caller.queue,
            caller.talk,
            caller.agent,
            was.enqueued_at_ms,
            caller.talks_since_ms,
            was.facts,
            was.wishes.steps,
        )

    def obey(self, server: Server, order: Order) -> None:
        """An order reaches its server."""
        caller = self.callers.get(getattr(order, "contact", ""))
        if caller is None or caller.over or caller.server != server.name:
            if isinstance(order, OfferOrder):
                server.outbox.append(ContactLeft(order.contact, "failed", server=server.name))
            return
        match order:
            case OfferOrder():
                self._ring(server, caller, order)
            case WithdrawOrder(offer=offer) if offer in caller.rings:
                del caller.rings[offer]
                self.post(caller, OfferEnded(caller.contact, offer, "withdrawn"))
            case WithdrawOrder(offer=offer) if offer == caller.talk:
                self.post(caller, ContactLeft(caller.contact, "failed", server=server.name))
            case LeaveOrder() if not caller.talk:
                self.end(caller, "system")
            case ReportContactOrder():
                self._report_one(server, caller)
            case MoveOrder(queue=queue):
                caller.queue = queue

    def _ring(self, server: Server, caller: Caller, order: OfferOrder) -> None:
        if caller.talk:
            server.outbox.append(self._held(caller))
        elif self.phone_state(order.agent) != "available":
            self.post(caller, OfferEnded(caller.contact, order.offer, "busy" if order.agent not in self.phones_off else "unreachable"))
        else:
            caller.rings[order.offer] = (order.agent, self.now + order.ring_timeout_ms)
            self.post(caller, OfferRinging(caller.contact, order.offer))

    # -- phones and callers ------------------------------------------------------------------------------------------------

    def phone_state(self, agent: str) -> PhoneState:
        """How the agent's phone really is."""
        if agent in self.phones_off:
            return "unavailable"
        living = [caller for caller in self.callers.values() if not caller.over]
        if any(caller.talk and caller.agent == agent for caller in living):
            return "busy"
        return "ringing" if any(agent == who for caller in living for who, _ in caller.rings.values()) else "available"

    def answer(self, caller: Caller, offer: str) -> None:
        """The agent answers; other phones stop ringing. Without a server AMI shows it to the others, a second later and perhaps."""
        caller.agent, caller.talk, caller.talks_since_ms = caller.rings[offer][0], offer, self.now
        others = [other for other in caller.rings if other != offer]
        caller.rings.clear()
        caller.last_offer = ""
        self.post(caller, *(OfferEnded(caller.contact, other, "withdrawn") for other in others), OfferAnswered(caller.contact, offer))
        if self._unseen(caller) and self.up():
            known = self.record(caller.contact)
            if known and known.state == ContactState.OFFERED and list(known.offers) == [offer]:
                self.chance.choice(self.up()).outbox.append(OfferAnswered(caller.contact, offer))

    def miss(self, caller: Caller, offer: str, outcome: OfferOutcome) -> None:
        """A ring came to nothing."""
        del caller.rings[offer]
        caller.last_offer, caller.last_outcome = offer, outcome
        self.post(caller, OfferEnded(caller.contact, offer, outcome))

    def end(self, caller: Caller, by: str) -> None:
        """The call is over, or its talk is. Who sees it tells it: the server, else every other one that follows AMI."""
        talk_ms = self.now - caller.talks_since_ms
        if not self._unseen(caller):
            if caller.talk:
                self.post(caller, TalkEnded(caller.contact, caller.talk, by, talk_ms))  # type: ignore[arg-type]
            elif by == "caller":
                self.post(caller, ContactLeft(caller.contact, "abandoned", server=caller.server))
        elif caller.talk and by == "agent" and self.up():  # Asterisk brings the caller to another server, which is told what was
            self.chance.choice(self.up()).outbox.append(TalkEnded(caller.contact, caller.talk, "agent", talk_ms))
        else:
            for server in self.up():
                server.outbox.append(ContactLeft(caller.contact, "abandoned"))
        caller.rings.clear()
        caller.over, caller.talk = True, ""

    def carry_over(self, caller: Caller, server: Server) -> None:
        """Asterisk brings a caller whose server is gone to another one."""
        caller.server = server.name
        back = replace(caller.arrived, queue=caller.queue, server=server.name, back=True)
        server.outbox.append(replace(back, last_offer=caller.last_offer, last_outcome=caller.last_outcome))

    def reconcile(self, server: Server) -> None:
        """After connecting to Asterisk: calls that ended unseen are over, talks that began unseen have begun."""
        for text in [text for _, text in self.shared.contacts.values()]:
            known = codec.contact_from(text)
            caller = self.callers.get(known.id)
            if caller is None or caller.over:
                server.outbox.append(ContactLeft(known.id, "abandoned"))
            elif caller.talk and self._unseen(caller) and known.state == ContactState.OFFERED and list(known.offers) == [caller.talk]:
                server.outbox.append(OfferAnswered(known.id, caller.talk))

    def record(self, contact: str) -> Contact | None:
        """What is committed about a contact."""
        kept = self.shared.contacts.get(contact)
        return codec.contact_from(kept[1]) if kept else None

    def _unseen(self, caller: Caller) -> bool:
        server = self.servers.get(caller.server)
        return server is None or server.state != "up"

    # -- time --------------------------------------------------------------------------------------------------------------

    async def pass_time(self, ms: int) -> None:
        """Time passes for everybody, in small steps; phones stop ringing by themselves."""
        end = self.now + ms
        while True:
            for server in self.servers.values():
                self.tick(server)
            async with self.shared.news:
                self.shared.news.notify_all()
            for caller in list(self.callers.values()):
                for offer in [offer for offer, (_, until) in caller.rings.items() if until <= self.now]:
                    self.miss(caller, offer, "rang_out")
            if self.now >= end:
                return
            await asyncio.sleep(min(500, end - self.now) / 1000)

    def leave_in_order(self, server: Server) -> None:
        """A server ends properly: what it has to say is said, its callers go to another one."""
        server.outbox.append(ServerLeft(server.name))
        if not self.away:
            self._post(server)
