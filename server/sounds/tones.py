"""Single tones, for a caller to hear that something happened."""

from math import pi, sin

from server.sounds.audio import RATE, soft_edges


def beep(hertz: float = 660.0, length_ms: int = 180, level_db: float = -20.0) -> list[float]:
    """A soft beep of 8 kHz samples; `level_db` is its RMS below full scale."""
    peak = 32767 * 10 ** (level_db / 20) * 2**0.5
    samples = [peak * sin(2 * pi * hertz * index / RATE) for index in range(RATE * length_ms // 1000)]
    return soft_edges(samples, RATE // 50)
