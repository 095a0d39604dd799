"""Which addresses are banned, and for how long: a pure table, fed with what is seen of each address and with time.

A ban begins with too many failed requests, or too many requests at all, within `within_s`. It lasts `first_s`, twice as long each time, up
to `longest_s`, and goes on while the address goes on. An address from which a phone has logged in lately may fail ten times as often: one
phone with a wrong password does not shut out the office that it stands in.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from server.access.asterisk_log import Seen

KNOWN_FOR_S = 3600.0  # after a log-in
KNOWN_FACTOR = 10
FORGOTTEN_AFTER_S = 86_400.0  # without a ban: the next one is a first one again
MOST = 50_000  # addresses that are watched at once: whoever forges addresses fills no memory


@dataclass(frozen=True, slots=True)
class BanLimits:
    """`failures` and `requests` of one address within `within_s` seconds; 0 is no limit. The rest are seconds, too."""

    failures: int = 10
    requests: int = 600
    within_s: float = 60.0
    first_s: float = 600.0
    longest_s: float = 86_400.0


@dataclass(slots=True)
class Ban:
    """`times`: how often it was banned so far; `until_s` and `since_s` in seconds since 1970."""

    since_s: float
    until_s: float
    times: int = 1


@dataclass(slots=True)
class _Watched:
    failures: deque[float] = field(default_factory=deque)
    requests: deque[float] = field(default_factory=deque)


class Bans:
    """`spared` says which addresses are never banned. `banned` are those that are now, `earlier` those that were lately."""

    def __init__(self, limits: BanLimits, spared: Callable[[str], bool]) -> None:
        self.limits = limits
        self.spared = spared
        self.banned: dict[str, Ban] = {}
        self.earlier: dict[str, Ban] = {}
        self._watched: dict[str, _Watched] = {}
        self._known: dict[str, float] = {}  # address -> when a phone logged in from there

    def take(self, seen: Seen, now_s: float) -> bool:
        """True when the address is banned from now on."""
        address = seen.address
        if address in self.banned:
            self._prolong(self.banned[address], now_s)
            return False
        if seen.what == "refused" or self.spared(address):
            return False
        if seen.what == "admitted":
            self._known.pop(address, None)  # last in order again
            self._known[address] = now_s
        watched = self._watch(address)
        times = watched.failures if seen.what == "failed" else watched.requests
        times.append(now_s)
        while times[0] <= now_s - self.limits.within_s:
            times.popleft()
        most = self._most(seen, address, now_s)
        if not most or len(times) <= most:
            return False
        self._ban(address, now_s)
        return True

    def lift(self, address: str) -> bool:
        """End a ban, and forget why; False when there was none."""
        self.earlier.pop(address, None)
        self._watched.pop(address, None)
        return self.banned.pop(address, None) is not None

    def advance(self, now_s: float) -> list[str]:
        """The addresses whose bans are over now."""
        over = [address for address, ban in self.banned.items() if ban.until_s <= now_s or self.spared(address)]
        for address in over:
            self.earlier[address] = self.banned.pop(address)
        self.earlier = {address: ban for address, ban in self.earlier.items() if ban.until_s > now_s - FORGOTTEN_AFTER_S}
        self._known = {address: at_s for address, at_s in self._known.items() if at_s > now_s - KNOWN_FOR_S}
        self._watched = {address: watched for address, watched in self._watched.items() if self._is_recent(watched, now_s)}
        return over

    def _most(self, seen: Seen, address: str, now_s: float) -> int:
        most = self.limits.failures if seen.what == "failed" else self.limits.requests
        known_s = self._known.get(address)
        return most * (KNOWN_FACTOR if known_s is not None and known_s > now_s - KNOWN_FOR_S else 1)

    def _watch(self, address: str) -> _Watched:
        if address not in self._watched and len(self._watched) >= MOST:
            del self._watched[next(iter(self._watched))]
        return self._watched.setdefault(address, _Watched())

    def _is_recent(self, watched: _Watched, now_s: float) -> bool:
        return any(times and times[-1] > now_s - self.limits.within_s for times in (watched.failures, watched.requests))

    def _ban(self, address: str, now_s: float) -> None:
        self._watched.pop(address, None)
        times = self.earlier.pop(address).times + 1 if address in self.earlier else 1
        self.banned[address] = Ban(now_s, now_s + self._lasts_s(times), times)

    def _prolong(self, ban: Ban, now_s: float) -> None:
        """Whoever goes on stays out: the ban ends so long after the last request."""
        ban.until_s = max(ban.until_s, now_s + min(self.limits.first_s, self._lasts_s(ban.times)))

    def _lasts_s(self, times: int) -> float:
        return float(min(self.limits.longest_s, self.limits.first_s * 2 ** min(times - 1, 20)))
