"""A `QueuedCaller` on an Asterisk in memory: one caller's AGI session, the events of AMI, and agents' phones that do as a test says."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from agi.ami.protocol import Message
from agi.channel import Channel
from agi.live_calls import LiveCalls
from agi.phone import AsteriskPhone, DialOutcome, Spoken
from agi.phones import PhoneStates
from agi.ringing import Ringer
from ivr.numbers import Number
from server.calls.open_calls import LiveCall
from server.calls.waiting_caller import QueuedCaller
from server.settings import Site
from simulator.fake_asterisk import FakeCall, at_once, connect, environment, verb
from simulator.virtual import VirtualClock
from tests.scripted_caller import Phone
from tests.settings_house import SmallSite

PROMPT_MS = 3000
STATUS = {"busy": ("BUSY", "17", "486"), "declined": ("NOANSWER", "21", "603"), "rang_out": ("NOANSWER", "0", "")}
CANCELLED = ("CANCEL", "26", "487")


def small_site(folder: Path) -> Site:
    return SmallSite(folder).load()


class Sounds:
    """Every text is a file of its name, rendered for so long first."""

    def __init__(self) -> None:
        self.render_ms = 0

    async def files(self, speech: Sequence[Spoken]) -> list[str]:
        if self.render_ms:
            await asyncio.sleep(self.render_ms / 1000)
            self.render_ms = 0
        return [f"/s/{each.language}-{len(each.text)}" for each in speech]


class Ami:
    """Tells events to who asked for them, and does what it is told."""

    connected = True

    def __init__(self, hang_up: Callable[[str], None]) -> None:
        self._hang_up = hang_up
        self._callbacks: dict[str, list[Callable[[Message], None]]] = {}

    def subscribe(self, name: str, callback: Callable[[Message], None]) -> Callable[[], None]:
        self._callbacks.setdefault(name, []).append(callback)
        return lambda: self._callbacks[name].remove(callback)

    async def hangup(self, channel: str, cause: int = 26) -> bool:
        self._hang_up(channel)
        return True

    def emit(self, event: str, **fields: str) -> None:
        for callback in self._callbacks.get(event, ()):
            callback(Message([("Event", event), *fields.items()]))


class AsteriskCaller:
    """One caller in a queue. `heard` is what the caller hears, in order: `music` or `words`."""

    def __init__(self, site: Site, phones: Sequence[Phone]) -> None:
        self.heard: list[str] = []
        self.sounds = Sounds()
        self._phones = list(phones)
        self._clock = VirtualClock()
        self._ami = Ami(self._end_leg)
        self._ended: dict[str, asyncio.Event] = {}  # the channel of a leg -> it was hung up
        self._begun: dict[str, tuple[Phone, int]] = {}  # endpoint -> what it does, and since when it rings
        self._tasks: list[asyncio.Task[None]] = []
        self._call = FakeCall(environment(), self._carry_out)
        channel = Channel(self)
        connect(self._call, channel)
        self._caller = self._call.env["agi_uniqueid"]
        calls = LiveCalls()
        calls.attach(self._ami)
        calls.set_connected(True)
        watch = calls.watch(self._caller, "PJSIP/trunk-1")
        phone = AsteriskPhone(channel, sounds=self.sounds, keys=watch.keys, dial=self._dial_nowhere, stop_playback=self._stop)
        call = LiveCall("call-1", Number("withheld", ""), "4000", self._clock.now_ms())
        call.context.language = "en"
        ringer = Ringer(self._ami, PhoneStates(), self._clock)
        self.line = QueuedCaller(call, channel, phone, watch, ringer, self._stop, site, self.sounds)  # type: ignore[arg-type]

    # -- the AGI session ----------------------------------------------------------------------------------------------

    def opened(self, channel: Channel) -> None: ...

    def ready(self, channel: Channel) -> None: ...

    def ended(self, channel: Channel) -> None: ...

    def _carry_out(self, call: FakeCall, words: list[str]) -> str | None:
        match verb(words):
            case "STREAM FILE":
                self.heard.append("words")
                self._start(self._play(words))
                return None
            case "SET MUSIC":
                self.heard.append("music")
            case "EXEC DIAL":
                self._start(self._dial(re.findall(r"PJSIP/([^&,]+)", words[2])))
                return None
        return at_once(call, words)

    async def _play(self, words: list[str]) -> None:
        await asyncio.sleep(PROMPT_MS / 1000)
        if self._call.running is words:
            self._call.finish()

    async def _stop(self) -> None:
        self._call.stop_playback()

    async def _dial_nowhere(self, target: str, timeout_ms: int) -> DialOutcome:
        return "not_allowed"

    # -- agents' phones -----------------------------------------------------------------------------------------------

    async def _dial(self, endpoints: list[str]) -> None:
        """Ring them all; the first to answer has the caller."""
        legs = {endpoint: f"{self._caller}-{endpoint}-{len(self._ended)}" for endpoint in endpoints}
        for endpoint, leg in legs.items():
            self._ended[f"PJSIP/{endpoint}-{leg}"] = asyncio.Event()
            begun = {"Uniqueid": self._caller, "Channel": "PJSIP/trunk-1", "DestUniqueid": leg, "DestChannel": f"PJSIP/{endpoint}-{leg}"}
            self._ami.emit("DialBegin", **begun, DialString=endpoint)
            self._ami.emit("DialState", Uniqueid=self._caller, DestUniqueid=leg, DialStatus="RINGING")
        answered = asyncio.Event()
        await asyncio.gather(*(self._ring(endpoint, leg, answered) for endpoint, leg in legs.items()))
        if self._call.running:
            self._call.finish()

    async def _ring(self, endpoint: str, leg: str, answered: asyncio.Event) -> None:
        if endpoint not in self._begun:
            self._begun[endpoint] = self._next_phone(), self._clock.now_ms()
        phone, since_ms = self._begun[endpoint]
        ended = self._ended[f"PJSIP/{endpoint}-{leg}"]
        left_ms = phone.after_ms - (self._clock.now_ms() - since_ms)
        if await _either(ended, answered, within_ms=max(0, left_ms)):
            self._over(leg, *CANCELLED)
        elif phone.outcome != "answered":
            self._over(leg, *STATUS[phone.outcome])
        else:
            answered.set()
            self._ami.emit("DialEnd", Uniqueid=self._caller, DestUniqueid=leg, DialStatus="ANSWER")
            for uniqueid in (leg, self._caller):
                self._ami.emit("BridgeEnter", Uniqueid=uniqueid, BridgeUniqueid="b")
            if not await _either(ended, within_ms=phone.talk_ms):
                self._ami.emit("HangupRequest", Uniqueid=leg)
            self._ami.emit("BridgeLeave", Uniqueid=leg, BridgeUniqueid="b")
            self._ami.emit("Hangup", Uniqueid=leg, Cause="16")

    def _next_phone(self) -> Phone:
        return self._phones.pop(0) if self._phones else Phone("rang_out", 15_000)

    def _over(self, leg: str, status: str, cause: str, sip: str) -> None:
        self._ami.emit("DialEnd", Uniqueid=self._caller, DestUniqueid=leg, DialStatus=status)
        self._ami.emit("Hangup", Uniqueid=leg, Cause=cause, TechCause=sip)

    def _end_leg(self, channel: str) -> None:
        self._ended[channel].set()

    # -- the caller ---------------------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        for key in keys:
            self._ami.emit("DTMFBegin", Uniqueid=self._caller, Direction="Received", Digit=key)
            self._ami.emit("DTMFEnd", Uniqueid=self._caller, Direction="Received", Digit=key, DurationMs="100")

    def hang_up(self) -> None:
        self._ami.emit("HangupRequest", Uniqueid=self._caller, Channel="PJSIP/trunk-1")
        for ended in self._ended.values():
            ended.set()
        self._ami.emit("Hangup", Uniqueid=self._caller, Channel="PJSIP/trunk-1", Cause="16")
        self._call.hang_up()

    def move(self) -> None:
        """Another server gets the call."""
        self._call.hang_up()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))


async def _either(*events: asyncio.Event, within_ms: int) -> bool:
    """Whether one of them came in time."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waiting, timeout=within_ms / 1000, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for each in waiting:
            each.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await each
