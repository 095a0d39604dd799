"""A telephone on an AGI channel: no key is lost or taken twice, with AMI and without. No sockets."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

import agi.phone
from agi.ami.errors import AmiNotConnected
from agi.channel import Channel
from agi.errors import ChannelHungUp, SoundMissing
from agi.keys import KeySource
from agi.phone import AsteriskPhone, DialOutcome, Spoken
from simulator.fake_asterisk import CLIP_SAMPLES, FakeCall, Script, at_once, connect, environment, holding

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Clip:
    text: str
    language: str = "en"
    recording: str = ""


HELLO, MENU = Clip("hello"), Clip("menu")


class Files:
    async def files(self, speech: Sequence[Spoken]) -> list[str]:
        return [f"/s/{spoken.text}" for spoken in speech]


class Opened:
    def opened(self, channel: Channel) -> None: ...

    def ready(self, channel: Channel) -> None: ...

    def ended(self, channel: Channel) -> None: ...


@dataclass
class Rig:
    """One caller's phone, the call at Asterisk's side, and the keys that AMI tells."""

    ami: bool = True
    script: Script = at_once
    missing: tuple[str, ...] = ()
    stops: int = 0
    stop_fails: bool = False
    dialled: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.call = FakeCall(environment(), self.script, self.missing)
        self.stopped = asyncio.Event()
        self.channel = Channel(Opened())
        connect(self.call, self.channel)
        self.keys = KeySource(connected=self.ami)
        self.phone = AsteriskPhone(
            self.channel, sounds=Files(), keys=self.keys, dial=self._dial, stop_playback=self._stop, music_class="calm"
        )

    async def _dial(self, target: str, timeout_ms: int) -> DialOutcome:
        self.dialled.append((target, timeout_ms))
        return "busy"

    async def _stop(self) -> None:
        self.stops += 1
        self.stopped.set()
        if self.stop_fails:
            raise AmiNotConnected("AMI is away")
        self.call.stop_playback()

    def press(self, key: str) -> None:
        """The caller presses a key: AGI sees it if a command waits for it, AMI sees it always."""
        self.call.press(key)
        if self.keys.connected:
            self.keys.push(key)

    @property
    def played(self) -> list[tuple[str, str, str]]:
        return [(words[2], words[3], words[4]) for words in self.call.commands if words[:2] == ["STREAM", "FILE"]]


both = pytest.mark.parametrize("ami", [True, False])


@both
async def test_it_says_all(ami: bool) -> None:
    """One clip per command, in order, no key: nothing returned."""
    rig = Rig(ami)
    assert await rig.phone.play([HELLO, MENU]) == ""
    assert [name for name, *_ in rig.played] == ["/s/hello", "/s/menu"]


@both
async def test_a_key_stops_the_prompt(ami: bool) -> None:
    """The rest is not said, the key is returned once and is gone."""
    rig = Rig(ami, holding("STREAM FILE"))
    playing = asyncio.create_task(rig.phone.play([HELLO, MENU], keys="12"))
    await rig.call.until_running("STREAM FILE")
    rig.press("2")
    assert await playing == "2"
    assert len(rig.played) == 1
    rig.call.script = at_once
    assert await rig.phone.wait_key(0) == ""


@both
async def test_a_key_during_a_legal_notice_is_kept(ami: bool) -> None:
    """A prompt without keys is said to its end; the key counts for what comes next."""
    rig = Rig(ami, holding("STREAM FILE"))
    playing = asyncio.create_task(rig.phone.play([HELLO]))
    await rig.call.until_running("STREAM FILE")
    rig.press("5")
    if not ami:  # AGI has to stop the clip to see the key; it goes on where it stopped
        await rig.call.until(lambda call: len(call.commands) == 2 and call.running is not None)
        assert rig.played[1] == ("/s/hello", agi.phone.ALL_KEYS, str(CLIP_SAMPLES // 2))
    rig.call.finish("200 result=0 endpos=16000")
    assert await playing == ""
    assert await rig.phone.play([MENU], keys="5") == "5"
    assert [name for name, *_ in rig.played if name == "/s/menu"] == []


@both
async def test_an_unwanted_key_is_kept_for_the_wait_that_follows(ami: bool) -> None:
    """A wrong key during a menu's prompt is what the menu then reads, and calls wrong."""
    rig = Rig(ami, holding("STREAM FILE"))
    playing = asyncio.create_task(rig.phone.play([HELLO], keys="12"))
    await rig.call.until_running("STREAM FILE")
    rig.press("9")
    if not ami:
        await rig.call.until(lambda call: len(call.commands) == 2 and call.running is not None)
    rig.call.finish("200 result=0 endpos=16000")
    assert await playing == ""
    assert await rig.phone.wait_key(1000) == "9"


async def test_keys_typed_ahead_come_in_order() -> None:
    """An account number typed before it is asked for."""
    rig = Rig()
    for key in "4711#":
        rig.keys.push(key)
    assert "".join([await rig.phone.wait_key(1000) for _ in range(5)]) == "4711#"
    assert rig.call.commands == []


