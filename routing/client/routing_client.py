"""A server's side of routing: it brings callers into queues, carries out the router's orders and reports what happened.

Messages leave through one outbox in the order they were written, in batches, and wait there while the store is away: nothing that
happened to a call is lost. Orders arrive in this server's own stream and are handed to the stay they concern.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TypeVar

import structlog

from routing.client.carried_offers import CarriedOffers
from routing.client.held_contacts import HeldContacts
from routing.client.join_request import JoinRequest
from routing.client.medium import Medium, VoiceMedium
from routing.client.message_outbox import RETRY_S, message_outbox
from routing.client.queue_stay import QueueStay, Waited
from routing.client.requests import Requests
from routing.client.unrouted import Unrouted
from routing.domain.contact_facts import VOICE
from routing.domain.current_directory import CurrentDirectory
from routing.domain.messages import (
    ContactLeft,
    ContactsReported,
    Message,
    OfferAnswered,
    PhoneReported,
    ServerAlive,
    TalkReported,
)
from routing.domain.model import PhoneState, WaitForecast
from routing.domain.orders import LeaveOrder, MoveOrder, OfferOrder, Order, Reply, ReportContactOrder, ReportPhoneOrder, WithdrawOrder
from routing.domain.phone_address import PhoneAddress
from routing.ports import Clock, Ids, WaitingCaller
from routing.store.port import Store, StoreUnreachable
from routing.store.short_way import ShortWay

log = structlog.get_logger(__name__)
T = TypeVar("T")
BLOCK_MS = 5_000
ALIVE_EVERY_S = 1.0
CONTACTS_EVERY = 60  # every so many ServerAlive


class RoutingClient:
    """Queues as callers and agents of one server see them. `wait_forecast(contact, now_ms)` is what may be announced to a waiting one."""

    def __init__(
        self,
        store: Store,
        current: CurrentDirectory,
        ids: Ids,
        clock: Clock,
        *,
        server: str,
        wait_forecast: Callable[[str, int], WaitForecast] = lambda contact, now_ms: WaitForecast(),
        on_dropped: Callable[[Mapping[str, int]], None] = lambda counts: None,
    ) -> None:
        """`on_dropped` gets how many messages of which kind were dropped, when the store is back."""
        self._store = store
        self._current = current
        self._ids = ids
        self._clock = clock
        self._wait_forecast = wait_forecast
        self.server = server
        self.media: dict[str, Medium] = {}  # by kind, for contacts that no server has; the router learns of it with the next ServerAlive
        self.trunks: list[str] = []  # those that our Asterisk has for calls out
        self.carried = CarriedOffers(server, clock, self.post, self.media)
        self.agi = ""  # where Asterisk reaches this server; "" while it takes no calls
        self.asterisk = ""  # the name of that Asterisk
        self.stays: dict[str, QueueStay] = {}  # by contact
        self._voice = VoiceMedium(self.stays)
        self._phones: dict[PhoneAddress, PhoneState] = {}  # as reported
        self._reports = HeldContacts(server, clock)
        self.requests = Requests(server, ids, clock, self.post)
        self.ask, self.ask_contact = self.requests.ask, self.requests.ask_contact
        self._on_dropped = on_dropped
        self.short_way = ShortWay(store, self._hand_over)
        self._outbox = message_outbox(self.short_way, ids, self._sent, self._dropped)
        self._unrouted = Unrouted()
        self._alive_unsent = False
        self._reached = "0"  # in the stream of our orders

    async def run(self) -> None:
        """Send and receive until cancelled; ends when one of these does, in whichever way, and goes on where it was when run again."""
        tasks = [asyncio.create_task(work) for work in (self._outbox.run(), self._receive(), self._report_alive())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def post(self, message: Message) -> None:
        """Send to the router, as soon as the store takes it, after everything posted before."""
        self._outbox.add(message)

    def report_phone(self, phone: PhoneAddress, state: PhoneState) -> None:
        """A phone of ours changed its state, as our Asterisk sees it."""
        self._phones[phone] = state
        self.post(PhoneReported(phone, state, self.asterisk))

    async def wait(self, join_request: JoinRequest, caller: WaitingCaller) -> Waited:
        """Let a caller wait for an agent and talk to them; returns when that is over, with its outcome."""
        contact = join_request.contact or self.new_contact()
        arrived = join_request.arrived(contact, self.server, self._clock.now_ms())
        stay = QueueStay(
            contact,
            join_request.queue,
            lambda: self._current.directory.queues,
            caller,
            lambda message: self._post_of(contact, message),
            lambda: self._wait_forecast(contact, self._clock.now_ms()),
            exit_keys=join_request.exit_keys,
        )
        self.stays[contact] = stay
        self._reports.join(arrived)
        self.post(arrived)
        try:
            return await stay.run()
        finally:
            if self.stays.get(contact) is stay:  # the caller may have come back to this server, for another stay
                del self.stays[contact]
                self._reports.leave(contact)

    def new_contact(self) -> str:
        """An id for a caller who is about to join."""
        return self._ids.new("contact")

    def report_again(self) -> None:
        """Report everything that this server has, after Redis was away or lost its data. What the router knows already changes nothing."""
        for contact in self._here():
            self._report(contact)
        self.carried.report_again()
        self.post(ContactsReported(self.server, [*self._here(), *self.carried.contacts]))

    def report_ends(self, open_talks: Container[str]) -> None:
        """Report the last talks that are over and that the log still has as open: the report of their end was lost with Redis's data."""
        for report, ended in self._reports.over:
            if report.contact in open_talks:
                self.post(report)
                self.post(ended)

    def _here(self) -> list[str]:
        """The contacts whose callers are at this server."""
        return [contact for contact in self._reports if self.stays[contact].here]

    def _report(self, contact: str) -> None:
        report = self._reports[contact]
        if isinstance(report, TalkReported):
            self.post(report)
            return
        for offer in self.stays[contact].offers or [""]:
            self.post(replace(report, back=False, again=True, ringing=offer))

    def take_calls_at(self, agi: str) -> None:
        """Report at once where our Asterisk reaches this server's FastAGI (host:port), or with "" that it takes no more calls."""
        self.agi = agi
        self.post(self._alive())

    def _alive(self) -> ServerAlive:
        return ServerAlive(self.server, self.agi, self.asterisk, list(self.media), self.trunks)

    def _post_of(self, contact: str, message: Message) -> None:
        """A stay reports; that a talk began is remembered, to be reported again. Who has left here may be at another server by now."""
        if isinstance(message, ContactLeft):
            message = replace(message, server=self.server)
        agent = self.stays[contact].offers.get(message.offer, "") if isinstance(message, OfferAnswered) else ""
        self.post(self._reports.note(contact, message, agent))

    @property
    def held_up(self) -> str:
        """Why the store takes nothing; "" while it does. Known within a second, since there is always something to send."""
        return self._outbox.held_up

    @property
    def dropped(self) -> Counter[str]:
        """Kind of message -> how many were dropped while the store was away for too long."""
        return self._outbox.dropped

    async def flush(self) -> None:
        """Returns when everything posted so far is in the store."""
        await self._outbox.flush()

    async def _report_alive(self) -> None:
        """Report that this server is alive, once until it is sent; and now and then which contacts it has, so that nothing stays wrong."""
        for beat in count(1):
            if beat % CONTACTS_EVERY == 0:
                self.post(ContactsReported(self.server, [*self._here(), *self.carried.contacts]))
            if not self._alive_unsent:
                self._alive_unsent = True
                self.post(self._alive())
            self._give_up()
            await asyncio.sleep(ALIVE_EVERY_S)

    def _give_up(self) -> None:
        """While nothing is routed whoever has waited so for a while goes on in the flow, which has words for it."""
        waiting = [contact for contact in self._here() if not self.stays[contact].offers] if self.held_up else []
        for contact in self._unrouted.look(waiting):
            log.warning("contact_given_up", contact=contact, reason=self.held_up)
            self.post(ContactLeft(contact, "failed", server=self.server))
            self._voice.ended(contact, "failed")

    def _sent(self, batch: Sequence[Message], was_away: bool) -> None:
        """The store took these; what was in it before it was away may be lost."""
        self._alive_unsent = self._alive_unsent and not any(isinstance(message, ServerAlive) for message in batch)
        if was_away:
            self.report_again()

    def _dropped(self, counts: Mapping[str, int]) -> None:
        for phone, state in self._phones.items():
            self.report_phone(phone, state)
        self.report_again()
        self._on_dropped(counts)

    async def _receive(self) -> None:
        while True:
            for position, order in await _until_reachable(lambda: self._store.orders(self.server, self._reached, block_ms=BLOCK_MS)):
                self._reached = position  # before: one that cannot be carried out is not tried again
                if self.short_way.is_new(position):
                    self._hand_over(order)

    def _hand_over(self, order: Order) -> None:
        if isinstance(order, Reply):
            self.requests.answer(order)
        elif isinstance(order, OfferOrder) and (talk := self._reports.talk(order.contact)):
            self.post(talk)  # they talk; the router does not know it
        elif isinstance(order, ReportPhoneOrder):
            if order.phone in self._phones:
                self.report_phone(order.phone, self._phones[order.phone])
        elif isinstance(order, ReportContactOrder):
            if order.contact in self._here():
                self._report(order.contact)
        elif isinstance(order, OfferOrder | WithdrawOrder) and order.kind != VOICE:
            self.carried.present(order) if isinstance(order, OfferOrder) else self.carried.withdraw(order)
        elif order.contact in self.stays:
            self._to_caller(order)
        else:
            log.info("order_for_nobody", order=type(order).__name__, contact=order.contact)
            if isinstance(order, OfferOrder):  # the router believes in a caller who is gone
                self.post(ContactLeft(order.contact, "failed", server=self.server))

    def _to_caller(self, order: OfferOrder | WithdrawOrder | LeaveOrder | MoveOrder) -> None:
        match order:
            case OfferOrder():
                self._voice.present(order)
            case WithdrawOrder(contact=contact, offer=offer):
                self._reports.taken_back(order)
                self._voice.withdraw(contact, offer)
            case LeaveOrder(contact=contact, outcome=outcome):
                self._voice.ended(contact, outcome)
            case MoveOrder():
                self._reports.moved(order)
                self._voice.move(order)


async def _until_reachable(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try until the store answers; what is to be said stays where it is meanwhile."""
    logged = False
    while True:
        try:
            return await attempt()
        except StoreUnreachable as away:
            if not (logged or away.logged):
                log.warning("store_unreachable", reason=str(away))
                logged = True
            await asyncio.sleep(RETRY_S)
