"""Why a file is no recording that can be played, in words, from its first bytes and its length: no sample is read."""

import os
import shlex
import wave
from pathlib import Path

from server.sounds.audio import HIGHEST_RATE, LONGEST_S, LOWEST_RATE, is_playable

_FORMATS = {2: "ADPCM", 3: "floating point", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 49: "GSM", 85: "MP3", 0xFFFE: "an extensible header"}
_KINDS = (
    (b"ID3", "an MP3 file"),
    (b"\xff\xfb", "an MP3 file"),
    (b"\xff\xf3", "an MP3 file"),
    (b"\xff\xf1", "an AAC file"),
    (b"OggS", "an Ogg file"),
    (b"fLaC", "a FLAC file"),
    (b"#!AMR", "an AMR file"),
    (b"FORM", "an AIFF file"),
    (b"PK\x03\x04", "a ZIP archive"),
)
_ANEW = "record it anew, or remove the file"
_HEADER = 44  # bytes, at least
_WITHOUT_END = 0xFFFFFFF0  # what a program writes that does not know the length


def wav_fault(path: Path) -> tuple[str, str]:
    """What is wrong with a recording and what to do; ("", "") when nothing is."""
    try:
        with path.open("rb") as file:
            begin = file.read(512)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        return f"cannot be read: {error.strerror or error}", "make it readable"
    if not begin:
        return "is an empty file", _ANEW
    if begin[:4] != b"RIFF" or begin[8:12] not in (b"WAVE", b""):
        message = _foreign(begin)
        return message, convert(path.name) if message.endswith("file, not a WAV file") else _ANEW
    try:
        return _within(path, size)
    except (EOFError, OSError):
        return "ends within its header", "copy or record it anew"
    except wave.Error as error:
        said = str(error)
        number = said.rpartition(" ")[2]
        if "unknown format" in said and number.isdecimal():
            name = _FORMATS.get(int(number), f"format {number}")
            return f"is a WAV file with {name}: expected plain samples (PCM)", convert(path.name)
        return ("ends within its header", "copy or record it anew") if "missing" in said else ("is a damaged WAV file", convert(path.name))


def convert(name: str, to: str = "new.wav") -> str:
    """The hint with the command that makes a WAV file of it."""
    return f"convert it: ffmpeg -i {shlex.quote(name)} -ar 8000 -ac 1 -c:a pcm_s16le {shlex.quote(to)}"


def _within(path: Path, size: int) -> tuple[str, str]:
    with wave.open(str(path), "rb") as file:
        rate, frame, frames = file.getframerate(), file.getnchannels() * file.getsampwidth(), file.getnframes()
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        return f"has {rate} samples a second: expected {LOWEST_RATE} to {HIGHEST_RATE}", convert(path.name)
    if frames == 0:
        return "has no sound in it", _ANEW
    if frames * frame >= _WITHOUT_END:
        frames = max(0, size - _HEADER) // frame
    there = max(0, size - _HEADER) // frame
    if frames > there:
        return f"ends too early: of {frames / rate:.2f} seconds {there / rate:.2f} are there", "copy or record it anew"
    if frames > rate * LONGEST_S and not is_playable(path):
        return f"is longer than {LONGEST_S} s", "shorten it"
    return "", ""


def _foreign(begin: bytes) -> str:
    """What a file is that is no WAV file."""
    for sign, kind in _KINDS:
        if begin.startswith(sign):
            return f"is {kind}, not a WAV file"
    if begin[4:8] == b"ftyp":
        return "is an MP4 or M4A file, not a WAV file"
    if begin[:4] == b"RIFF"[: len(begin)] and len(begin) < 12:
        return "ends within its header"
    try:
        text = begin.decode("utf-8")
    except UnicodeDecodeError as error:
        text = "" if error.start < len(begin) - 4 else begin[: error.start].decode("utf-8")
    return "is text, not a WAV file" if text and (text.isprintable() or text.split()) and "\0" not in text else "is no WAV file"
