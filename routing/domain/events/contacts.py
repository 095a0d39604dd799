"""Contacts. Written by the router, in the same commit as the change itself (`routing/board/arrivals.py`, `routing/board/contacts.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from routing.domain.contact_facts import VOICE, Steps
from routing.domain.events.envelope import EventData
from routing.domain.outcomes import EndedBy, EndReason

Silence = Literal["no_audio_from_caller", "no_audio_from_agent"]
LeftOutcome = Literal["exit_key", "full", "closed", "no_agents", "overflowed", "withdrawn", "failed"]
MoveReason = Literal["overflow", "asked", "queue_removed"]
WaitedMs = Annotated[int, "from joining the queue"]
Offer = Annotated[str, "the one that was answered"]
Key = Annotated[str, "with exit_key: the key pressed"]
Why = Annotated[Silence | None, "where it is known, and the caller did not hang up"]


@dataclass(frozen=True, slots=True)
class ContactKnown(EventData):
    """Everything that others must know to know a contact."""

    enqueued_at_ms: Annotated[int, "when it joined"]
    priority: Annotated[int, "seconds, the queue's included"]
    steps: Annotated[Steps, "`[[ms waited, requirement], ...]`"]
    ani: Annotated[str, "the caller's number, in full"]
    language: Annotated[str, "the caller's"]
    caller: Annotated[Mapping[str, str], "the flow's `data` for the agent"]
    server: Annotated[str, "the server that has the caller; empty for contacts that no server has"]
    ageing: Annotated[float, "the queue's"] = 1.0
    place_ms: Annotated[int, "an earlier wait that counts for the place"] = 0
    kind: Annotated[str, "voice, callback, chat or task"] = VOICE
    due_ms: Annotated[int, "when it is due; 0: at once"] = 0
    trunk: Annotated[str, "the trunk by which a call to the customer goes out; empty is any"] = ""


@dataclass(frozen=True, slots=True)
class ContactQueued(ContactKnown):
    """joined a queue"""

    TYPE: ClassVar[str] = "contact_queued"


@dataclass(frozen=True, slots=True)
class ContactScheduled(ContactKnown):
    """is to wait from `due_ms` on; `contact_queued` follows then"""

    TYPE: ClassVar[str] = "contact_scheduled"


@dataclass(frozen=True, slots=True)
class ContactHeldUp(EventData):
    """waits, and nobody can be offered it: no server could carry that out; or one can now"""

    TYPE: ClassVar[str] = "contact_held_up"
    reason: Annotated[
        Literal["no_server", "no_trunk"] | None, "no server has the medium for it, or none has the trunk; left out when that is over"
    ] = None


@dataclass(frozen=True, slots=True)
class ContactAccepted(EventData):
    """the agent has taken it, and the customer is being called"""

    TYPE: ClassVar[str] = "contact_accepted"
    offer: Offer
    waited_ms: WaitedMs


@dataclass(frozen=True, slots=True)
class ContactNotReached(EventData):
    """the customer was called and not reached; it waits again from `due_ms` on, then comes `contact_requeued`"""

    TYPE: ClassVar[str] = "contact_not_reached"
    offer: Offer
    outcome: Annotated[Literal["busy", "no_answer", "unreachable", "failed"], ""]
    due_ms: Annotated[int, "when it is due again"]


@dataclass(frozen=True, slots=True)
class ContactRequeued(ContactKnown):
    """waits on as before: Redis had lost the contact, and its server reported it again; or its customer was not reached. It was counted
    when it joined; who has no
    `contact_queued` of it takes this for one"""

    TYPE: ClassVar[str] = "contact_requeued"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRestored(ContactKnown):
    """a talk that the router did not know of goes on: Redis lost its data"""

    TYPE: ClassVar[str] = "contact_restored"
    offer: Offer
    connected_at_ms: Annotated[int, "when the talk began"]


@dataclass(frozen=True, slots=True)
class ContactConnected(EventData):
    """agent and caller talk"""

    TYPE: ClassVar[str] = "contact_connected"
    offer: Offer
    waited_ms: WaitedMs


@dataclass(frozen=True, slots=True)
class ContactEnded(EventData):
    """the talk is over"""

    TYPE: ClassVar[str] = "contact_ended"
    ended_by: Annotated[EndedBy, "empty where nobody knows"]
    waited_ms: WaitedMs
    ring_ms: Annotated[int, "how long the phone rang"]
    talk_ms: Annotated[int, "from the answer to the end"]
    reason: Annotated[Silence | None, "with system, where it is known"] = None


@dataclass(frozen=True, slots=True)
class ContactAbandoned(EventData):
    """the caller hung up before an agent answered, or (with `reason`) no audio came from the caller"""

    TYPE: ClassVar[str] = "contact_abandoned"
    waited_ms: WaitedMs
    outcome: Annotated[Literal["abandoned"], ""] = "abandoned"
    key: Annotated[str, "empty"] = ""
    reason: Why = None


@dataclass(frozen=True, slots=True)
class ContactTimedOut(EventData):
    """`max_wait` was over"""

    TYPE: ClassVar[str] = "contact_timed_out"
    waited_ms: WaitedMs
    outcome: Annotated[Literal["timed_out"], ""] = "timed_out"
    key: Annotated[str, "empty"] = ""
    reason: Why = None


@dataclass(frozen=True, slots=True)
class ContactLeft(EventData):
    """left otherwise, or was never let in"""

    TYPE: ClassVar[str] = "contact_left"
    waited_ms: WaitedMs
    outcome: Annotated[LeftOutcome, ""]
    key: Key = ""
    reason: Why = None


@dataclass(frozen=True, slots=True)
class ContactTakenOver(EventData):
    """the caller turned up at another server and waits on, at the old place"""

    TYPE: ClassVar[str] = "contact_taken_over"
    server: Annotated[str, "the server it is at"]
    before: Annotated[str, "the server it was at"]


@dataclass(frozen=True, slots=True)
class ContactOverflowed(EventData):
    """a rule of the queue `before` sent the caller to this queue on arrival; `contact_queued` follows when it takes them"""

    TYPE: ClassVar[str] = "contact_overflowed"
    before: Annotated[str, "the queue that was called"]


@dataclass(frozen=True, slots=True)
class ContactMoved(EventData):
    """waits in this queue from now on"""

    TYPE: ClassVar[str] = "contact_moved"
    before: Annotated[str, "the queue it was in"]
    reason: Annotated[MoveReason, "asked: by a supervisor; queue_removed: the site does not have that queue any more"]
    priority: Annotated[int, "from now on; seconds"]
    ageing: Annotated[float, "this queue's"] = 1.0


@dataclass(frozen=True, slots=True)
class ContactPrioritised(EventData):
    """a supervisor changed the priority; or the site changed the queue's priority or ageing"""

    TYPE: ClassVar[str] = "contact_prioritised"
    priority: Annotated[int, "from now on; seconds"]
    before: Annotated[int, "until now; seconds"]
    ageing: Annotated[float | None, "when the site changed it: from now on"] = None


