"""AMI framing on bytes, for both roles: bytes in, messages out; fields in, bytes out. No I/O, no correlation, no meaning of events.

A message is lines `Key: Value` ended by an empty line. Complete messages are cut out of the byte stream before they are decoded,
so a chunk boundary inside a UTF-8 character does no harm.
"""

import re
from collections.abc import Iterable, Iterator, Set

from agi.ami.errors import AmiBadField, AmiProtocolError

MAX_MESSAGE = 256 * 1024  # bytes of one message; Asterisk's own are a few kilobytes
MAX_LINE = 1000  # bytes of one line that we send: Asterisk reads actions into a buffer of 1024
MAX_FIELDS = 120  # fields of one message that we send: Asterisk takes 128 and drops the rest

_END = b"\r\n\r\n"
_BANNER = b"Asterisk Call Manager/"
_MAX_BANNER = 200
_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FORBIDDEN = re.compile("[\r\n\0]")


class Message:
    """One AMI message. `message["Key"]` and `get` give the first value of that key, `all` every one, in order of arrival."""

    __slots__ = ("_first", "_repeated")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._first: dict[str, str] = {}
        self._repeated: dict[str, list[str]] = {}
        for key, value in fields:
            self.add(key, value)

    def add(self, key: str, value: str) -> None:
        """Append one field; a key that was there before keeps its first value in front."""
        if key not in self._first:
            self._first[key] = value
        else:
            self._repeated.setdefault(key, [self._first[key]]).append(value)

    def __getitem__(self, key: str) -> str:
        return self._first[key]

    def __contains__(self, key: str) -> bool:
        return key in self._first

    def get(self, key: str, default: str = "") -> str:
        """The first value of `key`."""
        return self._first.get(key, default)

    def all(self, key: str) -> list[str]:
        """Every value of `key`, in order."""
        if key in self._repeated:
            return list(self._repeated[key])
        return [self._first[key]] if key in self._first else []

    def fields(self) -> Iterator[tuple[str, str]]:
        """(key, value) pairs; repeated keys stand together."""
        for key in self._first:
            for value in self.all(key):
                yield key, value

    @property
    def first_key(self) -> str:
        """The key that it begins with."""
        return next(iter(self._first), "")

    @property
    def repeated_keys(self) -> list[str]:
        """Keys that came more than once, but for variables of channels, which come one by one."""
        return [key for key in self._repeated if not key.endswith("ChanVariable")]

    def keys(self) -> Set[str]:
        """All keys."""
        return self._first.keys()

    def variables(self, leg: str = "") -> dict[str, str]:
        """The channel variables of `ChanVariable: NAME=value` fields; `leg` is "" or the prefix of the second channel, "Dest"."""
        pairs = (value.partition("=") for value in self.all(f"{leg}ChanVariable"))
        return {name: value for name, _, value in pairs}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and list(self.fields()) == list(other.fields())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        # Only what kind it is: events carry keyed digits and callers' numbers, and a repr ends up in logs.
        kind = next((f"{key}: {self._first[key]}" for key in ("Event", "Response", "Action") if key in self._first), "?")
        return f"<Message {kind}, {len(self._first)} keys>"


class Framer:
    """Cuts the byte stream of one connection into messages. `banner` is the greeting line once it was read (client role only)."""

    def __init__(self, *, expect_banner: bool, max_message: int = MAX_MESSAGE) -> None:
        self.banner = ""
        self._expects_banner = expect_banner
        self._max_message = max_message
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages completed by `data`. Raises AmiProtocolError; the connection is of no use afterwards."""
        unseen = max(0, len(self._buffer) - len(_END) + 1)
        self._buffer += data
        if self._expects_banner:
            if not self._take_banner():
                return []
            unseen = 0
        if self._buffer.find(_END, unseen) < 0:
            self._check_size(self._buffer)
            return []
        *complete, self._buffer = self._buffer.split(_END)
        self._check_size(self._buffer)
        messages = []
        for raw in complete:
            self._check_size(raw)
            message = _parse(raw.decode("utf-8", "replace"))
            if message is not None:
                messages.append(message)
        return messages

    def _take_banner(self) -> bool:
        start = bytes(self._buffer[: len(_BANNER)])
        end = self._buffer.find(b"\r\n", 0, _MAX_BANNER)
        if not _BANNER.startswith(start) or (end < 0 and len(self._buffer) >= _MAX_BANNER):
            raise AmiProtocolError(
                f"the other side is no Asterisk manager: its greeting was {start!r}, expected {_BANNER.decode()!r}; check AMI host and port"
            )
        if end < 0:
            return False
        self.banner = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 2]
        self._expects_banner = False
        return True

    def _check_size(self, raw: bytes | bytearray) -> None:
        if len(raw) > self._max_message:
            raise AmiProtocolError(f"an AMI message of more than {self._max_message} bytes; the connection is given up")


def _parse(text: str) -> Message | None:
    message = Message()
    add = message.add
    for line in text.split("\r\n"):
        key, colon, value = line.partition(":")
        if colon and key:  # a line without a colon is the rest of a value with a line feed in it: nothing we use
            add(key, value.removeprefix(" "))
    return message if message._first else None


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """One message as bytes. Raises AmiBadField for whatever could smuggle a second line or message, or would be cut by Asterisk."""
    lines = []
    for key, value in fields:
        if not _KEY.fullmatch(key):
            raise AmiBadField(f"AMI key {key[:80]!r}: only letters, digits, '-' and '_' are allowed")
        if _FORBIDDEN.search(value):
            raise AmiBadField(f"AMI value of {key}: it has a line break or NUL, which would start another AMI line; nothing was sent")
        line = f"{key}: {value}".encode("utf-8", "replace")
        if len(line) > MAX_LINE:
            raise AmiBadField(f"AMI value of {key}: the line has {len(line)} bytes, Asterisk takes {MAX_LINE}; nothing was sent")
        lines.append(line)
    if not 0 < len(lines) <= MAX_FIELDS:
        raise AmiBadField(f"an AMI message has 1 to {MAX_FIELDS} fields, not {len(lines)}")
    return b"\r\n".join(lines) + _END


def encode_banner(version: str = "11.0.0") -> bytes:
    """The greeting of the server role."""
    return _BANNER + version.encode("ascii") + b"\r\n"
