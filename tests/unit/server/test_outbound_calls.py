"""Calls to the outside: none to numbers that cost too much, none that a caller keyed to an emergency number, and no more than allowed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ivr.costly_numbers import costly
from ivr.testing import VirtualClock
from routing.domain.events.calls import OutboundHalfUsed, OutboundRefused
from routing.store.counts import Bound, MemoryCounts, Taken
from routing.store.port import StoreUnreachable
from server.events.writer import EventLog
from server.outbound.outbound_calls import OutboundCall, OutboundCalls
from server.settings import Site
from server.settings.files import OutboundFile
from sources.problems import ProblemsFound
from tests.settings_house import SmallSite

pytestmark = pytest.mark.unit

NUMBER = "+8613900139000"


@pytest.mark.parametrize(
    ("number", "country", "why"),
    [
        ("+8613900139000", "CN", None),
        ("01062550100", "CN", None),
        ("16812345", "CN", "premium"),
        ("+881612345678", "CN", "satellite"),
        ("00881612345678", "CN", "satellite"),
        ("+870773123456", "DE", "satellite"),
        ("+882160000000", "DE", "satellite"),
        ("+979123456789", "DE", "premium"),
        ("09001234567", "DE", "premium"),
        ("+499001234567", "CN", "premium"),
        ("+49301234567", "CN", None),
        ("1001", "CN", None),
        ("", "CN", None),
        ("+", "CN", None),
    ],
)
def test_costly_numbers(number: str, country: str, why: str | None) -> None:
    """Premium rates by each country's numbering plan, satellites and international networks by their codes, however written."""
    assert costly(number, country) == why


def test_what_the_site_says_of_numbers_wins() -> None:
    """Beginnings that it refuses, in either writing; patterns that it allows all the same."""
    assert costly("+79401234567", "CN", refuse=["+7940"]) == "refused_prefix"
    assert costly("00 1 900 555 0100".replace(" ", ""), "CN", refuse=["+1900"]) == "refused_prefix"
    assert costly("+881612345678", "CN", allow=["+8816XXXXXXXX"]) is None
    assert costly("00881612345678", "CN", allow=["+8816XXXXXXXX"]) is None


class Told:
    """Takes the place of the event log."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def write(self, data: object, **about: str) -> None:
        self.events.append(data)


class House:
    """A site with small limits; `asked` calls at once or one after the other."""

    def __init__(self, site: Site, **limits: int) -> None:
        limits = {"per_minute": 1000, "trunk_per_minute": 1000, "user_per_minute": 1000, **limits}
        self.site = replace(site, main=site.main.model_copy(update={"outbound": OutboundFile(**limits)}))
        self.told: Any = Told()
        self.clock = VirtualClock()
        self.counts: Any = MemoryCounts()
        self.outbound = OutboundCalls(lambda: self.site, self.counts, cast(EventLog, self.told), self.clock)

    async def made(self, times: int, *, user: str = "flow main", line: str = "carrier") -> int:
        """How many of so many calls at once were allowed."""
        asked = [self.outbound.refusal(OutboundCall(NUMBER, line, user)) for _ in range(times)]
        return (await asyncio.gather(*asked)).count(None)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    small = SmallSite(tmp_path)
    return small.load()


@pytest.mark.parametrize("limit", ["per_minute", "trunk_per_minute", "user_per_minute"])
async def test_a_limit_of_a_minute(site: Site, limit: str) -> None:
    """Of ten at once as many go out as the limit says; the next minute has as many again."""
    house = House(site, **{limit: 4})
    assert await house.made(10) == 4
    assert await house.made(1) == 0
    house.clock.advance(60_000)
    assert await house.made(10) == 4


@pytest.mark.parametrize("limit", ["per_day", "trunk_per_day", "user_per_day"])
async def test_a_limit_of_a_day_ends_at_the_sites_midnight(site: Site, limit: str) -> None:
    """Of the site's time zone, not of UTC."""
    house = House(site, **{limit: 4})
    assert await house.made(10) == 4
    house.clock.advance(3_600_000)
    assert await house.made(1) == 0
    house.clock.advance(24 * 3_600_000)
    assert await house.made(10) == 4


