"""Who tried a PIN too often waits: three tries lock an agent's log-in by phone, each time for longer.

A try is counted before the PIN is compared, and in one place for all servers: whoever tries in many calls at once has no more of them.
"""

from routing.store.counts import Counts, Tries, Try

TRIES = 3
LOCKED_MS = (60_000, 5 * 60_000, 15 * 60_000, 3_600_000)  # the first time, the second ...; the last from then on
_RULE = Tries(TRIES, LOCKED_MS)


class PinLocks:
    """By agent; a right PIN forgets everything. Methods raise StoreUnreachable: then no PIN may be compared."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def take(self, agent: str, now_ms: int) -> Try:
        """Count a try: whether the PIN may be compared, and for how long no further one may be unless this one is right."""
        return await self._counts.take_try(_name(agent), _RULE, now_ms)

    async def right(self, agent: str) -> None:
        """The agent is who they say."""
        await self._counts.forget_tries(_name(agent))


def _name(agent: str) -> str:
    return f"pin {agent}"
