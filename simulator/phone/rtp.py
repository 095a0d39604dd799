"""RTP packets (RFC 3550) to and from bytes. Pure; RTCP that strays onto the port is refused like anything else that is not RTP."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from simulator.phone.errors import MalformedRtp

FRAME = 160
"""Samples in one packet: 20 ms at 8,000 a second."""

RATE = 8000
_HEADER = struct.Struct("!BBHII")
_RTCP = range(72, 77)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; `timestamp` counts samples, modulo 2**32."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def build_rtp(packet: Packet) -> bytes:
    second = packet.payload_type | (0x80 if packet.marker else 0)
    return _HEADER.pack(0x80, second, packet.sequence, packet.timestamp, packet.ssrc) + packet.payload


def parse_rtp(data: bytes) -> Packet:
    """Read one datagram; raises MalformedRtp."""
    if len(data) < _HEADER.size:
        raise MalformedRtp(f"{len(data)} bytes, an RTP header has {_HEADER.size}")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2 or second & 0x7F in _RTCP:
        raise MalformedRtp("not RTP version 2, or RTCP")
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            raise MalformedRtp("header extension cut short")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if end < start:
        raise MalformedRtp("header and padding are longer than the packet")
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


def later(timestamp: int, than: int) -> bool:
    """Whether one RTP timestamp comes after another, wrap-around included."""
    return 0 < (timestamp - than) & 0xFFFFFFFF < 0x80000000
