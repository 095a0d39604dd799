"""Offers. An offer is one agent's phone ringing for one contact. Written by the router (`routing/board/state.py`,
`routing/board/contacts.py`)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from routing.domain.contact_facts import VOICE
from routing.domain.events.envelope import EventData
from routing.domain.outcomes import OfferOutcome

Offer = Annotated[str, ""]
RingMs = Annotated[int, "how long the phone rang"]


@dataclass(frozen=True, slots=True)
class OfferMade(EventData):
    """an agent is reserved and the phone is about to ring"""

    TYPE: ClassVar[str] = "offer_made"
    offer: Offer
    waited_ms: Annotated[int, "from joining the queue"]
    phone: Annotated[str, "the agent's; empty for contacts that do not ring"]
    kind: Annotated[str, "of the contact"] = VOICE
    until_ms: Annotated[int, "when it is given up for want of news"] = 0
    server: Annotated[str, "the server that carries it out, where none has the contact"] = ""


@dataclass(frozen=True, slots=True)
class OfferRinging(EventData):
    """the phone rings"""

    TYPE: ClassVar[str] = "offer_ringing"
    offer: Offer


@dataclass(frozen=True, slots=True)
class OfferRefused(EventData):
    """The data of an offer that came to nothing."""

    offer: Offer
    ring_ms: RingMs
    reason: Annotated[Literal["redirected", "no_audio"] | None, "what more is known"] = None
    redirected_to: Annotated[str | None, "the number that the phone named; nobody was called there"] = None


@dataclass(frozen=True, slots=True)
class OfferRangOut(OfferRefused):
    """nobody answered within `ring_timeout` (RONA)"""

    TYPE: ClassVar[str] = "offer_rang_out"


@dataclass(frozen=True, slots=True)
class OfferDeclined(OfferRefused):
    """refused on the phone, or (with `redirected`) the phone answered with another number, SIP 302"""

    TYPE: ClassVar[str] = "offer_declined"


@dataclass(frozen=True, slots=True)
class OfferBusy(OfferRefused):
    """the phone was busy after all"""

    TYPE: ClassVar[str] = "offer_busy"


@dataclass(frozen=True, slots=True)
class OfferUnreachable(OfferRefused):
    """the phone did not respond"""

    TYPE: ClassVar[str] = "offer_unreachable"


@dataclass(frozen=True, slots=True)
class OfferFailed(OfferRefused):
    """something broke on the way (`no_audio`: the phone picked up without audio), or no news came for 10 s after the ring time"""

    TYPE: ClassVar[str] = "offer_failed"


@dataclass(frozen=True, slots=True)
class OfferWithdrawn(EventData):
    """taken back: the caller left, or the agent paused or logged out while it rang"""

    TYPE: ClassVar[str] = "offer_withdrawn"
    offer: Offer
    ring_ms: Annotated[int | None, "how long the phone rang, where its server reported it"] = None


OVER: dict[OfferOutcome, type[OfferRefused] | type[OfferWithdrawn]] = {
    "rang_out": OfferRangOut,
    "declined": OfferDeclined,
    "busy": OfferBusy,
    "unreachable": OfferUnreachable,
    "failed": OfferFailed,
    "withdrawn": OfferWithdrawn,
}
TYPES = (OfferMade, OfferRinging, *OVER.values())
