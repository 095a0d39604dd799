"""What the site says of addresses: config/access.yaml and the addresses of its trunks, read again when the file changes."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from server.access.access_list import LOOPBACK
from server.access.bans import BanLimits
from server.settings.access import FILE, AccessFile
from server.settings.reading import Reading
from server.settings.trunks import Trunk


@dataclass(frozen=True, slots=True)
class AccessRules:
    """`allow` and `deny` are networks; `trunks` are those of carriers and gateways."""

    allow: Collection[str] = ()
    deny: Collection[str] = ()
    trunks: Collection[str] = ()
    limits: BanLimits = field(default_factory=BanLimits)

    @property
    def spared(self) -> tuple[str, ...]:
        """The networks that are never refused."""
        return (*self.allow, *self.trunks, *LOOPBACK)


def rules_of(access: AccessFile, trunks: Mapping[str, Trunk]) -> AccessRules:
    """A trunk that is named by a host name is not known here: list its addresses under `allow`."""
    bans = access.bans
    limits = BanLimits(bans.failures, bans.requests, bans.within / 1000, bans.first / 1000, bans.longest / 1000)
    sources = (_network(source) for trunk in trunks.values() for source in trunk.sources)
    return AccessRules(access.allow, access.deny, [source for source in sources if source], limits)


class RulesFile:
    """`changed` gives the rules when config/access.yaml has changed since the last question, None otherwise. A file with mistakes changes
    nothing: each is told by `say`."""

    def __init__(self, config: Path, trunks: Mapping[str, Trunk], say: Callable[[str], None]) -> None:
        self._config = config
        self._trunks = trunks
        self._say = say
        self._stamp = self._now()

    def changed(self) -> AccessRules | None:
        stamp = self._now()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        reading = Reading(self._config)
        access = reading.file(FILE, AccessFile)
        for problem in reading.problems:
            self._say(str(problem))
        return None if reading.problems else rules_of(access, self._trunks)

    def _now(self) -> tuple[int, int] | None:
        try:
            facts = (self._config / FILE).stat()
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_size


def _network(source: str) -> str:
    """ "" for a host name."""
    try:
        return str(ip_network(re.sub(r"^\[(.*)\]$", r"\1", source), strict=False))
    except ValueError:
        return ""
