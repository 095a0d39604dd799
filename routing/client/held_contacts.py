"""The contacts whose callers are at one server, each as it would be reported after a loss: as waiting, or as a talk."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from routing.domain.messages import ContactArrived, Message, OfferAnswered, OfferEnded, TalkEnded, TalkReported
from routing.domain.orders import MoveOrder, WithdrawOrder
from routing.ports import Clock

REMEMBERED_ENDS = 200  # talks that ended last


class HeldContacts:
    """By contact. `over` are the talks that ended last, each with the word of its end."""

    def __init__(self, server: str, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._held: dict[str, ContactArrived | TalkReported] = {}
        self._arrived: dict[str, ContactArrived] = {}  # how the same contacts wait, or did
        self._taken_back: dict[str, set[str]] = {}  # contact -> offers that the router has taken back and that have not ended here
        self.over: deque[tuple[TalkReported, TalkEnded]] = deque(maxlen=REMEMBERED_ENDS)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __getitem__(self, contact: str) -> ContactArrived | TalkReported:
        return self._held[contact]

    def join(self, arrived: ContactArrived) -> None:
        """A caller waits."""
        self._held[arrived.contact] = self._arrived[arrived.contact] = arrived

    def leave(self, contact: str) -> None:
        """The caller is not in the queue any more."""
        self._held.pop(contact, None)
        self._arrived.pop(contact, None)
        self._taken_back.pop(contact, None)

    def talk(self, contact: str) -> TalkReported | None:
        """The talk that is going on there."""
        held = self._held.get(contact)
        return held if isinstance(held, TalkReported) else None

    def moved(self, order: MoveOrder) -> None:
        """The contact waits in another queue."""
        if contact := self._arrived.get(order.contact):
            self._arrived[order.contact] = moved = replace(contact, queue=order.queue)
            if not self.talk(order.contact):
                self._held[order.contact] = moved

    def taken_back(self, order: WithdrawOrder) -> None:
        """For the router the offer is over and the contact waits; where it was answered in this instant, too."""
        self._taken_back.setdefault(order.contact, set()).add(order.offer)
        talk = self.talk(order.contact)
        if talk and talk.offer == order.offer:
            self._held[order.contact] = self._arrived[order.contact]

    def note(self, contact: str, message: Message, agent: str) -> Message:
        """A stay reports; what the router is to be told. `agent` is that of the offer which was answered."""
        if isinstance(message, OfferAnswered) and (arrived := self._arrived.get(contact)):
            self._held[contact] = talk = self._talk_of(arrived, message.offer, agent)
            return talk if message.offer in self._taken_back.get(contact, ()) else message
        if isinstance(message, TalkEnded):
            held = self._held.pop(contact, None)
            if isinstance(held, TalkReported):
                self.over.append((held, message))
        if isinstance(message, OfferEnded | TalkEnded):
            self._taken_back.get(contact, set()).discard(message.offer)
        return message

    def _talk_of(self, arrived: ContactArrived, offer: str, agent: str) -> TalkReported:
        return TalkReported(
            arrived.contact,
            self._server,
            arrived.queue,
            offer,
            agent,
            arrived.enqueued_at_ms,
            self._clock.now_ms(),
            arrived.facts,
            arrived.wishes.steps,
        )
