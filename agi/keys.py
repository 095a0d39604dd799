"""Keys that a caller pressed, each once, in order, waiting to be taken. Fed by LiveCalls from AMI; the digits are never logged or shown.

Asterisk may report one key more than once. `Presses` knows the ways in which AMI repeats it, `KeySource` also the one in which AGI does.
"""

import asyncio
from collections import deque

KEYS = frozenset("0123456789*#ABCD")
MOST_KEYS = 32  # further ones are dropped until some are taken
# Asterisk keeps two keys this far apart; with the two packets of sound that it waits for.
KEPT_APART_MS = 45 + 40
REPEATED_WITHIN_MS = 10_000  # where the phone's beginnings are reported, no repetition is older
# AGI may return a key that ended between two commands: as long after its end as it was held, later in a row of keys.
ECHO_WITHIN_MS = 2_000
LATE_WITHIN_MS = 5_000
RUN_GAP_MS = 700  # keys closer to each other than this belong to one entry


class Presses:
    """Which of the key events on AMI are presses of their own.

    Asterisk puts a key aside while it plays the end of the one before, or when the two are closer than 45 ms, and reports its end again
    when it takes it up: same key, same duration, no beginning of its own. Keys that travel as RTP or tones have a beginning each; SIP
    INFO has none, there a repetition is known by coming soon after a key that came too early.
    """

    def __init__(self) -> None:
        self._down = ""
        self._begins = False  # the phone's beginnings are reported
        self._repeatable: deque[tuple[str, int, int]] = deque(maxlen=MOST_KEYS)  # key, duration, until when
        self._busy_until_ms = 0

    def began(self, key: str) -> None:
        """A key went down."""
        self._down, self._begins = key, True

    def ended(self, key: str, duration_ms: int, now_ms: int) -> bool:
        """A key was released, it was said; whether that is news."""
        self._forget(now_ms)
        own = self._down == key
        self._down = "" if own else self._down
        if not own and self._is_repeated(key, duration_ms):
            return False
        early = now_ms < self._busy_until_ms
        self._busy_until_ms = max(now_ms, self._busy_until_ms) + duration_ms + KEPT_APART_MS
        if self._begins or early:
            within_ms = REPEATED_WITHIN_MS if self._begins else self._busy_until_ms - now_ms
            self._repeatable.append((key, duration_ms, now_ms + within_ms))
        return True

    def _forget(self, now_ms: int) -> None:
        while self._repeatable and self._repeatable[0][2] < now_ms:
            self._repeatable.popleft()

    def _is_repeated(self, key: str, duration_ms: int) -> bool:
        for repeatable in self._repeatable:
            if repeatable[:2] == (key, duration_ms):
                self._repeatable.remove(repeatable)
                return True
        return False


class KeySource:
    """The keys of one caller. `connected` is False while AMI is away: then no key arrives here, and AGI's own ways must serve."""

    def __init__(self, *, connected: bool) -> None:
        self._keys: deque[str] = deque()
        self._connected = connected
        self._news = asyncio.Event()
        self._presses = Presses()
        self._reported: deque[tuple[str, int]] = deque(maxlen=MOST_KEYS)  # by AMI: key, and until when AGI may return it
        self._owed: deque[tuple[str, int]] = deque(maxlen=MOST_KEYS)  # counted by AGI's word: key, and until when AMI may report it
        self._run_until_ms: int | None = None  # keys before that belong to an entry that was interrupted

    @property
    def connected(self) -> bool:
        return self._connected

    async def next(self, timeout_ms: int | None) -> str:
        """The next key, taken; "" when none came in time (None: no limit), or when AMI is away or goes away meanwhile."""
        try:
            async with asyncio.timeout(None if timeout_ms is None else timeout_ms / 1000):
                while not self._keys and self._connected:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass  # a key may have come in the very last moment
        return self.take()

    def take(self) -> str:
        """The next key that is waiting, or ""."""
        return self._keys.popleft() if self._keys else ""

    def clear(self) -> None:
        """Drop the keys that are waiting."""
        self._keys.clear()

    def drop_run(self) -> None:
        """Drop the keys that are waiting and those that follow closely: the rest of an entry whose beginning is lost."""
        self.clear()
        self._run_until_ms = _now_ms() + RUN_GAP_MS

    # -- from AMI ------------------------------------------------------------------------------------------------------

    def began(self, key: str) -> None:
        """AMI reports that a key went down."""
        if key in KEYS:
            self._presses.began(key)

    def ended(self, key: str, duration_ms: int) -> None:
        """AMI reports that a key was released after so long; a repetition is ignored."""
        now_ms = _now_ms()
        if key not in KEYS or not self._presses.ended(key, duration_ms, now_ms):
            return
        if _struck(self._owed, key, now_ms):
            return
        self._reported.append((key, now_ms + duration_ms + ECHO_WITHIN_MS))
        if not self._in_run(now_ms):
            self.push(key)

    def push(self, key: str) -> None:
        """A key was pressed; anything that is no key is ignored."""
        if key in KEYS and len(self._keys) < MOST_KEYS:
            self._keys.append(key)
            self._news.set()

    def set_connected(self, connected: bool) -> None:
        """AMI came or went; wakes those who wait when it went."""
        self._connected = connected
        self._news.set()

    # -- from AGI ------------------------------------------------------------------------------------------------------

    def is_echo(self, key: str) -> bool:
        """Whether a key that AGI returned may be one that AMI has reported; each is asked for once."""
        now_ms = _now_ms()
        return self._in_run(now_ms) or _struck(self._reported, key, now_ms)

    def counted(self, key: str) -> None:
        """A key counted by AGI's word alone: should AMI report it, too, it does not count again."""
        if key in self._keys:
            self._keys.remove(key)
        else:
            self._owed.append((key, _now_ms() + LATE_WITHIN_MS))

    def _in_run(self, now_ms: int) -> bool:
        """Whether a key at this moment belongs to the entry that was interrupted, which it makes longer."""
        if self._run_until_ms is None or now_ms >= self._run_until_ms:
            self._run_until_ms = None
            return False
        self._run_until_ms = now_ms + RUN_GAP_MS
        return True

    def __repr__(self) -> str:
        return f"<KeySource {len(self._keys)} keys waiting>"


def _struck(listed: deque[tuple[str, int]], key: str, now_ms: int) -> bool:
    """Whether that key is listed and its time not over; it is struck off then, as are those whose time is over."""
    while listed and listed[0][1] < now_ms:
        listed.popleft()
    for entry in listed:
        if entry[0] == key and entry[1] >= now_ms:
            listed.remove(entry)
            return True
    return False


def _now_ms() -> int:
    return round(1000 * asyncio.get_running_loop().time())
