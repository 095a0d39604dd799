"""Tones are found where they are and only there; silence, speech and music are told apart."""

from __future__ import annotations

import random
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.phone.audio import decode, encode
from simulator.phone.tones import Sound, classify, find_tone, hears, level, rms, sine

pytestmark = pytest.mark.unit


@given(st.sampled_from([350, 440, 880, 1000, 2000]), st.integers(1000, 30000))
def test_level_is_the_amplitude(freq: int, amplitude: int) -> None:
    """Goertzel over whole periods gives the amplitude the sine was made with."""
    assert level(sine(freq, 0.2, amplitude), freq) == pytest.approx(amplitude, rel=0.01)


@given(st.integers(0, 4000), st.sampled_from([(440, 880), (880, 440), (1000, 440)]))
def test_a_tone_is_found_where_it_begins(offset: int, tones: tuple[int, int]) -> None:
    """After silence and through G.711, to 10 ms; a tone of another pitch is not found."""
    heard = decode(encode(array("h", [0] * offset) + sine(tones[0], 0.2)))

    found = find_tone(heard, tones[0])

    assert found is not None
    assert abs(found - offset) <= 80
    assert find_tone(heard, tones[1]) is None


def test_a_tone_after_another_tone_is_found_at_the_change() -> None:
    """The first tone does not hide the second."""
    found = find_tone(sine(440, 0.5) + sine(880, 0.5), 880)

    assert found is not None
    assert abs(found - 4000) <= 80


def test_noise_and_silence_hold_no_tone() -> None:
    """Neither white noise nor nothing is heard as a tone."""
    noise = array("h", (random.Random(7).randrange(-8000, 8000) for _ in range(8000)))

    assert find_tone(noise, 440) is None
    assert find_tone(array("h", bytes(16000)), 440) is None
    assert not hears(array("h"), 440)
    assert (rms(array("h")), level(array("h"), 440)) == (0.0, 0.0)


def test_silence_speech_and_music_differ() -> None:
    """Bursts with pauses are speech, sound without pauses is music, less than a twentieth of sound is silence."""
    syllable, pause = sine(300, 0.15), array("h", [0] * 800)

    assert classify((syllable + pause) * 8) is Sound.SPEECH
    assert classify(sine(440, 1) + sine(660, 1, 4000)) is Sound.MUSIC
    assert classify(array("h", [0] * 16000) + sine(440, 0.02)) is Sound.SILENCE
    assert classify(array("h")) is Sound.SILENCE
