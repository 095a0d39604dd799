"""Who tells the end of a call that nobody here holds, and when; in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from agi.ami.protocol import Message
from routing.current_directory import CurrentDirectory
from routing.events import Event
from routing.model import Directory
from routing.view import View
from server.calls import Calls
from server.fleet import NAME, Fleet
from server.orphans import GRACE_S, LONGER_S, Orphans
from simulator import virtual

pytestmark = pytest.mark.unit
OURS, OTHERS = "call-east-1.0", "call-west-1.0"


class Asterisk:
    """AMI of the Asterisk `east`, without any channel."""

    connected = True

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Callable[[Message], None]]] = {}

    def subscribe(self, name: str, callback: Callable[[Message], None]) -> Callable[[], None]:
        self._callbacks.setdefault(name, []).append(callback)
        return lambda: None

    def hangs_up(self, call: str) -> None:
        for callback in self._callbacks["Hangup"]:
            callback(Message([("Event", "Hangup"), ("Uniqueid", call.removeprefix("call-"))]))

    async def get_global(self, name: str) -> str:
        return "east" if name == NAME else ""

    async def core_show_channels(self) -> list[Message]:
        return []


class Desk:
    """The desk of the server `here`."""

    server = "here"

    def post(self, message: object) -> None:
        raise AssertionError(f"there is no contact: {message}")


class Told:
    """The event log, with the second in which each call's end was told."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.ends: dict[str, float] = {}

    def tell(self, type: str, /, *, call: str, **data: Any) -> None:
        assert call not in self.ends
        self.ends[call] = asyncio.get_running_loop().time()
        self._view.apply(Event("e", type, 0, call=call, data=data))


class Site:
    """Two servers of the Asterisk `east`, seen from `here`; each call is at `other`."""

    def __init__(self) -> None:
        self.asterisk, self.view = Asterisk(), View(CurrentDirectory(Directory({}, {})))
        self.told = Told(self.view)
        self.fleet = Fleet(self.asterisk, None, "here")  # type: ignore[arg-type]
        parts: Any = (self.view, Desk(), self.told, Calls(), self.asterisk, self.fleet)
        self.orphans = Orphans(*parts)
        for call in (OURS, OTHERS):
            self.view.apply(Event("e", "call_arrived", 0, call=call, data={"server": "other"}))

    async def met(self, *servers: str) -> "Site":
        """Knows its Asterisk, and that these servers live."""
        await self.fleet.meet()
        self.fleet.on_event(Event("e", "servers_listed", 0, data={"asterisk": "east", "addresses": dict.fromkeys(servers, "h:1")}))
        return self


def ends_of(*servers: str, act: Callable[[Site], None], seconds: float = 10) -> dict[str, float]:
    async def whole() -> dict[str, float]:
        site = await Site().met(*servers)
        act(site)
        await asyncio.sleep(seconds)
        return site.told.ends

    return virtual.run(whole())


def test_the_end_of_a_dead_servers_call_is_told_a_moment_later() -> None:
    assert ends_of("here", act=lambda site: site.asterisk.hangs_up(OURS)) == {OURS: pytest.approx(GRACE_S)}


def test_a_server_that_may_only_be_slow_has_longer() -> None:
    """It knows who hung up, and where in the flow; but not for ever."""
    assert ends_of("here", "other", act=lambda site: site.asterisk.hangs_up(OURS)) == {OURS: pytest.approx(LONGER_S)}


def test_what_a_slow_server_tells_itself_is_not_told_again() -> None:
    def act(site: Site) -> None:
        site.asterisk.hangs_up(OURS)
        asyncio.get_running_loop().call_later(
            2, lambda: site.view.apply(Event("e", "call_ended", 0, call=OURS, data={"ended_by": "caller"}))
        )

    assert ends_of("here", "other", act=act) == {}


def test_only_our_asterisks_calls_are_judged_by_its_channels() -> None:
    """It does not have the other one's: they may well live."""

    def act(site: Site) -> None:
        assert site.orphans.known() == {OURS}
        site.orphans.reconcile([], site.orphans.known(), restarted=True)

    assert set(ends_of("here", act=act)) == {OURS}


def test_before_asterisk_is_known_nothing_is_judged() -> None:
    async def whole() -> frozenset[str]:
        return Site().orphans.known()

    assert virtual.run(whole()) == frozenset()
