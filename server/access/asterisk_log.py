"""What Asterisk's logs say of an address outside: requests that failed, requests as such, and requests of those who are refused.

The lines hold text from outside: the name and number in From, the Call-ID and what a digest says, and Asterisk escapes none of it. So each
line is read from its end, where what is believed stands behind the last word from outside; a Call-ID has no space, by RFC 3261 25.1.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

What = Literal["failed", "asked", "admitted", "refused"]

_REASONS = "No matching endpoint found|Failed to authenticate|Error to authenticate|Not match Endpoint ACL|Not match Endpoint Contact ACL"
_FAILED = re.compile(rf" failed for '([0-9A-Fa-f.:\[\]]+):\d+' \(callid: \S*\) - (?:{_REASONS})(?: after \d+ tries in [\d.]+ ms)?$")
_REFUSED = re.compile(
    r"WARNING\[\d+\](?:\[C-[0-9a-f]+\])? res_pjsip_acl\.c: Incoming SIP message from ([0-9A-Fa-f.:\[\]]+):\d+ did not pass ACL test$"
)
_REMOTE = r'RemoteAddress="IPV[46]/[A-Z]{2,4}/([0-9A-Fa-f.:]+)/\d+"'
_ASKED = re.compile(rf'SecurityEvent="ChallengeSent",.*,{_REMOTE},Challenge="[^"]*"$')
_ADMITTED = re.compile(rf'SecurityEvent="SuccessfulAuth",.*,{_REMOTE},UsingPassword="[01]"$')
_LINES: tuple[tuple[What, re.Pattern[str]], ...] = (("failed", _FAILED), ("refused", _REFUSED), ("asked", _ASKED), ("admitted", _ADMITTED))


@dataclass(frozen=True, slots=True)
class Seen:
    """One request of an address. `asked`: it was asked for a password, `admitted`: it gave the right one."""

    address: str
    what: What


def read_line(line: str) -> Seen | None:
    """What a line of `asterisk.log` or `security.log` says; None when it is about something else."""
    for what, pattern in _LINES:
        found = pattern.search(line)
        if found:
            address = _address(found[1])
            return Seen(address, what) if address else None
    return None


def _address(text: str) -> str:
    """As it is written in one way; "" when it is none."""
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
