"""The music that waiting callers hear: a short piece of our own, synthesised, that runs round without a seam. Plays nothing.

Slow chords with a plucked line over them, written for the telephone's narrow band: nothing below 180 Hz, soft partials.
A note that outlasts the end rings on at the beginning, so the loop has no click.
"""

from array import array
from collections.abc import Sequence
from math import exp, pi, sin, sqrt
from pathlib import Path

from server.sounds.audio import RATE, write_wav

_VERSION = 1  # changes with the piece
_LEVEL = 32767 * 10 ** (-20 / 20)
_BEAT = RATE * 6 // 10  # 100 beats a minute
_BAR = 4 * _BEAT
_TABLE = 1024

# per bar: the chord (semitones above A3, 220 Hz) and the melody, a note or a rest (None) per half beat
_D, _Bm, _G, _A, _Em, _Fsm = (5, 9, 12, 16), (2, 5, 9, 14), (-2, 2, 5, 14), (0, 4, 7, 16), (-2, 2, 7, 10), (-3, 4, 9, 12)
_BARS: tuple[tuple[tuple[int, ...], tuple[int | None, ...]], ...] = (
    (_D, (17, None, 21, 24, None, 21, 17, None)),
    (_Bm, (14, None, 17, 21, None, 26, 24, None)),
    (_G, (19, None, 17, 14, None, 17, 19, None)),
    (_A, (16, None, 19, 21, None, 19, 16, None)),
    (_D, (17, 21, None, 24, 29, None, 28, 24)),
    (_Fsm, (21, None, 24, 21, None, 16, 21, None)),
    (_G, (22, None, 21, 19, None, 17, 14, None)),
    (_A, (16, None, 12, 16, 19, None, 21, None)),
    (_Bm, (26, None, 24, 21, None, 17, 21, None)),
    (_Em, (19, None, 22, 26, None, 22, 19, None)),
    (_G, (17, 19, None, 21, None, 19, 17, 14)),
    (_A, (16, None, 19, None, 21, None, None, None)),
)


def music_folder(cache_dir: Path) -> Path:
    """The folder with the piece as a WAV file, for musiconhold.conf (`mode=files`); made when missing, about half a second."""
    folder = cache_dir.absolute() / f"music-{_VERSION}"
    path = folder / "waiting.wav"
    if not path.exists():
        write_wav(path, piece())
    return folder


def piece() -> list[float]:
    """The piece as 8 kHz samples, about -20 dB RMS below full scale."""
    samples = array("d", bytes(8 * _BAR * len(_BARS)))
    pad, pluck = _wave((1.0, 0.25, 0.08)), _wave((1.0, 0.45, 0.2))
    for bar, (chord, melody) in enumerate(_BARS):
        swell = _swell(_BAR + _BEAT)
        for semitones in chord:
            _add(samples, bar * _BAR, semitones, pad, swell)
        decay = _decay(3 * _BEAT)
        for half_beat, note in enumerate(melody):
            if note is not None:
                _add(samples, bar * _BAR + half_beat * _BEAT // 2, note, pluck, decay)
    gain = _LEVEL / sqrt(sum(sample * sample for sample in samples) / len(samples))
    return [sample * gain for sample in samples]


def _wave(partials: Sequence[float]) -> list[float]:
    """One period of a tone with these partials."""
    return [sum(level * sin(2 * pi * (number + 1) * step / _TABLE) for number, level in enumerate(partials)) for step in range(_TABLE)]


def _swell(length: int) -> list[float]:
    """A chord's loudness: rises, stays, and falls under the next one."""
    edge = _BEAT
    return [0.35 * sin(pi / 2 * min(1.0, index / edge, (length - index) / edge)) ** 2 for index in range(length)]


def _decay(length: int) -> list[float]:
    """A plucked note's loudness: at once there, dying away."""
    attack, end = RATE // 100, RATE // 20
    return [0.55 * min(1.0, index / attack, (length - index) / end) * exp(-3.0 * index / RATE) for index in range(length)]


def _add(samples: "array[float]", start: int, semitones: int, shape: Sequence[float], loudness: Sequence[float]) -> None:
    step = 220.0 * 2 ** (semitones / 12) / RATE * _TABLE
    length = len(samples)
    for index, level in enumerate(loudness):
        samples[(start + index) % length] += level * shape[int(index * step) % _TABLE]
