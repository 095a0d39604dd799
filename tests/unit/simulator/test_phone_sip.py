"""SIP messages survive the wire, and bytes that are no message never do more than raise MalformedSip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.phone.errors import MalformedSip
from simulator.phone.sip import Headers, Message, Request, Response, build, new_request, parse, respond
from simulator.phone.uri import Address

pytestmark = pytest.mark.unit

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40).map(lambda text: text.strip(" \t"))
NAMES = st.sampled_from(["Subject", "X-Note", "Contact", "Route", "Event", "Reason"])
METHODS = st.sampled_from(["INVITE", "BYE", "NOTIFY", "OPTIONS"])
EXTRA = st.lists(st.tuples(NAMES, TEXT), max_size=5)


def mandatory(method: str) -> list[tuple[str, str]]:
    return [
        ("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1"),
        ("From", '"Al" <sip:al@127.0.0.1>;tag=a'),
        ("To", "<sip:bo@127.0.0.1>"),
        ("Call-ID", "one"),
        ("CSeq", f"7 {method}"),
    ]


@given(METHODS, EXTRA, st.binary(max_size=60))
def test_a_request_survives_the_wire(method: str, extra: list[tuple[str, str]], body: bytes) -> None:
    """parse(build(request)) is the request, for any headers and body."""
    request = Request(Headers(mandatory(method) + extra), body, method, "sip:bo@127.0.0.1:5060;x=y")

    assert parse(build(request)) == request


@given(st.integers(100, 699), TEXT, EXTRA, st.binary(max_size=60))
def test_a_response_survives_the_wire(status: int, reason: str, extra: list[tuple[str, str]], body: bytes) -> None:
    """parse(build(response)) is the response, for any status, reason, headers and body."""
    response = Response(Headers(mandatory("INVITE") + extra), body, status, reason)

    assert parse(build(response)) == response


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_in_one_way(data: bytes) -> None:
    """Whatever arrives either is a message or raises MalformedSip."""
    with pytest.raises(MalformedSip):
        parse(data)


@given(st.data())
def test_a_damaged_message_is_refused_in_one_way(data: st.DataObject) -> None:
    """A real message with any bytes replaced still parses, or raises MalformedSip; what parsed has readable parts."""
    whole = bytearray(build(Request(Headers([*mandatory("INVITE"), ("Contact", "<sip:al@1.2.3.4>")]), b"v=0", "INVITE", "sip:bo@1.2.3.4")))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    try:
        message: Message = parse(bytes(whole))
    except MalformedSip:
        return

    assert message.cseq[1]
    assert message.sender.uri
    assert message.branch


def test_short_names_folded_lines_and_case_are_understood() -> None:
    """Compact header names, continued lines and any case are what RFC 3261 allows."""
    data = (
        b"\r\nOPTIONS sip:x@h SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK9\r\nf: sip:a@h;tag=1\r\nt: <sip:b@h>\r\n"
        b"i: id\r\ncseq: 1 OPTIONS\r\nSubject: one\r\n  two\r\nl: 3\r\n\r\nabcdef"
    )

    message = parse(data)

    assert message.headers.get("subject") == "one two"
    assert (message.call_id, message.branch, message.sender.tag) == ("id", "z9hG4bK9", "1")
    assert message.body == b"abc"


@pytest.mark.parametrize(
    "change",
    [
        (b"Call-ID: one\r\n", b""),
        (b"CSeq: 7 INVITE", b"CSeq: 7 BYE"),
        (b"CSeq: 7 INVITE", b"CSeq: 99999999999 INVITE"),
        (b"CSeq: 7 INVITE", "CSeq: ² INVITE".encode()),
        (b"Content-Length: 0", b"Content-Length: 5"),
        (b"Content-Length: 0", b"Content-Length: -1"),
        (b"Content-Length: 0", b"Content-Length: 99999999999999"),
        (b"SIP/2.0\r\n", b"SIP/3.0\r\n"),
        (b"To: <sip:bo@127.0.0.1>", b"To: <sip:bo@127.0.0.1"),
        (b"To: ", b"To: a\nb"),
        (b"To: ", b"To: a\x00b"),
        (b"\r\nTo", b"\r\nno header here\r\nTo"),
    ],
)
def test_a_broken_message_is_refused(change: tuple[bytes, bytes]) -> None:
    """Missing, contradicting or unreadable mandatory parts make a message malformed."""
    data = build(Request(Headers(mandatory("INVITE")), b"", "INVITE", "sip:bo@127.0.0.1"))
    assert change[0] in data

    with pytest.raises(MalformedSip):
        parse(data.replace(*change))


@pytest.mark.parametrize("text", ["a\r\nVia: evil", "a\nb", "a\0b"])
def test_nothing_handed_in_adds_a_header(text: str) -> None:
    """A line break in a header value is refused when the message is built."""
    request = new_request("INVITE", "sip:b@h", Address("sip:a@h", text), Address("sip:b@h"), "id", 1)

    with pytest.raises(ValueError, match="line break"):
        build(request)


def test_a_response_goes_back_the_way_the_request_came() -> None:
    """Every Via and Record-Route is copied, To gets a tag only if it has none."""
    request = Request(Headers([("Via", "second"), *mandatory("BYE"), ("Record-Route", "<sip:p;lr>")]), b"", "BYE", "sip:b@h")

    response = respond(request, 200, "t")

    assert response.headers.all("Via") == request.headers.all("Via")
    assert response.headers.all("Record-Route") == ["<sip:p;lr>"]
    assert response.recipient.tag == "t"
    request.headers.replace("To", "<sip:b@h>;tag=x")
    assert respond(request, 200, "t").recipient.tag == "x"
