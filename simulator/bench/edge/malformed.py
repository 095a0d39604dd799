"""SIP messages that are wrong in many ways: each kind is a function of a well-formed message, chosen by a seeded source of chance.

Sound ones are the base (RFC 3261 8.1.1); the kinds follow what RFC 4475 collects as torture tests, and what fuzzers try: lengths, numbers,
missing and doubled headers, text where none may stand, and plain noise.
"""

import random
from collections.abc import Callable, Iterator, Mapping

METHODS = (
    "INVITE",
    "REGISTER",
    "OPTIONS",
    "BYE",
    "CANCEL",
    "ACK",
    "REFER",
    "SUBSCRIBE",
    "NOTIFY",
    "MESSAGE",
    "INFO",
    "UPDATE",
    "PRACK",
    "NONSENSE",
)
Lines = list[str]
Change = Callable[[random.Random, Lines], bytes]
SDP = "\r\n".join(
    ("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "")
)


def sound(chance: random.Random, number: int, source: tuple[str, int], to: tuple[str, int]) -> Lines:
    """The lines of a well-formed request, the body as the last one."""
    method, (address, port) = chance.choice(METHODS), source
    body = SDP if method in ("INVITE", "UPDATE") else ""
    return [
        f"{method} sip:4000@{to[0]}:{to[1]} SIP/2.0",
        f"Via: SIP/2.0/UDP {address}:{port};branch=z9hG4bK{number}x{port}",
        f"From: <sip:{chance.randint(1000, 9999)}@{address}>;tag={number}",
        f"To: <sip:4000@{to[0]}>",
        f"Call-ID: {number}-{port}@edge",
        f"CSeq: {chance.randint(1, 99)} {method}",
        f"Contact: <sip:x@{address}:{port}>",
        "Max-Forwards: 70",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
        "",
        body,
    ]


def _text(lines: Lines) -> bytes:
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def _header(chance: random.Random, lines: Lines) -> int:
    return chance.randrange(1, len(lines) - 2)


def _without(chance: random.Random, lines: Lines) -> bytes:
    del lines[_header(chance, lines)]
    return _text(lines)


def _doubled(chance: random.Random, lines: Lines) -> bytes:
    at = _header(chance, lines)
    return _text([*lines[:at], lines[at], *lines[at:]])


def _long(chance: random.Random, lines: Lines) -> bytes:
    at = _header(chance, lines)
    lines[at] += chance.choice('a;%"<,') * chance.choice((300, 4000, 60000))
    return _text(lines)[:65000]


def _many_headers(chance: random.Random, lines: Lines) -> bytes:
    extra = [f"X-{number}: {number}" for number in range(chance.choice((100, 3000)))]
    return _text([*lines[:1], *extra, *lines[1:]])[:65000]


def _cut(chance: random.Random, lines: Lines) -> bytes:
    text = _text(lines)
    return text[: chance.randrange(1, len(text))]


def _bytes_changed(chance: random.Random, lines: Lines) -> bytes:
    text = bytearray(_text(lines))
    for _ in range(chance.choice((1, 5, 50))):
        text[chance.randrange(len(text))] = chance.randrange(256)
    return bytes(text)


def _noise(chance: random.Random, lines: Lines) -> bytes:
    return chance.randbytes(chance.choice((1, 20, 1400, 20000)))


def _replaced(old: str, *new: str) -> Change:
    def change(chance: random.Random, lines: Lines) -> bytes:
        return _text(lines).replace(old.encode(), chance.choice(new).encode("utf-8", "surrogateescape"), 1)

    return change


def _first_line(*new: str) -> Change:
    def change(chance: random.Random, lines: Lines) -> bytes:
        lines[0] = chance.choice(new)
        return _text(lines)

    return change


def _bare_line_ends(chance: random.Random, lines: Lines) -> bytes:
    return _text(lines).replace(b"\r\n", chance.choice((b"\n", b"\r", b"\n\r", b"\0")))


def _many_vias(chance: random.Random, lines: Lines) -> bytes:
    return _text([lines[0], *[lines[1]] * chance.choice((70, 500)), *lines[2:]])[:65000]


KINDS: Mapping[str, Change] = {
    "sound": lambda chance, lines: _text(lines),
    "a header is missing": _without,
    "a header stands twice": _doubled,
    "a very long value": _long,
    "thousands of headers": _many_headers,
    "hundreds of Via": _many_vias,
    "cut off": _cut,
    "bytes changed": _bytes_changed,
    "noise": _noise,
    "line ends": _bare_line_ends,
    "Content-Length": _replaced(
        "Content-Length: ", "Content-Length: -1", "Content-Length: 9", "Content-Length: 4294967297", "Content-Length: x"
    ),
    "CSeq": _replaced("CSeq: ", "CSeq: -", "CSeq: 4294967296", "CSeq: 99999999999999999999 ", "CSeq: \0"),
    "Max-Forwards": _replaced("Max-Forwards: 70", "Max-Forwards: 0", "Max-Forwards: -1", "Max-Forwards: 99999999999", "Max-Forwards: x"),
    "Via": _replaced("SIP/2.0/UDP", "SIP/3.0/UDP", "SIP/2.0/TCP", "SIP/2.0/\0", "sip / 2.0 / UDP", "SIP/2.0/UDP ;;;"),
    "branch": _replaced("branch=z9hG4bK", "branch=", "branch", "branch=z9hG4bK%00", 'branch="'),
    "request line": _first_line(
        "INVITE",
        "INVITE  sip:4000 SIP/2.0",
        "INVITE sip: SIP/2.0",
        "INVITE tel:+86 SIP/2.0",
        "INVITE http://x/ SIP/2.0",
        " ",
        "SIP/2.0 200 OK",
        "SIP/2.0 999 X",
        "INVITE sip:4000@127.0.0.1 SIP/7.0",
        "INVITE sip:%00%0D%0A@127.0.0.1 SIP/2.0",
        "invite sip:4000@127.0.0.1 SIP/2.0",
        "INVITE <sip:4000@127.0.0.1> SIP/2.0",
        "INVITE sip:4000@[::::] SIP/2.0",
        "INVITE sip:4000@127.0.0.1:99999 SIP/2.0",
        f"INVITE sip:{'9' * 5000}@127.0.0.1 SIP/2.0",
        "INVITE sip:4000@127.0.0.1;user=\0 SIP/2.0",
    ),
    "From": _replaced(
        "From: <",
        'From: "',
        "From: <<",
        "From: ",
        'From: "%0D%0AEvent: Hangup" <',
        "From: ' OR 1=1 <",
        "From: \u4f60\u597d <",
        "From: \udcff <",
        "From: <sip:a%0D%0AEvent:%20Hangup%0D%0A@x>, <",
    ),
    "To": _replaced("To: <", "To: ", "To: <>", 'To: "unclosed <', "To: *;"),
    "Contact": _replaced("Contact: <", "Contact: *", "Contact: <sip:>, <", "Contact: <sip:x@127.0.0.1:0>;expires=-1, <", "Contact: "),
    "Call-ID": _replaced("Call-ID: ", "Call-ID: \0", "Call-ID:", "Call-ID: \x1b[2J", "Call-ID: %n%n%s"),
    "Require": _replaced("Max-Forwards: 70", "Require: nothing\r\nProxy-Require: all", "Require: \0", "Supported: " + "a," * 500),
    "Authorization": _replaced(
        "Max-Forwards: 70",
        'Authorization: Digest username="1001", realm="x", nonce="x", uri="x", response="x"',
        "Authorization: Digest " + "a=b," * 2000,
        "Authorization: Basic AAAA",
        'Authorization: Digest username="' + "\\" * 999,
    ),
    "SDP": _replaced(
        "m=audio 40000",
        "m=audio -1",
        "m=audio 99999999",
        "m=",
        "m=audio 0",
        "m=image 40000 udptl t38\r\nm=audio 40000",
        "m=audio 40000/99999",
    ),
    "SDP address": _replaced("c=IN IP4 127.0.0.1", "c=IN IP6 ::::", "c=IN IP4 999.1.1.1", "c=", "c=IN IP4 " + "a" * 3000),
    "Content-Type": _replaced("application/sdp", "multipart/mixed;boundary=", "text/\0", "application/sdp;;;;", "a" * 2000),
    "REFER": _replaced(
        "Max-Forwards: 70", "Refer-To: <sip:4000,1(x)@h?Replaces=%00>", "Refer-To: <>", "Replaces: a;to-tag=b", "Refer-To: tel:112"
    ),
    "Event": _replaced("Max-Forwards: 70", "Event: \0", "Event: dialog\r\nExpires: -1", "Event: presence\r\nAccept: " + "x/y," * 900),
}


def malformed(chance: random.Random, count: int, source: tuple[str, int], to: tuple[str, int]) -> Iterator[bytes]:
    """So many messages, the kinds in turn."""
    kinds = list(KINDS.values())
    for number in range(count):
        yield kinds[number % len(kinds)](chance, sound(chance, number, source, to)) or b"\0"