async def test_users_and_lines_have_limits_of_their_own(site: Site) -> None:
    """What one user or line has used leaves the others theirs."""
    house = House(site, user_per_minute=2)
    assert await house.made(5, user="agent wang") == 2
    assert await house.made(5, user="agent li") == 2
    house = House(site, trunk_per_minute=3)
    assert await house.made(5, line="carrier") == 3
    assert await house.made(5, line="gateway") == 3


async def test_what_was_refused_costs_nothing_of_other_limits(site: Site) -> None:
    """A user at the limit uses up nothing of the site's."""
    house = House(site, user_per_minute=2, per_minute=4)
    assert await house.made(50, user="agent wang") == 2
    assert await house.made(50, user="agent li") == 2


async def test_half_of_a_limit_is_told_once(site: Site) -> None:
    """For each limit and window; then refusals, with the limit that is reached."""
    house = House(site, per_minute=6)
    await house.made(8)
    halves = [event for event in house.told.events if isinstance(event, OutboundHalfUsed)]
    assert halves == [OutboundHalfUsed("per_minute", "site", 3, 6)]
    refused = [event for event in house.told.events if isinstance(event, OutboundRefused)]
    assert refused == [OutboundRefused("+86*******9000", "limit", "per_minute", "flow main", "carrier")] * 2


async def test_costly_numbers_are_refused_and_not_counted(site: Site) -> None:
    """They are told, masked."""
    house = House(site, per_minute=1)
    assert await house.outbound.refusal(OutboundCall("+881612345678", "carrier", "flow main")) == "satellite"
    assert await house.made(1) == 1
    assert [event.reason for event in house.told.events if isinstance(event, OutboundRefused)] == ["satellite"]


async def test_an_emergency_number_is_always_free_where_it_is_written_out(site: Site) -> None:
    """Beyond every limit; but nobody keys it into a flow."""
    house = House(site, per_minute=1)
    house.site = replace(house.site, main=house.site.main.model_copy(update={"emergency": ["110"]}))
    assert await house.made(5) == 1
    assert await house.outbound.refusal(OutboundCall("110", "carrier", "agent wang")) is None
    assert await house.outbound.refusal(OutboundCall("110", "carrier", "flow main", written_out=False)) == "emergency"


async def test_without_redis_each_server_counts_for_itself(site: Site) -> None:
    """The limit holds on while the store is away."""

    class Away(MemoryCounts):
        async def take(self, bounds: Sequence[Bound], now_ms: int) -> Taken:
            raise StoreUnreachable("away")

    house = House(site, per_minute=3)
    house.outbound = OutboundCalls(lambda: house.site, Away(), cast(EventLog, house.told), house.clock)
    assert await house.made(10) == 3


def test_a_costly_number_in_a_flow_is_a_mistake(tmp_path: Path) -> None:
    """With its place, why, and what to write; under outbound.costly it is fine."""
    small = SmallSite(tmp_path)
    small.change("config/hotline.yaml", '["1XXX"]', '["1XXX", "+8816XXXXXXXX"]')
    flow = "flow: out\nstart: go\nnodes:\n  go: {type: transfer, to: '+881612345678', otherwise: hangup}\n"
    small.write("dialplans/out.yaml", flow)
    with pytest.raises(ProblemsFound) as found:
        small.load()
    words = "'+881612345678' is never dialled: it is a number of a satellite or another international network"
    assert f"out.yaml:4:28: {words}" in str(found.value)
    assert "add it under outbound.costly in config/hotline.yaml" in str(found.value)
    small.change("config/hotline.yaml", "languages: [zh, en]", 'languages: [zh, en]\noutbound: {costly: ["+8816XXXXXXXX"]}')
    assert "out" in small.load().flows
