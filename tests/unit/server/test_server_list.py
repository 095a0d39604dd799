"""Asterisk's list of servers, and which calls may be moved."""

import asyncio

import pytest

from agi.ami.errors import AmiNotConnected
from ivr.numbers import normalise
from routing.domain.events.envelope import Event
from routing.domain.events.servers import ServersListed
from server.asterisk.dialplan_names import RUN, SERVERS
from server.calls.open_calls import LiveCall, Stage
from server.cluster.server_list import NAME, ServerList, is_movable

pytestmark = [pytest.mark.unit, pytest.mark.asyncio]


class Globals:
    """The global variables of an Asterisk."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.away = False

    @property
    def connected(self) -> bool:
        return not self.away

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


def server_list(asterisk: Globals, server: str = "a") -> ServerList:
    return ServerList(asterisk, IDS, server)  # type: ignore[arg-type]


def listed(asterisk: str, **addresses: str) -> Event:
    return Event("e", 0, ServersListed(asterisk, addresses))


async def kept(server_list: ServerList, asterisk: Globals, value: str) -> None:
    """Wait until the variable is so."""
    keeping = asyncio.create_task(server_list.run())
    async with asyncio.timeout(5):
        while asterisk.values.get(SERVERS) != value:  # noqa: ASYNC110
            await asyncio.sleep(0)
    keeping.cancel()


async def test_who_leaves_is_out_of_the_list_and_knows_the_others() -> None:
    asterisk = Globals(**{SERVERS: "h:1&h:2&h:3"})
    assert await server_list(asterisk).remove("h:2") == ["h:1", "h:3"]
    assert asterisk.values[SERVERS] == "h:1&h:3"


async def test_the_last_one_stays_in_the_list() -> None:
    """Asterisk must know where to look for one that comes back."""
    asterisk = Globals(**{SERVERS: "h:1"})
    assert await server_list(asterisk).remove("h:1") == []
    assert asterisk.values[SERVERS] == "h:1"


async def test_without_ami_nobody_is_known() -> None:
    asterisk = Globals(**{SERVERS: "h:1&h:2"})
    asterisk.away = True
    assert await server_list(asterisk).remove("h:1") == []
    await server_list(asterisk).join("h:1")


async def test_who_comes_is_put_in_once() -> None:
    asterisk = Globals(**{SERVERS: "h:1"})
    for _ in range(2):
        await server_list(asterisk).join("h:0")
    assert asterisk.values[SERVERS] == "h:0&h:1"


async def test_an_asterisk_that_was_started_again_is_noticed_by_all() -> None:
    """By whoever meets it first, and by the others."""
    asterisk = Globals()
    first, second = server_list(asterisk), server_list(asterisk)
    assert (await first.meets_new_asterisk(), await second.meets_new_asterisk()) == (True, False)
    assert (await first.meets_new_asterisk(), await second.meets_new_asterisk()) == (False, False)
    asterisk.values[RUN] = ""
    assert (await second.meets_new_asterisk(), await first.meets_new_asterisk()) == (True, True)


async def test_the_variable_is_as_the_router_tells() -> None:
    """Also when the news came first and AMI later; another Asterisk's list is not ours."""
    asterisk = Globals(**{SERVERS: "h:9", NAME: "east"})
    ours = server_list(asterisk)
    ours.on_event(listed("east", a="h:1", b="h:2"))
    ours.on_event(listed("west", c="h:3"))
    await ours.meet()
    await kept(ours, asterisk, "h:1&h:2")
    ours.on_event(listed("east", b="h:2"))
    await kept(ours, asterisk, "h:2")


async def test_an_asterisk_that_was_started_again_is_told_again() -> None:
    asterisk = Globals(**{SERVERS: "h:1"})
    ours = server_list(asterisk)
    await ours.meet()
    ours.on_event(listed("", a="h:1", b="h:2"))
    await kept(ours, asterisk, "h:1&h:2")
    asterisk.values[SERVERS] = "h:1"
    await ours.meet()
    await kept(ours, asterisk, "h:1&h:2")


async def test_one_of_those_that_are_left_looks_after_a_lost_ones_calls() -> None:
    """Of our Asterisk; who is alone does, and who has not been told of any."""
    fleets = [server_list(Globals(**{NAME: "east"}), server) for server in "abc"]
    for one in fleets:
        await one.meet()
        assert one.is_first_without("b")
        one.on_event(listed("east", a="h:1", b="h:2", c="h:3"))
        one.on_event(listed("west", A="h:1"))
    assert [one.is_first_without("b") for one in fleets] == [True, False, False]
    assert [one.is_first_without("a") for one in fleets] == [False, True, False]


async def test_each_server_has_a_next_one_in_a_ring() -> None:
    """Of its own Asterisk; who is alone has none."""
    fleets = {server: server_list(Globals(**{NAME: "east"}), server) for server in "abc"}
    for one in fleets.values():
        assert one.next_one == ""
        await one.meet()
        one.on_event(listed("west", d="h:9"))
        one.on_event(listed("east", a="h:1", b="h:2", c="h:3"))
    assert {server: one.next_one for server, one in fleets.items()} == {"a": "h:2", "b": "h:3", "c": "h:1"}
    fleets["a"].on_event(listed("east", a="h:1"))
    assert fleets["a"].next_one == ""


async def test_the_address_of_a_lost_server_is_remembered_until_another_has_it() -> None:
    """The router that knew it may have died with it."""
    ours = server_list(Globals())
    await ours.meet()
    ours.on_event(listed("", a="h:1", b="h:2"))
    ours.on_event(listed("", a="h:1"))
    assert (ours.address_of("b"), ours.address_of("x")) == ("h:2", "")
    ours.on_event(listed("", a="h:1", c="h:2"))
    assert ours.address_of("b") == ""


async def test_a_call_is_at_the_asterisk_that_its_id_names() -> None:
    named, plain, unknown = server_list(Globals(**{NAME: "rack-7"})), server_list(Globals()), server_list(Globals())
    await named.meet()
    await plain.meet()
    calls = ("call-rack-7-1700000000.5", "call-1700000000.5", "call-rack-1700000000.5")
    assert [named.has(call) for call in calls] == [True, False, False]
    assert [plain.has(call) for call in calls] == [False, True, False]
    assert not any(unknown.has(call) for call in calls)


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
async def test_only_calls_that_nobody_would_miss_are_moved(stage: Stage, in_dial: bool, done: bool, movable: bool) -> None:
    call = LiveCall("call-1", normalise("", "CN"), "4000", 0, stage=stage, in_dial=in_dial, done=done)
    assert is_movable(call) is movable
    call.keyed = True  # a part of an answer, which would be lost
    assert not is_movable(call)
