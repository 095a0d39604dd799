"""What every line does with announcements, offers, keys and the caller's end: what the tests of a stay believe is what a real call does."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from routing.domain.outcomes import OfferOutcome
from routing.domain.phone_address import phone_of
from routing.ports import Offer, OfferResult, WaitingCaller
from simulator import virtual
from tests.contract.asterisk_caller import AsteriskCaller, small_site
from tests.scripted_caller import Phone, ScriptedCaller

pytestmark = pytest.mark.contract

LAG_MS = 300  # what a real line may take for what is done at once: AMI and AGI tell it on two connections


class Rig(Protocol):
    """One waiting caller on one kind of line."""

    @property
    def line(self) -> WaitingCaller: ...

    @property
    def heard(self) -> list[str]:
        """`music` and `words`, in the order in which they began."""

    def renders_for(self, ms: int) -> None:
        """The next announcement is made for so long before it can be said."""

    def press(self, *keys: str) -> None: ...

    def hang_up(self) -> None: ...

    def move(self) -> None:
        """The call goes on at another server."""

    async def close(self) -> None: ...


class ScriptedRig:
    def __init__(self, *phones: Phone) -> None:
        self.line = ScriptedCaller(*phones)
        self.press, self.hang_up = self.line.press, self.line.hang_up

    @property
    def heard(self) -> list[str]:
        kinds = {"music": "music", "position": "words", "comfort": "words"}
        return [kinds[what.split()[0]] for _, what in self.line.did if what.split()[0] in kinds]

    def renders_for(self, ms: int) -> None:
        self.line.render_ms = ms

    def move(self) -> None:
        self.line.elsewhere = True
        self.line.hang_up()

    async def close(self) -> None:
        """Nothing runs here."""


class AsteriskRig(AsteriskCaller):
    def renders_for(self, ms: int) -> None:
        self.sounds.render_ms = ms


Script = Callable[[Rig], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture(params=["scripted", "asterisk"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    """Runs a script on a line whose agents' phones do as given, in virtual time."""
    site = small_site(tmp_path) if request.param == "asterisk" else None

    async def whole(script: Script, phones: tuple[Phone, ...]) -> None:
        rig: Rig = AsteriskRig(site, phones) if site else ScriptedRig(*phones)
        await asyncio.sleep(0.01)
        try:
            await script(rig)
        finally:
            await rig.close()

    return lambda script, *phones: virtual.run(whole(script, phones))


def now_ms() -> int:
    return round(1000 * asyncio.get_running_loop().time())


def ring(offer: str = "o1", phone: str = "1001") -> Offer:
    return Offer(offer, "c1", f"agent-{phone}", phone_of(phone), 15_000, "billing")


def announce(rig: Rig) -> "asyncio.Task[None]":
    return asyncio.ensure_future(rig.line.announce("position", position=2, wait_ms=None))


def start(rig: Rig, told: list[str], **which: str) -> "asyncio.Task[OfferResult]":
    return asyncio.ensure_future(rig.line.ring(ring(**which), told.append))


def test_an_announcement_is_said_and_the_music_goes_on(play: Play) -> None:
    """Music comes before and after it."""

    async def script(rig: Rig) -> None:
        await rig.line.music()
        await announce(rig)
        assert rig.heard == ["music", "words", "music"]

    play(script)


def test_music_goes_on_while_the_words_are_made(play: Play) -> None:
    """Nobody hears silence because a speech program is slow."""

    async def script(rig: Rig) -> None:
        await rig.line.music()
        rig.renders_for(6000)
        saying = announce(rig)
        await asyncio.sleep(5)
        assert rig.heard == ["music"]
        await saying
        assert rig.heard == ["music", "words", "music"]

    play(script)


@pytest.mark.parametrize("after_ms", [0, 1, 500, 2900])
def test_an_interruption_ends_the_words_at_once(play: Play, after_ms: int) -> None:
    """At whichever moment it comes; the music is left to whoever interrupted."""

    async def script(rig: Rig) -> None:
        saying = announce(rig)
        await asyncio.sleep(after_ms / 1000)
        began_ms = now_ms()
        await rig.line.interrupt()
        await saying
        assert now_ms() - began_ms <= LAG_MS
        assert "music" not in rig.heard

    play(script)


def test_an_interruption_ends_the_making_of_words_at_once(play: Play) -> None:
    """They are not said afterwards."""

    async def script(rig: Rig) -> None:
        rig.renders_for(6000)
        saying = announce(rig)
        await asyncio.sleep(1)
        began_ms = now_ms()
        await rig.line.interrupt()
        await saying
        assert now_ms() - began_ms <= LAG_MS
        await asyncio.sleep(20)
        assert rig.heard == []

    play(script)


def test_an_interruption_without_an_announcement_changes_nothing(play: Play) -> None:
    """The next announcement is said."""

    async def script(rig: Rig) -> None:
        await rig.line.interrupt()
        await announce(rig)
        assert rig.heard == ["words", "music"]

    play(script)


@pytest.mark.parametrize("render_ms", [0, 6000])
def test_a_phone_rings_as_soon_as_an_announcement_is_interrupted(play: Play, render_ms: int) -> None:
    """What is said or made holds up no offer."""

    async def script(rig: Rig) -> None:
        rig.renders_for(render_ms)
        saying = announce(rig)
        await asyncio.sleep(1)
        began_ms, told = now_ms(), list[str]()
        await rig.line.interrupt()
        await saying
        ringing = start(rig, told)
        await asyncio.sleep(LAG_MS / 1000)
        assert told == ["ringing"]
        assert (await ringing).outcome == "answered"
        assert now_ms() - began_ms <= 6000 + LAG_MS

    play(script, Phone(after_ms=1000, talk_ms=5000))


