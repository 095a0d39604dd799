"""Offers that this server carries out of contacts that no server holds: what the router orders goes to the kind's medium, and what the
medium tells of it goes to the router.

What is told of an offer that is not here any more - withdrawn, given up, over - is passed over. After a loss of Redis's data what goes on
here is told again.
"""

from collections.abc import Callable, Mapping

from routing.client.medium import Medium
from routing.domain.contact_facts import ContactFacts
from routing.domain.messages import (
    CustomerNotReached,
    Message,
    NotReached,
    OfferAccepted,
    OfferAnswered,
    OfferEnded,
    OfferRinging,
    TalkEnded,
    TalkHeld,
)
from routing.domain.orders import OfferOrder, WithdrawOrder
from routing.domain.outcomes import EndedBy, RingOutcome
from routing.ports import Clock


class CarriedOffers:
    """`post` tells the router; `media` are this server's, by kind."""

    def __init__(self, server: str, clock: Clock, post: Callable[[Message], None], media: Mapping[str, Medium]) -> None:
        self._server = server
        self._clock = clock
        self._post = post
        self._media = media
        self._open: dict[str, OfferOrder] = {}  # by offer: shown, accepted or talked on
        self._talks: dict[str, TalkHeld] = {}  # those that are talked on, as they would be told again

    @property
    def contacts(self) -> list[str]:
        """Those that are carried here now."""
        return [order.contact for order in self._open.values()]

    # -- what the router orders ----------------------------------------------------------------------------------------

    def present(self, order: OfferOrder) -> None:
        """Offer a contact; a kind without a medium here cannot be."""
        medium = self._media.get(order.kind)
        if medium is None:
            self._post(OfferEnded(order.contact, order.offer, "failed"))
        elif order.offer not in self._open:
            self._open[order.offer] = order
            medium.present(order)

    def withdraw(self, order: WithdrawOrder) -> None:
        """The offer is void."""
        known = self._open.pop(order.offer, None)
        self._talks.pop(order.offer, None)
        if known:
            self._media[known.kind].withdraw(known.contact, known.offer)

    # -- what a medium tells -------------------------------------------------------------------------------------------

    def shown(self, offer: str) -> None:
        """The agent knows of it: the phone rings, the desk shows it."""
        if order := self._open.get(offer):
            self._post(OfferRinging(order.contact, offer))

    def accepted(self, offer: str) -> None:
        """The agent has taken it, and the customer is to be reached first."""
        if order := self._open.get(offer):
            self._post(OfferAccepted(order.contact, offer))
            self._media[order.kind].connect(order.contact, offer)

    def answered(self, offer: str) -> None:
        """Agent and customer are in touch."""
        order = self._open.get(offer)
        if not order or offer in self._talks:
            return
        facts = order.facts or ContactFacts("", kind=order.kind)
        now_ms = self._clock.now_ms()
        self._talks[offer] = TalkHeld(
            order.contact, self._server, order.queue, offer, order.agent, order.enqueued_at_ms or now_ms, now_ms, facts
        )
        self._post(OfferAnswered(order.contact, offer))
        self._media[order.kind].connect(order.contact, offer)

    def refused(self, offer: str, outcome: RingOutcome) -> None:
        """It came to nothing at the agent's side."""
        if order := self._open.pop(offer, None):
            self._post(OfferEnded(order.contact, offer, outcome))

    def not_reached(self, offer: str, outcome: NotReached, *, again_at_ms: int = 0) -> None:
        """The customer was called and is not there; `again_at_ms`: when to try again, 0 leaves that to the router."""
        if order := self._open.pop(offer, None):
            self._post(CustomerNotReached(order.contact, offer, outcome, again_at_ms))

    def over(self, offer: str, ended_by: EndedBy) -> None:
        """They are not in touch any more."""
        order, talk = self._open.pop(offer, None), self._talks.pop(offer, None)
        if order and talk:
            self._post(TalkEnded(order.contact, offer, ended_by, self._clock.now_ms() - talk.connected_at_ms))

    def tell_again(self) -> None:
        """Report what is talked on here. What is only offered is offered anew by a router that does not know of it."""
        for talk in self._talks.values():
            self._post(talk)
