"""Samples: reads a WAV file of any common shape and makes the one that Asterisk plays - 8 kHz, mono, 16 bit - trimmed and levelled.

Pure Python on lists of floats (audioop is gone since Python 3.13): three seconds of speech take some tens of milliseconds, once per text.
"""

import io
import os
import sys
import wave
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from math import ceil, cos, gcd, pi, sin, sqrt
from operator import mul
from pathlib import Path

RATE = 8000
_FULL = 32767.0
_TARGET_RMS = _FULL * 10 ** (-20 / 20)  # level of the spoken parts
_HIGHEST_PEAK = _FULL * 0.9
_MOST_GAIN = 4.0
_SILENCE = 50.0  # a peak below this is no sound at all
_FRAME = RATE // 100
_BEFORE, _AFTER = 2, 15  # frames of 10 ms kept around the speech; the pause after it separates sentences
LONGEST_S = 300
LOWEST_RATE, HIGHEST_RATE = 4000, 192_000
_LOBES = 10  # zero crossings of the low-pass filter on each side
_PASSBAND = 0.92


class BadSound(ValueError):
    """There is no usable sound in a file; the sentence says why."""


def _plain_dot(left: Sequence[float], right: Sequence[float]) -> float:
    total: float = sum(map(mul, left, right))
    return total


if sys.version_info >= (3, 12):
    from math import sumprod as _sumprod

    _dot: Callable[[Sequence[float], Sequence[float]], float] = _sumprod
else:
    _dot = _plain_dot


def read_wav(path: Path) -> tuple[int, list[float]]:
    """Rate in Hz and samples from -32768 to 32767, channels mixed to one. Raises BadSound."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise BadSound(f"{path.name} has {rate} samples a second: expected {LOWEST_RATE} to {HIGHEST_RATE}")
            raw = file.readframes(rate * LONGEST_S + 1)
    except (OSError, EOFError, wave.Error) as problem:
        raise BadSound(f"{path.name} is not a WAV file with plain samples: {problem or 'it ends too early'}") from None
    samples = _sixteen_bits(raw, width, width * channels)
    if len(samples) > rate * LONGEST_S * channels:
        raise BadSound(f"{path.name} is longer than {LONGEST_S} s")
    if channels == 1:
        return rate, [float(sample) for sample in samples]
    return rate, [sum(frame) / channels for frame in zip(*(samples[channel::channels] for channel in range(channels)), strict=True)]


def _sixteen_bits(raw: bytes, width: int, frame: int) -> "array[int]":
    """The two highest bytes of every sample, in this machine's order; a last half frame is dropped."""
    raw = raw[: len(raw) - len(raw) % frame]
    if width == 1:
        return array("h", [(byte - 128) << 8 for byte in raw])
    if width > 2:
        high = bytearray(2 * (len(raw) // width))
        high[0::2], high[1::2] = raw[width - 2 :: width], raw[width - 1 :: width]
        raw = bytes(high)
    samples = array("h", raw)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def write_wav(path: Path, samples: Sequence[float]) -> None:
    """Writes 8 kHz mono 16 bit, readable by everybody, complete or not at all. `path` must have `.wav` at its end.

    Raises OSError, which names the file.
    """
    data = array("h", [round(max(-_FULL, min(_FULL, sample))) for sample in samples])
    if sys.byteorder == "big":
        data.byteswap()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(data.tobytes())
    try:
        part.write_bytes(sound.getvalue())
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):  # else it takes room for ever
            part.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


def is_playable(path: Path) -> bool:
    """Whether Asterisk can play this file as it is."""
    try:
        with wave.open(str(path), "rb") as file:
            return (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE) and file.getnframes() > 0
    except (OSError, EOFError, wave.Error):
        return False


def resample(samples: Sequence[float], rate: int) -> list[float]:
    """To 8 kHz through a windowed-sinc low-pass, one set of coefficients per phase."""
    if rate == RATE:
        return list(samples)
    common = gcd(rate, RATE)
    up, down = RATE // common, rate // common
    phases = _phases(rate, up)
    taps = len(phases[0])
    padded = [0.0] * (taps // 2 - 1) + list(samples) + [0.0] * (taps // 2 + 1)
    length = len(samples) * up // down
    return [_dot(phases[step * down % up], padded[step * down // up : step * down // up + taps]) for step in range(length)]


@lru_cache(maxsize=4)
def _phases(rate: int, up: int) -> list[list[float]]:
    """For every fraction of an input sample the weights of the input samples around it; each set adds up to one."""
    cutoff = min(rate, RATE) / rate * _PASSBAND
    half = ceil(_LOBES / cutoff)
    sets = []
    for phase in range(up):
        weights = [_weight(offset - half + 1 - phase / up, cutoff, half) for offset in range(2 * half)]
        total = sum(weights)
        sets.append([weight / total for weight in weights])
    return sets


def _weight(distance: float, cutoff: float, half: int) -> float:
    if abs(distance) >= half:
        return 0.0
    window = 0.5 + 0.5 * cos(pi * distance / half)
    angle = pi * cutoff * distance
    return window * (sin(angle) / angle if angle else 1.0)


def speech(samples: Sequence[float]) -> list[float]:
    """8 kHz speech without silence at its ends, at a common level, with soft edges. Raises BadSound when there is nothing to hear."""
    peak = max(map(abs, samples), default=0.0)
    if peak < _SILENCE:
        raise BadSound("it is silent")
    frames = [samples[start : start + _FRAME] for start in range(0, len(samples), _FRAME)]
    loud = [index for index, frame in enumerate(frames) if max(map(abs, frame)) > max(peak / 100, _SILENCE / 2)]
    first, last = max(loud[0] - _BEFORE, 0), loud[-1] + _AFTER
    spoken = [sample for index in loud for sample in frames[index]]
    gain = min(_TARGET_RMS / sqrt(_dot(spoken, spoken) / len(spoken)), _HIGHEST_PEAK / peak, _MOST_GAIN)
    kept = [sample * gain for sample in samples[first * _FRAME : (last + 1) * _FRAME]]
    missing = (last + 1 - first) * _FRAME - len(kept)
    return soft_edges(kept + [0.0] * missing)


def soft_edges(samples: list[float], length: int = RATE // 200) -> list[float]:
    """The same samples faded in and out over `length` samples, so that nothing clicks."""
    for index in range(min(length, len(samples) // 2)):
        samples[index] *= index / length
        samples[-1 - index] *= index / length
    return samples
