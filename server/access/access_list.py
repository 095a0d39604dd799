"""The text of `hotline_access.conf`, which Asterisk's pjsip.conf includes: the last rule that fits an address decides."""

from collections.abc import Collection, Iterable
from ipaddress import ip_address, ip_network

NAME = "hotline_access.conf"
RELOAD = "module reload res_pjsip.so"
LOOPBACK = ("127.0.0.1/32", "::1/128")


def access_text(deny: Collection[str], banned: Collection[str], allow: Iterable[str]) -> str:
    """`deny` and `allow` are networks, `banned` addresses."""
    rules = [f"deny = {network}" for network in sorted({*map(_network, deny), *map(_network, banned)})]
    rules += [f"permit = {network}" for network in sorted({*map(_network, allow), *LOOPBACK})] if rules else []
    return "\n".join(["; Written by ./hotline up, from config/access.yaml and its bans.", "[hotline-access]", "type = acl", *rules, ""])


def is_in(address: str, networks: Iterable[str]) -> bool:
    """Whether one of `networks` holds the address."""
    found = ip_address(address)
    return any(found in ip_network(network) for network in networks)


def _network(text: str) -> str:
    return str(ip_network(text))
