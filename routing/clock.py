"""The time of a server: the monotonic clock plus an offset taken at start, so that a clock set by hand does not move deadlines.

It may be steered towards another clock (Redis's), so that servers agree: never by a jump, at most 1 ms in 100.
"""

import time
from collections.abc import Callable

import structlog

JUMP_MS = 5_000  # a difference above this is a fault of a clock, not drift
BELIEVED_AFTER = 3  # so many alike in a row are no fault of the other clock: a machine that slept, a clock that was set late
RATE = 100  # steered by at most one part in so many

log = structlog.get_logger(__name__)


def _wall_s() -> float:
    return time.time()  # noqa: TID251 - the one place where the time of day comes in


class SystemClock:
    """Milliseconds since 1970 UTC; never goes back. `monotonic_s` and `wall_s` give seconds."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic, wall_s: Callable[[], float] = _wall_s) -> None:
        self._monotonic_s = monotonic_s
        self._at_s = monotonic_s()  # since when _offset_ms applies
        self._offset_ms = 1000 * (wall_s() - self._at_s)
        self._pending_ms = 0.0  # correction still to be worked in
        self._jumps: list[int] = []  # differences above JUMP_MS seen one after another
        self._last_ms = 0  # shown last: rounding must not take it back

    def now_ms(self) -> int:
        self._last_ms = max(self._last_ms, int(1000 * self._monotonic_s() + self._offset_ms + self._worked_in()))
        return self._last_ms

    def steer(self, reference_ms: int) -> None:
        """Approach the time that another clock shows now. A difference above 5 s is logged and ignored until seen three times."""
        self._offset_ms += self._worked_in()
        self._at_s = self._monotonic_s()
        self._pending_ms = 0.0
        difference_ms = reference_ms - self.now_ms()
        if abs(difference_ms) <= JUMP_MS:
            self._pending_ms, self._jumps = float(difference_ms), []
            return
        self._jumps = [jump for jump in self._jumps if abs(jump - difference_ms) < JUMP_MS] + [difference_ms]
        if len(self._jumps) < BELIEVED_AFTER:
            log.warning("clock_jump_ignored", difference_ms=difference_ms, advice="compare the clocks of this server and of Redis (NTP)")
        else:
            log.warning("clock_set", difference_ms=difference_ms, advice="this server's clock was wrong when it started, or stood still")
            self._offset_ms, self._jumps = self._offset_ms + difference_ms, []

    def _worked_in(self) -> float:
        """How much of the pending correction has been applied since it was asked for, in ms."""
        most = 1000 * (self._monotonic_s() - self._at_s) / RATE
        return max(-most, min(most, self._pending_ms))
