"""One contact's stay in a queue, on the server that has the caller: music, announcements, offers, keys, and the end.

Everything that happens - an order from the router, a key, the caller's end, a timer, an offer that has ended - arrives in one inbox and
is handled one after the other, so there is no moment in which two of them disagree. While nothing happens, nothing runs.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping

import structlog

from routing.client.announcements import Announcements
from routing.client.stay_events import CallerGone, KeyPressed, OfferFinished, StayEvent, TimeToAnnounce, Waited
from routing.domain.messages import ContactLeft, Message, OfferAnswered, OfferEnded, OfferRinging, TalkEnded
from routing.domain.model import QueuePolicy, WaitForecast
from routing.domain.orders import LeaveOrder, MoveOrder, OfferOrder, WithdrawOrder
from routing.domain.outcomes import EndReason
from routing.domain.phone_address import phone_of
from routing.ports import Offer, OfferResult, Progress, WaitingCaller

__all__ = ["QueueStay", "Waited"]

log = structlog.get_logger(__name__)


class QueueStay:
    """`run` is the stay; `notify` hands it an event. `wait_forecast` returns the place and wait that are announced to the caller.

    `policies` are those of all queues as they are now.
    """

    def __init__(
        self,
        contact: str,
        queue: str,
        policies: Callable[[], Mapping[str, QueuePolicy]],
        caller: WaitingCaller,
        post: Callable[[Message], None],
        wait_forecast: Callable[[], WaitForecast],
        *,
        exit_keys: str = "",
    ) -> None:
        self.contact = contact
        self._queue = queue
        self._policies = policies
        self._last_policy = policies().get(queue, QueuePolicy(queue))
        self._caller = caller
        self._post = post
        self._exit_keys = exit_keys
        self._inbox: asyncio.Queue[StayEvent] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._announcements = Announcements(
            caller,
            lambda: self._policy,
            wait_forecast,
            lambda: self.notify(TimeToAnnounce()),
            lambda: bool(self._open_offers) or self._over,
        )
        self._open_offers: dict[str, OfferOrder] = {}  # by offer: the orders whose phones ring or talk
        self._leaving: Waited | None = None  # how the stay ends, once no phone rings any more
        self._void: set[str] = set()  # offers withdrawn while their phones rang
        self._put_off: list[OfferOrder] = []  # came while one that was answered in the instant of being taken back ends
        self._talking = ""  # the offer that was answered
        self._gone = False
        self._at_other_server = False
        self._end_reason: EndReason = ""
        self._over = False
        self.here = True  # whether the caller is at this server

    @property
    def _policy(self) -> QueuePolicy:
        """The queue as it is now; if it was removed, as it was last."""
        self._last_policy = self._policies().get(self._queue, self._last_policy)
        return self._last_policy

    @property
    def offers(self) -> dict[str, str]:
        """The offers that ring, or the one that was answered, each with its agent."""
        return {offer: order.agent for offer, order in self._open_offers.items()}

    def notify(self, event: StayEvent) -> None:
        """Hand over an event of this contact."""
        self._inbox.put_nowait(event)

    async def run(self) -> Waited:
        """Wait, and talk; every way out is reported to the router."""
        self._start(self._notice_end())
        if self._exit_keys:
            self._start(self._notice_keys())
        self._announcements.plan(self._policy.first_position_ms)
        try:
            await self._caller.music()
            while True:
                ended = await self._handle(await self._inbox.get())
                if ended:
                    return ended
        except Exception:
            self.here = False
            if await self._caller.call_over():
                self._post(ContactLeft(self.contact, "abandoned", reason=self._caller.end_reason))
            raise
        finally:
            await self._stop_everything()

    async def _handle(self, event: StayEvent) -> Waited | None:
        match event:
            case OfferOrder():
                await self._start_offer(event)
            case WithdrawOrder(offer=offer):
                await self._withdraw(offer)
            case LeaveOrder(outcome=outcome):
                return await self._leave(Waited(outcome, self.contact))
            case KeyPressed(key=key) if key in self._exit_keys and not self._leaving and not self._talking:
                self._post(ContactLeft(self.contact, "exit_key", key))
                return await self._leave(Waited("exit_key", self.contact, key=key))
            case CallerGone(call_over=call_over, reason=reason):
                self._at_other_server, self._end_reason = not call_over, reason
                return self._caller_gone()
            case MoveOrder(queue=queue):
                self._move(queue)
            case TimeToAnnounce():
                self._announce()
            case OfferFinished():
                return await self._offer_finished(event)
        return None

    async def _leave(self, waited: Waited) -> Waited | None:
        if not self._open_offers:
            return waited
        self._leaving = waited
        for offer in list(self._open_offers):
            if not self._talking or waited.outcome == "withdrawn":  # else the router knows less of the talk than we
                await self._caller.withdraw(offer)
        return None

    def _caller_gone(self) -> Waited | None:
        self._gone = True
        if self._open_offers:
            return None  # `ring` returns now, and says whether they had talked
        return self._abandoned()

    def _abandoned(self) -> Waited:
        if not self._at_other_server:
            self._post(ContactLeft(self.contact, "abandoned", reason=self._end_reason))
        return Waited("abandoned", self.contact)

    # -- offers ------------------------------------------------------------------------------------------------------

    async def _start_offer(self, order: OfferOrder) -> None:
        if self._talking in self._void and not self._gone:
            self._put_off.append(order)
        elif self._gone or self._leaving or self._talking:
            self._post(OfferEnded(self.contact, order.offer, "withdrawn"))
        else:
            self._open_offers[order.offer] = order
            await self._announcements.interrupt()
            self._start(self._carry_out(order))

    async def _withdraw(self, offer: str) -> None:
        """For the router it is over. Where it was answered in that instant it ends all the same, and nobody has talked; only where it
        cannot be ended any more the talk is one."""
        self._put_off = [order for order in self._put_off if order.offer != offer]
        if offer not in self._open_offers:
            return
        self._void.add(offer)
        if not await self._caller.withdraw(offer) and self._talking == offer:
            self._talk_on(offer)

    def _talk_on(self, offer: str) -> None:
        """The router, which has taken this offer back, learns that they talk."""
        self._void.discard(offer)
        self._post(OfferAnswered(self.contact, offer))
        for order in self._put_off:
            self._post(OfferEnded(self.contact, order.offer, "withdrawn"))
        self._put_off.clear()

    async def _carry_out(self, order: OfferOrder) -> None:
        def progress(step: Progress) -> None:
            if step == "transferred":  # the call goes on, but not with this agent
                self._post(TalkEnded(self.contact, order.offer, "transfer", 0))
                return
            self._post((OfferRinging if step == "ringing" else OfferAnswered)(self.contact, order.offer))
            if step == "answered":
                self._talking = order.offer
                self._void.discard(order.offer)  # it could not be taken back in time

        result = OfferResult("failed")
        try:
            if order.offer in self._void or self._leaving or self._gone:  # what has not begun to ring cannot be withdrawn
                result = OfferResult("withdrawn")
            else:
                result = await self._caller.ring(self._offer_of(order), progress)
        finally:
            self.notify(OfferFinished(order, result))

    def _offer_of(self, order: OfferOrder) -> Offer:
        return Offer(
            order.offer,
            self.contact,
            order.agent,
            phone_of(order.address),
            order.ring_timeout_ms,
            order.queue,
            self._policy.whisper,
            order.accept,
            order.auto_answer,
        )

    async def _offer_finished(self, finished: OfferFinished) -> Waited | None:
        result, offer = finished.result, finished.order.offer
        self._open_offers.pop(offer, None)
        if result.outcome == "answered":
            return self._talked(finished)
        if self._talking == offer:
            self._talking = ""
        if not self._gone:
            self._post(OfferEnded(self.contact, offer, result.outcome, result.ring_ms, result.refusal, result.redirected_to))
        if self._open_offers:
            return None
        if self._gone:
            return self._abandoned()
        if self._leaving:
            return self._leaving
        await self._caller.music()
        self._announcements.plan(self._policy.every_position_ms)
        put_off, self._put_off = self._put_off, []
        for order in put_off:
            self.notify(order)
        return None

    def _talked(self, finished: OfferFinished) -> Waited:
        result, offer = finished.result, finished.order.offer
        for other in self._open_offers:
            self._post(OfferEnded(self.contact, other, "withdrawn"))
        if offer in self._void:
            self._talk_on(offer)
        self._post(TalkEnded(self.contact, offer, result.ended_by, result.talk_ms, result.ring_ms, result.reason))
        return Waited("answered", self.contact, agent=finished.order.agent, result=result)

    # -- announcements -----------------------------------------------------------------------------------------------

    def _move(self, queue: str) -> None:
        """The contact waits in another queue: its rules apply from now on."""
        self._queue = queue
        if not self._open_offers and not self._announcements.is_running:
            self._announcements.plan(self._policy.first_position_ms)

    def _announce(self) -> None:
        if not (self._open_offers or self._leaving or self._gone):
            self._announcements.begin(self._start)

    # -- what runs beside --------------------------------------------------------------------------------------------

    def _start(self, coroutine: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            log.warning("queue_stay_part_failed", contact=self.contact, reason=f"{type(fault).__name__}: {fault}")

    async def _notice_end(self) -> None:
        await self._caller.gone()
        self.here = False
        call_over = await self._caller.call_over()
        self.notify(CallerGone(call_over, self._caller.end_reason))

    async def _notice_keys(self) -> None:
        while True:
            self.notify(KeyPressed(await self._caller.next_key()))

    async def _stop_everything(self) -> None:
        self._over = True
        await self._announcements.stop()
        for task in self._tasks - {self._announcements.running}:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=2)
