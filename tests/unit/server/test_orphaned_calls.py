"""Who tells the end of a call that nobody here holds, and when; in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from agi.ami.errors import AmiRefused
from agi.ami.protocol import Message
from ivr.numbers import normalise
from routing.domain.current_directory import CurrentDirectory
from routing.domain.events.calls import CallEnded
from routing.domain.events.envelope import Event
from routing.domain.events.servers import ServerLost, ServersListed
from routing.domain.model import Directory
from routing.read_model.view import View
from server.asterisk.dialplan_names import AT, SERVERS
from server.calls.open_calls import Calls, LiveCall
from server.cluster.orphaned_calls import GRACE_S, LONGER_S, OrphanedCalls
from server.cluster.server_list import NAME, ServerList
from simulator import virtual
from tests.told import at_server, ended

pytestmark = pytest.mark.unit
OURS, OTHERS = "call-east-1.0", "call-west-1.0"
GONE = "PJSIP/caller-9"


class Asterisk:
    """AMI of the Asterisk `east`, without any channel."""

    connected = True

    def __init__(self) -> None:
        self.rows: list[Message] = []
        self.at: dict[str, str] = {}  # channel -> HOTLINE_AT
        self.pulled: list[str] = []
        self.places: list[tuple[str, str, str]] = []  # where those went on
        self._callbacks: dict[str, list[Callable[[Message], None]]] = {}

    def subscribe(self, name: str, callback: Callable[[Message], None]) -> Callable[[], None]:
        self._callbacks.setdefault(name, []).append(callback)
        return lambda: None

    def hangs_up(self, call: str, cause: str = "16") -> None:
        self.tells("Hangup", call, cause)

    def tells(self, name: str, call: str, cause: str = "") -> None:
        for callback in self._callbacks[name]:
            callback(Message([("Event", name), ("Uniqueid", call.removeprefix("call-")), ("Cause", cause)]))

    async def redirect(self, channel: str, context: str, extension: str, priority: str) -> None:
        if channel == GONE:
            raise AmiRefused("Redirect", "Channel does not exist")
        self.pulled.append(channel)
        self.places.append((context, extension, priority))

    async def get_variable(self, channel: str, name: str) -> str:
        return self.at.get(channel, "") if name == AT else ""

    async def get_global(self, name: str) -> str:
        return "east" if name == NAME else "here:1&other:1"

    async def set_global(self, name: str, value: str) -> None:
        assert (name, value) == (SERVERS, "here:1")

    async def core_show_channels(self) -> list[Message]:
        return self.rows


class RoutingClient:
    """The desk of the server `here`."""

    server = "here"

    def post(self, message: object) -> None:
        raise AssertionError(f"there is no contact: {message}")


class Told:
    """The event log, with the second in which each call's end was told."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.ends: dict[str, float] = {}
        self.facts: dict[str, Any] = {}

    def write(self, data: CallEnded, *, call: str) -> None:
        assert call not in self.ends
        self.ends[call] = asyncio.get_running_loop().time()
        known = {"ended_by": data.ended_by, "ani": data.ani, "reason": data.reason}
        self.facts = {name: value for name, value in known.items() if value is not None}
        self._view.apply(Event("e", 0, data, call=call))


class Site:
    """Two servers of the Asterisk `east`, seen from `here`; each call is at `other`."""

    def __init__(self) -> None:
        self.asterisk, self.view = Asterisk(), View(CurrentDirectory(Directory({}, {})))
        self.told = Told(self.view)
        self.server_list = ServerList(self.asterisk, None, "here")  # type: ignore[arg-type]
        self.calls = Calls()
        parts: Any = (self.view, RoutingClient(), self.told, self.calls, self.asterisk, self.server_list)
        self.orphaned_calls = OrphanedCalls(*parts)
        for call in (OURS, OTHERS):
            self.view.apply(Event("e", 0, at_server("other", channel=call), call=call))

    async def met(self, *servers: str) -> "Site":
        """Knows its Asterisk, and that these servers live."""
        await self.server_list.meet()
        self.server_list.on_event(Event("e", 0, ServersListed("east", {server: f"{server}:1" for server in servers})))
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