@dataclass(frozen=True, slots=True)
class ContactRelaxed(EventData):
    """the one agent it was kept for is away or refused: the next step is in force"""

    TYPE: ClassVar[str] = "contact_relaxed"
    steps: Annotated[Steps, "from now on"]


@dataclass(frozen=True, slots=True)
class ContactDisposed(EventData):
    """its agent said how it ended, during the talk or after it"""

    TYPE: ClassVar[str] = "contact_disposed"
    disposition: Annotated[str, "the code"]
    meaning: Annotated[str, "in words"]


WITHOUT_AGENT = (ContactAbandoned, ContactTimedOut, ContactLeft)  # the wait is over, and nobody answered


def without_agent(
    outcome: Literal["abandoned", "timed_out"] | LeftOutcome, waited_ms: int, key: str = "", reason: EndReason = ""
) -> ContactAbandoned | ContactTimedOut | ContactLeft:
    """The data of a wait that ended so."""
    if outcome == "abandoned":
        return ContactAbandoned(waited_ms, reason=reason or None)
    if outcome == "timed_out":
        return ContactTimedOut(waited_ms, reason=reason or None)
    return ContactLeft(waited_ms, outcome, key, reason or None)


TYPES = (
    ContactQueued,
    ContactScheduled,
    ContactHeldUp,
    ContactRequeued,
    ContactAccepted,
    ContactNotReached,
    ContactConnected,
    ContactEnded,
    ContactAbandoned,
    ContactTimedOut,
    ContactTakenOver,
    ContactRestored,
    ContactLeft,
    ContactOverflowed,
    ContactMoved,
    ContactPrioritised,
    ContactRelaxed,
    ContactDisposed,
)
