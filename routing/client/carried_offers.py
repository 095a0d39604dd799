"""Carries out offers of contacts that no server has: the router's orders go to the medium of the contact's kind, and the medium's
reports go to the router.

A report of an offer that is not here any more - withdrawn, given up, over - is ignored. After a loss of Redis's data the offers that go
on here are reported again.
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
    TalkReported,
)
from routing.domain.orders import OfferOrder, WithdrawOrder
from routing.domain.outcomes import EndedBy, OfferOutcome
from routing.ports import Clock


class CarriedOffers:
    """`post` sends to the router; `media` are this server's, by kind."""

    def __init__(self, server: str, clock: Clock, post: Callable[[Message], None], media: Mapping[str, Medium]) -> None:
        self._server = server
        self._clock = clock
        self._post = post
        self._media = media
        self._open: dict[str, OfferOrder] = {}  # by offer: shown, accepted or talked on
        self._answered: dict[str, TalkReported] = {}  # the answered ones, as they would be reported again

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
        self._answered.pop(order.offer, None)
        if known:
            self._media[known.kind].withdraw(known.contact, known.offer)

    # -- from a medium -------------------------------------------------------------------------------------------------

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
        if not order or offer in self._answered:
            return
        facts = order.facts or ContactFacts("", kind=order.kind)
        now_ms = self._clock.now_ms()
        self._answered[offer] = TalkReported(
            order.contact, self._server, order.queue, offer, order.agent, order.enqueued_at_ms or now_ms, now_ms, facts
        )
        self._post(OfferAnswered(order.contact, offer))
        self._media[order.kind].connect(order.contact, offer)

    def refused(self, offer: str, outcome: OfferOutcome) -> None:
        """It came to nothing at the agent's side."""
        if order := self._open.pop(offer, None):
            self._post(OfferEnded(order.contact, offer, outcome))

    def not_reached(self, offer: str, outcome: NotReached, *, again_at_ms: int = 0) -> None:
        """The customer was called and is not there; `again_at_ms`: when to try again, 0 leaves that to the router."""
        if order := self._open.pop(offer, None):
            self._post(CustomerNotReached(order.contact, offer, outcome, again_at_ms))

    def over(self, offer: str, ended_by: EndedBy) -> None:
        """They are not in touch any more."""
        order, talk = self._open.pop(offer, None), self._answered.pop(offer, None)
        if order and talk:
            self._post(TalkEnded(order.contact, offer, ended_by, self._clock.now_ms() - talk.connected_at_ms))

    def report_again(self) -> None:
        """Report what is talked on here. What is only offered is offered anew by a router that does not know of it."""
        for talk in self._answered.values():
            self._post(talk)
