"""Keys as RFC 4733 events: timestamps stand still, durations grow, ends come three times, and loss or repetition makes no key double."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.phone.dtmf import DIGITS, DigitReceiver, DigitSender, EventPacket

pytestmark = pytest.mark.unit

KEYS = st.text(st.sampled_from(DIGITS), min_size=1, max_size=8)


def spell(digits: str, on_ms: int = 100, gap_ms: int = 60, base: int = 0) -> list[list[EventPacket]]:
    """What is sent in each 20 ms until the sender is done."""
    sender = DigitSender()
    steps: list[list[EventPacket]] = []
    sender.queue(digits, on_ms, gap_ms)
    while sender.busy:
        steps.append(sender.step((base + 160 * len(steps)) % 2**32))
    return steps


def test_one_key_step_by_step() -> None:
    """100 ms of "5": five steps of growing duration under one timestamp, marked at the start, its end three times, then the gap."""
    steps = spell("5", 100, 60, 4000)

    fields = [[struct.unpack("!BBH", packet.payload) for packet in packets] for packets in steps]
    assert fields == [[(5, 10, 160)], [(5, 10, 320)], [(5, 10, 480)], [(5, 10, 640)], [(5, 0x8A, 800)] * 3, [], [], []]
    assert {packet.timestamp for packets in steps for packet in packets} == {4000}
    assert [packet.marker for packets in steps for packet in packets] == [True] + [False] * 6


@given(KEYS, st.integers(20, 400), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_what_is_pressed_is_heard(digits: str, on_ms: int, gap_ms: int, base: int) -> None:
    """Any keys at any pace arrive in order, once each, with the time they were held."""
    receiver = DigitReceiver()

    for at, packets in enumerate(spell(digits, on_ms, gap_ms, base)):
        for packet in packets:
            receiver.receive(packet.payload, packet.timestamp, 1, float(at))

    assert receiver.text == digits
    assert {digit.held_ms for digit in receiver.digits} == {-(-on_ms // 20) * 20}


@given(KEYS, st.data())
def test_loss_and_repetition_change_nothing_that_is_heard(digits: str, data: st.DataObject) -> None:
    """As long as one packet of each key arrives, each key counts once, however often packets come or how late."""
    receiver = DigitReceiver()
    packets = [packet for step in spell(digits) for packet in step]
    by_key: dict[int, list[EventPacket]] = {}
    for packet in packets:
        by_key.setdefault(packet.timestamp, []).append(packet)
    earlier: list[EventPacket] = []

    for group in by_key.values():
        arriving = data.draw(st.lists(st.sampled_from(group), min_size=1, max_size=6))
        earlier += arriving
        for packet in arriving + data.draw(st.lists(st.sampled_from(earlier), max_size=3)):
            receiver.receive(packet.payload, packet.timestamp, 1, 0.0)

    assert receiver.text == digits


def test_a_new_source_starts_afresh() -> None:
    """A source with smaller timestamps than the one before is heard all the same."""
    receiver = DigitReceiver()

    receiver.receive(bytes([1, 10, 0, 160]), 900_000, 1, 0.0)
    receiver.receive(bytes([2, 10, 0, 160]), 5, 2, 0.0)

    assert receiver.text == "12"


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x10\x0a\x00\xa0", b"\xff\xff\xff\xff"])
def test_what_is_no_key_is_ignored(payload: bytes) -> None:
    """Short payloads and events beyond the keys (flash, tones) are no digits."""
    receiver = DigitReceiver()

    assert receiver.receive(payload, 1, 1, 0.0) is None
    assert receiver.text == ""


def test_memory_of_keys_is_bounded() -> None:
    """A far end that never stops pressing fills no memory."""
    receiver = DigitReceiver(limit=3)

    for number in range(10):
        receiver.receive(bytes([number, 10, 0, 160]), number * 1000 + 1, 1, 0.0)

    assert receiver.text == "789"


@pytest.mark.parametrize(("digits", "on_ms", "gap_ms"), [("x", 100, 60), ("1", 0, 60), ("1", 10_000, 60), ("1", 100, -50)])
def test_impossible_keys_are_refused(digits: str, on_ms: int, gap_ms: int) -> None:
    """Keys no phone has, and times that RFC 4733 cannot say, raise ValueError before anything is sent."""
    sender = DigitSender()

    with pytest.raises(ValueError, match=r"key"):
        sender.queue(digits, on_ms, gap_ms)
    assert not sender.busy
