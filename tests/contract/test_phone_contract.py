"""What every phone does with the caller's keys, prompts and end: a flow that was tried in the terminal behaves the same on a real call."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

from agi.channel import Channel
from agi.errors import ChannelHungUp
from agi.keys import KeySource
from agi.phone import AsteriskPhone, DialOutcome, Spoken
from ivr.ports import Phone, Speech
from ivr.premises import Premises
from ivr.terminal_phone import HungUp, TerminalPhone
from ivr.testing import CallerGone, ScriptedPhone, VirtualClock
from simulator.fake_asterisk import FakeCall, at_once, connect, environment, holding, verb

pytestmark = pytest.mark.contract

GONE = (ChannelHungUp, HungUp, CallerGone)
NOTICE, MENU = Speech("en", "This call is recorded."), Speech("en", "For billing, press 1.")
WAIT_MS = 5


class Rig(Protocol):
    """One caller with one kind of phone."""

    phone: Phone

    async def type_ahead(self, keys: str) -> None:
        """Keys pressed while nobody asked for any."""

    async def play(self, speech: Sequence[Speech], keys: str, pressed: str) -> str:
        """What `Phone.play` returns when the caller presses these keys as soon as it begins."""

    def pause(self) -> None:
        """The caller presses nothing when asked next."""

    def leave(self) -> None:
        """The caller hangs up."""

    def heard(self, speech: Speech) -> bool:
        """Whether that was said, in part at least."""


class ScriptedRig:
    def __init__(self) -> None:
        self.scripted = ScriptedPhone()
        self.phone: Phone = self.scripted

    async def type_ahead(self, keys: str) -> None:
        self.scripted.early.extend(keys)

    async def play(self, speech: Sequence[Speech], keys: str, pressed: str) -> str:
        self.scripted.keys.extend(pressed)
        return await self.phone.play(speech, keys=keys)

    def pause(self) -> None:
        self.scripted.keys.append("")

    def leave(self) -> None:
        self.scripted.keys.clear()

    def heard(self, speech: Speech) -> bool:
        return speech.text in self.scripted.said


class TerminalRig:
    """Keys are typed where a key is asked for, so what is pressed early stands behind a first key in one line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.screen: list[str] = []
        self.phone: Phone = TerminalPhone(self._read_line, self.screen.append, Premises({}), VirtualClock())

    async def _read_line(self, prompt: str) -> str:
        return self.lines.pop(0)

    async def type_ahead(self, keys: str) -> None:
        self.lines.append(f"0{keys}")
        assert await self.phone.wait_key(WAIT_MS) == "0"

    async def play(self, speech: Sequence[Speech], keys: str, pressed: str) -> str:
        if pressed:
            await self.type_ahead(pressed)
        return await self.phone.play(speech, keys=keys)

    def pause(self) -> None:
        self.lines.append("")

    def leave(self) -> None:
        self.lines.append("q")

    def heard(self, speech: Speech) -> bool:
        return any(speech.text in line for line in self.screen)


class Opened:
    def opened(self, channel: Channel) -> None: ...

    def ready(self, channel: Channel) -> None: ...

    def ended(self, channel: Channel) -> None: ...


class Files:
    async def files(self, speech: Sequence[Spoken]) -> list[str]:
        return [f"/s/{spoken.text}" for spoken in speech]


class AsteriskRig:
    """AMI tells every key; without it, only a command that waits for a key sees one, and AGI forgets the others."""

    def __init__(self, ami: bool) -> None:
        self.call = FakeCall(environment())
        channel = Channel(Opened())
        connect(self.call, channel)
        self.keys = KeySource(connected=ami)
        self.phone: Phone = AsteriskPhone(channel, sounds=Files(), keys=self.keys, dial=self._dial, stop_playback=self._stop)

    async def _dial(self, target: str, timeout_ms: int) -> DialOutcome:
        return "busy"

    async def _stop(self) -> None:
        self.call.stop_playback()

    async def type_ahead(self, keys: str) -> None:
        await self.play([NOTICE], "", keys)

    async def play(self, speech: Sequence[Speech], keys: str, pressed: str) -> str:
        self.call.script = holding("STREAM FILE")
        playing = asyncio.create_task(self.phone.play(speech, keys=keys))
        for key in pressed:
            await self._until_playing(playing)
            self.call.press(key)
            if self.keys.connected:
                self.keys.push(key)
        self.call.script = at_once
        await self._until_playing(playing)
        if not playing.done() and self.call.running:
            self.call.finish()
        return await playing

    async def _until_playing(self, playing: "asyncio.Task[str]") -> None:
        for _ in range(20):  # what has been sent arrives within a few turns of the loop; a key may have ended the prompt
            await asyncio.sleep(0)
            if playing.done():
                return

    def pause(self) -> None:
        pass

    def leave(self) -> None:
        self.call.hang_up()

    def heard(self, speech: Speech) -> bool:
        return any(verb(words) == "STREAM FILE" and words[2] == f"/s/{speech.text}" for words in self.call.commands)


