"""The AGI commands, one function each, as a line that means to Asterisk exactly what was given.

Text is always quoted and escaped; what cannot be made safe (line breaks, NUL, too long) raises `UnsafeValue`. Not offered on purpose:
GET FULL VARIABLE and anything else that makes Asterisk evaluate `${...}`, since `${SHELL(...)}` in a caller's name would be run.
"""

import re
from collections.abc import Mapping

from agi.errors import UnsafeValue
from agi.protocol import MAX_COMMAND_BYTES, MAX_COMMAND_WORDS

_BREAKS = re.compile("[\r\n\0]")
_PLAIN = re.compile(r"[A-Za-z0-9_.:=&@+/-]*")
_APPLICATION = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def quote(value: str) -> str:
    """The value as one word of a command line. Raises UnsafeValue for CR, LF and NUL, which have no escape."""
    found = _BREAKS.search(value)
    if found:
        raise UnsafeValue(f"character {found[0]!r} at position {found.start()} of a value: AGI cannot carry it; remove it before")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def line(verb: str, *values: str | int) -> str:
    """A command line: the verb as it is, numbers bare, text quoted. Raises UnsafeValue when Asterisk would cut it."""
    command = " ".join([verb, *[quote(value) if isinstance(value, str) else str(value) for value in values]])
    words = len(values) + verb.count(" ") + 1
    if words > MAX_COMMAND_WORDS:
        raise UnsafeValue(f"{verb} with {words} words: Asterisk reads at most {MAX_COMMAND_WORDS}")
    try:
        size = len(command if command.isascii() else command.encode()) + 1
    except UnicodeEncodeError as error:
        raise UnsafeValue(
            f"{verb} with half a character (a lone surrogate) at position {error.start}: it cannot be sent as UTF-8"
        ) from None
    if size > MAX_COMMAND_BYTES:
        raise UnsafeValue(f"{verb} of {size} bytes: Asterisk would run what is behind byte {MAX_COMMAND_BYTES} as another command")
    return command


def answer() -> str:
    return line("ANSWER")


def hangup(channel: str = "") -> str:
    return line("HANGUP", channel) if channel else line("HANGUP")


def stream_file(filename: str, escape_digits: str = "", sample_offset: int = 0) -> str:
    """Play a file named without suffix, from an offset in samples, until its end or one of the digits."""
    return line("STREAM FILE", filename, escape_digits, sample_offset)


def control_stream_file(
    filename: str, escape_digits: str = "", skip_ms: int = 3000, forward: str = "*", rewind: str = "#", pause: str = ""
) -> str:
    return line("CONTROL STREAM FILE", filename, escape_digits, skip_ms, forward, rewind, pause)


def wait_for_digit(timeout_ms: int) -> str:
    """-1 waits for ever."""
    return line("WAIT FOR DIGIT", timeout_ms)


def get_data(filename: str, timeout_ms: int, max_digits: int) -> str:
    return line("GET DATA", filename, timeout_ms, max_digits)


def get_option(filename: str, escape_digits: str, timeout_ms: int) -> str:
    return line("GET OPTION", filename, escape_digits, timeout_ms)


def record_file(filename: str, audio_format: str, escape_digits: str, timeout_ms: int, *, beep: bool = True, silence_s: int = 0) -> str:
    """Record until a digit, the time, or `silence_s` seconds of silence (0: do not listen for silence)."""
    words: list[str | int] = [filename, audio_format, escape_digits, timeout_ms]
    words += ["BEEP"] if beep else []
    words += [f"s={silence_s}"] if silence_s else []
    return line("RECORD FILE", *words)


def set_variable(name: str, value: str) -> str:
    return line("SET VARIABLE", name, value)


def set_variables(values: Mapping[str, str]) -> str:
    """MSet; it splits at commas and reads quotes, brackets and backslashes in its own way, so plain values only."""
    for name, value in values.items():
        if not (_APPLICATION.fullmatch(name.lstrip("_")) and _PLAIN.fullmatch(value)):
            raise UnsafeValue(
                f"MSet takes plain names, and values of letters, digits and _-.:=&@+/ only; {name[:40]!r} or its value is not"
            )
    return exec_app("MSet", ",".join(f"{name}={value}" for name, value in values.items()))


