"""Session descriptions for one audio stream: reading an offer or answer, making ours, and the rules between the two. Pure; G.711 only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from simulator.phone.errors import MalformedSdp
from simulator.phone.uri import Peer

CODECS = {0: "PCMU", 8: "PCMA"}
"""Static payload types of the codecs we speak, best first."""

_MEDIA = re.compile(r"audio ([0-9]{1,5})(?:/[0-9]+)? RTP/(?:S?AVPF?) ([0-9 ]+)")
_CONNECTION = re.compile(r"IN IP4 ([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?:/.*)?")
_RTPMAP = re.compile(r"rtpmap:([0-9]{1,3}) ([A-Za-z0-9._-]+)/([0-9]+)(?:/[0-9]+)?")


class Direction(StrEnum):
    """Who may send, seen from the side that wrote the description."""

    BOTH = "sendrecv"
    SEND = "sendonly"
    RECEIVE = "recvonly"
    NONE = "inactive"

    @property
    def mirrored(self) -> Direction:
        return {Direction.SEND: Direction.RECEIVE, Direction.RECEIVE: Direction.SEND}.get(self, self)

    @property
    def sends(self) -> bool:
        return self in (Direction.BOTH, Direction.SEND)

    @property
    def receives(self) -> bool:
        return self in (Direction.BOTH, Direction.RECEIVE)


@dataclass(frozen=True, slots=True)
class Description:
    """One audio stream: where its owner wants packets, codecs by preference (payload types of CODECS),
    and the payload type of telephone-event."""

    peer: Peer
    codecs: tuple[int, ...] = tuple(CODECS)
    dtmf: int | None = 101
    direction: Direction = Direction.BOTH


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides settled on: where to send, in which codec, under which payload type digits go, and whether we may send at all."""

    peer: Peer
    codec: int
    dtmf: int | None
    sending: bool


def parse_sdp(body: bytes) -> Description:
    """Read a description; raises MalformedSdp when there is no audio stream in it that we could use."""
    lines = [line.strip() for line in body.decode("utf-8", "replace").splitlines()]
    host, port, dtmf, direction, section = "", 0, None, Direction.BOTH, ""
    codecs: tuple[int, ...] = ()
    for line in lines:
        kind, _, value = line.partition("=")
        if kind == "m":
            section = "ours" if not port and (found := _MEDIA.fullmatch(value)) else "other"
            if section == "ours" and found:
                port, codecs = int(found[1]), _known_codecs(found[2])
        elif section == "other":
            continue
        elif kind == "c" and (found := _CONNECTION.fullmatch(value)):
            host = found[1]
        elif kind == "a" and (found := _RTPMAP.fullmatch(value)):
            dtmf = int(found[1]) if found[2].lower() == "telephone-event" and found[3] == "8000" and int(found[1]) < 128 else dtmf
        elif kind == "a" and value in list(Direction):
            direction = Direction(value)
    if not 0 < port < 65536 or not host:
        raise MalformedSdp("no audio stream with an IPv4 address and a port; expected m=audio PORT RTP/AVP and c=IN IP4 ADDRESS")
    if not codecs:
        raise MalformedSdp(f"no codec in common; expected one of {', '.join(CODECS.values())}")
    if host == "0.0.0.0":
        direction = Direction.NONE
    return Description((host, port), codecs, dtmf, direction)


def build_sdp(description: Description, version: int) -> bytes:
    """Write a description; `version` goes up with each new one in a call."""
    host, port = description.peer
    formats = [*description.codecs] + ([] if description.dtmf is None else [description.dtmf])
    lines = [
        "v=0",
        f"o=- {port} {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, formats))}",
        *(f"a=rtpmap:{codec} {CODECS[codec]}/8000" for codec in description.codecs),
    ]
    if description.dtmf is not None:
        lines += [f"a=rtpmap:{description.dtmf} telephone-event/8000", f"a=fmtp:{description.dtmf} 0-15"]
    lines += ["a=ptime:20", f"a={description.direction}"]
    return "\r\n".join([*lines, ""]).encode()


def answer_to(offer: Description, ours: Description) -> Description:
    """Our answer: the first codec of the offer that we speak, digits under the offer's payload type, its direction mirrored
    (and silent if we hold as well)."""
    codec = _common(offer.codecs, ours.codecs)
    direction = _allowed_by_both(offer.direction.mirrored, ours.direction)
    return Description(ours.peer, (codec,), offer.dtmf if ours.dtmf is not None else None, direction)


def agree(theirs: Description, ours: Description) -> Agreement:
    """What follows for our sender from both descriptions, whoever offered."""
    codec = _common(theirs.codecs, ours.codecs)
    sending = ours.direction.sends and theirs.direction.receives
    return Agreement(theirs.peer, codec, theirs.dtmf if ours.dtmf is not None else None, sending)


def _allowed_by_both(mirrored: Direction, own: Direction) -> Direction:
    """The most that both directions allow."""
    sends, receives = mirrored.sends and own.sends, mirrored.receives and own.receives
    if sends and receives:
        return Direction.BOTH
    if sends:
        return Direction.SEND
    return Direction.RECEIVE if receives else Direction.NONE


def _common(preferred: tuple[int, ...], spoken: tuple[int, ...]) -> int:
    for codec in preferred:
        if codec in spoken:
            return codec
    raise MalformedSdp(f"no codec in common between {preferred} and {spoken}")


def _known_codecs(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split() if len(word) <= 3 and int(word) in CODECS)
