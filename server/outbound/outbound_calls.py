"""Whether a call to the outside may be made now: what it dials, and how many there were in this minute and on this day.

All servers of a site count together. While Redis is away each counts for itself, with the same limits. Emergency numbers are never counted
and never refused to a phone; a flow reaches one only where it is written out, so that nobody keys it into a flow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import structlog

from ivr.costly_numbers import Costly, costly
from ivr.numbers import masked, normalise
from routing.domain.events.calls import OutboundHalfUsed, OutboundRefused
from routing.ports import Clock
from routing.store.counts import Bound, Counts, MemoryCounts, Taken
from routing.store.port import StoreUnreachable
from server.events.writer import EventLog
from server.settings import Site

log = structlog.get_logger(__name__)
MINUTE_MS, DAY_MS = 60_000, 86_400_000
Refusal = Costly | Literal["emergency", "limit"]


@dataclass(frozen=True, slots=True)
class OutboundCall:
    """`user` is who wants it, such as `flow main` or `agent wang`; `line` the trunk; `written_out`: nobody could key the number."""

    number: str
    line: str
    user: str
    written_out: bool = True


class OutboundCalls:
    """`counts` are those of the site, shared by its servers."""

    def __init__(self, site: Callable[[], Site], counts: Counts, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._counts = counts
        self._own_counts = MemoryCounts()
        self._events = events
        self._clock = clock

    async def refusal(self, wanted: OutboundCall, call: str = "") -> Refusal | None:
        """Why it must not be made; None counts it as made. What is refused, and a limit half of which is used, is told as an event."""
        site = self._site()
        if wanted.number in site.main.emergency:
            return None if wanted.written_out else self._refused(wanted, "emergency", "", call)
        outbound = site.main.outbound
        if why := costly(wanted.number, site.main.country, refuse=outbound.refuse, allow=outbound.costly):
            return self._refused(wanted, why, "", call)
        bounds = list(_bounds(site, wanted, self._clock.now_ms()))
        taken = await self._taken(bounds)
        if taken.full:
            return self._refused(wanted, "limit", _limit_of(taken.full), call)
        for bound, count in zip(bounds, taken.counts, strict=True):
            if count == (bound.most + 1) // 2:
                self._events.write(OutboundHalfUsed(_limit_of(bound), _who(bound), count, bound.most), call=call)
        return None

    async def _taken(self, bounds: list[Bound]) -> Taken:
        now_ms = self._clock.now_ms()
        try:
            return await self._counts.take(bounds, now_ms)
        except StoreUnreachable:
            return await self._own_counts.take(bounds, now_ms)

    def _refused(self, wanted: OutboundCall, why: Refusal, limit: str, call: str) -> Refusal:
        number = masked(normalise(wanted.number, self._site().main.country))
        log.warning("outbound_call_refused", number=number, reason=why, limit=limit, user=wanted.user, line=wanted.line)
        self._events.write(OutboundRefused(number, why, limit, wanted.user, wanted.line), call=call)
        return why


def _bounds(site: Site, wanted: OutboundCall, now_ms: int) -> Iterator[Bound]:
    """A name is `outbound LIMIT WINDOW WHO`; the day is the site's."""
    limits = site.main.outbound
    day = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(site.main.time_zone)).date().isoformat()
    each = (
        ("per_minute", limits.per_minute, "site"),
        ("per_day", limits.per_day, "site"),
        ("trunk_per_minute", limits.trunk_per_minute, wanted.line),
        ("trunk_per_day", limits.trunk_per_day, wanted.line),
        ("user_per_minute", limits.user_per_minute, wanted.user),
        ("user_per_day", limits.user_per_day, wanted.user),
    )
    for name, most, who in each:
        daily = name.endswith("day")
        yield Bound(f"outbound {name} {day if daily else now_ms // MINUTE_MS} {who}", most, DAY_MS if daily else MINUTE_MS)


def _limit_of(bound: Bound) -> str:
    return bound.name.split(" ")[1]


def _who(bound: Bound) -> str:
    return bound.name.split(" ", 3)[3]
