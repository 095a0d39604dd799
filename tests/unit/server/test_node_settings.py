"""Whose FastAGI connections a node takes: this machine's, the Asterisk's that config/ names, and what else it lists."""

from dataclasses import replace
from pathlib import Path

import pytest

from server.node_settings import LOOPBACK, NodeSettings, redis_url
from tests.settings_house import SmallSite

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


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("redis://192.0.2.7:6379/0", "redis://:p%40ss%2Fw%3Ard@192.0.2.7:6379/0"),
        ("rediss://me@192.0.2.7/1", "rediss://me:p%40ss%2Fw%3Ard@192.0.2.7/1"),
        ("redis://me:old@192.0.2.7/1", "redis://me:p%40ss%2Fw%3Ard@192.0.2.7/1"),
        ("unix:///run/redis.sock", "unix://:p%40ss%2Fw%3Ard@/run/redis.sock"),
    ],
)
def test_the_password_of_redis_may_be_in_a_file(tmp_path: Path, url: str, whole: str) -> None:
    """It goes into the address, whatever signs it has; a user name stays."""
    site = SmallSite(tmp_path)
    site.change("config/hotline.yaml", "country: CN", f"country: CN\nredis: {{url: '{url}', password_file: redis.password}}")
    site.write("config/redis.password", "p@ss/w:rd\n")

    assert redis_url(site.load()) == whole


def test_a_password_file_that_is_not_there_is_told_by_the_check(tmp_path: Path) -> None:
    """Like every file that the settings name, with its line."""
    site = SmallSite(tmp_path)
    site.change("config/hotline.yaml", "country: CN", "country: CN\nredis: {url: 'redis://127.0.0.1/0', password_file: none}")

    (problem,) = site.problems()
    assert "cannot be read" in str(problem)
