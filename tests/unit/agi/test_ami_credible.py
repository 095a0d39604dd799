"""Events that a caller's number has torn apart: whatever is smuggled in, nothing of that piece of AMI is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi.ami.credible import must_be_whole
from agi.ami.errors import AmiProtocolError
from agi.ami.protocol import Framer, Message

pytestmark = pytest.mark.unit


def hangup(number: str, name: str = "unknown") -> str:
    """As Asterisk 22 writes it."""
    return (
        "Event: Hangup\r\nPrivilege: call,all\r\nChannel: PJSIP/carrier-00000001\r\nChannelState: 6\r\nChannelStateDesc: Up\r\n"
        f"CallerIDNum: {number}\r\nCallerIDName: {name}\r\nConnectedLineNum: <unknown>\r\nConnectedLineName: <unknown>\r\n"
        "Language: en\r\nAccountCode: \r\nContext: hotline\r\nExten: 4000\r\nPriority: 4\r\nUniqueid: 1790000000.1\r\n"
        "Linkedid: 1790000000.1\r\nChanVariable: HOTLINE_OFFER=\r\nChanVariable: OTHER=1\r\nCause: 16\r\nCause-txt: Normal Clearing\r\n\r\n"
    )


def read(text: str) -> list[Message]:
    return Framer(expect_banner=False).feed(text.encode())


DEVICE = "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: PJSIP/1001\r\nState: UNAVAILABLE"
OTHER_HANGUP = "Event: Hangup\r\nChannel: PJSIP/carrier-00000009\r\nUniqueid: 1790000000.9\r\nLinkedid: 1790000000.9\r\nCause: 16"
DIAL_END = "Event: DialEnd\r\nDestUniqueid: 1790000000.9\r\nDestLinkedid: 1790000000.9\r\nDialStatus: ANSWER"
WHOLE = "x\r\nUniqueid: 1790000000.1\r\nLinkedid: 1790000000.1\r\nCause: 16"  # so that the event that is torn looks whole


@pytest.mark.parametrize("before", ["x", "", WHOLE])
@pytest.mark.parametrize("forged", [DEVICE, OTHER_HANGUP, DIAL_END, "Response: Success", "Nonsense: 1", ""])
@pytest.mark.parametrize("after", ["", "\r\n\r\n", "\r\nX: ", "\r\n\r\nEvent: Hangup\r\nUniqueid: 1790000000.9\r\nX: "])
@pytest.mark.parametrize("place", ["number", "name"])
def test_no_event_is_forged(before: str, forged: str, after: str, place: str) -> None:
    """Another's hang-up, a phone that is gone, an answer: alone, or joined with the rest of the event that carried them."""
    text = f"{before}\r\n\r\n{forged}{after}"
    messages = read(hangup(text) if place == "number" else hangup("1", text))
    with pytest.raises(AmiProtocolError, match="that Asterisk cannot have written"):
        must_be_whole([*read(hangup("+861")), *messages])


@given(st.text(max_size=60).filter(lambda text: "\r\n" not in text))
def test_any_text_without_a_line_break_is_a_value(text: str) -> None:
    """Quotes, colons, words of AMI, any script: they stay inside their field."""
    messages = read(hangup("1", text))
    must_be_whole(messages)
    assert [message.get("Uniqueid") for message in messages] == ["1790000000.1"]


@pytest.mark.parametrize(
    "text",
    [
        "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n",
        "Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n",
        "Event: DeviceStateChange\r\nActionID: 4\r\nDevice: Queue:q_avail\r\nState: NOT_INUSE\r\n\r\n",
        "Event: CoreShowChannelsComplete\r\nActionID: 2\r\nEventList: Complete\r\nListItems: 0\r\n\r\n",
        "Event: SomethingNew\r\nAnything: 1\r\n\r\n",
    ],
)
def test_what_asterisk_writes_is_believed(text: str) -> None:
    """Rows of lists, answers, and events that we do not know."""
    must_be_whole(read(text))


@pytest.mark.parametrize("device", ["", "PJSIP/1001 x", "PJSIP/1\n2", "x" * 300])
def test_a_device_that_cannot_exist(device: str) -> None:
    """No name of a device has a space, a line feed or nothing in it."""
    with pytest.raises(AmiProtocolError):
        must_be_whole([Message([("Event", "DeviceStateChange"), ("Device", device), ("State", "INUSE")])])


@pytest.mark.parametrize("id", ["", "a b", "1.1\n", "x" * 151, "1\u00e4"])
def test_a_channel_that_cannot_exist(id: str) -> None:
    """Its id has a shape."""
    with pytest.raises(AmiProtocolError, match="no id as Uniqueid"):
        must_be_whole([Message([("Event", "Hold"), ("Uniqueid", id), ("Linkedid", "1.1")])])