def test_a_caller_who_hangs_up_ends_an_announcement(play: Play) -> None:
    """It returns, said or still being made, and `gone` tells."""
    for render_ms in (0, 6000):

        async def script(rig: Rig, render_ms: int = render_ms) -> None:
            rig.renders_for(render_ms)
            saying = announce(rig)
            await asyncio.sleep(1)
            rig.hang_up()
            await rig.line.gone()
            assert await rig.line.call_over()
            await rig.line.interrupt()
            await saying

        play(script)


def test_an_answered_ring(play: Play) -> None:
    """It is told step by step; the result comes after the talk, with its length and who ended it."""

    async def script(rig: Rig) -> None:
        told: list[str] = []
        result = await start(rig, told)
        assert told == ["ringing", "answered"]
        assert (result.outcome, result.talk_ms, result.ended_by) == ("answered", 30_000, "agent")

    play(script, Phone(after_ms=2000, talk_ms=30_000))


@pytest.mark.parametrize("outcome", ["declined", "busy", "rang_out"])
def test_a_ring_that_comes_to_nothing(play: Play, outcome: OfferOutcome) -> None:
    """Each way is told apart, and how long it rang."""

    async def script(rig: Rig) -> None:
        told: list[str] = []
        result = await start(rig, told)
        assert (told, result.outcome) == (["ringing"], outcome)
        assert 4000 <= result.ring_ms <= 4000 + LAG_MS

    play(script, Phone(outcome, after_ms=4000))


def test_a_withdrawn_ring_ends_at_once(play: Play) -> None:
    """And a withdrawal of what does not ring changes nothing."""

    async def script(rig: Rig) -> None:
        await rig.line.withdraw("o9")
        ringing = start(rig, [])
        await asyncio.sleep(2)
        began_ms = now_ms()
        await rig.line.withdraw("o1")
        assert (await ringing).outcome == "withdrawn"
        assert now_ms() - began_ms <= LAG_MS

    play(script, Phone(after_ms=10_000))


def test_a_withdrawal_that_crosses_the_answer_ends_the_talk(play: Play) -> None:
    """For whoever withdrew there was none: the caller waits on."""

    async def script(rig: Rig) -> None:
        ringing = start(rig, [])
        await asyncio.sleep(1.5)
        assert await rig.line.withdraw("o1")
        assert (await ringing).outcome == "withdrawn"
        assert now_ms() <= 1500 + LAG_MS

    play(script, Phone(after_ms=1000, talk_ms=30_000))


def test_a_withdrawal_long_after_the_answer_comes_too_late(play: Play) -> None:
    """They talk on."""

    async def script(rig: Rig) -> None:
        ringing = start(rig, [])
        await asyncio.sleep(3)
        assert not await rig.line.withdraw("o1")
        result = await ringing
        assert (result.outcome, result.talk_ms) == ("answered", 30_000)

    play(script, Phone(after_ms=1000, talk_ms=30_000))


def test_of_several_the_first_to_answer_has_the_caller(play: Play) -> None:
    """The other comes back withdrawn while the two talk."""

    async def script(rig: Rig) -> None:
        told: list[str] = []
        slow, fast = start(rig, []), start(rig, told, offer="o2", phone="1002")
        assert (await slow).outcome == "withdrawn"
        assert not fast.done()
        result = await fast
        assert told == ["ringing", "answered"]
        assert (result.outcome, result.ended_by) == ("answered", "agent")

    play(script, Phone(after_ms=9000), Phone(after_ms=3000, talk_ms=30_000))


def test_a_phone_that_joins_rings_beside_the_first(play: Play) -> None:
    """One declines, the other is rung on."""

    async def script(rig: Rig) -> None:
        first = start(rig, [])
        await asyncio.sleep(1)
        second = start(rig, [], offer="o2", phone="1002")
        assert (await first).outcome == "declined"
        assert (await second).outcome == "answered"

    play(script, Phone("declined", after_ms=3000), Phone(after_ms=5000, talk_ms=1000))


def test_the_caller_hangs_up_while_a_phone_rings(play: Play) -> None:
    """The ring ends without an answer."""

    async def script(rig: Rig) -> None:
        ringing = start(rig, [])
        await asyncio.sleep(1)
        rig.hang_up()
        assert (await ringing).outcome == "withdrawn"
        await rig.line.gone()
        assert await rig.line.call_over()

    play(script, Phone(after_ms=10_000))


def test_the_caller_hangs_up_in_a_talk(play: Play) -> None:
    """The talk is told, as ended by the caller."""

    async def script(rig: Rig) -> None:
        ringing = start(rig, [])
        await asyncio.sleep(6)
        rig.hang_up()
        result = await ringing
        assert (result.outcome, result.talk_ms, result.ended_by) == ("answered", 5000, "caller")

    play(script, Phone(after_ms=1000, talk_ms=60_000))


def test_keys_come_in_order_also_while_a_phone_rings(play: Play) -> None:
    """The same key twice is two keys."""

    async def script(rig: Rig) -> None:
        rig.press("1", "1")
        ringing = start(rig, [])
        await asyncio.sleep(1)
        rig.press("9")
        assert [await rig.line.next_key() for _ in range(3)] == ["1", "1", "9"]
        await rig.line.withdraw("o1")
        await ringing

    play(script, Phone(after_ms=10_000))


def test_a_call_that_goes_on_elsewhere_is_not_over(play: Play) -> None:
    """The caller is not here any more, and has not left."""

    async def script(rig: Rig) -> None:
        gone: asyncio.Task[Any] = asyncio.ensure_future(rig.line.gone())
        await asyncio.sleep(1)
        assert not gone.done()
        rig.move()
        await gone
        assert not await rig.line.call_over()

    play(script)
