"""`./hotline try [FLOW]`: walk a flow at the keyboard. Look-ups really go out; queues and transfers are asked about."""

import asyncio

from ivr.call import CallContext
from ivr.loading.problems import suggest
from ivr.numbers import normalise
from ivr.terminal_phone import try_flow
from routing.clock import SystemClock
from server.cli.options import CommandFailed, Options, say
from server.cli.site import checked_site
from server.http_lookup import HttpLookup
from server.settings import Site


def run(options: Options) -> int:
    """0 when the flow reached its end or the person hung up, 1 when the flow failed."""
    site = checked_site(options)
    name = options.given.flow or next(iter(site.numbers.values()), site.default_flow)
    if name not in site.flows:
        hint = suggest(name, site.flows)
        raise CommandFailed(f"there is no flow '{name}'{f' - {hint}' if hint else ''}")
    language, known = options.given.language, site.flows[name].languages
    if language and language not in known:
        raise CommandFailed(f"flow '{name}' does not speak '{language}' - {suggest(language, known)}")
    return asyncio.run(_walk(site, name, options))


async def _walk(site: Site, name: str, options: Options) -> int:
    lookup = HttpLookup(lambda: site.main.lookup_headers)
    language = options.given.language or site.flows[name].languages[0]
    ani = normalise(options.given.ani, site.main.country).text
    dnis = next((number for number, flow in site.numbers.items() if flow == name), "")
    say(f"Flow {name}. Type keys and Enter; Enter alone is silence; q hangs up.")
    try:
        ended = await try_flow(
            site.flows,
            name,
            lookup,
            SystemClock(),
            call=CallContext("try", ani, dnis, language, caller_list=site.callers.of(ani)),
            hours=site.hours,
            time_zone=site.main.time_zone,
            write=say,
        )
    finally:
        await lookup.close()
    return 1 if ended and ended.reason == "failed" else 0