def get_variable(name: str) -> str:
    """Only for variables that this program set: a foreign value may contain line breaks."""
    return line("GET VARIABLE", name)


def set_music(on: bool, music_class: str = "") -> str:
    return line("SET MUSIC ON", *([music_class] if music_class else [])) if on else line("SET MUSIC OFF")


def exec_app(application: str, options: str = "") -> str:
    """Run a dialplan application. `options` is its own grammar, where commas and brackets mean something: check what goes in."""
    if not _APPLICATION.fullmatch(application):
        raise UnsafeValue("the name of a dialplan application has letters, digits and _ only")
    return line("EXEC", application, options)


def gosub(context: str, extension: str, priority: str, arguments: str = "") -> str:
    return line("GOSUB", context, extension, priority, *([arguments] if arguments else []))


def channel_status(channel: str = "") -> str:
    return line("CHANNEL STATUS", channel) if channel else line("CHANNEL STATUS")


def set_callerid(callerid: str) -> str:
    return line("SET CALLERID", callerid)


def set_context(context: str) -> str:
    return line("SET CONTEXT", context)


def set_extension(extension: str) -> str:
    return line("SET EXTENSION", extension)


def set_priority(priority: str) -> str:
    return line("SET PRIORITY", priority)


def set_autohangup(seconds: int) -> str:
    """0 takes the limit away."""
    return line("SET AUTOHANGUP", seconds)


def verbose(message: str, level: int = 1) -> str:
    return line("VERBOSE", message, level)


def noop(text: str = "") -> str:
    return line("NOOP", text) if text else line("NOOP")


def say_digits(digits: str, escape_digits: str = "") -> str:
    return line("SAY DIGITS", digits, escape_digits)


def say_number(number: int, escape_digits: str = "", gender: str = "") -> str:
    return line("SAY NUMBER", number, escape_digits, *([gender] if gender else []))


def say_alpha(text: str, escape_digits: str = "") -> str:
    return line("SAY ALPHA", text, escape_digits)


def say_phonetic(text: str, escape_digits: str = "") -> str:
    return line("SAY PHONETIC", text, escape_digits)


def say_date(at_s: int, escape_digits: str = "") -> str:
    """`at_s`: seconds since 1970-01-01 UTC."""
    return line("SAY DATE", at_s, escape_digits)


def say_time(at_s: int, escape_digits: str = "") -> str:
    """`at_s`: seconds since 1970-01-01 UTC."""
    return line("SAY TIME", at_s, escape_digits)


def say_datetime(at_s: int, escape_digits: str = "", layout: str = "ABdY 'digits/at' IMp", zone: str = "") -> str:
    """`at_s`: seconds since 1970-01-01 UTC. `layout` is voicemail.conf's date format."""
    return line("SAY DATETIME", at_s, escape_digits, layout, *([zone] if zone else []))


def database_get(family: str, key: str) -> str:
    return line("DATABASE GET", family, key)


def database_put(family: str, key: str, value: str) -> str:
    return line("DATABASE PUT", family, key, value)


def database_del(family: str, key: str) -> str:
    return line("DATABASE DEL", family, key)


def database_deltree(family: str, key_tree: str = "") -> str:
    return line("DATABASE DELTREE", family, *([key_tree] if key_tree else []))


def send_text(text: str) -> str:
    return line("SEND TEXT", text)


def send_image(name: str) -> str:
    return line("SEND IMAGE", name)


def receive_char(timeout_ms: int) -> str:
    """0 waits for ever."""
    return line("RECEIVE CHAR", timeout_ms)


def receive_text(timeout_ms: int) -> str:
    return line("RECEIVE TEXT", timeout_ms)


def tdd_mode(mode: str) -> str:
    return line("TDD MODE", mode)
