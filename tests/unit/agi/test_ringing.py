"""Ringing on a fake Asterisk and a virtual clock: what is sent, in which order, and what comes back in every case."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable

import pytest

from agi.ami.errors import AmiRefused, AmiTimeout
from agi.ami.events import DeviceStateChange
from agi.ami.protocol import Message
from agi.errors import ChannelHungUp
from agi.live_calls import LiveCalls, Watch
from agi.phones import PhoneStates
from agi.ringing import Called, Ringer, RingResult

pytestmark = pytest.mark.unit

CALLER, AGENT = "1.1", "1.2"


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

    def select(self, timeout: float | None = None):
        self._loop.passed += timeout or 0.0
        return super().select(0 if timeout is not None else None)


class FakeAsterisk:
    """The AMI client, the caller's AGI channel and the clock in one; `dial` plays what Asterisk does during EXEC Dial."""

    def __init__(self, dial: Callable[["FakeAsterisk"], Awaitable[None]] | None = None) -> None:
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

    def subscribe(self, name, callback):
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

    async def appexec(self, application: str, options: str = "") -> None:
        self.sent.append((application, options))
        if self.dial is not None:
            await self.dial(self)

    async def set_variable(self, name: str, value: str) -> None:
        self.sent.append(("set", name, value))

    async def get_variable(self, name: str) -> str:
        self.sent.append(("get", name))
        return self.variables[name]

    # what a Dial does

    def begin(self) -> None:
        self.emit("DialBegin", Uniqueid=CALLER, Channel="PJSIP/trunk-1", DestUniqueid=AGENT, DestChannel="PJSIP/1001-2")

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

    def __init__(self, dial: Callable[[FakeAsterisk], Awaitable[None]] | None = None) -> None:
        self.asterisk = FakeAsterisk(dial)
        self.phones = PhoneStates()
        self.ringer = Ringer(self.asterisk, self.phones, self.asterisk)
        self.told: list[str] = []
        self.caller = Watch(CALLER, "PJSIP/trunk-1", connected=True)

    def ring(self, **changes) -> Awaitable[RingResult]:
        called = {"offer": "offer-1", "endpoint": "1001", "ring_timeout_ms": 15_000}
        called |= {name: changes.pop(name) for name in list(changes) if name in Called.__slots__}
        rest = {"music_class": "hold", "progress": self.told.append} | changes
        return self.ringer.ring(self.asterisk, self.caller, Called(**called), **rest)


@pytest.fixture(autouse=True)
def run():
    """Runs a coroutine on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield runner.run


def test_an_answered_ring(run) -> None:
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

        assert result == RingResult("answered", 4000, 30_000, "agent")
        assert scene.asterisk.sent == [("set", "__HOTLINE_OFFER", "offer-1"), ("Dial", "PJSIP/1001,15,m(hold)gt")]
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
def test_a_ring_that_nobody_answered(run, status: str, cause: str, tech_cause: str, outcome: str) -> None:
    """The leg's own end tells the outcome, without a question to the channel."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(1.5)
        asterisk.end(status, cause, tech_cause)

    async def story() -> None:
        scene = Scene(dial)

        assert await scene.ring() == RingResult(outcome, 1500, 0, "")
        assert scene.asterisk.sent[-1][0] == "Dial"

    run(story())


def test_events_may_come_after_the_reply(run) -> None:
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


def test_an_unregistered_phone(run) -> None:
    """No leg ever begins; the channel's own status confirms it."""

    async def story() -> None:
        scene = Scene()
        scene.asterisk.variables = {"DIALSTATUS": "CHANUNAVAIL", "HANGUPCAUSE": "3"}

        assert await scene.ring() == RingResult("unreachable", 100)
        assert scene.told == []

    run(story())


def test_a_dead_phone_is_given_up_after_two_seconds(run) -> None:
    """A phone that does not ring within 2 s costs the caller 2 s, not the ring time."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        await asterisk.leg_hung_up.wait()
        asterisk.end("NOANSWER", "26")

    async def story() -> None:
        scene = Scene(dial)

        assert await scene.ring() == RingResult("unreachable", 2100)
        assert scene.asterisk.sent[-1] == ("hangup", "PJSIP/1001-2", "26")

    run(story())


def test_a_phone_that_answers_without_ringing_is_not_given_up(run) -> None:
    """An automatic answer needs no 180."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asyncio.sleep(60)
        asterisk.part(CALLER)

    async def story() -> None:
        scene = Scene(dial)

        assert await scene.ring() == RingResult("answered", 0, 60_000, "caller")
        assert scene.told == ["answered"]

    run(story())


