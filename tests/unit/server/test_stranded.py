"""Which channels are taken from a frozen server, and where they go on."""

import pytest

from agi.ami.protocol import Message
from server.cluster.stranded import Stranded, after_an_application, stranded

pytestmark = pytest.mark.unit
AGI = "127.0.0.1:4573"


def row(**fields: str) -> Message:
    plain = {"Channel": "PJSIP/caller-00000001", "Uniqueid": "1.1", "Exten": "4000", "Application": "AGI", "BridgeId": ""}
    return Message(list((plain | {"ApplicationData": f"agi://{AGI}/call,"} | fields).items()))


def test_a_caller_goes_on_where_calls_are_taken_up() -> None:
    assert stranded([row()], AGI) == [Stranded("PJSIP/caller-00000001", "1.1", "hotline", "4000", "resume")]


def test_a_talk_that_is_over_while_the_server_is_frozen() -> None:
    """Asterisk goes on to show the dialling; without a bridge and without a phone nobody dials, and the caller hears nothing."""
    over = row(Application="Dial", ApplicationData="PJSIP/1001,15", Linkedid="1.1")
    rings = row(Application="Dial", ApplicationData="PJSIP/1002,15", Channel="PJSIP/caller-2", Uniqueid="1.2", Linkedid="1.2")
    leg = row(Application="AppDial", Channel="PJSIP/1002-3", Uniqueid="1.3", Linkedid="1.2")
    talks = row(Application="Dial", Channel="PJSIP/caller-4", Uniqueid="1.4", Linkedid="1.4", BridgeId="b")
    rows = [over, rings, leg, talks]
    assert after_an_application(rows) == ["PJSIP/caller-00000001"]
    assert stranded(rows, AGI, {"PJSIP/caller-00000001": f"{AGI}/call"}) == [
        Stranded("PJSIP/caller-00000001", "1.1", "hotline", "4000", "resume")
    ]
    assert stranded(rows, AGI, {"PJSIP/caller-00000001": "127.0.0.1:45731/call"}) == []


def test_a_caller_whose_variables_were_set_last() -> None:
    """Asterisk shows MSet until the next command: who waits in a queue may have none for minutes."""
    waits = row(Application="MSet", ApplicationData="HOTLINE_CALL=x", Linkedid="1.1")
    assert after_an_application([waits]) == ["PJSIP/caller-00000001"]
    assert stranded([waits], AGI, {"PJSIP/caller-00000001": f"{AGI}/call"}) == [
        Stranded("PJSIP/caller-00000001", "1.1", "hotline", "4000", "resume")
    ]


def test_a_caller_whom_an_agent_passed_on_goes_on_being_passed_on() -> None:
    """Else the target would be forgotten, and the caller back in the queue."""
    (found,) = stranded([row(ApplicationData=f"agi://{AGI}/transfer,", Exten="1002")], AGI)
    assert (found.context, found.extension, found.label) == ("hotline-passed-on", "1002", "1")


@pytest.mark.parametrize(
    "fields",
    [
        {"BridgeId": "b-1"},
        {"Application": "Dial", "ApplicationData": "PJSIP/1001,15"},
        {"ApplicationData": "agi://127.0.0.1:45731/call,"},
        {"ApplicationData": "agi://127.0.0.1:4574/call,"},
        {"ApplicationData": f"agi://{AGI}/agent,login"},
        {"ApplicationData": f"agi://{AGI}/overtime"},
        {"Application": "Playback", "ApplicationData": "sorry"},
    ],
)
def test_who_needs_no_server_or_has_another_is_left_alone(fields: dict[str, str]) -> None:
    """A talk, a phone that rings, a server whose address begins like this one's, a feature code, words of Asterisk's own."""
    assert stranded([row(**fields)], AGI) == []
