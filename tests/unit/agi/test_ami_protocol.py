"""AMI framing: what one side encodes the other side reads, however the bytes are cut; nothing is smuggled in, nothing grows without end."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agi.ami.errors import AmiBadField, AmiProtocolError
from agi.ami.protocol import MAX_FIELDS, MAX_LINE, Framer, Message, encode, encode_banner

pytestmark = pytest.mark.unit

KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,11}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=60)
MESSAGES = st.lists(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=6), min_size=1, max_size=5)


def framer(**options: int) -> Framer:
    return Framer(expect_banner=False, **options)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(messages=MESSAGES, places=st.lists(st.integers(0, 5000), max_size=30))
def test_any_chunking_gives_the_same_messages(messages: list[list[tuple[str, str]]], places: list[int]) -> None:
    """Messages come out as they went in, in order, wherever the byte stream was cut."""
    data = encode_banner() + b"".join(encode(fields) for fields in messages)
    reader = Framer(expect_banner=True)

    read = [message for chunk in cut(data, places) for message in reader.feed(chunk)]

    assert [Message(fields) for fields in messages] == read
    assert reader.banner == "Asterisk Call Manager/11.0.0"


def test_a_chunk_boundary_inside_a_character_does_no_harm() -> None:
    """A Chinese name cut after each single byte is read whole."""
    data = encode([("Event", "Newchannel"), ("CallerIDName", "张伟")])
    reader = framer()

    read = [message for byte in data for message in reader.feed(bytes([byte]))]

    assert [message["CallerIDName"] for message in read] == ["张伟"]


def test_a_header_without_space_after_the_colon_is_read() -> None:
    """`Key:value` is as good as `Key: value`; colons in the value stay."""
    (message,) = framer().feed(b"Event:Hangup\r\nChannel: PJSIP/1001-0001\r\nAppData:a:b: c\r\nEmpty:\r\n\r\n")

    assert (message["Event"], message["AppData"], message["Empty"]) == ("Hangup", "a:b: c", "")


def test_repeated_headers_are_kept_and_channel_variables_are_read() -> None:
    """No value is lost when a key comes several times; ChanVariable of both legs can be told apart."""
    (message,) = framer().feed(
        b"Event: DialBegin\r\nChanVariable: HOTLINE_OFFER=offer-1\r\nChanVariable: NOTE=a=b\r\n"
        b"DestChanVariable: HOTLINE_OFFER=offer-2\r\n\r\n"
    )

    assert message.variables() == {"HOTLINE_OFFER": "offer-1", "NOTE": "a=b"}
    assert message.variables("Dest") == {"HOTLINE_OFFER": "offer-2"}
    assert message.all("ChanVariable") == ["HOTLINE_OFFER=offer-1", "NOTE=a=b"]
    assert (message.get("ChanVariable"), message.all("Nothing"), message.get("Nothing")) == ("HOTLINE_OFFER=offer-1", [], "")


@pytest.mark.parametrize("value", ["a\r\nAction: Command", "a\nb", "a\rb", "a\0b"])
def test_a_value_with_a_line_break_is_refused(value: str) -> None:
    """A caller's name cannot become another AMI action; the message says which field, not what was in it."""
    with pytest.raises(AmiBadField, match="AMI value of Variable") as refused:
        encode([("Action", "Setvar"), ("Variable", value)])
    assert "Command" not in str(refused.value)


@pytest.mark.parametrize("key", ["", "A:B", "A B", "A\r\nB", "Ä", "x" * 81])
def test_a_key_that_is_no_plain_word_is_refused(key: str) -> None:
    """Keys are words: nothing in them can end the line or the key."""
    with pytest.raises(AmiBadField, match="AMI key"):
        encode([(key, "value")])


def test_a_line_or_message_that_asterisk_would_cut_is_refused() -> None:
    """Asterisk reads lines of about 1,000 bytes and 128 fields: what is longer is refused here, counted in bytes."""
    with pytest.raises(AmiBadField, match="1003 bytes"):
        encode([("K", "张" * 333 + "x")])
    assert len(encode([("K", "x" * (MAX_LINE - 3))])) == MAX_LINE + 4
    with pytest.raises(AmiBadField, match="1 to 120"):
        encode([("K", "v")] * (MAX_FIELDS + 1))
    with pytest.raises(AmiBadField, match="not 0"):
        encode([])


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_a_message_without_end_is_given_up(chunk: int) -> None:
    """A peer that never ends its message cannot fill our memory."""
    reader = framer(max_message=1000)

    def send_for_ever() -> None:
        while True:
            reader.feed(b"x" * chunk)

    with pytest.raises(AmiProtocolError, match="more than 1000 bytes"):
        send_for_ever()


def test_a_whole_message_that_is_too_long_is_given_up() -> None:
    """The limit holds also when the end came in the same chunk."""
    with pytest.raises(AmiProtocolError, match="more than 100 bytes"):
        framer(max_message=100).feed(b"A: " + b"x" * 200 + b"\r\n\r\n")


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 400\r\n", b"A" * 5000, b"Asterisk Call Manager/" + b"9" * 500])
def test_a_peer_that_is_no_manager_is_told_from_its_greeting(greeting: bytes) -> None:
    """A wrong port is found at once, with a sentence that says where to look."""
    with pytest.raises(AmiProtocolError, match="check AMI host and port"):
        Framer(expect_banner=True).feed(greeting)


@settings(max_examples=200)
@given(data=st.binary(max_size=400))
def test_garbage_never_raises_anything_else(data: bytes) -> None:
    """Any bytes give messages or nothing; invalid UTF-8 is replaced, lines without a colon are dropped."""
    for message in framer().feed(data + b"\r\n\r\n"):
        assert list(message.fields())


def test_a_repr_shows_no_content() -> None:
    """A message that ends up in a log shows its kind, not the digits in it."""
    assert repr(Message([("Event", "DTMFEnd"), ("Digit", "7")])) == "<Message Event: DTMFEnd, 2 keys>"
    assert repr(Message([("Digit", "7")])) == "<Message ?, 1 keys>"
