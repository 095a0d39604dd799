"""RTP packets survive the wire; other bytes raise MalformedRtp and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.phone.errors import MalformedRtp
from simulator.phone.rtp import Packet, build_rtp, later, parse_rtp

pytestmark = pytest.mark.unit

WORD = st.integers(0, 2**32 - 1)
TYPES = st.integers(0, 127).filter(lambda number: number not in range(72, 77))


@given(st.builds(Packet, TYPES, st.integers(0, 65535), WORD, WORD, st.binary(max_size=200), st.booleans()))
def test_a_packet_survives_the_wire(packet: Packet) -> None:
    """parse_rtp(build_rtp(packet)) is the packet."""
    assert parse_rtp(build_rtp(packet)) == packet


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_a_packet_or_refused(data: bytes) -> None:
    """Nothing but MalformedRtp is raised, and a payload is never longer than its datagram."""
    try:
        packet = parse_rtp(data)
    except MalformedRtp:
        return

    assert len(packet.payload) <= len(data) - 12


def test_sources_extensions_and_padding_are_skipped() -> None:
    """Only the sound is left of a packet with contributing sources, a header extension and padding."""
    data = bytes([0xB1, 0x80, 0, 1]) + bytes(8) + b"SRC1" + bytes([0, 0, 0, 1]) + b"extn" + b"sound" + bytes([0, 0, 3])

    packet = parse_rtp(data)

    assert packet.payload == b"sound"
    assert packet.marker


def test_rtcp_is_not_sound() -> None:
    """A sender report on the media port is refused."""
    with pytest.raises(MalformedRtp):
        parse_rtp(bytes([0x80, 200]) + bytes(26))


@given(WORD, st.integers(1, 2**31 - 1))
def test_later_wraps_around(timestamp: int, step: int) -> None:
    """Order of timestamps holds across the end of 32 bits."""
    ahead = (timestamp + step) % 2**32

    assert later(ahead, timestamp)
    assert not later(timestamp, ahead)
    assert not later(timestamp, timestamp)
