"""Orders: what the router wants servers to do, in one stream per server. `store/codec.py` carries them as JSON."""

from dataclasses import dataclass

from routing.domain.contact_facts import VOICE, ContactFacts
from routing.domain.messages import LeaveOutcome
from routing.domain.phone_address import PhoneAddress
from routing.domain.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class OfferOrder:
    """Offer this contact to this agent, beside others that it is offered to already. `address` is where: the phone (a SIP account, or the
    external number) for kinds that ring, else the agent."""

    contact: str
    offer: str
    agent: str
    kind: str
    address: str
    queue: str
    ring_timeout_ms: int
    auto_answer: bool = False
    accept: bool = False  # the agent presses 1 to take it
    facts: ContactFacts | None = None  # of a contact that no server has: who it is
    enqueued_at_ms: int = 0  # the same: when it joined


@dataclass(frozen=True, slots=True)
class WithdrawOrder:
    """Stop ringing; the offer is void already."""

    contact: str
    offer: str
    kind: str = VOICE


@dataclass(frozen=True, slots=True)
class LeaveOrder:
    """The contact's wait is over without an agent."""

    contact: str
    outcome: LeaveOutcome


@dataclass(frozen=True, slots=True)
class MoveOrder:
    """The contact waits in another queue now."""

    contact: str
    queue: str


@dataclass(frozen=True, slots=True)
class ReportContactOrder:
    """The router does not know this contact: report it again, if it is there."""

    contact: str


@dataclass(frozen=True, slots=True)
class ReportPhoneOrder:
    """The router does not know how this phone is: report it, if it was ever reported."""

    phone: PhoneAddress


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to AgentAsked or ContactAsked: `error` is empty when it was done, else a sentence; `state` is how things are now."""

    request: str
    state: str
    error: str = ""


Order = OfferOrder | WithdrawOrder | LeaveOrder | MoveOrder | ReportContactOrder | ReportPhoneOrder | Reply
