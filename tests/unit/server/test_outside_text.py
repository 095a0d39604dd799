"""No text from outside reaches AMI, AGI, a log, a file name, a header, Redis or a page as anything but text (docs/security.md)."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator

import prometheus_client
import pytest
import structlog

from agi import commands
from agi.ami.errors import AmiBadField
from agi.ami.protocol import Framer, encode
from agi.dial_string import check_outside
from agi.errors import UnsafeValue
from agi.protocol import AsteriskSide, Environment, OurSide
from ivr.call import CallContext
from ivr.numbers import normalise
from routing.domain.events.calls import CallArrived
from routing.domain.events.envelope import Event
from routing.store.event_codec import event_from, event_text
from server.calls import checkpoint
from server.cli.events import as_json, for_people
from server.cli.logs import readable
from server.logs import set_up_logs
from server.terminal_text import plain, plain_json
from tests.outside_text import OUTSIDE, OUTSIDE_BYTES

pytestmark = pytest.mark.unit
every_text = pytest.mark.parametrize("text", OUTSIDE.values(), ids=OUTSIDE)
every_bytes = pytest.mark.parametrize("data", OUTSIDE_BYTES.values(), ids=OUTSIDE_BYTES)


def as_sent(text: str) -> str:
    """What UTF-8 makes of a text with half a character in it."""
    return text.encode("utf-8", "replace").decode()


@every_text
def test_a_field_of_an_ami_action(text: str) -> None:
    """It is refused, or Asterisk reads one action with that very value."""
    try:
        sent = encode([("Action", "Setvar"), ("Variable", "X"), ("Value", text)])
    except AmiBadField:
        return
    (message,) = Framer(expect_banner=False).feed(sent)
    assert list(message.fields()) == [("Action", "Setvar"), ("Variable", "X"), ("Value", as_sent(text))]


@every_text
@pytest.mark.parametrize("command", [lambda text: commands.set_variable("X", text), commands.set_callerid, commands.stream_file])
def test_a_word_of_an_agi_command(text: str, command: Callable[[str], str]) -> None:
    """It is refused, or Asterisk reads one command with that very word."""
    try:
        line = command(text)
    except UnsafeValue:
        return
    (words,) = AsteriskSide().feed(line.encode() + b"\n")
    assert text in words


@every_bytes
def test_a_callers_name_from_agi(data: bytes) -> None:
    """Bytes of any kind in the environment: one environment, whose other values stay what they are - or none at all."""
    sent = b"agi_network: yes\nagi_channel: PJSIP/line-1\nagi_uniqueid: 17.1\nagi_calleridname: " + data.replace(b"\n", b" ") + b"\n\n"
    try:
        events = list(OurSide().feed(sent))
    except Exception as refused:
        assert type(refused).__name__ == "ProtocolViolation"  # noqa: PT017
        return
    (environment,) = events
    assert isinstance(environment, Environment)
    assert environment.values["agi_uniqueid"] == "17.1"


@every_text
def test_a_callers_number(text: str) -> None:
    """A number is digits with perhaps a + in front, or nothing."""
    assert re.fullmatch(r"\+?[0-9]*", normalise(text, "CN").text)


@every_text
def test_a_number_that_is_dialled(text: str) -> None:
    """Nothing but a number and the name of a line becomes part of a Dial."""
    with pytest.raises(ValueError, match="may not go into a Dial"):
        check_outside(f"PJSIP/{text}x@carrier")


@pytest.fixture
def written() -> Iterator[Callable[[bool], io.StringIO]]:
    """The log of a server, set up anew on a text in memory."""
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def set_up(human: bool) -> io.StringIO:
        stream = io.StringIO()
        set_up_logs(stream=stream, human=human)
        return stream

    yield set_up
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@every_text
@pytest.mark.parametrize("human", [True, False], ids=["terminal", "file"])
def test_a_line_of_the_log(written: Callable[[bool], io.StringIO], text: str, human: bool) -> None:
    """One line with no sign that a terminal would obey; in a file it is JSON; `./hotline logs` shows one line of it."""
    stream = written(human)
    structlog.get_logger("test").warning("number_unknown", dnis=text, found=[text])
    logging.getLogger("other").warning("from a library: %s", text)
    lines = stream.getvalue().removesuffix("\n").split("\n")
    assert len(lines) == 2
    assert all(plain(line) == line for line in lines)
    if not human:
        assert all(json.loads(line)["level"] == "warning" for line in lines)
        assert all("\n" not in plain(readable(line)) for line in lines)


@every_text
def test_an_event_in_redis_and_on_a_terminal(text: str) -> None:
    """What was told is read back; `./hotline events` prints one line, and one line of JSON with the same value in it."""
    event = Event("event-1", 1, CallArrived(text, text, "s", "c", "zh", 1), call="call-1")
    if as_sent(text) == text:
        assert event_from(event_text(event)) == event
        assert json.loads(as_json(event))["data"]["ani"] == text
        assert plain(as_json(event)) == as_json(event)
        assert plain(for_people(event)) == for_people(event)


@every_text
def test_how_far_a_call_has_come(text: str) -> None:
    """The channel's variable has letters, digits, - and _, whatever the flow's variables hold; they come back, or are left out."""
    context = CallContext("call-1", "", "4000", "zh", {"name": as_sent(text)})
    packed = checkpoint.pack(checkpoint.checkpoint_of(context, "main", "menu", 1))
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,1800}", packed)
    found = checkpoint.unpack(packed)
    assert found
    assert found.variables.get("name", "") in (as_sent(text), "")


@every_text
def test_a_label_of_a_metric(text: str) -> None:
    """One sample, whatever its label holds."""
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.Gauge("g", "g", ["queue"], registry=registry).labels(as_sent(text)).set(1)
    samples = [line for line in prometheus_client.generate_latest(registry).decode().split("\n") if line and not line.startswith("#")]
    assert len(samples) == 1


@every_text
def test_json_on_a_terminal(text: str) -> None:
    """It can be printed, and read back as it was."""
    assert plain(plain_json({"a": text})) == plain_json({"a": text})
    assert json.loads(plain_json([text])) == [text]
