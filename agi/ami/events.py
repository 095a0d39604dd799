"""Typed views of the AMI events that we use. A class is named like its event, a field like its header: `dest_uniqueid` is `DestUniqueid`.

All fields are text as Asterisk sent it, "" when the header is missing; what they mean is decided by who uses them.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Protocol, Self, TypeVar

from agi.ami.protocol import Message


class Event:
    """What all views have in common."""

    __slots__ = ()

    @classmethod
    def of(cls, message: Message) -> Self:
        """The view of `message`, which must be this event."""
        headers = _headers_by_kind.get(cls) or _headers(cls)
        return cls(*[message.get(header) for header in headers])


_headers_by_kind: dict[type[Event], tuple[str, ...]] = {}


def _headers(kind: type[Event]) -> tuple[str, ...]:
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]  # every view is a dataclass
    _headers_by_kind[kind] = tuple("".join(word.capitalize() for word in name.split("_")) for name in names)
    return _headers_by_kind[kind]


@dataclass(frozen=True, slots=True)
class FullyBooted(Event):
    """Asterisk has loaded everything; sent at login when it already had."""

    status: str = ""


@dataclass(frozen=True, slots=True)
class DialBegin(Event):
    """A leg is being called; `uniqueid` is the calling channel ("" for an originated leg)."""

    uniqueid: str = ""
    channel: str = ""
    dest_uniqueid: str = ""
    dest_channel: str = ""
    dial_string: str = ""  # what was dialled, without the technology: 1001, or +861012345678@carrier


@dataclass(frozen=True, slots=True)
class DialState(Event):
    """Progress of a called leg; `dial_status` is RINGING, PROGRESS or PROCEEDING."""

    uniqueid: str = ""
    dest_uniqueid: str = ""
    dial_status: str = ""


@dataclass(frozen=True, slots=True)
class DialEnd(Event):
    """Calling that leg is over; `dial_status` is ANSWER, BUSY, NOANSWER, CANCEL, CONGESTION ... With `forward` the phone did not answer
    but named that number instead; Dial's own status follows."""

    uniqueid: str = ""
    dest_uniqueid: str = ""
    dial_status: str = ""
    dest_channel: str = ""
    forward: str = ""


@dataclass(frozen=True, slots=True)
class HangupRequest(Event):
    """The far end of this channel hung up."""

    uniqueid: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Hangup(Event):
    """The channel is no more. `cause` is Q.850, `tech_cause` has the SIP status (Asterisk 22.7 and later)."""

    uniqueid: str = ""
    channel: str = ""
    cause: str = ""
    tech_cause: str = ""

    @property
    def no_audio(self) -> bool:
        """Whether Asterisk ended it because no RTP had come from its far end for the `rtp_timeout` of its endpoint: that alone makes
        cause 44 without a HangupRequest before it. The channel that it talked to has cause 16."""
        return self.cause == "44"


@dataclass(frozen=True, slots=True)
class BridgeEnter(Event):
    """The channel came into a bridge."""

    uniqueid: str = ""
    bridge_uniqueid: str = ""


@dataclass(frozen=True, slots=True)
class BridgeLeave(Event):
    """The channel left a bridge."""

    uniqueid: str = ""
    bridge_uniqueid: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class DTMFBegin(Event):
    """A key went down, where it travels as RTP or tones. `direction` and repr as in DTMFEnd."""

    uniqueid: str = ""
    direction: str = ""
    digit: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class DTMFEnd(Event):
    """A key was released. `direction` is Received from the channel's far end, Sent towards it. Its repr keeps the digit to itself."""

    uniqueid: str = ""
    direction: str = ""
    digit: str = ""
    duration_ms: str = ""


@dataclass(frozen=True, slots=True)
class DeviceStateChange(Event):
    """A device (`PJSIP/1001`) has another state (NOT_INUSE, INUSE ...); also a row of DeviceStateList."""

    device: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Hold(Event):
    """The far end of this channel put the other side on hold."""

    uniqueid: str = ""
    channel: str = ""
    linkedid: str = ""


@dataclass(frozen=True, slots=True)
class Unhold(Event):
    """The far end of this channel took the other side back."""

    uniqueid: str = ""
    channel: str = ""
    linkedid: str = ""


@dataclass(frozen=True, slots=True)
class UserEvent(Event):
    """The dialplan says something about this channel; `user_event` is what."""

    uniqueid: str = ""
    user_event: str = ""


@dataclass(frozen=True, slots=True)
class BlindTransfer(Event):
    """The transferer sent the transferee to `context`, `extension`."""

    transferer_uniqueid: str = ""
    transferee_uniqueid: str = ""
    result: str = ""
    context: str = ""
    extension: str = ""


@dataclass(frozen=True, slots=True)
class AttendedTransfer(Event):
    """The transferer joined its two calls. `dest_type` is Bridge, App, Link, Threeway or Fail."""

    orig_transferer_uniqueid: str = ""
    second_transferer_uniqueid: str = ""
    transferee_uniqueid: str = ""
    result: str = ""
    dest_type: str = ""
    transferee_channel: str = ""


E = TypeVar("E", bound=Event)


class EventSource(Protocol):
    """Where events come from: the AMI client, or a test."""

    def subscribe(self, name: str, callback: Callable[[Message], None]) -> Callable[[], None]:
        """Call `callback` with every event of that name; calling the result ends it."""


def listen(source: EventSource, kind: type[E], callback: Callable[[E], None]) -> Callable[[], None]:
    """Call `callback` with the typed view of every event of that kind; calling the result ends it."""
    return source.subscribe(kind.__name__, lambda message: callback(kind.of(message)))
