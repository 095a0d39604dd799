"""Offers and answers: what is written is read back, payload types follow the far end, hold is mirrored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.phone.errors import MalformedSdp
from simulator.phone.sdp import Description, Direction, agree, answer_to, build_sdp, parse_sdp

pytestmark = pytest.mark.unit

OURS = Description(("127.0.0.1", 4000))
DESCRIPTIONS = st.builds(
    Description,
    st.tuples(st.just("10.1.2.3"), st.integers(1, 65535)),
    st.sampled_from([(0,), (8,), (0, 8), (8, 0)]),
    st.one_of(st.none(), st.integers(96, 127)),
    st.sampled_from(Direction),
)


@given(DESCRIPTIONS, st.integers(1, 9))
def test_a_description_survives_the_wire(description: Description, version: int) -> None:
    """parse_sdp(build_sdp(d)) is d."""
    assert parse_sdp(build_sdp(description, version)) == description


@given(st.binary(max_size=200))
def test_arbitrary_bodies_are_refused_in_one_way(body: bytes) -> None:
    """What is no description raises MalformedSdp."""
    with pytest.raises(MalformedSdp):
        parse_sdp(body)


@given(DESCRIPTIONS)
def test_an_answer_fits_its_offer(offer: Description) -> None:
    """One codec, taken from the offer; digits under the offer's number; never more directions than offered; both ends conclude the same."""
    answer = answer_to(offer, OURS)
    mine, theirs = agree(offer, answer), agree(answer, offer)

    assert answer.codecs == (offer.codecs[0],)
    assert answer.dtmf == offer.dtmf
    assert answer.direction is offer.direction.mirrored
    assert (mine.codec, mine.dtmf) == (theirs.codec, theirs.dtmf)
    assert mine.sending == offer.direction.receives
    assert theirs.sending == offer.direction.sends


def test_asterisk_like_and_strange_descriptions_are_read() -> None:
    """A connection per stream, other streams, unknown codecs and wideband events do not confuse."""
    body = (
        b"v=0\r\no=- 1 1 IN IP4 9.9.9.9\r\ns=Asterisk\r\nc=IN IP4 9.9.9.9\r\nt=0 0\r\n"
        b"m=video 5000 RTP/AVP 96\r\na=sendonly\r\n"
        b"m=audio 21000 RTP/AVP 107 8 101 102\r\nc=IN IP4 1.2.3.4\r\na=rtpmap:107 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n"
        b"a=rtpmap:102 telephone-event/16000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
        b"m=audio 22000 RTP/AVP 0\r\na=inactive\r\n"
    )

    assert parse_sdp(body) == Description(("1.2.3.4", 21000), (8,), 101, Direction.BOTH)


@pytest.mark.parametrize(
    "change",
    [
        (b"m=audio 4000", b"m=audio 0"),
        (b"m=audio 4000", b"m=audio 70000"),
        (b"AVP 0 8 101", b"AVP 3 18"),
        (b"IN IP4", b"IN IP6"),
        (b"m=a", b"m=x"),
    ],
)
def test_an_offer_that_we_cannot_meet_is_refused(change: tuple[bytes, bytes]) -> None:
    """No port, no address or no codec in common raise MalformedSdp."""
    with pytest.raises(MalformedSdp):
        parse_sdp(build_sdp(OURS, 1).replace(*change))


def test_the_old_way_of_holding_is_hold() -> None:
    """A connection address of 0.0.0.0 means that nobody sends."""
    held = parse_sdp(build_sdp(OURS, 1).replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 0.0.0.0"))

    assert held.direction is Direction.NONE
    assert not agree(held, answer_to(held, OURS)).sending


def test_holding_both_ways_leaves_nothing() -> None:
    """An offer to hold, answered by a side that holds as well, is inactive."""
    answer = answer_to(Description(("1.1.1.1", 2), direction=Direction.SEND), Description(("1.1.1.2", 2), direction=Direction.SEND))

    assert answer.direction is Direction.NONE