@pytest.mark.parametrize("after_s", [0.0, 0.5, 5.0])
def test_an_offer_taken_back(run, after_s: float) -> None:
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


def test_an_offer_taken_back_before_the_dial(run) -> None:
    """Nothing rings that was taken back while the phone's state was awaited."""

    async def story() -> None:
        scene = Scene()
        scene.phones.take(DeviceStateChange("PJSIP/1001", "INUSE"))
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(0)
        assert await scene.ringer.withdraw("offer-1")
        scene.phones.take(DeviceStateChange("PJSIP/1001", "NOT_INUSE"))

        assert await ringing == RingResult("withdrawn")
        assert "Dial" not in [sent[0] for sent in scene.asterisk.sent]

    run(story())


def test_a_talk_is_not_taken_back(run) -> None:
    """An answer that was faster wins: withdrawing says no and hangs nobody up."""

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
        await asyncio.sleep(1)

        assert not await scene.ringer.withdraw("offer-1")
        assert not await scene.ringer.withdraw("offer-other")

        assert (await ringing).outcome == "answered"
        assert "hangup" not in [sent[0] for sent in scene.asterisk.sent]

    run(story())


@pytest.mark.parametrize(("answer", "hangups"), [(AmiTimeout("no answer"), 2), (AmiRefused("Hangup", "Permission denied"), 1)])
def test_a_hangup_that_fails_is_tried_again_where_that_helps(run, answer: Exception, hangups: int) -> None:
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


def test_a_caller_who_hangs_up_while_the_phone_rings(run) -> None:
    """The session ends, the leg is cancelled: withdrawn, by the caller, and no exception."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(3)
        asterisk.emit("HangupRequest", Uniqueid=CALLER, Channel="PJSIP/trunk-1")
        asterisk.end("CANCEL", "16")
        raise ChannelHungUp("over")

    async def story() -> None:
        assert await Scene(dial).ring() == RingResult("withdrawn", 3000, 0, "caller")

    run(story())


def test_a_blind_transfer_ends_the_session_and_not_the_call(run) -> None:
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
        assert await Scene(dial).ring() == RingResult("answered", 0, 7000, "transfer")

    run(story())


@pytest.mark.parametrize("state", ["INUSE", "BUSY", "ONHOLD", "RINGING", "RINGINUSE"])
def test_a_busy_phone_is_not_rung(run, state: str) -> None:
    """Asterisk would ring a phone that is talking: we do not, and nothing is sent."""

    async def story() -> None:
        scene = Scene()
        scene.phones.take(DeviceStateChange("PJSIP/1001", state))

        assert await scene.ring() == RingResult("busy")
        assert scene.asterisk.sent == []

    run(story())


def test_without_ami_a_phone_is_rung_whatever_was_known(run) -> None:
    """AMI away: old states count for nothing, and the reply and DIALSTATUS tell the outcome."""

    async def dial(asterisk: FakeAsterisk) -> None:
        await asyncio.sleep(15)

    async def story() -> None:
        scene = Scene(dial)
        scene.phones.take(DeviceStateChange("PJSIP/1001", "INUSE"))
        scene.asterisk.connected = False
        scene.asterisk.variables = {"DIALSTATUS": "NOANSWER", "HANGUPCAUSE": "0"}

        assert await scene.ring() == RingResult("rang_out", 15_000)

    run(story())


@pytest.mark.parametrize(("lasted_s", "outcome"), [(5, "withdrawn"), (60, "answered")])
def test_without_ami_a_session_that_ended_is_judged_by_its_length(run, lasted_s: int, outcome: str) -> None:
    """Dial is over by the end of the ring time unless somebody answered."""

    async def dial(asterisk: FakeAsterisk) -> None:
        await asyncio.sleep(lasted_s)
        raise ChannelHungUp("over")

    async def story() -> None:
        scene = Scene(dial)
        scene.asterisk.connected = False

        async def dead(name: str) -> str:
            raise ChannelHungUp("over")

        scene.asterisk.get_variable = dead

        assert (await scene.ring()).outcome == outcome

    run(story())


@pytest.mark.parametrize("back", [False, True])
def test_an_answer_that_ami_did_not_tell_is_told_when_dial_lasts_too_long(run, back: bool) -> None:
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
        assert await ringing == RingResult("answered", 4000, 26_000, "")
        assert [sent for sent in scene.asterisk.sent if sent[0] == "hangup"] == []

    run(story())


def test_a_session_that_ended_after_an_unseen_answer(run) -> None:
    """The caller's session can no longer be asked: the talk is as long as is known for certain."""

    async def dial(asterisk: FakeAsterisk) -> None:
        await asyncio.sleep(60)
        raise ChannelHungUp("over")

    async def dead(name: str) -> str:
        raise ChannelHungUp("over")

    async def story() -> None:
        scene = Scene(dial)
        scene.asterisk.connected = False
        scene.asterisk.get_variable = dead

        assert await scene.ring() == RingResult("answered", 17_000, 43_000, "")

    run(story())


