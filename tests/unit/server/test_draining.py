"""How a server lets go of its calls: to another one, to nobody for a while, or for good; in virtual time."""

import asyncio
from typing import Any

import pytest

from ivr.numbers import normalise
from routing.domain.contact_state import ContactState
from routing.domain.events.calls import CallEnded
from server.calls.open_calls import Calls, LiveCall
from server.cluster.draining import Draining
from simulator import virtual

pytestmark = pytest.mark.unit
OURS = "h:1"


class House:
    """A server with a caller who waits and one who talks, its Asterisk, and what it told. Plays every part that `Draining` needs."""

    def __init__(self, *others: str, closed: bool = False, comes_back: bool = True) -> None:
        self.servers = [OURS, *others]
        self.closed = closed
        self.courses: list[bool] = []  # of HOTLINE_CLOSED
        self.moved: list[str] = []
        self.marked: list[tuple[str, str, str]] = []
        self.told: list[tuple[str, str, str]] = []
        self.posted: list[tuple[str, str]] = []
        self.taken_at = OURS
        self.contacts: dict[str, Any] = {"c-waits": _contact(ContactState.WAITING), "c-talks": _contact(ContactState.CONNECTED)}
        self.calls = Calls()
        self._let_go = [self.calls.add(_call("waits", "13800138001")), self.calls.add(_call("talks", "13800138002", in_dial=True))]
        house: Any = self
        self.draining = Draining(house, house, house, self.calls, house, house, house, lambda: 90_000, comes_back=lambda: comes_back)

    async def finish(self, timeout_s: float) -> None:
        await asyncio.sleep(timeout_s)

    async def drain(self, timeout_s: float) -> int:
        left = len(self.calls)
        for let_go in self._let_go:
            let_go()
        return left

    async def is_closed(self) -> bool:
        return self.closed

    async def close(self, *, closed: bool = True) -> bool:
        self.closed = closed
        self.courses.append(closed)
        return True

    async def remove(self, address: str) -> list[str]:
        self.servers.remove(address)
        return self.servers

    async def redirect(self, channel: str, context: str, extension: str, priority: str) -> bool:
        self.moved.append(channel)
        return True

    async def set_variable(self, channel: str, name: str, value: str) -> None:
        self.marked.append((channel, name, value))

    def take_calls_at(self, agi: str) -> None:
        self.taken_at = agi

    async def flush(self) -> None:
        pass

    def post(self, message: Any) -> None:
        self.posted.append((type(message).__name__, message.contact))
        del self.contacts[message.contact]

    def write(self, data: CallEnded, *, call: str, flow: str, node: str) -> None:
        self.told.append((call, data.ended_by, data.ani or ""))

    def drained(self, stops_after_s: float | None = None) -> "House":
        """After a drain of ten seconds; the site is told to stop after so many of them."""

        async def whole() -> None:
            if stops_after_s is not None:
                asyncio.get_running_loop().call_later(stops_after_s, setattr, self, "closed", True)
            assert await self.draining.run(OURS, 10) == 2
            assert self.taken_at == ""

        virtual.run(whole())
        return self


class _Contact:
    def __init__(self, state: ContactState) -> None:
        self.state, self.offers, self.connected_at_ms = state, {"offer-1": "wang"}, 60_000


def _contact(state: ContactState) -> _Contact:
    return _Contact(state)


def _call(name: str, number: str, *, in_dial: bool = False) -> LiveCall:
    stage = "talking" if in_dial else "waiting"
    facts: dict[str, Any] = {"stage": stage, "channel": name, "contact": f"c-{name}", "in_dial": in_dial}
    return LiveCall(f"call-{name}", normalise(number, "CN"), "4000", 0, **facts)


ENDS = [("call-waits", "site_stopped", "+8613800138001"), ("call-talks", "site_stopped", "+8613800138002")]
LEFT = [("ContactLeft", "c-waits"), ("TalkEnded", "c-talks")]


def test_another_server_gets_the_calls_but_for_talks() -> None:
    """Asterisk takes new calls all the time, and no end is told: they go on."""
    house = House("h:2").drained()
    assert set(house.moved) == {"waits"}
    assert (house.told, house.posted, house.courses) == ([], [], [])


def test_one_that_is_started_again_keeps_them_as_long_as_it_may() -> None:
    """Nobody is refused meanwhile: they wait for it with music."""
    house = House(comes_back=True).drained()
    assert (house.moved, house.told, house.courses) == ([], [], [])


@pytest.mark.parametrize("others", [(), ("h:2",)])
def test_when_the_site_stops_nobody_is_moved_and_every_end_is_told(others: tuple[str, ...]) -> None:
    """The others stop as well. Each end has the number to call back; agents are free."""
    house = House(*others, closed=True).drained()
    assert (house.moved, house.servers) == ([], [OURS, *others])
    assert (house.told, house.posted) == (ENDS, LEFT)


def test_the_last_server_of_all_closes_the_site_until_it_has_ended() -> None:
    """Nobody starts it again, as far as it knows: new calls are refused while it drains, and find the fallback afterwards."""
    house = House(comes_back=False).drained()
    assert house.courses == [True, False]
    assert (house.told, house.posted) == (ENDS, LEFT)


def test_a_site_that_is_stopped_in_the_middle_of_a_restart() -> None:
    """What this server still has after that is not moved to others, which stop too; its end is told."""
    house = House("h:2").drained(stops_after_s=1.0)
    assert len(house.moved) == 1
    assert (house.told, house.posted) == (ENDS, LEFT)
