"""What happens to a contact while it stays in a queue, as events of the stay, and how the stay ends."""

from dataclasses import dataclass
from typing import Literal

from routing.domain.messages import LeaveOutcome
from routing.domain.orders import LeaveOrder, MoveOrder, OfferOrder, WithdrawOrder
from routing.domain.outcomes import EndReason
from routing.ports import OfferResult

Outcome = Literal["answered"] | LeaveOutcome


@dataclass(frozen=True, slots=True)
class Waited:
    """How a stay in a queue ended: `agent` and `result` with answered, `key` with exit_key."""

    outcome: Outcome
    contact: str = ""
    key: str = ""
    agent: str = ""
    result: OfferResult | None = None


@dataclass(frozen=True, slots=True)
class KeyPressed:
    key: str


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller is no longer at this server: the call is over, or it goes on at another server, which reports it."""

    call_over: bool = True
    reason: EndReason = ""


@dataclass(frozen=True, slots=True)
class OfferFinished:
    """The phone of an offer rings no longer: it was not answered, or the talk is over."""

    order: OfferOrder
    result: OfferResult


class TimeToAnnounce:
    """The next announcement is due."""


StayEvent = OfferOrder | WithdrawOrder | LeaveOrder | MoveOrder | KeyPressed | CallerGone | TimeToAnnounce | OfferFinished
