"""`./hotline try [FLOW]`: walk a flow at the keyboard. Look-ups really go out; queues and transfers are asked about."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from ivr.ports import Clock
from ivr.terminal_phone import try_flow
from routing.clock import SystemClock
from server.calls.lookup import HttpLookup
from server.cli.options import CommandFailed, Options, say
from server.cli.site import checked_site, premises_of
from server.settings import Site
from sources.problems import suggest


def run(options: Options) -> int:
    """0 when the flow reached its end or the person hung up, 1 when the flow failed."""
    site = checked_site(options)
    name = options.given.flow or next(iter(site.numbers.values()), site.default_flow)
    if name not in site.flows:
        hint = suggest(name, site.flows)
        raise CommandFailed(f"there is no flow '{name}'{f' - {hint}' if hint else ''}")
    _clock(options.given.now, site.main.time_zone)
    language, known = options.given.language, site.flows[name].languages
    if language and language not in known:
        raise CommandFailed(f"flow '{name}' does not speak '{language}' - {suggest(language, known)}")
    return asyncio.run(_walk(site, name, options))


async def _walk(site: Site, name: str, options: Options) -> int:
    lookup = HttpLookup(lambda: site.main.lookup_headers)
    premises, clock = premises_of(site), _clock(options.given.now, site.main.time_zone)
    dnis = next((number for number, flow in site.numbers.items() if flow == name), "")
    say(f"Flow {name}. Type keys and Enter; Enter alone is silence; q hangs up.")
    try:
        ended = await try_flow(
            site.flows,
            name,
            lookup,
            clock,
            premises,
            premises.call("try", options.given.ani, dnis, options.given.language),
            write=say,
        )
    finally:
        await lookup.close()
    return 1 if ended and ended.reason == "failed" else 0


class ClockFrom:
    """A clock that goes on from another moment (ms since 1970)."""

    def __init__(self, begin_ms: int, clock: Clock) -> None:
        self._clock = clock
        self._ahead_ms = begin_ms - clock.now_ms()

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._ahead_ms


def _clock(now: str, time_zone: str) -> Clock:
    """The time as it is, or from `now` on, local time of the site. CommandFailed when that is no time."""
    if not now:
        return SystemClock()
    try:
        begin = datetime.fromisoformat(now)
    except ValueError:
        raise CommandFailed(f"'{now}' is no time - write it like 2026-11-23 10:00, the local time of the site") from None
    local = begin if begin.tzinfo else begin.replace(tzinfo=ZoneInfo(time_zone))
    return ClockFrom(int(local.timestamp() * 1000), SystemClock())
