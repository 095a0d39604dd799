"""SIP messages as values: reading them from a datagram, writing them, and the headers every request and response carries.
Sans-I/O: no socket, no timer, no dialog."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from simulator.phone.errors import MalformedSip
from simulator.phone.uri import Address, parameters, split

REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}
METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, UPDATE"
_COMPACT = {
    "v": "Via",
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "l": "Content-Length",
    "c": "Content-Type",
    "k": "Supported",
    "s": "Subject",
    "e": "Content-Encoding",
    "r": "Refer-To",
    "b": "Referred-By",
    "o": "Event",
    "x": "Session-Expires",
}
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n\0]*))?")
_REQUEST_LINE = re.compile(r"([A-Za-z0-9.!%*_+`'~-]+) ([^ \r\n\0]+) SIP/2\.0")
_CSEQ = re.compile(r"([0-9]{1,10})[ \t]+([A-Za-z0-9.!%*_+`'~-]+)")
_LENGTH = re.compile(r"[0-9]{1,6}")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")


@dataclass(slots=True)
class Headers:
    """Header fields in order; names compare without regard to case. Content-Length is not kept: it follows from the body."""

    fields: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The first value, "" if there is none."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        lowered = name.lower()
        return [value for key, value in self.fields if key.lower() == lowered]

    def items(self, name: str) -> list[str]:
        """Every element of a comma-separated header (Route, Record-Route, Via), over all its lines."""
        return [part.strip() for value in self.all(name) for part in split(value, ",")]

    def add(self, name: str, value: str) -> None:
        self.fields.append((name, value))

    def replace(self, name: str, *values: str) -> None:
        """Put `values` in the place of every field of that name, at the position of the first one."""
        lowered = name.lower()
        place = next((index for index, (key, _) in enumerate(self.fields) if key.lower() == lowered), len(self.fields))
        rest = [pair for pair in self.fields if pair[0].lower() != lowered]
        self.fields = [*rest[:place], *((name, value) for value in values), *rest[place:]]


@dataclass(slots=True)
class Message:
    """What requests and responses share. Parsed messages always have the five mandatory headers in readable form."""

    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def call_id(self) -> str:
        return self.headers.get("Call-ID")

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method; raises MalformedSip."""
        match = _CSEQ.fullmatch(self.headers.get("CSeq"))
        if match is None:
            raise MalformedSip(f"CSeq {self.headers.get('CSeq')[:40]!r} is not a number and a method")
        return int(match[1]), match[2]

    @property
    def sender(self) -> Address:
        return Address.parse(self.headers.get("From"))

    @property
    def recipient(self) -> Address:
        return Address.parse(self.headers.get("To"))

    @property
    def contact(self) -> str:
        """The URI of the first Contact, "" if there is none; raises MalformedSip."""
        value = self.headers.get("Contact")
        return Address.parse(value).uri if value else ""

    @property
    def branch(self) -> str:
        """What marks the transaction: the branch of the topmost Via, or all of that Via from an RFC 2543 peer."""
        top = next(iter(self.headers.items("Via")), "")
        return parameters(top).get("branch", "") or top


@dataclass(slots=True)
class Request(Message):
    method: str = ""
    uri: str = ""


@dataclass(slots=True)
class Response(Message):
    status: int = 0
    reason: str = ""


def parse(data: bytes) -> Request | Response:
    """Read one datagram; raises MalformedSip, and nothing else, for anything that is not a complete SIP message."""
    head, _, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "replace").split("\r\n")
    headers, length = _headers(lines[1:])
    if length is not None:
        if length > len(body):
            raise MalformedSip(f"Content-Length {length} but only {len(body)} bytes of body")
        body = body[:length]
    message: Request | Response
    if match := _STATUS_LINE.fullmatch(lines[0]):
        message = Response(headers, body, int(match[1]), match[2] or "")
    elif match := _REQUEST_LINE.fullmatch(lines[0]):
        message = Request(headers, body, match[1], match[2])
    else:
        raise MalformedSip(f"{lines[0][:80]!r} is neither a request line nor a status line")
    _check(message)
    return message


def build(message: Request | Response) -> bytes:
    """Write a message. Raises ValueError for a line break in a header: nothing handed in can add a header of its own."""
    first = f"{message.method} {message.uri} SIP/2.0" if isinstance(message, Request) else f"SIP/2.0 {message.status} {message.reason}"
    lines = [first, *(f"{name}: {value}" for name, value in message.headers.fields), f"Content-Length: {len(message.body)}"]
    for line in lines:
        if _FORBIDDEN.search(line):
            raise ValueError(f"{line[:80]!r} has a line break or NUL in it; take it out before it goes into a SIP message")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + message.body


def new_request(method: str, uri: str, sender: Address, recipient: Address, call_id: str, number: int) -> Request:
    """A request with everything but Via (the transaction adds it) and Contact."""
    headers = Headers(
        [
            ("Max-Forwards", "70"),
            ("From", str(sender)),
            ("To", str(recipient)),
            ("Call-ID", call_id),
            ("CSeq", f"{number} {method}"),
            ("User-Agent", "hotline-phone"),
        ]
    )
    return Request(headers, b"", method, uri)


def respond(request: Request, status: int, tag: str = "", reason: str = "") -> Response:
    """A response to `request`; `tag` marks our side in To where the request had none."""
    recipient = request.recipient
    if tag and not recipient.tag:
        recipient = recipient.tagged(tag)
    fields = [("Via", via) for via in request.headers.all("Via")]
    fields += [("Record-Route", route) for route in request.headers.all("Record-Route")]
    fields += [
        ("From", request.headers.get("From")),
        ("To", str(recipient)),
        ("Call-ID", request.call_id),
        ("CSeq", request.headers.get("CSeq")),
        ("User-Agent", "hotline-phone"),
    ]
    return Response(Headers(fields), b"", status, reason or REASONS.get(status, "Unknown"))


def with_body(message: Message, content_type: str, body: bytes) -> None:
    """Give the message this body and say what it is."""
    message.headers.replace("Content-Type", content_type)
    message.body = body


def fresh_id() -> str:
    """A tag, branch or Call-ID that nobody can guess."""
    return secrets.token_hex(8)


def _headers(lines: Iterable[str]) -> tuple[Headers, int | None]:
    headers, length = Headers(), None
    for line in _unfolded(lines):
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not _TOKEN.fullmatch(name):
            raise MalformedSip(f"{line[:80]!r} is not a header")
        name, value = _COMPACT.get(name.lower(), name), value.strip(" \t")
        if "\r" in value or "\n" in value or "\0" in value:
            raise MalformedSip(f"header {name} has a bare line break or NUL in it")
        if name.lower() != "content-length":
            headers.add(name, value)
        elif not _LENGTH.fullmatch(value):
            raise MalformedSip(f"Content-Length {value[:20]!r} is not a number")
        else:
            length = int(value)
    return headers, length


def _unfolded(lines: Iterable[str]) -> list[str]:
    """Join lines that go on after a line break and white space."""
    unfolded: list[list[str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and unfolded:
            unfolded[-1].append(line.strip(" \t"))
        elif line:
            unfolded.append([line])
    return [" ".join(parts) for parts in unfolded]


def _check(message: Request | Response) -> None:
    for name in _MANDATORY:
        if not message.headers.get(name):
            raise MalformedSip(f"a message without {name}")
    _, method = message.cseq
    if isinstance(message, Request) and method != message.method:
        raise MalformedSip(f"a {message.method[:20]} whose CSeq says {method[:20]}")
    _ = message.sender, message.recipient
