"""Whose FastAGI connections a node takes: this machine's, the Asterisk's that config/ names, and what else it lists."""

from dataclasses import replace

import pytest

from server.node_settings import LOOPBACK, NodeSettings

pytestmark = pytest.mark.unit

SETTINGS = NodeSettings(None, "", ("", 0), ("", ""), ("", 0), ("", 0), {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("198.51.100.9", True),
        ("192.0.2.8", False),
        ("203.0.113.1", False),
        ("", False),
        ("nobody", False),
    ],
)
def test_only_listed_addresses_are_taken(address: str, taken: bool) -> None:
    """An address or a network that is listed; nothing else, and nothing unreadable."""
    listed = replace(SETTINGS, agi_from=(*LOOPBACK, "192.0.2.7/32", "198.51.100.0/24"))
    assert listed.takes_agi_from(address) is taken
