"""Typed views read the headers that Asterisk sends, by their names."""

from collections.abc import Callable

import pytest

from agi.ami.events import AttendedTransfer, BridgeEnter, DialBegin, DialEnd, DTMFEnd, Hangup, listen
from agi.ami.protocol import Message

pytestmark = pytest.mark.unit


def test_fields_are_named_like_headers() -> None:
    """`dest_uniqueid` is `DestUniqueid`, `tech_cause` is `TechCause`, `bridge_uniqueid` is `BridgeUniqueid`."""
    begin = Message(
        [("Event", "DialBegin"), ("Uniqueid", "1.1"), ("Channel", "PJSIP/t-1"), ("DestUniqueid", "1.2"), ("DestChannel", "PJSIP/1001-2")]
    )
    hangup = Message([("Event", "Hangup"), ("Uniqueid", "1.2"), ("Channel", "PJSIP/1001-2"), ("Cause", "21"), ("TechCause", "603")])

    assert DialBegin("1.1", "PJSIP/t-1", "1.2", "PJSIP/1001-2") == DialBegin.of(begin)
    assert Hangup("1.2", "PJSIP/1001-2", "21", "603") == Hangup.of(hangup)
    assert BridgeEnter("1.2", "b") == BridgeEnter.of(Message([("BridgeUniqueid", "b"), ("Uniqueid", "1.2")]))
    assert AttendedTransfer("1.2", "1.3") == AttendedTransfer.of(
        Message([("OrigTransfererUniqueid", "1.2"), ("SecondTransfererUniqueid", "1.3")])
    )


def test_a_missing_header_is_empty() -> None:
    """An older Asterisk without a header gives "", never an error."""
    assert DialEnd("", "", "") == DialEnd.of(Message([("Event", "DialEnd")]))


def test_a_key_is_not_shown() -> None:
    """The repr of a key event does not show the digit."""
    assert "7" not in repr(DTMFEnd("a.b", "Received", "7")).partition(" object at ")[0]


def test_listen_subscribes_by_the_events_name() -> None:
    """`listen` asks for the event of the class's name, and gives the view."""

    class Source:
        def __init__(self) -> None:
            self.subscribed: dict[str, Callable[[Message], None]] = {}

        def subscribe(self, name: str, callback: Callable[[Message], None]) -> Callable[[], None]:
            self.subscribed[name] = callback
            return lambda: self.subscribed.__delitem__(name)

    source = Source()
    got: list[DTMFEnd] = []

    stop = listen(source, DTMFEnd, got.append)
    source.subscribed["DTMFEnd"](Message([("Uniqueid", "1.1"), ("Digit", "5"), ("Direction", "Received")]))
    stop()

    assert [DTMFEnd("1.1", "Received", "5")] == got
    assert source.subscribed == {}
