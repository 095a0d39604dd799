"""What happens to a contact while it stays in a queue, as the stay hears of it, and how the stay ends."""

from dataclasses import dataclass
from typing import Literal

from routing.domain.messages import LeaveOutcome
from routing.domain.orders import LeaveOrder, MoveOrder, OfferOrder, WithdrawOrder
from routing.domain.outcomes import EndReason
from routing.ports import RingResult

Outcome = Literal["answered"] | LeaveOutcome


@dataclass(frozen=True, slots=True)
class Waited:
    """How a stay in a queue ended: `agent` and `result` with answered, `key` with exit_key."""

    outcome: Outcome
    contact: str = ""
    key: str = ""
    agent: str = ""
    result: RingResult | None = None


@dataclass(frozen=True, slots=True)
class KeyPressed:
    key: str


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller is not here any more: the call is over, or it goes on at another server, which reports it."""

    call_over: bool = True
    reason: EndReason = ""


@dataclass(frozen=True, slots=True)
class RingOver:
    order: OfferOrder
    result: RingResult


class TimeToAnnounce:
    """The next announcement is due."""


Happening = OfferOrder | WithdrawOrder | LeaveOrder | MoveOrder | KeyPressed | CallerGone | TimeToAnnounce | RingOver
