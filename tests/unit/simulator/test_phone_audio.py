"""G.711 has the values of the standard, and the recorder puts every packet where it belongs on the time line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.phone.audio import PCMA, PCMU, SILENCE, Recorder, decode, encode, from_wire, read_wav, to_wire, write_wav

pytestmark = pytest.mark.unit

SOUND = b"\x20" * 160
QUIET = SILENCE * 160


def test_mu_law_has_the_values_of_the_standard() -> None:
    """Silence, both ends of the scale, and clipping beyond them."""
    assert encode([0, 32767, -32768, 99999, -99999]) == b"\xff\x80\x00\x80\x00"
    assert list(decode(b"\xff\x80\x00\x7f")) == [0, 32124, -32124, 0]


@given(st.lists(st.integers(-32124, 32124), max_size=50))
def test_mu_law_is_within_its_step(samples: list[int]) -> None:
    """What comes back differs by at most half a step: one part in 32 of the value, 4 near silence."""
    for sample, back in zip(samples, decode(encode(samples)), strict=True):
        assert abs(sample - back) <= max(4, (abs(sample) + 132) / 32)


@given(st.integers(0, 255).filter(lambda code: code != 0x7F))
def test_mu_law_codes_come_back(code: int) -> None:
    """Every code but minus zero survives decoding and encoding."""
    assert encode(decode(bytes([code]))) == bytes([code])


def test_a_law_has_the_values_of_the_standard() -> None:
    """A-law's zero, its extremes, and the way there and back through mu-law."""
    assert list(decode(from_wire(b"\xaa\x2a", PCMA))) == [32124, -32124]
    assert to_wire(encode([0]), PCMA) in (b"\xd5", b"\x55")
    for sample in (-20000, -300, 50, 1000, 30000):
        back = decode(from_wire(to_wire(encode([sample]), PCMA), PCMA))[0]
        assert abs(back - sample) <= max(16, abs(sample) / 12)
    assert to_wire(SOUND, PCMU) == SOUND == from_wire(SOUND, PCMU)


def recorded(*packets: tuple[int, int, int, float], limit_s: float = 600) -> bytes:
    """A recording of sound packets given as (timestamp, ssrc, marker, arrival)."""
    recorder = Recorder(100.0, limit_s)
    for timestamp, ssrc, marker, at in packets:
        recorder.add(SOUND, timestamp, ssrc, 100.0 + at, marker=bool(marker))
    return encode(recorder.samples())


def test_a_lost_packet_leaves_silence() -> None:
    """Timestamps place packets, so that what follows a loss does not slip forward."""
    assert recorded((0, 1, 0, 0.0), (320, 1, 0, 0.04)) == SOUND + QUIET + SOUND


def test_packets_in_disorder_are_put_in_order() -> None:
    """A late packet lands in its own place."""
    assert recorded((0, 1, 0, 0.0), (480, 1, 0, 0.06), (160, 1, 0, 0.07)) == SOUND + SOUND + QUIET + SOUND


def test_sound_that_starts_late_starts_late() -> None:
    """What comes before the first packet is silence."""
    assert recorded((7, 1, 0, 0.04)) == QUIET * 2 + SOUND


def test_timestamps_wrap_around() -> None:
    """The end of 32 bits is no gap."""
    assert recorded((2**32 - 160, 1, 0, 0.0), (0, 1, 0, 0.02)) == SOUND * 2


def test_a_new_source_is_placed_by_arrival() -> None:
    """Another source has another clock; it never overwrites what is there."""
    assert recorded((0, 1, 0, 0.0), (999_999, 2, 0, 0.06)) == SOUND + QUIET * 2 + SOUND
    assert recorded((0, 1, 0, 0.0), (999_999, 2, 0, 0.001)) == SOUND * 2


def test_a_new_stretch_may_reset_the_clock() -> None:
    """With a marker, a jump of the timestamp against arrival is a new clock and not a gap."""
    assert recorded((0, 1, 0, 0.0), (80_000, 1, 1, 0.06)) == SOUND + QUIET * 2 + SOUND


def test_a_stalled_reader_does_not_tear_the_sound() -> None:
    """Packets read half a second late in one go stay next to each other."""
    assert recorded((0, 1, 0, 0.0), (160, 1, 0, 0.5), (320, 1, 0, 0.5)) == SOUND * 3


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans(), st.floats(0, 5)), max_size=30))
def test_no_timestamps_make_a_recording_grow_beyond_time(packets: list[tuple[int, int, bool, float]]) -> None:
    """Hostile timestamps cost at most what real time, the packets themselves and two seconds of slack would."""
    recorder = Recorder(0.0)
    latest = 0.0

    for timestamp, ssrc, marker, at in packets:
        latest = max(latest, at)
        recorder.add(SOUND, timestamp, ssrc, at, marker=marker)

    assert len(recorder) <= latest * 8000 + 160 * len(packets) + 16000 + 160


def test_a_recording_has_a_limit() -> None:
    """Nothing is kept beyond the limit, and nothing breaks there."""
    assert recorded((0, 1, 0, 0.0), (160, 1, 0, 0.02), (320, 1, 0, 0.04), limit_s=0.03) == (SOUND * 2)[:240]


def test_a_wav_file_keeps_the_samples(tmp_path: Path) -> None:
    """What is written is read back; other kinds of file are refused in words."""
    write_wav(tmp_path / "a.wav", [0, 1000, -32768])

    assert list(read_wav(tmp_path / "a.wav")) == [0, 1000, -32768]
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[24:28] = (44100).to_bytes(4, "little")
    (tmp_path / "b.wav").write_bytes(data)
    with pytest.raises(ValueError, match="44100 Hz; expected 1, 16 and 8000"):
        read_wav(tmp_path / "b.wav")
