"""The AGI protocol: bytes to events, from both sides."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi.errors import ProtocolViolation
from agi.protocol import (
    MAX_COMMAND_BYTES,
    MAX_ENVIRONMENT_BYTES,
    MAX_ENVIRONMENT_LINES,
    MAX_REPLY_BYTES,
    AsteriskSide,
    Environment,
    Event,
    HangupNotice,
    OurSide,
    Reply,
    environment_bytes,
    reply_bytes,
    split_words,
)

pytestmark = pytest.mark.unit

ENV = {"agi_network": "yes", "agi_channel": "PJSIP/trunk-1", "agi_uniqueid": "17.1", "agi_calleridname": 'Zoë "王"'}


def started() -> OurSide:
    side = OurSide()
    side.feed(environment_bytes(ENV))
    return side


def reply_to(text: str) -> Reply:
    (event,) = started().feed(reply_bytes(text))
    assert isinstance(event, Reply)
    return event


@given(st.lists(st.integers(1, 200)))
def test_any_cutting_of_the_bytes_gives_the_same_events(cuts: list[int]) -> None:
    """TCP may cut anywhere; events do not depend on it."""
    whole = environment_bytes(ENV) + b"200 result=0\nHANGUP\n520-Bad\nUsage: X\n520 End\n200 result=1 (a\nb)\n"
    side, events, at = OurSide(), list[Event](), 0
    for size in [*cuts, len(whole)]:
        events += side.feed(whole[at : at + size])
        at += size
    assert events == [
        Environment(ENV),
        Reply(200, "0", "", "result=0"),
        HangupNotice(),
        Reply(520, text="520-Bad\nUsage: X\n520 End"),
        Reply(200, "1", "a\nb", "result=1 (a\nb)"),
    ]


@pytest.mark.parametrize(
    ("text", "code", "result", "data", "endpos"),
    [
        ("200 result=0", 200, "0", "", 0),
        ("200 result=-1 endpos=0", 200, "-1", "", 0),
        ("200 result=49 endpos=8000", 200, "49", "", 8000),
        ("200 result=12 (timeout)", 200, "12", "timeout", 0),
        ("200 result= (timeout)", 200, "", "timeout", 0),
        ("200 result=", 200, "", "", 0),
        ("200 result=#", 200, "#", "", 0),
        ("200 result=0123", 200, "0123", "", 0),
        ("200 result=0 (dtmf) endpos=77", 200, "0", "dtmf", 77),
        ("200 result=1 (a (b) endpos=5)", 200, "1", "a (b) endpos=5", 0),
        ("200 result=1 ()", 200, "1", "", 0),
        ("200 result=1 (result=-1)", 200, "1", "result=-1", 0),
        ("100 Trying...", 100, "", "", 0),
        ("510 Invalid or unknown command", 510, "", "", 0),
        ("511 Command Not Permitted on a dead channel or intercept routine", 511, "", "", 0),
        ("520 Invalid command syntax.  Proper usage not available.", 520, "", "", 0),
        ("200", 200, "", "", 0),
    ],
)
def test_replies_are_read(text: str, code: int, result: str, data: str, endpos: int) -> None:
    """Every form of reply that Asterisk has."""
    reply = reply_to(text)
    assert (reply.code, reply.result, reply.data, reply.endpos) == (code, result, data, endpos)


@pytest.mark.parametrize(
    ("result", "key"), [("49", "1"), ("35", "#"), ("0", ""), ("-1", ""), ("", ""), ("9999", ""), ("x", ""), ("9" * 5000, "")]
)
def test_a_key_is_a_character_code(result: str, key: str) -> None:
    """Only a code of a character is a key."""
    assert Reply(200, result).key == key


def test_a_reply_has_pyst2_shape() -> None:
    """A pyst2 script finds what it knows, and an empty result as well."""
    assert reply_to("200 result=1 (timeout) endpos=80").as_pyst2() == {"result": ("1", "timeout"), "endpos": ("80", "")}
    assert reply_to("200 result= (timeout)").as_pyst2()["result"] == ("", "timeout")


def test_a_value_cannot_forge_a_reply() -> None:
    """A value with line breaks stays one reply."""
    side = started()
    events = side.feed(b"200 result=1 (Eve\n200 result=0\nHANGUP\nx)\n200 result=7\n")
    assert [event.result for event in events if isinstance(event, Reply)] == ["1", "7"]
    assert HangupNotice() not in events


def test_invalid_utf8_is_replaced() -> None:
    """A Latin-1 caller name does not cost the call."""
    (event,) = OurSide().feed(b"agi_uniqueid: 1\nagi_channel: x\nagi_calleridname: Zo\xeb\n\n")
    assert isinstance(event, Environment)
    assert event.values["agi_calleridname"] == "Zo\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "garbage"),
        (b"\x16\x03\x01\x02\x00\n", "garbage"),
        (b"\n", "garbage"),
        (b"agi_channel: a\nagi_channel: b\n", "garbage"),
        (b"agi_channel: a\n\n", "garbage"),
        (b"".join(b"agi_arg_%d: x\n" % n for n in range(MAX_ENVIRONMENT_LINES + 1)), "environment_too_large"),
        (b"agi_arg_1: " + b"x" * MAX_ENVIRONMENT_BYTES, "line_too_long"),
        (b"".join(b"agi_arg_%d: " % n + b"x" * 1000 + b"\n" for n in range(20)), "environment_too_large"),
        (b"x" * 1_000_000, "line_too_long"),
    ],
)
def test_a_bad_environment_is_a_violation(data: bytes, reason: str) -> None:
    """What is not AGI is recognised from its first lines, and nothing grows without limit."""
    with pytest.raises(ProtocolViolation) as caught:
        OurSide().feed(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello\n", "garbage"),
        (b"\n", "garbage"),
        (b"2000 result=0\n", "garbage"),
        (b"9" * 5000 + b"\n", "garbage"),
        (b"hangup\n", "garbage"),
        (b"200 result=1 (" + b"x" * MAX_REPLY_BYTES, "line_too_long"),
        (b"520-Usage\n" + b"more usage\n" * 10_000, "line_too_long"),
        (b"200 result=1 (a\n" + b"more value\n" * 10_000, "line_too_long"),
    ],
)
def test_a_bad_reply_is_a_violation(data: bytes, reason: str) -> None:
    """After the environment there are replies and HANGUP, of limited size."""
    with pytest.raises(ProtocolViolation) as caught:
        started().feed(data)
    assert caught.value.reason == reason


@given(st.binary(max_size=300))
def test_any_bytes_give_events_or_a_violation(data: bytes) -> None:
    """No input makes anything else happen, before or after the environment."""
    for side in (OurSide(), started()):
        with contextlib.suppress(ProtocolViolation):
            side.feed(data)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("STREAM FILE welcome 12 0", ["STREAM", "FILE", "welcome", "12", "0"]),
        ('STREAM  FILE\t"a b" ""', ["STREAM", "FILE", "a b", ""]),
        (r'SET VARIABLE X "say \"hi\" \\ there"', ["SET", "VARIABLE", "X", r'say "hi" \ there']),
        (r"a\ b c", ["a b", "c"]),
        ('a"b c"d', ["ab cd"]),
        ('"open to the end', ["open to the end"]),
        ("", []),
    ],
)
def test_asterisk_reads_words(line: str, words: list[str]) -> None:
    """The rules of Asterisk's own parser."""
    assert split_words(line) == words


def test_asterisk_side_refuses_a_line_that_asterisk_would_cut() -> None:
    """The fake must not be kinder than the real one."""
    with pytest.raises(ProtocolViolation):
        AsteriskSide().feed(b"NOOP " + b"x" * MAX_COMMAND_BYTES + b"\n")