RIGS: dict[str, Callable[[], Rig]] = {
    "scripted": ScriptedRig,
    "terminal": TerminalRig,
    "asterisk": lambda: AsteriskRig(True),
    "asterisk_without_ami": lambda: AsteriskRig(False),
}


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> Rig:
    return RIGS[request.param]()


async def keys_of(rig: Rig, count: int) -> str:
    return "".join([await rig.phone.wait_key(WAIT_MS) for _ in range(count)])


async def no_key(rig: Rig) -> bool:
    rig.pause()
    return await rig.phone.wait_key(WAIT_MS) == ""


async def test_all_is_said_when_nobody_presses_a_key(rig: Rig) -> None:
    assert await rig.play([NOTICE, MENU], "12", "") == ""
    assert rig.heard(NOTICE)
    assert rig.heard(MENU)


async def test_a_expected_key_stops_the_prompt_and_is_taken(rig: Rig) -> None:
    """It is returned once; nobody finds it again."""
    assert await rig.play([MENU], "12", "2") == "2"
    assert await no_key(rig)


async def test_a_prompt_without_keys_is_said_to_its_end_and_keeps_them(rig: Rig) -> None:
    """A legal notice cannot be cut short, and what was pressed meanwhile is no loss."""
    assert await rig.play([NOTICE], "", "47") == ""
    assert rig.heard(NOTICE)
    assert await keys_of(rig, 2) == "47"


async def test_keys_typed_over_a_notice_answer_the_menu_behind_it_at_once(rig: Rig) -> None:
    """Whoever knows the way does not hear the menu."""
    await rig.type_ahead("1")
    assert await rig.phone.play([MENU], keys="12") == "1"
    assert not rig.heard(MENU)


async def test_typed_ahead_keys_serve_several_questions_in_order(rig: Rig) -> None:
    """One key for the first menu, one for the second, the rest for an entry."""
    await rig.type_ahead("1247#")
    assert await rig.phone.play([MENU], keys="12") == "1"
    assert await rig.phone.play([MENU], keys="12") == "2"
    assert await keys_of(rig, 3) == "47#"


async def test_a_key_nobody_wants_stays_for_whoever_waits(rig: Rig) -> None:
    """The menu reads it after its prompt, and can say that it is wrong."""
    assert await rig.play([MENU], "12", "9") == ""
    assert await keys_of(rig, 1) == "9"


async def test_a_expected_key_counts_though_a_wrong_one_came_first(rig: Rig) -> None:
    """The wrong one is gone then: it must not answer the next question."""
    assert await rig.play([MENU], "12", "91") == "1"
    assert await no_key(rig)


async def test_that_holds_for_keys_typed_ahead_too(rig: Rig) -> None:
    await rig.type_ahead("9147")
    assert await rig.phone.play([MENU], keys="12") == "1"
    assert not rig.heard(MENU)
    assert await keys_of(rig, 2) == "47"


async def test_nobody_presses_a_key_in_time(rig: Rig) -> None:
    assert await no_key(rig)


async def test_forgotten_keys_answer_nothing(rig: Rig) -> None:
    await rig.type_ahead("12")
    rig.phone.forget_keys()
    assert await rig.phone.play([MENU], keys="12") == ""
    assert rig.heard(MENU)
    assert await no_key(rig)


async def test_music_takes_no_keys(rig: Rig) -> None:
    await rig.type_ahead("5")
    await rig.phone.music(True)
    await rig.phone.music(False)
    assert await keys_of(rig, 1) == "5"


async def test_everything_but_hanging_up_raises_when_the_caller_is_gone(rig: Rig) -> None:
    """A flow never goes on talking to nobody; ending what has ended is harmless."""
    rig.leave()
    with pytest.raises(GONE):
        await rig.phone.wait_key(60_000)
    with pytest.raises(GONE):
        await rig.phone.play([MENU], keys="1")
    with pytest.raises(GONE):
        await rig.phone.music(True)
    with pytest.raises(GONE):
        await rig.phone.answer()
    await rig.phone.hang_up()
