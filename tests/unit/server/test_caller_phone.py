"""A call that another server had before: what the caller keyed at a server that died is no part of an answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from agi.channel import Channel
from agi.keys import RUN_GAP_MS, KeySource
from agi.phone import DialOutcome
from ivr.numbers import Number
from ivr.ports import ALL_KEYS, Speech
from server.calls.caller_phone import HotlinePhone
from server.calls.open_calls import LiveCall
from simulator import virtual
from simulator.fake_asterisk import FakeCall, connect, environment, holding

pytestmark = pytest.mark.unit
QUESTION = [Speech("en", "Your number, please.")]


class Rig:
    """A caller who keys while a prompt plays for ever."""

    def __init__(self) -> None:
        self.asterisk = FakeCall(environment(), holding("STREAM FILE"))
        channel = Channel(self)
        connect(self.asterisk, channel)
        self.keys = KeySource(connected=True)
        self.call = LiveCall("call-1", Number("withheld", ""), "4000", 0)
        self.phone = HotlinePhone(
            channel, self._save_checkpoint, self.call, sounds=self, keys=self.keys, dial=self._dial, stop_playback=self._stop
        )

    def opened(self, channel: Channel) -> None: ...

    def ready(self, channel: Channel) -> None: ...

    def ended(self, channel: Channel) -> None: ...

    async def files(self, speech: Sequence[Speech]) -> list[str]:
        return ["/s/question"]

    async def _save_checkpoint(self) -> None: ...

    async def _dial(self, target: str, timeout_ms: int) -> DialOutcome:
        return "busy"

    async def _stop(self) -> None:
        self.asterisk.stop_playback()

    def key(self, key: str) -> None:
        """Both tell it: AGI at once, AMI too."""
        self.keys.began(key)
        self.keys.ended(key, 100)
        self.asterisk.press(key)


def played(script: Callable[[Rig], Awaitable[None]], *, interrupted: bool) -> str:
    """The first key that counts, of what a caller keys; some of it before the question."""

    async def whole() -> str:
        rig = Rig()
        await asyncio.sleep(0.01)
        rig.phone.interrupted(interrupted)
        rig.key("1")
        asking = asyncio.create_task(rig.phone.play(QUESTION, keys=ALL_KEYS))
        await asyncio.sleep(0.01)
        await script(rig)
        return await asking

    return virtual.run(whole())


async def keys_on_and_again(rig: Rig) -> None:
    for key in "234#":
        await asyncio.sleep(0.4)
        rig.key(key)
    await asyncio.sleep(RUN_GAP_MS / 1000 + 0.1)
    rig.key("7")


def test_the_rest_of_an_answer_that_a_death_interrupted_is_no_answer() -> None:
    """The question is put again, and goes on through what the caller still keys; what is keyed after a pause answers it."""
    assert played(keys_on_and_again, interrupted=True) == "7"


def test_a_call_that_was_moved_keeps_what_was_keyed() -> None:
    """Nothing was lost."""
    assert played(keys_on_and_again, interrupted=False) == "1"


def test_a_caller_who_keys_an_answer_is_known_to() -> None:
    """So that the call is not moved then."""

    async def whole() -> None:
        rig = Rig()
        await asyncio.sleep(0.01)
        assert not rig.call.keyed
        rig.key("1")
        assert await rig.phone.wait_key(1000) == "1"
        assert rig.call.keyed

    virtual.run(whole())
