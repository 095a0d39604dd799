"""Who tried a PIN too often waits: three wrong tries lock an agent's log-in by phone, each time for longer.

Each server counts for itself.
"""

from dataclasses import dataclass

TRIES = 3
LOCKED_MS = (60_000, 5 * 60_000, 15 * 60_000, 3_600_000)  # the first time, the second ...; the last from then on


@dataclass(slots=True)
class _Tried:
    wrong: int = 0
    locks: int = 0
    until_ms: int = 0


class PinLocks:
    """By agent; a right PIN forgets everything."""

    def __init__(self) -> None:
        self._tried: dict[str, _Tried] = {}

    def locked(self, agent: str, now_ms: int) -> bool:
        """Whether no PIN of this agent is taken now, be it right or wrong."""
        tried = self._tried.get(agent)
        return tried is not None and now_ms < tried.until_ms

    def wrong(self, agent: str, now_ms: int) -> int:
        """A wrong PIN; for how many milliseconds that locks the agent, 0 for not yet."""
        tried = self._tried.setdefault(agent, _Tried())
        tried.wrong += 1
        if tried.wrong % TRIES:
            return 0
        locked_ms = LOCKED_MS[min(tried.locks, len(LOCKED_MS) - 1)]
        tried.locks, tried.until_ms = tried.locks + 1, now_ms + locked_ms
        return locked_ms

    def right(self, agent: str) -> None:
        """The agent is who they say."""
        self._tried.pop(agent, None)
