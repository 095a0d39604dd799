"""Keys as RTP events (RFC 4733): spelling out queued digits one 20 ms step at a time,
and reading received events back as digits. Pure; the caller owns clock and socket."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass

from simulator.phone.rtp import FRAME, later

DIGITS = "0123456789*#ABCD"
"""Event codes 0 to 15, in order."""

_EVENT = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 10
_END_PACKETS = 3
_MAX_STEPS = 0xFFFF // FRAME


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One RTP packet of an event: its timestamp is that of the key going down, whatever the time now."""

    payload: bytes
    timestamp: int
    marker: bool


@dataclass(slots=True)
class _Key:
    event: int
    on: int
    off: int


class DigitSender:
    """Spells queued digits: call `step` once every 20 ms."""

    def __init__(self) -> None:
        self._keys: deque[_Key] = deque()
        self._done = 0
        self._started_at = 0

    @property
    def busy(self) -> bool:
        """Whether a key, or the gap after it, is still to come."""
        return bool(self._keys)

    def queue(self, digits: str, digit_ms: int, gap_ms: int) -> None:
        """Press these keys after those already queued; times are rounded up to 20 ms. Raises ValueError for a key that no phone has."""
        on, off = -(-digit_ms // 20), -(-gap_ms // 20)
        if not 0 < on <= _MAX_STEPS or off < 0:
            raise ValueError(
                f"a key held for {digit_ms} ms with a gap of {gap_ms} ms; expected 1 to {_MAX_STEPS * 20} ms and a gap of 0 or more"
            )
        if unknown := set(digits.upper()) - set(DIGITS):
            raise ValueError(f"no key {', '.join(sorted(unknown))} on a phone; expected any of {DIGITS}")
        self._keys += [_Key(DIGITS.index(digit), on, off) for digit in digits.upper()]

    def step(self, timestamp: int) -> list[EventPacket]:
        """The packets for this 20 ms, in order; none while there is nothing to spell or in a gap (audio may be sent then)."""
        if not self._keys:
            return []
        key, done = self._keys[0], self._done
        self._done += 1
        if done == 0:
            self._started_at = timestamp
        if self._done >= key.on + key.off:
            self._keys.popleft()
            self._done = 0
        if done >= key.on:
            return []
        last = done + 1 == key.on
        payload = _EVENT.pack(key.event, (_END if last else 0) | _VOLUME, (done + 1) * FRAME)
        packet = EventPacket(payload, self._started_at, done == 0)
        return [packet, *[EventPacket(payload, self._started_at, False)] * (_END_PACKETS - 1)] if last else [packet]


@dataclass(slots=True)
class Digit:
    """A key heard from the far end: when its first packet came (loop time, seconds) and how long it was held as far as known."""

    digit: str
    at: float
    held_ms: int = 0


class DigitReceiver:
    """Collects received events into `digits`; repeated and late packets of an event count once."""

    def __init__(self, limit: int = 1000) -> None:
        self.digits: deque[Digit] = deque(maxlen=limit)
        self._ssrc: int | None = None
        self._timestamp = 0

    def receive(self, payload: bytes, timestamp: int, ssrc: int, at: float) -> Digit | None:
        """Take one event packet; returns the digit if it is a new one. Anything that is not a key is ignored."""
        if len(payload) < _EVENT.size:
            return None
        event, _, duration = _EVENT.unpack_from(payload)
        if event >= len(DIGITS):
            return None
        new = ssrc != self._ssrc or later(timestamp, self._timestamp)
        if new:
            self._ssrc, self._timestamp = ssrc, timestamp
            self.digits.append(Digit(DIGITS[event], at))
        if timestamp == self._timestamp and self.digits and self.digits[-1].digit == DIGITS[event]:
            self.digits[-1].held_ms = max(self.digits[-1].held_ms, duration * 20 // FRAME)
        return self.digits[-1] if new else None

    @property
    def text(self) -> str:
        return "".join(digit.digit for digit in self.digits)
