"""The AGI protocol without I/O, seen from both sides.

`OurSide` turns the bytes that Asterisk sends into events; `AsteriskSide` turns our bytes into the words that Asterisk would read, and is
what the fake Asterisk is made of. Limits are part of the protocol: whatever breaks one raises `ProtocolViolation`. Not here: sockets,
time, and which command a reply belongs to (`agi.channel`).
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from asterisk.agi import re_code, re_kv

from agi.errors import ProtocolViolation

# Asterisk 22 sends 22 lines (about 700 bytes) and one more per argument of AGI(). Precedents: http.client reads at most 100 headers,
# h11 16 KiB of them.
MAX_ENVIRONMENT_LINES = 64
MAX_ENVIRONMENT_BYTES = 16 * 1024
# A reply has at most a channel variable in it; Asterisk sends those in one line whatever their length.
MAX_REPLY_BYTES = 64 * 1024
# Asterisk's own buffer: 2048 in older versions; what does not fit is read as the next command.
MAX_COMMAND_BYTES = 2000
# Asterisk keeps 127 words of a command line and drops the rest with a warning in its log.
MAX_COMMAND_WORDS = 126

# `result=` may be empty (GET DATA without digits), which pyst2's pattern does not know.
_RESULT = re.compile(r"result=(\S*)(?: \((.*)\)(?: endpos=\d+)?\Z)?", re.DOTALL)
_ENDPOS = re.compile(r" endpos=(\d{1,18})\Z")


@dataclass(frozen=True, slots=True)
class Environment:
    """What Asterisk sends at the start of a session: `agi_uniqueid`, `agi_channel`, `agi_callerid`, `agi_extension` ..."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HangupNotice:
    """A `HANGUP` line: the channel left this session. It may come at any time and answers no command."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command. `200 result=1 (timeout) endpos=80` is code 200, result "1", data "timeout"; `text` is all behind the code.

    Code 100 announces a later reply. Code 520 has the usage, of any number of lines, as `text`.
    """

    code: int
    result: str = ""
    data: str = ""
    text: str = ""

    @property
    def failed(self) -> bool:
        """True for result=-1: the channel is gone, or the command could not be done."""
        return self.result == "-1"

    @property
    def key(self) -> str:
        """The key in a result that is a character code, or ""."""
        return chr(int(self.result)) if self.result.isascii() and self.result.isdecimal() and 0 < int(self.result[:4]) < 128 else ""

    @property
    def endpos(self) -> int:
        """Where a playback or recording ended, in samples (8000 a second); 0 when Asterisk did not say."""
        found = _ENDPOS.search(self.text)
        return int(found[1]) if found else 0

    def as_pyst2(self) -> dict[str, tuple[str, str]]:
        """The same in pyst2's shape: `{"result": ("1", "timeout"), "endpos": ("80", "")}`."""
        found: dict[str, tuple[str, str]] = {key: (value, data) for key, value, data in re_kv.findall(self.text)}
        return {**found, "result": (self.result, self.data)}


Event = Environment | Reply | HangupNotice


