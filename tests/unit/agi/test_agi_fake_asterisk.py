"""The fake Asterisk keeps the habits of the real one that were measured."""

import pytest

from simulator.fake_asterisk import FakeCall, environment, verb

pytestmark = pytest.mark.unit


class Recorder(FakeCall):
    """A call that notes what it sends."""

    def __init__(self) -> None:
        super().__init__(environment(), script=lambda call, words: None)
        self.sent = b""

    def send(self, data: bytes) -> None:
        self.sent += data


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"ANSWER", "ANSWER"),
        (b"noop x", "NOOP"),
        (b'exec "Dial" "PJSIP/1"', "EXEC DIAL"),
        (b"WAIT FOR DIGIT 5", "WAIT FOR DIGIT"),
        (b"CONTROL STREAM FILE x", "CONTROL STREAM FILE"),
        (b"SET MUSIC ON", "SET MUSIC"),
        (b"", ""),
    ],
)
def test_commands_are_told_apart(line: bytes, name: str) -> None:
    """Whatever the number of words and their case."""
    call = Recorder()
    call.data_received(line + b"\n")
    assert verb(call.commands[0]) == name


def test_hang_up_order() -> None:
    """HANGUP lines first, then result=-1 of what runs."""
    call = Recorder()
    call.data_received(b'EXEC "Dial" "PJSIP/1"\n')
    call.hang_up()
    assert call.sent == b"HANGUP\nHANGUP\n200 result=-1\n"


def test_keys_end_only_what_waits_for_them() -> None:
    """An escape digit ends a prompt, another key does not, and an idle channel forgets keys."""
    call = Recorder()
    assert not call.press("1")
    call.data_received(b'STREAM FILE "a" "12" 0\n')
    assert not call.press("3")
    assert call.press("1")
    assert call.sent == b"200 result=49 endpos=8000\n"
    call.stop_playback()
    assert call.running is None
    call.data_received(b"WAIT FOR DIGIT 1000\n")
    assert call.press("#")


def test_every_call_has_an_id_of_its_own() -> None:
    """As every channel has."""
    first, second = environment(arguments=["queue"]), environment(dnis="13")
    assert first["agi_uniqueid"] != second["agi_uniqueid"]
    assert (first["agi_arg_1"], second["agi_extension"]) == ("queue", "13")
