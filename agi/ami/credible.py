"""Whether what came over AMI can have been written by Asterisk as a whole. AMI has no quoting: a value with a line break in it - a caller's
number, decoded from a SIP address - ends its event early and writes the next ones itself.

Asterisk writes an event in one piece, so what was smuggled in comes together with the halves of the event that carried it: one without its
last fields, and one that begins with none, or has fields twice. Whoever sees one of them believes nothing of that piece.
"""

import re
from collections.abc import Iterable, Mapping

from agi.ami.errors import AmiProtocolError
from agi.ami.protocol import Message

# The fields that each event has, and that come behind everything that somebody else may have written. `~` is an id of a channel.
_CHANNEL = ("~Uniqueid", "~Linkedid")
_DEST = ("~DestUniqueid", "~DestLinkedid")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "DialBegin": (*_DEST, "DialString"),
    "DialState": (*_DEST, "DialStatus"),
    "DialEnd": (*_DEST, "DialStatus"),
    "HangupRequest": _CHANNEL,
    "Hangup": (*_CHANNEL, "Cause"),
    "BridgeEnter": ("BridgeUniqueid", *_CHANNEL),
    "BridgeLeave": ("BridgeUniqueid", *_CHANNEL),
    "DTMFBegin": (*_CHANNEL, "Digit", "Direction"),
    "DTMFEnd": (*_CHANNEL, "Digit", "Direction"),
    "Hold": _CHANNEL,
    "Unhold": _CHANNEL,
    "DeviceStateChange": ("Device", "State"),
}
_OF_DEVICES = {"Event", "Privilege", "SequenceNumber", "Timestamp", "SystemName", "Device", "State", "ActionID", "EventList", "ListItems"}
_ID = re.compile(r"[A-Za-z0-9_.:@;-]{1,150}")
_DEVICE = re.compile(r"[!-~]{1,200}")  # a technology, a slash and a name; never a space


def must_be_whole(messages: Iterable[Message]) -> None:
    """Raises AmiProtocolError when one of them, or a piece of one, was written by somebody else."""
    for message in messages:
        if why := _flaw(message):
            event = message.get("Event")[:40]
            what = f"an AMI event that Asterisk cannot have written ({event!r} {why})"
            raise AmiProtocolError(f"{what}: nothing of what came with it is believed")


def _flaw(message: Message) -> str:
    first = message.first_key
    if first == "Response":
        return "has no number of ours, or fields of an event" if "ActionID" not in message or "Linkedid" in message else ""
    if first != "Event":
        return "begins with no name"
    if twice := message.repeated_keys:
        return f"has {', '.join(twice)[:80]} twice"
    event, keys = message.get("Event"), list(message.keys())
    if "DestUniqueid" in message and "Uniqueid" in keys[keys.index("DestUniqueid") :]:
        return "has its channels the wrong way round"
    for need in _NEEDED.get(event, ()):
        key = need.removeprefix("~")
        if key not in message:
            return f"ends before {key}"
        if need != key and not _ID.fullmatch(message[key]):
            return f"has no id as {key}"
    if event == "DeviceStateChange" and not (_DEVICE.fullmatch(message["Device"]) and message.keys() <= _OF_DEVICES):
        return "has fields of another"
    return ""
