"""Distinguishes sounds by arithmetic: making a sine, finding one (Goertzel), and saying whether a stretch is silence, speech or
music. Pure."""

from __future__ import annotations

import math
from array import array
from enum import StrEnum
from operator import mul

from simulator.phone.audio import Samples
from simulator.phone.rtp import FRAME, RATE

_STEP = 40
_QUIET = 100.0
"""RMS below which 20 ms count as silent, in sample units; line noise of G.711 stays well under it."""


class Sound(StrEnum):
    SILENCE = "silence"
    SPEECH = "speech"
    MUSIC = "music"


def sine(freq: float, seconds: float, amplitude: int = 8000) -> array[int]:
    """A tone; `amplitude` in sample units (up to 32767)."""
    turn = 2 * math.pi * freq / RATE
    return array("h", (round(amplitude * math.sin(turn * index)) for index in range(round(seconds * RATE))))


def rms(samples: Samples) -> float:
    """Root mean square in sample units, 0 for no samples."""
    return math.sqrt(sum(map(mul, samples, samples)) / len(samples)) if samples else 0.0


def level(samples: Samples, freq: float) -> float:
    """Amplitude (sample units) of the component at `freq`, by Goertzel's algorithm over all samples."""
    coefficient = 2 * math.cos(2 * math.pi * freq / RATE)
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    power = before * before + last * last - coefficient * before * last
    return 2 * math.sqrt(max(power, 0.0)) / len(samples) if samples else 0.0


def hears(samples: Samples, freq: float, least: float = 500.0) -> bool:
    """Whether a tone of `freq` is what there is to hear: at least `least` in amplitude and half of all the energy."""
    amplitude = level(samples, freq)
    return amplitude >= least and amplitude * amplitude / 2 >= 0.5 * rms(samples) ** 2


def find_tone(samples: Samples, freq: float, start: int = 0) -> int | None:
    """The offset where a tone of `freq` lasting 40 ms or more first begins (to about 10 ms), None if it never does."""
    for offset in range(start, len(samples) - 2 * FRAME + 1, _STEP):
        window = samples[offset : offset + FRAME]
        if max(window) < _QUIET or not hears(window, freq):
            continue
        if hears(samples[offset + FRAME : offset + 2 * FRAME], freq):
            return offset
    return None


def classify(samples: Samples) -> Sound:
    """What a stretch of a second or more sounds like: speech has pauses between syllables, music (or a tone) goes on.

    Of 2 s of rendered speech 0.5 % have fewer pauses than a sixteenth, of our music none has any. Silence before the first sound is none.
    """
    frames = [rms(samples[offset : offset + FRAME]) for offset in range(0, len(samples) - FRAME + 1, FRAME)]
    loud = [frame for frame in frames if frame >= _QUIET]
    if len(loud) * 20 < len(frames) or not loud:
        return Sound.SILENCE
    threshold = 0.2 * sum(loud) / len(loud)
    heard = frames[next(at for at, frame in enumerate(frames) if frame >= _QUIET) :]
    pauses = sum(frame < threshold for frame in heard)
    return Sound.SPEECH if pauses * 16 > len(heard) else Sound.MUSIC
