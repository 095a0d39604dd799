"""Asterisk's list of servers, and which calls may be moved."""

from collections.abc import Mapping

import pytest

from agi.ami.errors import AmiNotConnected
from ivr.numbers import normalise
from server.calls import LiveCall
from server.fleet import RUN, SERVERS, Fleet, is_movable

pytestmark = [pytest.mark.unit, pytest.mark.asyncio]


class Globals:
    """The global variables of an Asterisk."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.away = False
        self.epoch = 1

    async def get_global(self, name: str) -> str:
        if self.away:
            raise AmiNotConnected("away")
        return self.values.get(name, "")

    async def set_global(self, name: str, value: str) -> None:
        if self.away:
            raise AmiNotConnected("away")
        self.values[name] = value


class Ids:
    def __init__(self) -> None:
        self.count = 0

    def new(self, kind: str) -> str:
        self.count += 1
        return f"{kind}-{self.count}"


IDS = Ids()


def fleet(asterisk: Globals, addresses: Mapping[str, str] | None = None) -> Fleet:
    return Fleet(asterisk, IDS, lambda: addresses)  # type: ignore[arg-type]


async def test_who_leaves_is_out_of_the_list_and_knows_the_others() -> None:
    asterisk = Globals(**{SERVERS: "h:1&h:2&h:3"})
    assert await fleet(asterisk).remove("h:2") == ["h:1", "h:3"]
    assert asterisk.values[SERVERS] == "h:1&h:3"


async def test_the_last_one_stays_in_the_list() -> None:
    """Asterisk must know where to look for one that comes back."""
    asterisk = Globals(**{SERVERS: "h:1"})
    assert await fleet(asterisk).remove("h:1") == []
    assert asterisk.values[SERVERS] == "h:1"


async def test_without_ami_nobody_is_known() -> None:
    asterisk = Globals(**{SERVERS: "h:1&h:2"})
    asterisk.away = True
    assert await fleet(asterisk).remove("h:1") == []
    await fleet(asterisk).join("h:1")


async def test_who_comes_is_put_in_once() -> None:
    asterisk = Globals(**{SERVERS: "h:1"})
    for _ in range(2):
        await fleet(asterisk).join("h:0")
    assert asterisk.values[SERVERS] == "h:0&h:1"


async def test_an_asterisk_that_was_started_again_is_noticed_by_all() -> None:
    """By whoever meets it first, and by the others."""
    asterisk = Globals()
    first, second = fleet(asterisk), fleet(asterisk)
    assert (await first.meets_new_asterisk(), await second.meets_new_asterisk()) == (True, False)
    assert (await first.meets_new_asterisk(), await second.meets_new_asterisk()) == (False, False)
    asterisk.values[RUN] = ""
    assert (await second.meets_new_asterisk(), await first.meets_new_asterisk()) == (True, True)


@pytest.mark.parametrize(
    ("stage", "in_dial", "done", "movable"),
    [
        ("in_flow", False, False, True),
        ("waiting", False, False, True),
        ("waiting", True, False, False),
        ("talking", True, False, False),
        ("transferred", True, False, False),
        ("in_flow", False, True, False),
        ("arrived", False, False, False),
    ],
)
async def test_only_calls_that_nobody_would_miss_are_moved(stage, in_dial: bool, done: bool, movable: bool) -> None:
    call = LiveCall("call-1", normalise("", "CN"), "4000", 0, stage=stage, in_dial=in_dial, done=done)
    assert is_movable(call) is movable
