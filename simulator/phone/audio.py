"""Sound as numbers: G.711 to and from 16-bit samples, and the recorder that lays received packets on a time line.
Knows RTP timestamps but no sockets."""

from __future__ import annotations

import struct
import sys
import wave
from array import array
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from simulator.phone.rtp import RATE

Samples = Sequence[int]
"""16-bit signed samples at 8,000 a second."""

PCMU, PCMA = 0, 8
SILENCE = b"\xff"
"""One sample of silence in mu-law."""

_RESYNC = RATE // 10
_RESYNC_IN_SPURT = 2 * RATE


def _ulaw_sample(code: int) -> int:
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _alaw_sample(code: int) -> int:
    code ^= 0x55
    segment, step = (code >> 4) & 7, (code & 0x0F) << 4
    magnitude = step + 8 if segment == 0 else (step + 0x108) << (segment - 1)
    return magnitude if code & 0x80 else -magnitude


_ULAW = [_ulaw_sample(code) for code in range(256)]
_ALAW = [_alaw_sample(code) for code in range(256)]


@cache
def _encoder() -> bytes:
    """mu-law code of every 16-bit sample, indexed by its unsigned value."""
    codes = bytearray(65536)
    for value in range(65536):
        sample = value - 65536 if value >= 32768 else value
        magnitude = min(abs(sample), 32635) + 0x84
        segment = magnitude.bit_length() - 8
        code = (segment << 4) | ((magnitude >> (segment + 3)) & 0x0F)
        codes[value] = ~(code | (0x80 if sample < 0 else 0)) & 0xFF
    return bytes(codes)


@cache
def _between_laws(decode_from: int) -> bytes:
    """Translation table of complete payloads: mu-law to A-law (from PCMU) or back (from PCMA)."""
    if decode_from == PCMA:
        return bytes(_encoder()[sample & 0xFFFF] for sample in _ALAW)
    nearest = sorted((sample, code) for code, sample in enumerate(_ALAW))
    return bytes(min(nearest, key=lambda pair: abs(pair[0] - sample))[1] for sample in _ULAW)


def encode(samples: Samples) -> bytes:
    """16-bit samples to mu-law, one byte each; samples out of range are clipped."""
    table = _encoder()
    return bytes(table[max(-32768, min(32767, sample)) & 0xFFFF] for sample in samples)


def decode(data: bytes) -> array[int]:
    """mu-law to 16-bit samples."""
    return array("h", map(_ULAW.__getitem__, data))


def to_wire(data: bytes, codec: int) -> bytes:
    """mu-law as the payload of `codec` (PCMU or PCMA)."""
    return data if codec == PCMU else data.translate(_between_laws(PCMU))


def from_wire(payload: bytes, codec: int) -> bytes:
    """The payload of `codec` as mu-law."""
    return payload if codec == PCMU else payload.translate(_between_laws(PCMA))


class Recorder:
    """What was heard, on a time line that starts at `started_at` (loop time, seconds). Packets are placed by RTP timestamp; a new source or
    a jump of its clock is placed by arrival. What never came is silence. After `limit_s` seconds nothing more is kept."""

    def __init__(self, started_at: float = 0.0, limit_s: float = 600.0) -> None:
        self.started_at = started_at
        self._limit = round(limit_s * RATE)
        self._data = bytearray()
        self._ssrc: int | None = None
        self._anchor = (0, 0)

    def __len__(self) -> int:
        """Samples on the time line."""
        return len(self._data)

    def add(self, payload: bytes, timestamp: int, ssrc: int, at: float, *, marker: bool = False) -> None:
        """Put one payload (mu-law) in its place; `at` is when it came, in loop time.
        A packet with `marker` begins a new stretch of sound."""
        arrived = max(0, round((at - self.started_at) * RATE))
        offset = self._anchor[0] + _signed(timestamp - self._anchor[1])
        if ssrc != self._ssrc or abs(offset - arrived) > (_RESYNC if marker else _RESYNC_IN_SPURT):
            offset = max(arrived, len(self._data) if ssrc != self._ssrc else 0)
            offset = arrived if offset - arrived > _RESYNC else offset
            self._ssrc, self._anchor = ssrc, (offset, timestamp)
        payload = payload[: max(0, self._limit - offset)]
        if offset < 0 or not payload:
            return
        if offset > len(self._data):
            self._data += SILENCE * (offset - len(self._data))
        self._data[offset : offset + len(payload)] = payload

    def samples(self, start: int = 0, stop: int | None = None) -> array[int]:
        """16-bit samples between two offsets; negative offsets count from the end."""
        return decode(bytes(self._data[start:stop]))

    def write_wav(self, path: Path | str) -> None:
        """Write all of it as a mono 16-bit WAV file of 8,000 samples a second."""
        write_wav(path, self.samples())


def write_wav(path: Path | str, samples: Samples) -> None:
    """Write a mono 16-bit WAV file of 8,000 samples a second."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def read_wav(path: Path | str) -> array[int]:
    """The samples of a mono 16-bit WAV file of 8,000 samples a second; raises ValueError for any other kind."""
    with wave.open(str(path), "rb") as file:
        kind = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        if kind != (1, 2, RATE):
            raise ValueError(f"{path}: {kind[0]} channels, {kind[1] * 8} bits, {kind[2]} Hz; expected 1, 16 and {RATE}")
        samples = array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _signed(difference: int) -> int:
    difference &= 0xFFFFFFFF
    return difference - 0x100000000 if difference >= 0x80000000 else difference