def test_a_ring_that_we_read_late_is_a_ring(run) -> None:
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


def test_another_caller_is_put_into_the_session_while_the_phone_rings(run) -> None:
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

        assert await scene.ring() == RingResult("answered", 3000, 20_000, "caller")
        assert scene.caller.uniqueid == "1.7"
        assert scene.ringer._by_uniqueid == {}

    run(story())


def test_an_agent_who_rings_no_more_puts_the_caller_into_another_ring(run) -> None:
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

        assert await first == RingResult("answered", 0, 7000, "transfer")
        assert await second == RingResult("answered", 3000, 20_000, "caller")
        assert scene.ringer._by_uniqueid == {}

    run(story())


def rows(**states: str) -> list[Message]:
    legs = [("1.1", "PJSIP/trunk-1", "Up")] + [("1.2", "PJSIP/1001-2", state) for state in states.values()]
    return [Message([("Uniqueid", uid), ("Linkedid", "1.1"), ("Channel", name), ("ChannelStateDesc", state)]) for uid, name, state in legs]


def test_ami_lost_and_back_while_the_phone_rings(run) -> None:
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

        assert await ringing == RingResult("answered", 10_000, 20_000, "agent")

    run(story())


def test_a_phone_that_may_have_rung_unseen_is_not_given_up(run) -> None:
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

        assert await ringing == RingResult("answered", 10_000, 0, "caller")
        assert "hangup" not in [sent[0] for sent in scene.asterisk.sent]

    run(story())


def test_a_leg_newer_than_the_snapshot_is_not_over(run) -> None:
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


def test_an_offer_taken_back_while_ami_is_away_is_taken_back_later(run) -> None:
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


def test_a_leg_that_ended_unseen_does_not_hold_the_ring(run) -> None:
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

        assert await ringing == RingResult("declined", 5000)

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
    ],
)
def test_names_that_would_change_the_dial_are_refused(run, changes: dict[str, str]) -> None:
    """Nothing but plain names goes into a Dial, and nothing is sent."""

    async def story() -> None:
        scene = Scene()
        with pytest.raises(ValueError, match="may not go into a Dial"):
            await scene.ring(**changes)
        assert scene.asterisk.sent == []

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
def test_dialling_out(run, status: str, cause: str, outcome: str) -> None:
    """One leg: the caller's own variables tell how it went; the caller cannot transfer."""

    async def story() -> None:
        scene = Scene()
        scene.asterisk.variables = {"DIALSTATUS": status, "HANGUPCAUSE": cause}

        assert await scene.ringer.dial_out(scene.asterisk, "PJSIP/+861012345678@carrier", 20_500) == outcome
        assert scene.asterisk.sent[0] == ("Dial", "PJSIP/+861012345678@carrier,21,g")

    run(story())


@pytest.mark.parametrize(
    "dial_string", ["PJSIP/10@a&PJSIP/11@a", "Local/s@x", "PJSIP/1,2,U(x)", "PJSIP/sip:x@y", "PJSIP/1@t\n", "", "PJSIP/+86 10@t"]
)
def test_dialling_out_takes_numbers_and_names_only(run, dial_string: str) -> None:
    """Whatever could be more than one number on one trunk is refused."""

    async def story() -> None:
        scene = Scene()
        with pytest.raises(ValueError, match="may not go into a Dial"):
            await scene.ringer.dial_out(scene.asterisk, dial_string, 1000)
        assert scene.asterisk.sent == []

    run(story())