class _Lines:
    """Cuts bytes into lines; an unfinished line is kept up to a limit."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    @property
    def empty(self) -> bool:
        """True when no unfinished line is kept."""
        return not self._rest

    def feed(self, data: bytes, limit: int) -> list[str]:
        """The complete lines, without their ends; bytes that are not UTF-8 become U+FFFD. Raises ProtocolViolation over `limit` bytes."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > limit or any(len(line) > limit for line in complete):
            self._rest = b""
            raise ProtocolViolation("line_too_long", f"a line of more than {limit} bytes")
        return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in complete]

    def take_rest(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest


class OurSide:
    """Reads what Asterisk sends on one session."""

    __slots__ = ("_environment", "_environment_bytes", "_lines", "_open", "_open_bytes")

    def __init__(self) -> None:
        self._lines = _Lines()
        self._environment: dict[str, str] | None = {}
        self._environment_bytes = 0
        self._open: list[str] | None = None  # lines of a reply that goes on
        self._open_bytes = 0

    @property
    def unfinished(self) -> bool:
        """True while the environment is not complete."""
        return self._environment is not None

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. Raises ProtocolViolation; the session is then useless."""
        plain = _PLAIN_REPLIES.get(data)
        if plain is not None and self._environment is None and self._open is None and self._lines.empty:
            return [plain]
        if self._environment is not None:
            self._environment_bytes += len(data)
        limit = MAX_ENVIRONMENT_BYTES if self._environment is not None else MAX_REPLY_BYTES
        events = [event for line in self._lines.feed(data, limit) if (event := self._line(line)) is not None]
        if self._environment is not None and self._environment_bytes > MAX_ENVIRONMENT_BYTES:
            raise ProtocolViolation("environment_too_large", f"an environment of more than {MAX_ENVIRONMENT_BYTES} bytes")
        return events

    def _line(self, line: str) -> Event | None:
        if self._environment is not None:
            return self._environment_line(self._environment, line)
        if self._open is not None:
            return self._more(self._open, line)
        if line == "HANGUP":
            return HangupNotice()
        if line.startswith("520-") or _unclosed(line):
            self._open, self._open_bytes = [line], len(line)
            return None
        return _reply(line)

    def _environment_line(self, values: dict[str, str], line: str) -> Event | None:
        if line == "":
            if "agi_uniqueid" not in values or "agi_channel" not in values:
                raise ProtocolViolation("garbage", "an environment without agi_uniqueid and agi_channel")
            self._environment = None
            return Environment(values)
        key, colon, value = line.partition(":")
        if not colon or not key.startswith("agi_"):
            raise ProtocolViolation("garbage", f"{line[:60]!r} where a line like 'agi_channel: ...' was expected")
        if key in values:  # an honest Asterisk never does; a newline smuggled into a caller's number does
            raise ProtocolViolation("garbage", f"{key[:60]!r} twice in one environment")
        if len(values) >= MAX_ENVIRONMENT_LINES:
            raise ProtocolViolation("environment_too_large", f"an environment of more than {MAX_ENVIRONMENT_LINES} lines")
        values[sys.intern(key)] = value.strip()
        return None

    def _more(self, lines: list[str], line: str) -> Event | None:
        lines.append(line)
        self._open_bytes += len(line)
        if self._open_bytes > MAX_REPLY_BYTES:
            raise ProtocolViolation("line_too_long", f"a reply of more than {MAX_REPLY_BYTES} bytes")
        if lines[0].startswith("520-"):
            if not line.startswith("520 "):
                return None
            self._open = None
            return Reply(520, text="\n".join(lines))
        if not line.endswith(")"):
            return None
        self._open = None
        return _reply("\n".join(lines))


def _unclosed(line: str) -> bool:
    """True for the first line of a value that has newlines: `200 result=1 (first`."""
    return line.startswith("200 result=1 (") and ")" not in line


def _reply(line: str) -> Reply:
    """One reply. Whatever is neither a reply nor HANGUP is a violation: guessing would shift all later replies by one."""
    found = re_code.match(line)
    code = found[1] if found else ""
    if len(code) != 3 or line[3:4] not in ("", " ", "-"):
        raise ProtocolViolation("garbage", f"a line of {len(line)} characters that does not start with a reply code")
    text = line[4:]
    result = _RESULT.match(text)
    return Reply(int(code), result[1], result[2] or "", text) if result else Reply(int(code), text=text)


# Nine of ten replies are one of these, alone in what arrives; with them a server takes a third more commands.
_PLAIN_REPLIES = {f"{text}\n".encode(): _reply(text) for text in ("200 result=0", "200 result=1", "200 result=-1")}


class AsteriskSide:
    """Reads what an AGI server sends, word by word as Asterisk does."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines = _Lines()

    def feed(self, data: bytes) -> list[list[str]]:
        """The words of each complete command line. Raises ProtocolViolation on a line that Asterisk would cut."""
        return [split_words(line) for line in self._lines.feed(data, MAX_COMMAND_BYTES)]


def split_words(line: str) -> list[str]:
    """The words of a command line by Asterisk's rules: blanks and tabs separate, `"` groups, a backslash makes the next character plain."""
    words: list[str] = []
    word: list[str] | None = None
    quoted = escaped = False
    for char in line:
        if char == "\\" and not escaped:
            escaped = True
            continue
        if char == '"' and not escaped:
            quoted = not quoted
            word = [] if word is None and quoted else word
        elif char in " \t" and not quoted and not escaped:
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = [] if word is None else word
            word.append(char)
        escaped = False
    return words if word is None else [*words, "".join(word)]


def environment_bytes(values: Mapping[str, str]) -> bytes:
    """The environment as Asterisk sends it."""
    return "".join(f"{key}: {value}\n" for key, value in values.items()).encode() + b"\n"


def reply_bytes(text: str) -> bytes:
    """A reply as Asterisk sends it: `200 result=0`."""
    return text.encode() + b"\n"


HANGUP_LINE = b"HANGUP\n"