def test_a_dead_servers_call_of_which_nothing_was_heard_any_more() -> None:
    """Its caller did not hang up, and is not one that we cut off."""

    async def whole() -> dict[str, Any]:
        site = await Site().met("here")
        site.asterisk.hangs_up(OURS, "44")
        await asyncio.sleep(10)
        return site.told.facts

    facts = virtual.run(whole())
    assert (facts["ended_by"], facts["reason"], "ani" in facts) == ("system", "no_audio_from_caller", False)


def test_a_server_that_may_only_be_slow_has_longer() -> None:
    """It knows who hung up, and where in the flow; but not for ever."""
    assert ends_of("here", "other", act=lambda site: site.asterisk.hangs_up(OURS)) == {OURS: pytest.approx(LONGER_S)}


def test_what_a_slow_server_tells_itself_is_not_told_again() -> None:
    def act(site: Site) -> None:
        site.asterisk.hangs_up(OURS)
        asyncio.get_running_loop().call_later(2, lambda: site.view.apply(Event("e", 0, ended(), call=OURS)))

    assert ends_of("here", "other", act=act) == {}


def test_only_our_asterisks_calls_are_judged_by_its_channels() -> None:
    """It does not have the other one's: they may well live."""

    def act(site: Site) -> None:
        assert site.orphaned_calls.known() == {OURS}
        site.orphaned_calls.reconcile([], site.orphaned_calls.known(), restarted=True)

    assert set(ends_of("here", act=act)) == {OURS}


def test_before_asterisk_is_known_nothing_is_judged() -> None:
    async def whole() -> frozenset[str]:
        return Site().orphaned_calls.known()

    assert virtual.run(whole()) == frozenset()


# -- a session that does not notice the end, because it has nothing to ask of the call -----------------------------------


def held_until(second: float, *, tells: bool = False, ended_by: str = "asterisk_restarted") -> tuple[dict[str, float], dict[str, Any]]:
    """Asterisk was started again while the session of OURS, here, is in a look-up until then; `tells`: the session tells the end itself."""

    async def whole() -> tuple[dict[str, float], dict[str, Any]]:
        site = await Site().met("here")
        let_go = site.calls.add(LiveCall(OURS, normalise("13800138000", "CN"), "4000", 0))
        for _ in range(3):  # told at once, and found by the comparison that is made now and then
            site.orphaned_calls.reconcile([], {OURS}, restarted=ended_by == "asterisk_restarted")
        await asyncio.sleep(second)
        if tells:
            site.told.write(ended(), call=OURS)
        let_go()
        await asyncio.sleep(60)
        return site.told.ends, site.told.facts

    return virtual.run(whole())


@pytest.mark.parametrize("second", [0.5, 20.0, 300.0])
def test_the_end_is_told_when_the_session_comes_to_its_own(second: float) -> None:
    """Once, as that of the other lost calls: with the number to call back."""
    ends, facts = held_until(second)
    assert ends.keys() == {OURS}
    assert ends[OURS] >= second
    assert (facts["ended_by"], facts["ani"]) == ("asterisk_restarted", "+8613800138000")


def test_a_call_that_ended_while_ami_was_away_is_told_when_its_session_ends() -> None:
    """Asterisk lives; who hung up is not known, and most likely it was the caller."""
    ends, facts = held_until(20.0, ended_by="caller")
    assert ends.keys() == {OURS}
    assert (facts["ended_by"], "ani" in facts) == ("caller", False)


def test_a_session_that_tells_the_end_itself_is_believed() -> None:
    """`Told` takes no end twice."""
    assert held_until(20.0, tells=True)[0] == {OURS: 20.0}


# -- a frozen server -----------------------------------------------------------------------------------------------------


def row(channel: str = OURS, uniqueid: str = "", **fields: str) -> Message:
    """A channel whose AGI session is at `other`."""
    id = uniqueid or channel.removeprefix("call-")
    plain = {"Event": "CoreShowChannel", "Channel": channel, "Uniqueid": id, "Linkedid": id, "Exten": "4000", "BridgeId": ""}
    return Message(list((plain | {"Application": "AGI", "ApplicationData": "agi://other:1/call,"} | fields).items()))


