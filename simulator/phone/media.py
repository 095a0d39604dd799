"""The sound of one call: its RTP socket, what it sends each 20 ms (audio, keys or silence), and what it hears.
Signalling decides when it starts and where it sends."""

from __future__ import annotations

import asyncio
import secrets
import socket
from dataclasses import dataclass

from simulator.phone.audio import SILENCE, Recorder, Samples, encode, from_wire, to_wire
from simulator.phone.dtmf import Digit, DigitReceiver, DigitSender
from simulator.phone.errors import CallOver, MalformedRtp
from simulator.phone.pacer import Pacer
from simulator.phone.rtp import FRAME, Packet, build_rtp, parse_rtp
from simulator.phone.sdp import CODECS, Agreement

_READ_AT_ONCE = 32


@dataclass(slots=True)
class MediaStatistics:
    """Packets each way; times are loop times in seconds, None before the first packet."""

    sent: int = 0
    received: int = 0
    malformed: int = 0
    first_at: float | None = None
    last_at: float | None = None


class Media:
    """One RTP stream in both directions. With `listen` off nothing is read and little is sent:
    one packet at once, one each 5 s, and keys."""

    def __init__(self, host: str, pacer: Pacer, *, listen: bool = True, record_s: float = 120.0) -> None:
        self.statistics = MediaStatistics()
        self.received = DigitReceiver()
        self.heard = Recorder(limit_s=record_s)
        self._loop = asyncio.get_running_loop()
        self._pacer = pacer
        self._listen = listen
        self._socket = _even_socket(host)
        self.port: int = self._socket.getsockname()[1]
        self._agreed: Agreement | None = None
        self._keys = DigitSender()
        self._pressed: asyncio.Event = asyncio.Event()
        self._playing, self._position, self._repeat = b"", 0, False
        self._ssrc, self._sequence, self._base = secrets.randbits(32), secrets.randbits(16), secrets.randbits(32)
        self._talkspurt = True
        self._closed = False

    def start(self, agreed: Agreement) -> None:
        """Send as agreed, from now on; called again when a new offer changed something."""
        if self._closed:
            return
        first, self._agreed = self._agreed is None, agreed
        if not first:
            return
        self.heard.started_at = self._loop.time()
        if self._listen:
            self._loop.add_reader(self._socket.fileno(), self._readable)
        self._pacer.join(self, quiet=not self._listen)
        self._send_audio(self._timestamp(self._pacer.number))

    def play(self, samples: Samples, *, repeat: bool = False) -> None:
        """Send this sound from the next packet on, in place of what was playing; silence follows unless it repeats."""
        self._playing, self._position, self._repeat = encode(samples), 0, repeat

    async def press(self, digits: str, digit_ms: int, gap_ms: int) -> None:
        """Press keys at the pace of real time; returns after the last gap. Raises CallOver, or ValueError for unknown keys."""
        if self._agreed is None or self._closed:
            raise CallOver("keys can be pressed only in a call that is up")
        if self._agreed.dtmf is None:
            raise CallOver("the far end did not offer telephone-event, so no key can be sent; allow rfc4733 for this endpoint")
        self._keys.queue(digits, digit_ms, gap_ms)
        self._pressed.clear()
        self._pacer.join(self)
        await self._pressed.wait()
        if self._closed:
            raise CallOver(f"the call ended while {digits!r} was being pressed")

    def tick(self, number: int) -> None:
        """Send what belongs to this 20 ms."""
        timestamp = self._timestamp(number)
        was_busy = self._keys.busy
        events = self._keys.step(timestamp)
        for event in events:
            self._send(self._agreed.dtmf if self._agreed else None, event.timestamp, event.payload, event.marker)
            self._talkspurt = True
        if not events:
            self._send_audio(timestamp)
        if was_busy and not self._keys.busy:
            self._pressed.set()
            self._pacer.join(self, quiet=not self._listen)

    def close(self) -> None:
        """Stop sending and listening; what was heard stays. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._pacer.leave(self)
        self._pressed.set()
        if self._listen and self._agreed is not None:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _timestamp(self, number: int) -> int:
        return (self._base + number * FRAME) & 0xFFFFFFFF

    def _send_audio(self, timestamp: int) -> None:
        frame = self._playing[self._position : self._position + FRAME]
        self._position += FRAME
        if self._position >= len(self._playing):
            self._position = 0
            if not self._repeat:
                self._playing = b""
        frame = frame.ljust(FRAME, SILENCE)
        if self._agreed is not None and self._agreed.sending:
            codec = self._agreed.codec
            self._send(codec, timestamp, to_wire(frame, codec), self._talkspurt)
            self._talkspurt = False

    def _send(self, payload_type: int | None, timestamp: int, payload: bytes, marker: bool) -> None:
        if self._agreed is None or payload_type is None:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        data = build_rtp(Packet(payload_type, self._sequence, timestamp, self._ssrc, payload, marker))
        try:
            self._socket.sendto(data, self._agreed.peer)
        except OSError:
            # A full buffer or a refused port loses a packet, as a network may.
            return
        self.statistics.sent += 1

    def _readable(self) -> None:
        for _ in range(_READ_AT_ONCE):
            try:
                data = self._socket.recv(2048)
            except OSError:
                # Nothing more to read, or the far end's port is closed.
                return
            self._receive(data, self._loop.time())

    def _receive(self, data: bytes, at: float) -> Digit | None:
        try:
            packet = parse_rtp(data)
        except MalformedRtp:
            self.statistics.malformed += 1
            return None
        statistics = self.statistics
        statistics.received += 1
        statistics.last_at = at
        if statistics.first_at is None:
            statistics.first_at = at
        if packet.payload_type in CODECS:
            self.heard.add(from_wire(packet.payload, packet.payload_type), packet.timestamp, packet.ssrc, at, marker=packet.marker)
        elif self._agreed is not None and packet.payload_type == self._agreed.dtmf:
            return self.received.receive(packet.payload, packet.timestamp, packet.ssrc, at)
        return None


def _even_socket(host: str) -> socket.socket:
    """A bound UDP socket on an even port: the odd one above it is where RTCP goes, and must not be another call's."""
    tried: list[socket.socket] = []
    try:
        while True:
            candidate = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            tried.append(candidate)
            candidate.setblocking(False)
            candidate.bind((host, 0))
            if candidate.getsockname()[1] % 2 == 0 or len(tried) >= 64:
                return tried.pop()
    finally:
        for other in tried:
            other.close()
