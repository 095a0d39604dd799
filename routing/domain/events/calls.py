"""Calls. Written by the server that has the call (`server/calls/session.py`); when that one is lost, by one that sees it on AMI
(`server/cluster/orphaned_calls.py`)."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from routing.domain.events.envelope import Event, EventData

CallEndedBy = Literal["caller", "system", "transfer", "time_limit", "asterisk_restarted", "site_stopped"]
CallStage = Literal["arrived", "in_flow", "waiting", "talking", "transferred", "orphan"]
TransferOutcome = Literal["answered", "busy", "no_answer", "unreachable", "not_allowed", "caller_left"]
Phone = Annotated[str, "which one; empty when it is none of ours"]


@dataclass(frozen=True, slots=True)
class CallAtServer(EventData):
    """What is known of a call by the server that has it."""

    ani: Annotated[str, "the caller's number, masked"]
    dnis: Annotated[str, "the number called"]
    server: Annotated[str, "the server that has it"]
    channel: Annotated[str, "of Asterisk"]
    language: Annotated[str, "the caller's"]
    started_at_ms: Annotated[int, "when Asterisk handed the call to a server first"]


@dataclass(frozen=True, slots=True)
class CallArrived(CallAtServer):
    """Asterisk handed the call to a server"""

    TYPE: ClassVar[str] = "call_arrived"


@dataclass(frozen=True, slots=True)
class CallResumed(CallAtServer):
    """another server, or the same one started again, goes on with a call whose server was lost; also written again for every call after
    Redis lost its data. `flow` and `node` say where it was"""

    TYPE: ClassVar[str] = "call_resumed"


@dataclass(frozen=True, slots=True)
class CallTransferred(CallAtServer):
    """the agent `agent` passed the caller on; the call goes on at the number `dnis`"""

    TYPE: ClassVar[str] = "call_transferred"


@dataclass(frozen=True, slots=True)
class CallEnded(EventData):
    """the call is over, or an agent passed it on"""

    TYPE: ClassVar[str] = "call_ended"
    ended_by: Annotated[
        CallEndedBy,
        "time_limit: `max_call_length`; asterisk_restarted: Asterisk died; site_stopped: the site stopped before it was over",
    ]
    duration_ms: Annotated[int, "0 when no server had the call any more"] = field(metadata={"was": "lasted_ms"})
    stage: Annotated[CallStage, "where it ended; orphan: no server had the call any more"]
    ani: Annotated[str | None, "with asterisk_restarted and site_stopped: the number to call back, in full"] = None
    reason: Annotated[Literal["no_audio_from_caller"] | None, "with system, where it is known"] = None


@dataclass(frozen=True, slots=True)
class TransferEnded(EventData):
    """the transfer to a phone or an outside number is over (one to a number of ours goes on as a flow)"""

    TYPE: ClassVar[str] = "transfer_ended"
    target: Annotated[str, "the number dialled"]
    outcome: Annotated[TransferOutcome, ""]


@dataclass(frozen=True, slots=True)
class HoldStarted(EventData):
    """a talk was put on hold by the phone `phone`"""

    TYPE: ClassVar[str] = "hold_started"
    phone: Phone


@dataclass(frozen=True, slots=True)
class HoldEnded(EventData):
    """the talk was taken back"""

    TYPE: ClassVar[str] = "hold_ended"
    phone: Phone


@dataclass(frozen=True, slots=True)
class OutboundRefused(EventData):
    """a call to the outside was not made, against toll fraud (docs/config.md, `outbound`)"""

    TYPE: ClassVar[str] = "outbound_refused"
    number: Annotated[str, "the number wanted, masked"]
    reason: Annotated[
        Literal["premium", "satellite", "refused_prefix", "emergency", "limit"],
        "what is against it; emergency: a flow was to dial an emergency number that was not written out in it",
    ]
    limit: Annotated[str, "with limit: the setting that is reached, such as `per_day`"]
    user: Annotated[str, "who wanted it: `flow NAME` or `agent NAME`"]
    trunk: Annotated[str, "that it would have left by"]


@dataclass(frozen=True, slots=True)
class OutboundHalfUsed(EventData):
    """half of a limit of calls to the outside is used; told once for each minute or day"""

    TYPE: ClassVar[str] = "outbound_half_used"
    limit: Annotated[str, "the setting, such as `per_day`"]
    who: Annotated[str, "`site`, the line, or the user"]
    count: Annotated[int, "calls so far"]
    most: Annotated[int, "calls allowed"]


def at_server(event: Event) -> CallAtServer:
    """What an event that opens a call, or passes it on, says of it; one of another type says nothing."""
    return event.data if isinstance(event.data, CallAtServer) else CallAtServer("", "", "", "", "", event.at_ms)


TYPES = (CallArrived, CallResumed, CallEnded, CallTransferred, TransferEnded, HoldStarted, HoldEnded, OutboundRefused, OutboundHalfUsed)
