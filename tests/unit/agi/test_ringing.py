"""Ringing on a fake Asterisk and a virtual clock: what is sent, in which order, and what comes back in every case."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest

from agi.ami.errors import AmiRefused, AmiTimeout
from agi.ami.events import DeviceStateChange
from agi.ami.protocol import Message
from agi.errors import AGIUnknownError, ChannelHungUp
from agi.live_calls import LiveCalls, Watch
from agi.outcome import LegOutcome
from agi.phones import PhoneStates
from agi.protocol import Reply
from agi.ringing import DialResult, DialTarget, Ringer

pytestmark = pytest.mark.unit

CALLER, AGENT = "1.1", "1.2"
Run = Callable[[Coroutine[Any, Any, None]], None]


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes at once when nothing is to do."""

    def __init__(self) -> None:
        self.passed = 0.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return self.passed


class _Impatient(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.passed += timeout or 0.0
        return super().select(0 if timeout is not None else None)


class FakeAsterisk:
    """The AMI client, the caller's AGI channel and the clock in one; `dial` plays what Asterisk does during EXEC Dial."""

    def __init__(self, dial: Callable[["FakeAsterisk"], Awaitable[object]] | None = None) -> None:
        self.dial = dial
        self.connected = True
        self.sent: list[tuple[str, ...]] = []
        self.variables = {"DIALSTATUS": "", "HANGUPCAUSE": "", "ANSWEREDTIME_MS": ""}
        self.hangup_answers: list[Exception] = []
        self.leg_hung_up = asyncio.Event()
        self._callbacks: dict[str, list[Callable[[Message], None]]] = {}

    def now_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    # the AMI client

    def subscribe(self, name: str, callback: Callable[[Message], None]) -> Callable[[], None]:
        self._callbacks.setdefault(name, []).append(callback)
        return lambda: self._callbacks[name].remove(callback)

    async def hangup(self, channel: str, cause: int = 26) -> bool:
        self.sent.append(("hangup", channel, str(cause)))
        if self.hangup_answers:
            raise self.hangup_answers.pop(0)
        self.leg_hung_up.set()
        return True

    def emit(self, event: str, **fields: str) -> None:
        for callback in self._callbacks.get(event, ()):
            callback(Message([("Event", event), *fields.items()]))

    # the channel

    async def appexec(self, application: str, options: str = "") -> object:
        self.sent.append((application, options))
        return await self.dial(self) if self.dial is not None else None

    async def get_variable(self, name: str) -> str:
        self.sent.append(("get", name))
        return self.variables[name]

    # what a Dial does

    def begin(self, channel: str = "PJSIP/1001-2") -> None:
        self.emit("DialBegin", Uniqueid=CALLER, Channel="PJSIP/trunk-1", DestUniqueid=AGENT, DestChannel=channel)

    def ringing(self) -> None:
        self.emit("DialState", Uniqueid=CALLER, DestUniqueid=AGENT, DialStatus="RINGING")

    def end(self, status: str, cause: str = "0", tech_cause: str = "") -> None:
        self.emit("DialEnd", Uniqueid=CALLER, DestUniqueid=AGENT, DialStatus=status)
        if status != "ANSWER":
            self.emit("Hangup", Uniqueid=AGENT, Channel="PJSIP/1001-2", Cause=cause, TechCause=tech_cause)

    def bridge(self) -> None:
        for uniqueid in (AGENT, CALLER):
            self.emit("BridgeEnter", Uniqueid=uniqueid, BridgeUniqueid="b")

    def part(self, first: str) -> None:
        self.emit("HangupRequest", Uniqueid=first, Channel="x")
        self.emit("BridgeLeave", Uniqueid=first, BridgeUniqueid="b")
        self.emit("Hangup", Uniqueid=AGENT, Channel="PJSIP/1001-2", Cause="16")


class Scene:
    """A ringer on a fake Asterisk."""

    def __init__(self, dial: Callable[[FakeAsterisk], Awaitable[object]] | None = None) -> None:
        self.asterisk = FakeAsterisk(dial)
        self.phones = PhoneStates()
        self.ringer = Ringer(self.asterisk, self.phones, self.asterisk)
        self.told: list[str] = []
        self.caller = Watch(CALLER, "PJSIP/trunk-1", connected=True)

    def ring(self, **changes: Any) -> Coroutine[Any, Any, DialResult]:
        called: dict[str, Any] = {"offer": "offer-1", "endpoint": "1001", "ring_timeout_ms": 15_000}
        called |= {name: changes.pop(name) for name in list(changes) if name in DialTarget.__slots__}
        rest: dict[str, Any] = {"music_class": "hold", "progress": self.told.append} | changes
        return self.ringer.ring(self.asterisk, self.caller, DialTarget(**called), **rest)


@pytest.fixture(autouse=True)
def run() -> Iterator[Run]:
    """Runs a coroutine on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield runner.run


def test_an_answered_ring(run: Run) -> None:
    """The offer is marked, Dial goes out at once, progress is told, and the talk is measured between the bridge's ends."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(4)
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asyncio.sleep(30)
        asterisk.part(AGENT)

    async def story() -> None:
        scene = Scene(dial)

        result = await scene.ring()

        assert result == DialResult("answered", 4000, 30_000, "agent")
        assert scene.asterisk.sent == [("Dial", "PJSIP/1001,15,m(hold)gtiB(hotline-offered^s^1(offer-1))U(hotline-picked-up)")]
        assert scene.told == ["ringing", "answered"]
        assert scene.ringer._by_uniqueid == {}  # nothing is kept of a ring that is over

    run(story())


@pytest.mark.parametrize(
    ("status", "cause", "tech_cause", "outcome"),
    [
        ("BUSY", "17", "486", "busy"),
        ("NOANSWER", "21", "603", "declined"),
        ("NOANSWER", "19", "480", "declined"),
        ("NOANSWER", "0", "", "rang_out"),
    ],
)
def test_a_ring_that_nobody_answered(run: Run, status: str, cause: str, tech_cause: str, outcome: LegOutcome) -> None:
    """The leg's own end tells the outcome, without a question to the channel."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(1.5)
        asterisk.end(status, cause, tech_cause)

    async def story() -> None:
        scene = Scene(dial)

        assert await scene.ring() == DialResult(outcome, 1500, 0, "")
        assert scene.asterisk.sent[-1][0] == "Dial"

    run(story())


def test_events_may_come_after_the_reply(run: Run) -> None:
    """AGI's reply overtakes AMI's events: the ring waits a moment for them."""

    async def story() -> None:
        scene = Scene()
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(0.05)
        scene.asterisk.begin()
        await asyncio.sleep(0.2)
        scene.asterisk.end("BUSY", "17", "486")

        assert (await ringing).outcome == "busy"

    run(story())


def test_an_unregistered_phone(run: Run) -> None:
    """No leg ever begins; the channel's own status confirms it."""

    async def story() -> None:
        scene = Scene()
        scene.asterisk.variables = {"DIALSTATUS": "CHANUNAVAIL", "HANGUPCAUSE": "3"}

        assert await scene.ring() == DialResult("unreachable", 100)
        assert scene.told == []

    run(story())


def test_a_dead_phone_is_given_up_after_two_seconds(run: Run) -> None:
    """A phone that does not ring within 2 s costs the caller 2 s, not the ring time."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        await asterisk.leg_hung_up.wait()
        asterisk.end("NOANSWER", "26")

    async def story() -> None:
        scene = Scene(dial)

        assert await scene.ring() == DialResult("unreachable", 2100)
        assert scene.asterisk.sent[-1] == ("hangup", "PJSIP/1001-2", "26")

    run(story())


def test_a_phone_that_answers_without_ringing_is_not_given_up(run: Run) -> None:
    """An automatic answer needs no 180."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asyncio.sleep(60)
        asterisk.part(CALLER)

    async def story() -> None:
        scene = Scene(dial)

        assert await scene.ring() == DialResult("answered", 0, 60_000, "caller")
        assert scene.told == ["answered"]

    run(story())


@pytest.mark.parametrize("after_s", [0.0, 0.5, 5.0])
def test_an_offer_taken_back(run: Run, after_s: float) -> None:
    """The agent's leg ends with cause 26, whether it was known already or not, and the ring comes back withdrawn."""

    async def dial(asterisk: FakeAsterisk) -> None:
        await asyncio.sleep(0.1)
        asterisk.begin()
        asterisk.ringing()
        await asterisk.leg_hung_up.wait()
        asterisk.end("NOANSWER", "26")

    async def story() -> None:
        scene = Scene(dial)
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(after_s)

        assert await scene.ringer.withdraw("offer-1")

        assert (await ringing).outcome == "withdrawn"
        assert not await scene.ringer.withdraw("offer-1")

    run(story())


def test_an_offer_taken_back_before_the_dial(run: Run) -> None:
    """Nothing rings that was taken back while the phone's state was awaited."""

    async def story() -> None:
        scene = Scene()
        scene.phones.take(DeviceStateChange("PJSIP/1001", "INUSE"))
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(0)
        assert await scene.ringer.withdraw("offer-1")
        scene.phones.take(DeviceStateChange("PJSIP/1001", "NOT_INUSE"))

        assert await ringing == DialResult("withdrawn")
        assert "Dial" not in [sent[0] for sent in scene.asterisk.sent]

    run(story())


def test_a_talk_is_not_taken_back(run: Run) -> None:
    """From a second after the answer on withdrawing says no and hangs nobody up."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asyncio.sleep(10)
        asterisk.part(AGENT)

    async def story() -> None:
        scene = Scene(dial)
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(1.1)

        assert not await scene.ringer.withdraw("offer-1")
        assert not await scene.ringer.withdraw("offer-other")

        assert (await ringing).outcome == "answered"
        assert "hangup" not in [sent[0] for sent in scene.asterisk.sent]

    run(story())


@pytest.mark.parametrize(("answer", "hangups"), [(AmiTimeout("no answer"), 2), (AmiRefused("Hangup", "Permission denied"), 1)])
def test_a_hangup_that_fails_is_tried_again_where_that_helps(run: Run, answer: Exception, hangups: int) -> None:
    """No answer: once more. Refused: the phone rings on until its time is over."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        try:
            async with asyncio.timeout(15):
                await asterisk.leg_hung_up.wait()
        except TimeoutError:
            pass
        asterisk.end("NOANSWER", "26")

    async def story() -> None:
        scene = Scene(dial)
        scene.asterisk.hangup_answers = [answer]
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(1)
        await scene.ringer.withdraw("offer-1")

        assert (await ringing).outcome == "withdrawn"
        assert [sent[0] for sent in scene.asterisk.sent].count("hangup") == hangups

    run(story())


def test_a_caller_who_hangs_up_while_the_phone_rings(run: Run) -> None:
    """The session ends, the leg is cancelled: withdrawn, by the caller, and no exception."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(3)
        asterisk.emit("HangupRequest", Uniqueid=CALLER, Channel="PJSIP/trunk-1")
        asterisk.end("CANCEL", "16")
        raise ChannelHungUp("over")

    async def story() -> None:
        assert await Scene(dial).ring() == DialResult("withdrawn", 3000, 0, "caller")

    run(story())


@pytest.mark.parametrize("reply", [Reply(200, "-1"), None])
@pytest.mark.parametrize("late_s", [0.0, 0.4])
def test_a_caller_of_whom_nothing_is_heard_any_more(run: Run, late_s: float, reply: Reply | None) -> None:
    """Asterisk ends the talk, and tells why with the end of the caller's channel, which may come behind that of the session."""

    async def dial(asterisk: FakeAsterisk) -> Reply:
        asterisk.begin()
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asyncio.sleep(7)
        asterisk.emit("BridgeLeave", Uniqueid=CALLER, BridgeUniqueid="b")
        asterisk.emit("Hangup", Uniqueid=AGENT, Channel="PJSIP/1001-2", Cause="16")
        asyncio.get_running_loop().call_later(late_s, lambda: asterisk.emit("Hangup", Uniqueid=CALLER, Channel="PJSIP/trunk-1", Cause="44"))
        if reply is None:
            raise ChannelHungUp("over")
        return reply

    async def story() -> None:
        assert await Scene(dial).ring() == DialResult("answered", 0, 7000, "system", "no_audio_from_caller")

    run(story())


def test_an_agent_of_whom_nothing_is_heard_any_more(run: Run) -> None:
    """The caller's session goes on, and is not kept waiting."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asyncio.sleep(7)
        asterisk.emit("BridgeLeave", Uniqueid=AGENT, BridgeUniqueid="b")
        asterisk.emit("Hangup", Uniqueid=AGENT, Channel="PJSIP/1001-2", Cause="44")

    async def story() -> None:
        assert await Scene(dial).ring() == DialResult("answered", 0, 7000, "system", "no_audio_from_agent")
        assert asyncio.get_running_loop().time() == pytest.approx(7)

    run(story())


def test_a_blind_transfer_ends_the_session_and_not_the_call(run: Run) -> None:
    """HANGUP and end of file after REFER: the talk ended by transfer."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asyncio.sleep(7)
        asterisk.emit("BlindTransfer", TransfererUniqueid=AGENT, TransfereeUniqueid=CALLER, Result="Success")
        asterisk.part(AGENT)
        raise ChannelHungUp("over")

    async def story() -> None:
        assert await Scene(dial).ring() == DialResult("answered", 0, 7000, "transfer")

    run(story())


@pytest.mark.parametrize("state", ["INUSE", "BUSY", "ONHOLD", "RINGING", "RINGINUSE"])
def test_a_busy_phone_is_not_rung(run: Run, state: str) -> None:
    """Asterisk would ring a phone that is talking: we do not, and nothing is sent."""

    async def story() -> None:
        scene = Scene()
        scene.phones.take(DeviceStateChange("PJSIP/1001", state))

        assert await scene.ring() == DialResult("busy")
        assert scene.asterisk.sent == []

    run(story())


def test_without_ami_a_phone_is_rung_whatever_was_known(run: Run) -> None:
    """AMI away: old states count for nothing, and the reply and DIALSTATUS tell the outcome."""

    async def dial(asterisk: FakeAsterisk) -> None:
        await asyncio.sleep(15)

    async def story() -> None:
        scene = Scene(dial)
        scene.phones.take(DeviceStateChange("PJSIP/1001", "INUSE"))
        scene.asterisk.connected = False
        scene.asterisk.variables = {"DIALSTATUS": "NOANSWER", "HANGUPCAUSE": "0"}

        assert await scene.ring() == DialResult("rang_out", 15_000)

    run(story())


@pytest.mark.parametrize(("lasted_s", "outcome"), [(5, "withdrawn"), (60, "answered")])
def test_without_ami_a_session_that_ended_is_judged_by_its_length(run: Run, lasted_s: int, outcome: str) -> None:
    """Dial is over by the end of the ring time unless somebody answered."""

    async def dial(asterisk: FakeAsterisk) -> None:
        await asyncio.sleep(lasted_s)
        raise ChannelHungUp("over")

    async def story() -> None:
        scene = Scene(dial)
        scene.asterisk.connected = False

        async def dead(name: str) -> str:
            raise ChannelHungUp("over")

        scene.asterisk.get_variable = dead  # type: ignore[method-assign]

        assert (await scene.ring()).outcome == outcome

    run(story())


@pytest.mark.parametrize("back", [False, True])
def test_an_answer_that_ami_did_not_tell_is_told_when_dial_lasts_too_long(run: Run, back: bool) -> None:
    """AMI away, or back without having found the leg: two seconds after the ring time somebody talks, and is not taken back any more."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        await asyncio.sleep(30)

    async def story() -> None:
        scene = Scene(dial)
        scene.asterisk.variables = {"DIALSTATUS": "ANSWER", "HANGUPCAUSE": "16", "ANSWEREDTIME_MS": "26000"}
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(1)
        scene.asterisk.connected = False
        scene.ringer.lost()
        scene.asterisk.connected = back
        await asyncio.sleep(15.9)
        assert scene.told == []

        await asyncio.sleep(0.2)

        assert scene.told == ["answered"]
        assert not await scene.ringer.withdraw("offer-1")
        scene.asterisk.connected = True
        assert await ringing == DialResult("answered", 4000, 26_000, "")
        assert [sent for sent in scene.asterisk.sent if sent[0] == "hangup"] == []

    run(story())


def test_a_session_that_ended_after_an_unseen_answer(run: Run) -> None:
    """The caller's session can no longer be asked: the talk is as long as is known for certain."""

    async def dial(asterisk: FakeAsterisk) -> None:
        await asyncio.sleep(60)
        raise ChannelHungUp("over")

    async def dead(name: str) -> str:
        raise ChannelHungUp("over")

    async def story() -> None:
        scene = Scene(dial)
        scene.asterisk.connected = False
        scene.asterisk.get_variable = dead  # type: ignore[method-assign]

        assert await scene.ring() == DialResult("answered", 17_000, 43_000, "")

    run(story())


def test_a_ring_that_we_read_late_is_a_ring(run: Run) -> None:
    """A process that was held up reads RINGING after the two seconds: the phone is not hung up."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        await asyncio.sleep(2.05)
        asterisk.ringing()
        await asyncio.sleep(1)
        asterisk.end("NOANSWER")

    async def story() -> None:
        scene = Scene(dial)

        assert (await scene.ring()).outcome == "rang_out"
        assert [sent for sent in scene.asterisk.sent if sent[0] == "hangup"] == []

    run(story())


def test_another_caller_is_put_into_the_session_while_the_phone_rings(run: Run) -> None:
    """An agent who consulted the queue connects a caller to it: the ring follows that caller, in talk time and in who hung up."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(2)
        transfer = {"OrigTransfererUniqueid": "1.8", "SecondTransfererUniqueid": CALLER, "TransfereeUniqueid": "1.7"}
        asterisk.emit("AttendedTransfer", **transfer, TransfereeChannel="PJSIP/trunk-9", DestType="App", Result="Success")
        asterisk.emit("HangupRequest", Uniqueid=CALLER, Channel="PJSIP/1009-1")
        await asyncio.sleep(1)
        asterisk.emit("DialEnd", Uniqueid="1.7", DestUniqueid=AGENT, DialStatus="ANSWER")
        for uniqueid in (AGENT, "1.7"):
            asterisk.emit("BridgeEnter", Uniqueid=uniqueid, BridgeUniqueid="b")
        await asyncio.sleep(20)
        asterisk.part("1.7")

    async def story() -> None:
        scene = Scene(dial)
        calls = LiveCalls()
        calls.attach(scene.asterisk)
        scene.caller = calls.watch(CALLER, "PJSIP/1009-1")

        assert await scene.ring() == DialResult("answered", 3000, 20_000, "caller")
        assert scene.caller.uniqueid == "1.7"
        assert scene.ringer._by_uniqueid == {}

    run(story())


def test_an_agent_who_rings_no_more_puts_the_caller_into_another_ring(run: Run) -> None:
    """The transferring agent's own ring ends as a transfer, the other ring has the caller: both learn of the one event."""
    over = asyncio.Event()

    async def first_dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.end("ANSWER")
        asterisk.bridge()
        await over.wait()

    async def second_dial(asterisk: FakeAsterisk) -> None:
        asterisk.emit("DialBegin", Uniqueid="2.1", Channel="PJSIP/1001-3", DestUniqueid="2.2", DestChannel="PJSIP/1002-1")
        asterisk.emit("DialState", Uniqueid="2.1", DestUniqueid="2.2", DialStatus="RINGING")
        await asyncio.sleep(2)
        transfer = {"OrigTransfererUniqueid": AGENT, "SecondTransfererUniqueid": "2.1", "TransfereeUniqueid": CALLER}
        asterisk.emit("AttendedTransfer", **transfer, TransfereeChannel="PJSIP/trunk-1", DestType="App", Result="Success")
        asterisk.part(AGENT)
        over.set()
        await asyncio.sleep(1)
        for uniqueid in ("2.2", CALLER):
            asterisk.emit("BridgeEnter", Uniqueid=uniqueid, BridgeUniqueid="c")
        await asyncio.sleep(20)
        asterisk.emit("HangupRequest", Uniqueid=CALLER, Channel="PJSIP/trunk-1")
        asterisk.emit("BridgeLeave", Uniqueid=CALLER, BridgeUniqueid="c")
        asterisk.emit("Hangup", Uniqueid="2.2", Channel="PJSIP/1002-1", Cause="16")

    async def story() -> None:
        scene = Scene(first_dial)
        first = asyncio.create_task(scene.ring())
        await asyncio.sleep(5)
        scene.asterisk.dial = second_dial
        scene.caller = Watch("2.1", "PJSIP/1001-3", connected=True)
        second = asyncio.create_task(scene.ring(offer="offer-2", endpoint="1002"))

        assert await first == DialResult("answered", 0, 7000, "transfer")
        assert await second == DialResult("answered", 3000, 20_000, "caller")
        assert scene.ringer._by_uniqueid == {}

    run(story())


def rows(**states: str) -> list[Message]:
    legs = [("1.1", "PJSIP/trunk-1", "Up")] + [("1.2", "PJSIP/1001-2", state) for state in states.values()]
    return [Message([("Uniqueid", uid), ("Linkedid", "1.1"), ("Channel", name), ("ChannelStateDesc", state)]) for uid, name, state in legs]


def test_ami_lost_and_back_while_the_phone_rings(run: Run) -> None:
    """The answer that nobody saw is found in the snapshot, told, and the end of the talk is seen again."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(30)
        asterisk.part(AGENT)

    async def story() -> None:
        scene = Scene(dial)
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(1)
        scene.asterisk.connected = False
        scene.ringer.lost()
        await asyncio.sleep(9)
        scene.asterisk.connected = True
        scene.ringer.reconcile(rows(agent="Up"))
        assert scene.told == ["ringing", "answered"]

        assert await ringing == DialResult("answered", 10_000, 20_000, "agent")

    run(story())


def test_a_phone_that_may_have_rung_unseen_is_not_given_up(run: Run) -> None:
    """AMI away when the phone began to ring: the 2 s rule does not hold, and the phone is let ring."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        await asyncio.sleep(10)
        asterisk.end("ANSWER")
        asterisk.bridge()
        asterisk.part(CALLER)

    async def story() -> None:
        scene = Scene(dial)
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(1)
        scene.asterisk.connected = False
        scene.ringer.lost()
        await asyncio.sleep(4)
        scene.asterisk.connected = True
        scene.ringer.reconcile(rows(agent="Ringing"))

        assert await ringing == DialResult("answered", 10_000, 0, "caller")
        assert "hangup" not in [sent[0] for sent in scene.asterisk.sent]

    run(story())


def test_a_leg_newer_than_the_snapshot_is_not_over(run: Run) -> None:
    """A leg that began after the rows were taken is missing in them: its last events are still awaited."""

    async def dial(asterisk: FakeAsterisk) -> None:
        await asyncio.sleep(2)
        asterisk.begin()
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asyncio.sleep(3)

    async def story() -> None:
        scene = Scene(dial)
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(1)
        scene.ringer.lost()
        await asyncio.sleep(2)
        scene.ringer.reconcile(rows())
        await asyncio.sleep(2.1)
        scene.asterisk.part(AGENT)

        assert (await ringing).ended_by == "agent"

    run(story())


def test_an_offer_taken_back_while_ami_is_away_is_taken_back_later(run: Run) -> None:
    """The leg that began unseen is found in the snapshot and hung up then."""

    async def dial(asterisk: FakeAsterisk) -> None:
        await asterisk.leg_hung_up.wait()
        asterisk.end("NOANSWER", "26")

    async def story() -> None:
        scene = Scene(dial)
        scene.asterisk.connected = False
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(1)
        assert await scene.ringer.withdraw("offer-1")
        await asyncio.sleep(1)
        assert ("hangup", "PJSIP/1001-2", "26") not in scene.asterisk.sent
        scene.asterisk.connected = True
        scene.ringer.reconcile(rows(agent="Ringing"))

        assert (await ringing).outcome == "withdrawn"

    run(story())


def test_a_leg_that_ended_unseen_does_not_hold_the_ring(run: Run) -> None:
    """Missing in the snapshot: the ring does not wait for its events, and asks the channel."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(5)

    async def story() -> None:
        scene = Scene(dial)
        scene.asterisk.variables = {"DIALSTATUS": "CHANUNAVAIL", "HANGUPCAUSE": "21"}
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(1)
        scene.ringer.lost()
        scene.ringer.reconcile(rows())

        assert await ringing == DialResult("declined", 5000)

    run(story())


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "1001&PJSIP/1002"},
        {"endpoint": "1001,30,U(x)"},
        {"endpoint": ""},
        {"endpoint": "１００１"},
        {"endpoint": "1001\n"},
        {"music_class": "a)b"},
        {"offer": "a\nb"},
        {"endpoint": "+861@a@b"},
        {"whisper": "/s/a)b"},
        {"whisper": "/s/a^b"},
        {"question": "/s/a,b"},
        {"beep": "/s/a${X}"},
    ],
)
def test_names_that_would_change_the_dial_are_refused(run: Run, changes: dict[str, str]) -> None:
    """Nothing but plain names goes into a Dial, and nothing is sent."""

    async def story() -> None:
        scene = Scene()
        with pytest.raises(ValueError, match="may not go into a Dial"):
            await scene.ring(**changes)
        assert scene.asterisk.sent == []

    run(story())


# -- whispers and calls to be accepted --------------------------------------------------------------------------------------

WHISPERED = {"whisper": "/s/w", "question": "/s/q"}


def picked_up(asterisk: FakeAsterisk) -> None:
    asterisk.emit("UserEvent", Uniqueid=AGENT, UserEvent="HotlinePickedUp")


def test_a_whispered_ring_is_answered_when_the_two_are_connected(run: Run) -> None:
    """Picking up is not an answer yet; the routine of the dialplan is told what to say and whom to ask."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        await asyncio.sleep(1)
        picked_up(asterisk)
        await asyncio.sleep(4)  # longer than a silent phone may take
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asyncio.sleep(30)
        asterisk.part(AGENT)

    async def story() -> None:
        scene = Scene(dial)
        ringing = asyncio.create_task(scene.ring(**WHISPERED))
        await asyncio.sleep(4.9)
        assert scene.told == []

        assert await ringing == DialResult("answered", 5000, 30_000, "agent")
        assert scene.asterisk.sent == [
            ("Dial", "PJSIP/1001,15,m(hold)gtiB(hotline-offered^s^1(offer-1))U(hotline-picked-up^/s/w^/s/q^1001)")
        ]
        assert scene.told == ["answered"]

    run(story())


@pytest.mark.parametrize(("status", "first"), [("BUSY", ""), ("ANSWER", AGENT), ("BUSY", AGENT)])
def test_who_hears_the_whisper_and_does_not_take_the_call_has_declined(run: Run, status: str, first: str) -> None:
    """By key, by waiting, or by hanging up, whatever Asterisk calls it: nobody was connected."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        picked_up(asterisk)
        await asyncio.sleep(3)
        if first:
            asterisk.emit("HangupRequest", Uniqueid=first, Channel="x")
        asterisk.end(status)
        asterisk.emit("Hangup", Uniqueid=AGENT, Channel="PJSIP/1001-2", Cause="16")

    async def story() -> None:
        scene = Scene(dial)

        assert await scene.ring(**WHISPERED) == DialResult("declined", 3000)
        assert scene.told == ["ringing"]

    run(story())


@pytest.mark.parametrize("by", ["caller", "router"])
def test_an_agent_in_a_whisper_is_freed_at_once(run: Run, by: str) -> None:
    """AGI is deaf meanwhile: AMI tells that the caller has gone, and ends the agent's leg; the router may take the offer back, too."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        picked_up(asterisk)
        await asyncio.sleep(1)
        if by == "caller":
            asterisk.emit("HangupRequest", Uniqueid=CALLER, Channel="PJSIP/trunk-1")
        await asterisk.leg_hung_up.wait()
        asterisk.end("CANCEL", "26")

    async def story() -> None:
        scene = Scene(dial)
        ringing = asyncio.create_task(scene.ring(**WHISPERED))
        await asyncio.sleep(1)
        if by == "router":
            assert await scene.ringer.withdraw("offer-1")

        assert await ringing == DialResult("withdrawn", 1000, 0, "caller" if by == "caller" else "")
        assert scene.asterisk.sent[-1] == ("hangup", "PJSIP/1001-2", "26")

    run(story())


def test_ami_back_in_the_middle_of_a_whisper(run: Run) -> None:
    """A leg that is up and in no bridge hears the whisper: that is no answer."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        await asyncio.sleep(5)
        asterisk.end("BUSY", "16")

    async def story() -> None:
        scene = Scene(dial)
        ringing = asyncio.create_task(scene.ring(**WHISPERED))
        await asyncio.sleep(1)
        scene.ringer.lost()
        scene.ringer.reconcile(rows(agent="Up"))
        assert scene.told == []
        scene.asterisk.variables = {"DIALSTATUS": "BUSY", "HANGUPCAUSE": "16"}

        assert (await ringing).outcome == "declined"

    run(story())


def test_an_external_number_may_take_long_to_ring(run: Run) -> None:
    """Its state is not asked for, and it is given up after ten seconds of silence instead of two."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin("PJSIP/carrier-2")
        await asterisk.leg_hung_up.wait()
        asterisk.end("NOANSWER", "26")

    async def story() -> None:
        scene = Scene(dial)

        assert await scene.ring(endpoint="+8613800138000@carrier", question="/s/q") == DialResult("unreachable", 10_100)
        assert scene.asterisk.sent[0] == (
            "Dial",
            "PJSIP/+8613800138000@carrier,15,m(hold)gtiB(hotline-offered^s^1(offer-1))U(hotline-picked-up^^/s/q^+8613800138000@carrier)",
        )

    run(story())


def test_an_external_number_whose_ring_time_is_over_in_silence_has_rung_out(run: Run) -> None:
    """Many networks tell no ringing: that nobody answered in a short time does not mean that nobody is there."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin("PJSIP/carrier-2")
        await asyncio.sleep(5)
        asterisk.end("NOANSWER")

    async def story() -> None:
        assert (await Scene(dial).ring(endpoint="+86138@carrier", ring_timeout_ms=5000)).outcome == "rang_out"

    run(story())


# -- several phones -------------------------------------------------------------------------------------------------------


class Several:
    """Legs of one Dial: phone 1001 is 2.1, 1002 is 2.2, ... and in the second Dial 3.1, 3.2 ..."""

    def __init__(self, asterisk: FakeAsterisk) -> None:
        self.asterisk = asterisk
        self.dials: list[str] = []
        self.hung_up: dict[str, str] = {}  # channel -> cause
        self.over = asyncio.Event()
        self.play: Callable[[Several, int], Coroutine[Any, Any, None]] | None = None
        asterisk.dial = self.dial
        asterisk.hangup = self.hangup  # type: ignore[method-assign]

    async def hangup(self, channel: str, cause: int = 26) -> bool:
        self.hung_up[channel] = str(cause)
        phone = channel.split("/")[1].split("-")[0]
        self.end(phone, "NOANSWER", str(cause))
        return True

    async def dial(self, asterisk: FakeAsterisk) -> None:
        arguments = asterisk.sent[-1][1]
        self.dials.append(arguments)
        self.over = asyncio.Event()
        self.living = [called.removeprefix("PJSIP/") for called in arguments.split(",")[0].split("&")]
        for phone in self.living:
            fields = {"DestUniqueid": self.id(phone), "DestChannel": f"PJSIP/{phone}-{len(self.dials)}", "DialString": phone}
            asterisk.emit("DialBegin", Uniqueid=CALLER, Channel="PJSIP/trunk-1", **fields)
        for phone in list(self.living):
            asterisk.emit("DialState", Uniqueid=CALLER, DestUniqueid=self.id(phone), DialStatus="RINGING")
        playing = asyncio.create_task(self.play(self, len(self.dials))) if self.play else None
        await self.over.wait()
        if playing:
            playing.cancel()

    def id(self, phone: str) -> str:
        return f"{len(self.dials) + 1}.{phone[-1]}"

    def end(self, phone: str, status: str, cause: str = "0") -> None:
        if phone in self.living:
            self.living.remove(phone)
            self.asterisk.emit("DialEnd", Uniqueid=CALLER, DestUniqueid=self.id(phone), DialStatus=status)
            self.asterisk.emit("Hangup", Uniqueid=self.id(phone), Channel=f"PJSIP/{phone}-1", Cause=cause)
        if not self.living:
            self.over.set()

    async def answer(self, phone: str, talk_s: float) -> None:
        for other in [other for other in self.living if other != phone]:
            self.end(other, "CANCEL", "26")
        self.asterisk.emit("DialEnd", Uniqueid=CALLER, DestUniqueid=self.id(phone), DialStatus="ANSWER")
        for uniqueid in (self.id(phone), CALLER):
            self.asterisk.emit("BridgeEnter", Uniqueid=uniqueid, BridgeUniqueid="b")
        await asyncio.sleep(talk_s)
        self.asterisk.emit("HangupRequest", Uniqueid=self.id(phone), Channel="x")
        self.asterisk.emit("BridgeLeave", Uniqueid=CALLER, BridgeUniqueid="b")
        self.end(phone, "ANSWER", "16")


class Crowd(Scene):
    """Several phones, each with what it was told and when its ring ended."""

    def __init__(self, play: Callable[[Several, int], Coroutine[Any, Any, None]] | None = None) -> None:
        super().__init__()
        self.several = Several(self.asterisk)
        self.several.play = play
        self.news: list[str] = []
        self.ended: dict[str, tuple[int, DialResult]] = {}
        self.rings: list[asyncio.Task[None]] = []

    def start(self, *phones: str, **changes: Any) -> None:
        self.rings += [asyncio.create_task(self._follow(phone, **changes)) for phone in phones]

    async def _follow(self, phone: str, **changes: Any) -> None:
        progress = lambda step: self.news.append(f"{phone} {step}")  # noqa: E731
        result = await self.ring(offer=f"o{phone[-1]}", endpoint=phone, progress=progress, **changes)
        self.news.append(f"{phone} {result.outcome}")
        self.ended[phone] = (self.asterisk.now_ms(), result)

    async def all_over(self) -> None:
        await asyncio.gather(*self.rings)
        assert self.ringer._by_uniqueid == {}
        assert self.ringer._tasks == {}


def test_phones_asked_for_in_one_moment_are_rung_by_one_dial(run: Run) -> None:
    """The offers stand on the caller with their phones; the first to answer is told first, the other is withdrawn in the same moment."""

    async def play(several: Several, count: int) -> None:
        await asyncio.sleep(2)
        await several.answer("1002", 30)

    async def story() -> None:
        crowd = Crowd(play)
        crowd.start("1001", "1002")
        await crowd.all_over()

        dialled = "PJSIP/1001&PJSIP/1002,15,m(hold)gtiB(hotline-offered^s^1(o1=1001&o2=1002))U(hotline-picked-up)"
        assert crowd.asterisk.sent[:1] == [("Dial", dialled)]
        assert crowd.news == ["1001 ringing", "1002 ringing", "1002 answered", "1001 withdrawn", "1002 answered"]
        assert crowd.ended["1001"] == (2000, DialResult("withdrawn", 2000))
        assert crowd.ended["1002"][1] == DialResult("answered", 2000, 30_000, "agent")

    run(story())


@pytest.mark.parametrize(
    ("status", "cause", "outcome"), [("NOANSWER", "21", "declined"), ("BUSY", "17", "busy"), ("CHANUNAVAIL", "3", "unreachable")]
)
def test_a_refusal_of_one_is_told_at_once(run: Run, status: str, cause: str, outcome: LegOutcome) -> None:
    """The others ring on."""

    async def play(several: Several, count: int) -> None:
        await asyncio.sleep(1)
        several.end("1001", status, cause)
        await asyncio.sleep(4)
        await several.answer("1002", 1)

    async def story() -> None:
        crowd = Crowd(play)
        crowd.start("1001", "1002")
        await crowd.all_over()

        assert crowd.ended["1001"] == (1000, DialResult(outcome, 1000))
        assert crowd.ended["1002"][1].ring_ms == 5000

    run(story())


def test_one_of_several_taken_back(run: Run) -> None:
    """Only its leg is hung up."""

    async def play(several: Several, count: int) -> None:
        await asyncio.sleep(3)
        await several.answer("1002", 1)

    async def story() -> None:
        crowd = Crowd(play)
        crowd.start("1001", "1002")
        await asyncio.sleep(1)
        assert await crowd.ringer.withdraw("o1")
        await crowd.all_over()

        assert crowd.several.hung_up == {"PJSIP/1001-1": "26"}
        assert crowd.ended["1001"] == (1000, DialResult("withdrawn", 1000))

    run(story())


def test_a_phone_that_joins_is_rung_beside_those_that_ring(run: Run) -> None:
    """The Dial ends without a missed call and without a word; the next one rings all for the time that is left."""

    async def play(several: Several, count: int) -> None:
        if count == 2:
            await asyncio.sleep(2)
            await several.answer("1001", 10)

    async def story() -> None:
        crowd = Crowd(play)
        crowd.start("1001")
        await asyncio.sleep(4)
        crowd.start("1002")
        await crowd.all_over()

        assert crowd.several.dials == [
            "PJSIP/1001,15,m(hold)gtiB(hotline-offered^s^1(o1))U(hotline-picked-up)",
            "PJSIP/1001&PJSIP/1002,15,m(hold)gtiB(hotline-offered^s^1(o1=1001&o2=1002))U(hotline-picked-up)",
        ]
        assert crowd.several.hung_up == {"PJSIP/1001-1": "26"}
        assert crowd.news == ["1001 ringing", "1002 ringing", "1001 answered", "1002 withdrawn", "1001 answered"]
        assert crowd.ended["1001"][1] == DialResult("answered", 6000, 10_000, "agent")

    run(story())


def test_each_phone_has_its_own_ring_time(run: Run) -> None:
    """The one that was asked for earlier stops earlier, as a missed call; the other rings on."""

    async def play(several: Several, count: int) -> None:
        await asyncio.sleep(30)

    async def story() -> None:
        crowd = Crowd(play)
        crowd.start("1001", ring_timeout_ms=5000)
        await asyncio.sleep(4)
        crowd.start("1002", ring_timeout_ms=5000)
        await asyncio.sleep(3.9)
        assert crowd.ended["1001"] == (5000, DialResult("rang_out", 5000))
        assert crowd.several.hung_up["PJSIP/1001-2"] == "16"
        crowd.several.end("1002", "NOANSWER")
        await crowd.all_over()
        assert crowd.ended["1002"][1].outcome == "rang_out"

    run(story())


def test_a_phone_that_joins_in_a_whisper_waits_for_its_end(run: Run) -> None:
    """The agent who listens is not cut off; when that one declines the other rings."""

    async def play(several: Several, count: int) -> None:
        if count == 1:
            await asyncio.sleep(1)
            several.asterisk.emit("UserEvent", Uniqueid="2.1", UserEvent="HotlinePickedUp")
            await asyncio.sleep(3)
            several.end("1001", "BUSY", "16")
        else:
            await several.answer("1002", 5)

    async def story() -> None:
        crowd = Crowd(play)
        crowd.start("1001", **WHISPERED)
        await asyncio.sleep(2)
        crowd.start("1002", **WHISPERED)
        await crowd.all_over()

        assert crowd.several.hung_up == {}
        assert crowd.ended["1001"] == (4000, DialResult("declined", 4000))
        assert crowd.several.dials[1] == "PJSIP/1002,13,m(hold)gtiB(hotline-offered^s^1(o2))U(hotline-picked-up^/s/w^/s/q^1002)"
        assert crowd.ended["1002"][1].outcome == "answered"

    run(story())


def test_a_phone_that_joins_a_talk_is_withdrawn(run: Run) -> None:
    """It was too late, and is told so at once."""

    async def play(several: Several, count: int) -> None:
        await several.answer("1001", 60)

    async def story() -> None:
        crowd = Crowd(play)
        crowd.start("1001")
        await asyncio.sleep(10)
        crowd.start("1002")
        await crowd.all_over()

        assert crowd.ended["1002"] == (10_000, DialResult("withdrawn"))
        assert len(crowd.several.dials) == 1

    run(story())


def test_a_phone_that_is_not_registered_is_told_while_the_others_ring(run: Run) -> None:
    """Dial leaves it out without a word."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(5)
        asterisk.end("NOANSWER")

    async def story() -> None:
        crowd = Crowd()
        crowd.asterisk.dial = dial
        crowd.start("1001", "1002")
        await crowd.all_over()
        assert crowd.ended["1002"] == (500, DialResult("unreachable", 500))
        assert crowd.ended["1001"][1].outcome == "rang_out"

    run(story())


def test_a_session_that_breaks_ends_every_ring(run: Run) -> None:
    """Whoever asked gets the channel's own exception."""

    async def dead(application: str, options: str = "") -> object:
        raise AGIUnknownError("a reply that nobody knows")

    async def story() -> None:
        crowd = Crowd()
        crowd.asterisk.appexec = dead  # type: ignore[method-assign]
        crowd.start("1001", "1002")
        for outcome in await asyncio.gather(*crowd.rings, return_exceptions=True):
            assert isinstance(outcome, AGIUnknownError)
        assert crowd.ringer._by_uniqueid == {}

    run(story())


def test_a_ring_that_nobody_waits_for_any_more(run: Run) -> None:
    """A server that lets go of its calls cancels the rings: nothing is left behind."""

    async def story() -> None:
        crowd = Crowd()
        crowd.start("1001", "1002")
        await asyncio.sleep(1)
        for ring in crowd.rings:
            ring.cancel()
        await asyncio.gather(*crowd.rings, return_exceptions=True)
        assert crowd.ringer._by_uniqueid == {}
        assert crowd.ringer._tasks == {}

    run(story())


def test_phones_that_answer_by_themselves_are_told_to(run: Run) -> None:
    """Of several phones only those; their agents hear the beep first."""

    async def play(several: Several, count: int) -> None:
        await several.answer("1001", 1)

    async def story() -> None:
        crowd = Crowd(play)
        crowd.start("1001", beep="/s/beep")
        crowd.start("1002")
        await crowd.all_over()
        options = "m(hold)gtiB(hotline-offered^s^1(o1=1001&o2=1002))b(hotline-self-answering^s^1(1001^/s/beep))U(hotline-picked-up^^^)"
        assert crowd.several.dials == [f"PJSIP/1001&PJSIP/1002,15,{options}"]

    run(story())


@pytest.mark.parametrize(
    ("status", "cause", "outcome"),
    [
        ("ANSWER", "16", "answered"),
        ("BUSY", "17", "busy"),
        ("CHANUNAVAIL", "21", "busy"),
        ("NOANSWER", "0", "no_answer"),
        ("CONGESTION", "34", "unreachable"),
    ],
)
def test_dialling_out(run: Run, status: str, cause: str, outcome: str) -> None:
    """One leg: the caller's own variables tell how it went; the caller cannot transfer."""

    async def story() -> None:
        scene = Scene()
        scene.asterisk.variables = {"DIALSTATUS": status, "HANGUPCAUSE": cause}

        assert await scene.ringer.dial_out(scene.asterisk, "PJSIP/+861012345678@carrier", 20_500) == outcome
        assert scene.asterisk.sent[0] == ("Dial", "PJSIP/+861012345678@carrier,21,giU(hotline-picked-up)")

    run(story())


@pytest.mark.parametrize(
    "dial_string", ["PJSIP/10@a&PJSIP/11@a", "Local/s@x", "PJSIP/1,2,U(x)", "PJSIP/sip:x@y", "PJSIP/1@t\n", "", "PJSIP/+86 10@t"]
)
def test_dialling_out_takes_numbers_and_names_only(run: Run, dial_string: str) -> None:
    """Whatever could be more than one number on one trunk is refused."""

    async def story() -> None:
        scene = Scene()
        with pytest.raises(ValueError, match="may not go into a Dial"):
            await scene.ringer.dial_out(scene.asterisk, dial_string, 1000)
        assert scene.asterisk.sent == []

    run(story())