async def test_forgotten_keys_are_gone() -> None:
    """Those kept here and those still at AMI."""
    rig = Rig()
    rig.keys.push("9")
    await rig.phone.play([HELLO], keys="1")
    rig.keys.push("8")
    rig.phone.forget_keys()
    assert await rig.phone.wait_key(0) == ""


async def test_a_key_pressed_between_two_clips_stops_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """AGI never saw it; AMI reports it when the clip already plays, and is asked to stop that."""
    monkeypatch.setattr(agi.phone, "STOP_GRACE_S", 0)
    rig = Rig(script=holding("STREAM FILE"))
    playing = asyncio.create_task(rig.phone.play([HELLO], keys="1"))
    await rig.call.until_running("STREAM FILE")
    rig.keys.push("1")
    assert await playing == "1"
    assert rig.stops == 1


async def test_a_stop_that_fails_only_costs_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt runs to its end, the key is not lost."""
    monkeypatch.setattr(agi.phone, "STOP_GRACE_S", 0)
    rig = Rig(script=holding("STREAM FILE"), stop_fails=True)
    playing = asyncio.create_task(rig.phone.play([HELLO], keys="1"))
    await rig.call.until_running("STREAM FILE")
    rig.keys.push("1")
    await rig.stopped.wait()
    rig.call.finish()
    assert await playing == "1"


async def test_agi_may_be_faster_than_ami() -> None:
    """The digit that AGI returned is the key that AMI reports a moment later: one key, not two."""
    rig = Rig(script=holding("STREAM FILE"))
    playing = asyncio.create_task(rig.phone.play([HELLO], keys="1"))
    await rig.call.until_running("STREAM FILE")
    rig.call.press("1")
    for _ in range(10):
        await asyncio.sleep(0)
    assert not playing.done()
    rig.keys.push("1")
    assert await playing == "1"
    assert await rig.phone.wait_key(0) == ""


async def test_a_key_that_ami_never_reports_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """AGI's digit is taken itself after a moment."""
    monkeypatch.setattr(agi.phone, "AMI_LAG_MS", 0)
    rig = Rig(script=holding("STREAM FILE"))
    playing = asyncio.create_task(rig.phone.play([HELLO], keys="1"))
    await rig.call.until_running("STREAM FILE")
    rig.call.press("1")
    assert await playing == "1"


