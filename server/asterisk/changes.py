"""What a running Asterisk needs so that it does what its files say now: pure, from the text of the files before and after."""

import re
from collections.abc import Mapping

# file -> the command that has Asterisk read it again. What is not here it reads at its start alone.
RELOADS = {
    "extensions.conf": "dialplan reload",
    "pjsip.conf": "module reload res_pjsip.so",
    "musiconhold.conf": "moh reload",
    "features.conf": "module reload features",
    "manager.conf": "manager reload",
    "rtp.conf": "module reload res_rtp_asterisk.so",
    "logger.conf": "logger reload",
}
_SECTION = re.compile(r"(?m)^(?=\[)")
_AT_START = re.compile(r"(?m)^type *= *(transport|system)\b")  # sections of pjsip.conf


def reloads(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The commands that Asterisk is given, in order."""
    return [command for name, command in RELOADS.items() if before.get(name) != now.get(name)]


def read_at_start(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The files with changes that take effect when Asterisk is started again, and not before."""
    changed = [name for name in now if before.get(name) != now[name]]
    fixed = [name for name in changed if name not in RELOADS]
    if _transports(before.get("pjsip.conf", "")) != _transports(now.get("pjsip.conf", "")):
        fixed.append("pjsip.conf")
    return sorted(fixed)


def _transports(text: str) -> list[str]:
    return [section for section in _SECTION.split(text) if _AT_START.search(section)]
