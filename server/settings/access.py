"""access.yaml: which addresses are refused at the SIP port, which are never banned, and when an address is banned."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from sources.schema import Duration, Settings

FILE = "access.yaml"


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError:
        raise ValueError(f"expected an address or a network such as 192.0.2.10 or 2001:db8::/32, found '{value[:60]}'") from None


NetworkOnly = Annotated[str, AfterValidator(_network)]  # no host name: Asterisk asks no DNS for an ACL


class BansFile(Settings):
    """When an address is banned. `failures`, `requests`: 0 is no limit."""

    failures: int = Field(10, ge=0, le=100_000)
    requests: int = Field(600, ge=0, le=10_000_000)
    within: Annotated[Duration, Field(ge=1_000, le=3_600_000)] = 60_000
    first: Annotated[Duration, Field(ge=1_000, le=7 * 86_400_000)] = 600_000
    longest: Annotated[Duration, Field(ge=1_000, le=366 * 86_400_000)] = 86_400_000


class AccessFile(Settings):
    """access.yaml"""

    allow: list[NetworkOnly] = []  # never refused, never banned: offices, a carrier behind another address
    deny: list[NetworkOnly] = []
    bans: BansFile = BansFile()