async def test_the_echo_of_a_key_answers_nothing() -> None:
    """A key let go between two prompts has counted; Asterisk plays its end into the next one, which goes on where it was stopped."""
    rig = Rig(script=holding("STREAM FILE"))
    rig.keys.ended("1", 240)
    assert await rig.phone.wait_key(1000) == "1"
    playing = asyncio.create_task(rig.phone.play([MENU], keys="12"))
    await rig.call.until_running("STREAM FILE")
    rig.call.press("1")
    await rig.call.until(lambda call: len(call.commands) == 2 and call.running is not None)
    assert rig.played[1] == ("/s/menu", "12", str(CLIP_SAMPLES // 2))
    rig.press("2")
    assert await playing == "2"


async def test_the_same_key_again_stops_the_prompt() -> None:
    """It is no echo: AMI tells it, before AGI or a moment later."""
    for first in ("ami", "agi"):
        rig = Rig(script=holding("STREAM FILE"))
        rig.keys.ended("1", 240)
        assert await rig.phone.wait_key(1000) == "1"
        playing = asyncio.create_task(rig.phone.play([MENU], keys="12"))
        await rig.call.until_running("STREAM FILE")
        if first == "ami":
            rig.keys.began("1")
            rig.keys.ended("1", 100)
            rig.call.press("1")
        else:
            rig.call.press("1")
            await asyncio.sleep(0)
            rig.keys.began("1")
            rig.keys.ended("1", 100)
        assert await playing == "1"
        assert len(rig.played) == 1


async def test_the_same_key_told_late_stops_the_prompt_that_went_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """AMI was held up: the prompt goes on for a moment, and no key is lost."""
    monkeypatch.setattr(agi.phone, "ECHO_LAG_MS", 0)
    monkeypatch.setattr(agi.phone, "STOP_GRACE_S", 0)
    rig = Rig(script=holding("STREAM FILE"))
    rig.keys.ended("1", 240)
    assert await rig.phone.wait_key(1000) == "1"
    playing = asyncio.create_task(rig.phone.play([MENU], keys="12"))
    await rig.call.until_running("STREAM FILE")
    rig.call.press("1")
    await rig.call.until(lambda call: len(call.commands) == 2 and call.running is not None)
    rig.keys.began("1")
    rig.keys.ended("1", 100)
    assert await playing == "1"
    assert rig.stops == 1


async def test_a_key_counted_by_agi_is_not_counted_again_when_ami_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """AMI was held up for longer than it is waited for."""
    monkeypatch.setattr(agi.phone, "AMI_LAG_MS", 0)
    rig = Rig(script=holding("STREAM FILE"))
    playing = asyncio.create_task(rig.phone.play([HELLO], keys="1"))
    await rig.call.until_running("STREAM FILE")
    rig.call.press("1")
    assert await playing == "1"
    rig.keys.began("1")
    rig.keys.ended("1", 100)
    assert await rig.phone.wait_key(0) == ""


async def test_an_echo_is_none_after_ami_went_away_either() -> None:
    """Neither in a prompt nor while a key is awaited."""
    rig = Rig(script=holding("STREAM FILE", "WAIT FOR DIGIT"))
    for key in "12":
        rig.keys.began(key)
        rig.keys.ended(key, 240)
        assert await rig.phone.wait_key(1000) == key
    rig.keys.set_connected(False)
    playing = asyncio.create_task(rig.phone.play([MENU], keys="12"))
    await rig.call.until_running("STREAM FILE")
    rig.call.press("1")
    await rig.call.until(lambda call: len(call.commands) == 2 and call.running is not None)
    rig.call.finish("200 result=0 endpos=16000")
    assert await playing == ""
    waiting = asyncio.create_task(rig.phone.wait_key(60_000))
    await rig.call.until_running("WAIT FOR DIGIT")
    rig.call.press("2")
    await rig.call.until(lambda call: len(call.commands) == 4 and call.running is not None)
    rig.call.press("2")
    assert await waiting == "2"


async def test_ami_goes_away_while_a_key_is_awaited() -> None:
    """WAIT FOR DIGIT takes over."""
    rig = Rig(script=holding("WAIT FOR DIGIT"))
    waiting = asyncio.create_task(rig.phone.wait_key(60_000))
    await asyncio.sleep(0)
    rig.keys.set_connected(False)
    await rig.call.until_running("WAIT FOR DIGIT")
    rig.call.press("7")
    assert await waiting == "7"


@both
async def test_a_caller_who_hangs_up_ends_the_wait(ami: bool) -> None:
    """Nobody waits for a key of somebody who is gone."""
    rig = Rig(ami, holding("WAIT FOR DIGIT"))
    waiting = asyncio.create_task(rig.phone.wait_key(60_000))
    if not ami:
        await rig.call.until_running("WAIT FOR DIGIT")
    rig.call.hang_up()
    with pytest.raises(ChannelHungUp):
        await waiting


@both
async def test_a_caller_who_hangs_up_ends_the_prompt(ami: bool) -> None:
    """result=-1 is a hang-up here, not a missing file."""
    rig = Rig(ami, holding("STREAM FILE"))
    playing = asyncio.create_task(rig.phone.play([HELLO], keys="1"))
    await rig.call.until_running("STREAM FILE")
    rig.call.hang_up()
    with pytest.raises(ChannelHungUp):
        await playing


@both
async def test_a_missing_file_is_told_apart(ami: bool) -> None:
    """The same result=-1 while the channel is up; the message names the file."""
    rig = Rig(ami, missing=("/s/hello",))
    with pytest.raises(SoundMissing, match="/s/hello"):
        await rig.phone.play([HELLO], keys="1")


async def test_answer_does_not_wait_for_audio() -> None:
    """Asterisk's plain Answer waits up to half a second."""
    rig = Rig()
    await rig.phone.answer()
    assert rig.call.commands == [["EXEC", "Answer", ",i"]]


async def test_music_dial_and_hang_up() -> None:
    """Music of the class that was chosen; dialling is handed on; hanging up twice is harmless."""
    rig = Rig()
    await rig.phone.music(True)
    await rig.phone.music(True, "loud")
    await rig.phone.music(False)
    assert [words[2:] for words in rig.call.commands] == [["ON", "calm"], ["ON", "loud"], ["OFF"]]
    assert await rig.phone.dial("+4930", 20_000) == "busy"
    assert rig.dialled == [("+4930", 20_000)]
    await rig.phone.hang_up()
    await rig.channel.wait_closed()
    await rig.phone.hang_up()


async def test_a_key_hammered_for_ever_fills_nothing() -> None:
    """What is kept is limited."""
    rig = Rig()
    for _ in range(5):
        for _ in range(100):
            rig.keys.push("1")
        assert await rig.phone.play([HELLO], keys="#") == ""
    read = 0
    while await rig.phone.wait_key(0):
        read += 1
    assert read <= 2 * agi.phone.MOST_KEPT


async def test_ami_comes_back_while_agi_awaits_a_key() -> None:
    """Both tell the next key; it counts once, and those behind it in their order."""
    rig = Rig(script=holding("WAIT FOR DIGIT"))
    rig.keys.set_connected(False)
    waiting = asyncio.create_task(rig.phone.wait_key(10_000))
    await rig.call.until_running("WAIT FOR DIGIT")
    rig.keys.set_connected(True)
    for key in "34":
        rig.keys.began(key)
        rig.keys.ended(key, 100)
    rig.call.press("3")
    assert await waiting == "3"
    assert [await rig.phone.wait_key(0), await rig.phone.wait_key(0)] == ["4", ""]
