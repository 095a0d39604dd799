"""What brings contacts of one kind and agents together on a server: a small port, with an adapter for each kind.

Voice is one of them: QueueStay carries its offers out on the caller's call. A chat room, a callback, a list of tasks are others; they
report what becomes of an offer to the `CarriedOffers` that they were made for.
"""

from collections.abc import Mapping
from typing import Protocol

from routing.client.queue_stay import QueueStay
from routing.domain.messages import LeaveOutcome
from routing.domain.orders import LeaveOrder, MoveOrder, OfferOrder, WithdrawOrder


class Medium(Protocol):
    """Nothing here waits: what takes time goes on by itself, and its result is reported later."""

    def present(self, order: OfferOrder) -> None:
        """Let the agent know of the contact: ring, or show it."""

    def withdraw(self, contact: str, offer: str) -> None:
        """The offer is void; one that is over changes nothing."""

    def connect(self, contact: str, offer: str) -> None:
        """The agent has taken it: bring customer and agent together. Nothing is left to do where taking it did that."""

    def ended(self, contact: str, outcome: LeaveOutcome) -> None:
        """The contact waits for nobody any more."""


class VoiceMedium:
    """Callers who are at this server; `stays` are theirs, by contact. Asterisk's Dial connects whoever answers."""

    def __init__(self, stays: Mapping[str, QueueStay]) -> None:
        self._stays = stays

    def present(self, order: OfferOrder) -> None:
        self._stays[order.contact].notify(order)

    def withdraw(self, contact: str, offer: str) -> None:
        self._stays[contact].notify(WithdrawOrder(contact, offer))

    def connect(self, contact: str, offer: str) -> None:
        """Done already."""

    def ended(self, contact: str, outcome: LeaveOutcome) -> None:
        self._stays[contact].notify(LeaveOrder(contact, outcome))

    def move(self, order: MoveOrder) -> None:
        """The caller waits in another queue, whose announcements are to be heard."""
        self._stays[order.contact].notify(order)