TALKING = row(Application="Dial", ApplicationData="PJSIP/1001,15", BridgeId="b")
TALK_OVER = row(Application="Dial", ApplicationData="PJSIP/1001,15")


def pulled(rows: list[Message], at: dict[str, str] | None = None) -> dict[str, tuple[str, str, str]]:
    """Channel -> where it went on, when `other` is lost."""

    async def whole() -> dict[str, tuple[str, str, str]]:
        site = await Site().met("here", "other")
        site.asterisk.rows, site.asterisk.at = rows, at or {}
        site.orphaned_calls.on_event(Event("e", 0, ServerLost("other", "other:1", "east")))
        await asyncio.sleep(5)
        return dict(zip(site.asterisk.pulled, site.asterisk.places, strict=True))

    return virtual.run(whole())


@pytest.mark.parametrize("channel", [OURS, "PJSIP/caller-7"], ids=["known", "came when it was frozen"])
def test_a_caller_of_a_frozen_server_goes_on_elsewhere(channel: str) -> None:
    assert pulled([row(channel)]) == {channel: ("hotline", "4000", "resume")}


def test_whom_an_agent_passed_on_goes_on_being_passed_on() -> None:
    """Else the target would be forgotten, whether the call is known or not."""
    passed_on = [row(channel, Exten="1002", ApplicationData="agi://other:1/transfer,") for channel in (OURS, "PJSIP/caller-7")]
    assert set(pulled(passed_on).values()) == {("hotline-passed-on", "1002", "1")}


@pytest.mark.parametrize(
    "fields",
    [
        {"Channel": "PJSIP/1001-7", "Uniqueid": "7", "Exten": "*40", "ApplicationData": "agi://other:1/agent,login"},
        {"Channel": "PJSIP/1001-7", "Uniqueid": "7", "ApplicationData": "agi://other:1/overtime"},
        {"ApplicationData": "agi://here:1/call,"},
        {"Application": "Playback", "ApplicationData": "sorry"},
        {"BridgeId": "b"},
    ],
)
def test_who_needs_no_server_or_has_another_is_not_pulled_over(fields: dict[str, str]) -> None:
    """A feature code (its agent would become a caller), the last words, a session elsewhere, words of Asterisk's own, a talk."""
    assert pulled([row(**fields)]) == {}


def test_a_dial_that_is_over_is_at_the_frozen_server_by_what_its_channel_says() -> None:
    """Asterisk goes on to show the dialling; a phone that rings is left alone."""
    rings = row("PJSIP/caller-8", Application="Dial")
    leg = row("PJSIP/1001-9", Application="AppDial", Linkedid="PJSIP/caller-8")
    at = {OURS: "other:1/transfer", "PJSIP/caller-8": "other:1/call"}
    assert pulled([TALK_OVER, rings, leg], at) == {OURS: ("hotline-passed-on", "4000", "1")}


def test_one_that_hung_up_meanwhile_keeps_nobody_from_being_pulled_over() -> None:
    assert pulled([row(GONE), row()]).keys() == {OURS}


# -- several events in one read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", ["BridgeLeave Hangup", "DialEnd BridgeLeave", "DialEnd BridgeLeave Hangup", "BridgeLeave BridgeLeave"])
def test_events_of_a_talk_that_come_together(names: str) -> None:
    """A talk of a frozen server ends, and Asterisk tells it in several events at once: the caller is pulled over once and nothing fails."""

    async def whole() -> list[str]:
        site = await Site().met("here", "other")
        site.asterisk.rows, site.asterisk.at = [TALKING], {OURS: "other:1/call"}
        site.orphaned_calls.on_event(Event("e", 0, ServerLost("other", "other:1", "east")))
        await asyncio.sleep(1)
        site.asterisk.rows = [TALK_OVER]
        for name in names.split():
            site.asterisk.tells(name, OURS)
        await asyncio.sleep(5)
        return site.asterisk.pulled

    with capture_logs() as lines:
        assert virtual.run(whole()) == [OURS]
    assert [line["event"] for line in lines if line["log_level"] == "error"] == []
