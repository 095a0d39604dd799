"""Samples on their way to the telephone: the filter, the trimming, the level, the music and the beep."""

from math import log10, pi, sin, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.sounds import audio, music, tones

pytestmark = pytest.mark.unit


def tone(hertz: float, rate: int = audio.RATE, length_ms: int = 300, peak: float = 10_000.0) -> list[float]:
    """A sine of so many samples."""
    return [peak * sin(2 * pi * hertz * index / rate) for index in range(rate * length_ms // 1000)]


def level(samples: list[float]) -> float:
    """RMS in dB below full scale."""
    return 20 * log10(max(sqrt(sum(sample * sample for sample in samples) / len(samples)) / 32767, 1e-9))


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 44100, 48000])
def test_resampling_keeps_length_and_level(rate: int) -> None:
    """A tone of the telephone band comes through from every usual rate as long and as loud as it was."""
    heard = audio.resample(tone(1000, rate), rate)
    assert abs(len(heard) - audio.RATE * 300 // 1000) <= 1
    assert abs(level(heard[400:-400]) - level(tone(1000))) < 0.2


@pytest.mark.parametrize("hertz", [4300, 4400, 4500, 4700, 5000, 6000, 7000, 10_000])
def test_resampling_does_not_fold(hertz: int) -> None:
    """What 8 kHz cannot carry stays at least 40 dB down (a telephone's own coding noise lies at 38), not folded into the band."""
    assert level(audio.resample(tone(hertz, 22050), 22050)[400:-400]) < level(tone(1000)) - 40


def test_speech_is_trimmed_and_levelled() -> None:
    """Silence goes but for a breath after the words, and a quiet voice is as loud as a loud one."""
    silence = [0.0] * 8000
    quiet, loud = (audio.speech(silence + tone(500, peak=peak) + silence) for peak in (4000.0, 20_000.0))
    assert len(quiet) == len(loud) == 8000 * (300 + 150 + 20) // 1000
    assert abs(level(quiet[400:2400]) + 20) < 0.5
    assert abs(level(loud[400:2400]) + 20) < 0.5
    assert quiet[0] == quiet[-1] == 0


def test_level_is_gentle() -> None:
    """A whisper is not blown up beyond four times, and a peak never clips."""
    assert max(map(abs, audio.speech(tone(500, peak=100.0)))) <= 401
    assert max(map(abs, audio.speech([*tone(500, peak=500.0), 32767.0, *tone(500, peak=500.0)]))) <= 32767 * 0.9 + 1


@pytest.mark.parametrize("samples", [[], [0.0] * 8000, [3.0] * 8000])
def test_silence_is_refused(samples: list[float]) -> None:
    """A speech program that says nothing has failed."""
    with pytest.raises(audio.BadSound, match="silent"):
        audio.speech(samples)


@settings(max_examples=40)
@given(st.lists(st.floats(-32768, 32767), max_size=500), st.sampled_from([4000, 8000, 11025, 22050]))
def test_any_samples(samples: list[float], rate: int) -> None:
    """Whatever a program produced, the result is refused or fits into 16 bits."""
    try:
        heard = audio.speech(audio.resample(samples, rate))
    except audio.BadSound:
        return
    assert max(map(abs, heard)) <= 32767


def test_music() -> None:
    """The piece lasts 20 to 40 s at -20 dB, never clips, never falls silent, and goes round without a jump."""
    piece = music.piece()
    steps = [abs(after - before) for before, after in zip(piece, [*piece[1:], piece[0]], strict=True)]
    assert 20 <= len(piece) / audio.RATE <= 40
    assert abs(level(piece) + 20) < 0.1
    assert max(map(abs, piece)) < 32767 * 0.7
    assert steps[-1] <= sorted(steps)[len(steps) * 9 // 10]
    assert all(level(piece[start : start + 2000]) > -35 for start in range(0, len(piece), 2000))


def test_beep() -> None:
    """A beep is short, soft at its ends and of a known level."""
    samples = tones.beep()
    assert samples[0] == samples[-1] == 0
    assert abs(level(samples[200:-200]) + 20) < 0.3
