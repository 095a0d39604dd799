"""Whether the Asterisk that a site is attached to has everything: asked before a start, at each AMI login of a server, and by
`./hotline asterisk-check`. A managed Asterisk is made by us and not asked."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import structlog

from agi.ami.errors import AmiError
from routing.domain.events.envelope import EventData
from routing.domain.events.servers import AsteriskGapFound, AsteriskGapMended
from routing.domain.identifiers import Ids
from server.external.attached import stamp
from server.external.examination import examine
from server.external.gaps import ABOUTS, Expected, Gap, find_gaps
from server.node_settings import NodeSettings
from server.settings import Site

log = structlog.get_logger(__name__)
BOOTING_S = 3.0
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 120.0
NOT_ASKED = "Asterisk is being asked whether it has everything"


async def asterisk_gaps(site: Site, settings: NodeSettings, ids: Ids) -> list[Gap]:
    """What the Asterisk of this site lacks, the dangerous first. Raises AmiError."""
    expected = await asyncio.to_thread(_expected, site, settings)
    return find_gaps(await examine(settings.ami_address, settings.ami_login, expected, ids.new), expected)


class EventSink(Protocol):
    """The event log: `EventLog` (server/events/writer.py)."""

    def write(self, data: EventData) -> None: ...


class Preflight:
    """Keeps what is missing true: `ask` after a login; while something is missing it asks again by itself, less and less often.

    Each gap that comes and goes is written to the log and, as `server`, to the event log. A right that is given applies from the next login
    on, so `log_in_again` is called when one is.
    """

    def __init__(
        self,
        examine: Callable[[], Awaitable[list[Gap]]],
        events: EventSink,
        server: str,
        log_in_again: Callable[[], None],
        *,
        booting_s: float = BOOTING_S,
    ) -> None:
        self._examine, self._events, self._server, self._log_in_again = examine, events, server, log_in_again
        self._booting_s = booting_s
        self._expected = asyncio.Event()
        self._asked = False
        self.gaps: list[Gap] = []

    def ask(self) -> None:
        """Asterisk may be another one now."""
        self._expected.set()

    @property
    def why_not_ready(self) -> str:
        """The dangerous gaps, in sentences; "" when there are none."""
        return " ".join(gap.words for gap in self.gaps if gap.dangerous) if self._asked else NOT_ASKED

    @property
    def warnings(self) -> list[str]:
        """The lesser ones."""
        return [gap.words for gap in self.gaps if not gap.dangerous]

    def counts(self) -> Iterable[tuple[tuple[str, str], int]]:
        """((about, yes or no for dangerous), how many), those with 0 as well."""
        counted = Counter((gap.about, gap.dangerous) for gap in self.gaps)
        return (((about, "yes" if bad else "no"), counted[about, bad]) for about in ABOUTS for bad in (True, False))

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            if not self.gaps:
                pause_s = FIRST_PAUSE_S
                await self._expected.wait()
            else:
                await self._wait_at_most(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            self._expected.clear()
            try:
                now = await self._examine()
                if any(gap not in self.gaps for gap in now):  # an Asterisk that starts takes logins before it has everything
                    await asyncio.sleep(self._booting_s)
                    now = await self._examine()
                self._take(now)
            except AmiError as away:
                log.info("asterisk_not_asked", reason=str(away))  # the connection is lost: it is asked at the next login

    async def _wait_at_most(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._expected.wait()
        except TimeoutError:
            pass

    def _take(self, now: list[Gap]) -> None:
        before, self.gaps, self._asked = self.gaps, now, True
        for gap in now:
            if gap not in before:
                log.warning("asterisk_gap_found", about=gap.about, dangerous=gap.dangerous, words=gap.words)
                self._events.write(AsteriskGapFound(self._server, gap.about, gap.words, gap.dangerous))
        gone = [gap for gap in before if gap not in now]
        for gap in gone:
            log.info("asterisk_gap_mended", about=gap.about, words=gap.words)
            self._events.write(AsteriskGapMended(self._server, gap.about, gap.words))
        if any(gap.about == "rights" for gap in gone):
            self._log_in_again()


def _expected(site: Site, settings: NodeSettings) -> Expected:
    """One file of each folder that prompts are read from: the cache, and each folder of the site's recordings."""
    files = [settings.installation.sounds(site).tone() + ".wav"]
    for folder in sorted(path for path in (site.folder / "prompts").rglob("*") if path.is_dir()):
        files += [str(path.absolute()) for path in sorted(folder.glob("*.wav"))[:1]]
    readable = tuple(path for path in files if not set(path) & set("&, "))
    return Expected(stamp(site), site.main.asterisk.ami_user, tuple(site.phones), readable)
