"""One stay in a queue, on a line that does what the test says and in virtual time: every stage, every end, and what is left behind."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from routing.client.queue_stay import QueueStay, Waited
from routing.client.stay_events import TimeToAnnounce
from routing.domain.messages import ContactLeft, Message, OfferAnswered, OfferEnded, OfferRinging, TalkEnded
from routing.domain.model import QueuePolicy, WaitForecast
from routing.domain.orders import LeaveOrder, MoveOrder, OfferOrder, WithdrawOrder
from routing.domain.outcomes import OfferOutcome
from routing.ports import OfferResult
from simulator import virtual
from tests.scripted_caller import Phone, ScriptedCaller

pytestmark = pytest.mark.unit

FAILURES: tuple[OfferOutcome, ...] = ("declined", "busy", "rang_out", "unreachable", "failed", "withdrawn")


class CallerFailed(Exception):
    """What a line raises when its caller is gone."""


class Scene:
    """A visit under way; `posted` is what the router was told, `waited` how the stay ended."""

    def __init__(
        self,
        *phones: Phone,
        exit_keys: str = "",
        first_ms: int = 0,
        every_ms: int = 0,
        position: int = 2,
        wait_ms: int | None = None,
        **policy: Any,
    ) -> None:
        told = QueuePolicy("support", first_position_ms=first_ms, every_position_ms=every_ms, **policy)
        other = QueuePolicy("other", first_position_ms=5_000, every_position_ms=0, whisper={"en": "Other."}, announce_wait=True)
        self.line = ScriptedCaller(*phones)
        self.posted: list[Message] = []
        policies, told_wait = {"support": told, "other": other}, WaitForecast(position, wait_ms)
        self.stay = QueueStay("c1", "support", lambda: policies, self.line, self.posted.append, lambda: told_wait, exit_keys=exit_keys)
        self.waited: Waited | None = None

    def rings(self, *offers: str) -> None:
        """The router orders to ring for these offers; the phone is called like its offer."""
        for offer in offers:
            self.stay.notify(OfferOrder("c1", offer, f"agent-{offer}", "voice", f"phone-{offer}", "support", 15_000))

    def takes_back(self, offer: str) -> None:
        self.stay.notify(WithdrawOrder("c1", offer))

    def did(self, *beginnings: str) -> list[tuple[int, str]]:
        """What the line was asked for, if it begins so."""
        return [(at, what) for at, what in self.line.did if what.startswith(beginnings or ("",))]


def play(scene: Scene, script: Callable[[Scene], Awaitable[None]] | None = None) -> Scene:
    """Run the stay beside the script, to the end of both. Whatever happens, no task and no timer outlives the stay."""

    async def whole() -> None:
        stay = asyncio.create_task(scene.stay.run())
        await asyncio.sleep(0)
        if script:
            await script(scene)
        try:
            scene.waited = await stay
        finally:
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            timers = cast(Any, asyncio.get_running_loop())._scheduled
            assert [timer for timer in timers if not timer.cancelled()] == []

    virtual.run(whole())
    return scene


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_music_begins_with_the_stay_and_waiting_costs_nothing() -> None:
    """Without announcements nothing is scheduled: a caller who waits needs no timer and no work until something happens."""
    scene = Scene(exit_keys="0")
    with pytest.raises(virtual.Deadlock):
        virtual.run(scene.stay.run())
    assert scene.line.did[0] == (0, "music")
    assert [what for _, what in scene.did() if what != "music"] == []


def test_announcements_come_at_first_and_then_every_so_often() -> None:
    """The second one is counted from the end of the first; music goes on between."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(50)
        scene.line.hang_up()

    scene = play(Scene(first_ms=8_000, every_ms=20_000), script)
    assert scene.line.did == [(0, "music"), (8_000, "position 2"), (11_000, "music"), (31_000, "position 2"), (34_000, "music")]


def test_an_unknown_position_is_comforted() -> None:
    """Position 0 is not known: the caller hears that it goes on, never a wrong place."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(9)
        scene.line.hang_up()

    assert (8_000, "comfort 0") in play(Scene(first_ms=8_000, position=0), script).line.did


def test_a_first_announcement_alone() -> None:
    """With `every` 0 nothing follows the first one."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(3600)
        scene.line.hang_up()

    assert play(Scene(first_ms=8_000), script).did("position") == [(8_000, "position 2")]


def test_an_announcement_that_breaks_ends_nothing() -> None:
    """A prompt that cannot be said takes neither the caller nor an offer from the queue."""

    async def script(scene: Scene) -> None:
        scene.line.fault = CallerFailed("cannot be said")
        await asyncio.sleep(10)
        scene.line.fault = None
        scene.rings("o1")

    scene = play(Scene(Phone(), first_ms=8_000), script)
    assert scene.waited is not None
    assert scene.waited.outcome == "answered"


# -- offers ------------------------------------------------------------------------------------------------------------


def test_an_answered_offer_is_told_step_by_step() -> None:
    """Ringing, answered, ended: each when it happens; the stay ends with the talk."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(4)
        scene.rings("o1")
        await asyncio.sleep(0.5)
        assert scene.posted == [OfferRinging("c1", "o1")]
        await asyncio.sleep(1)
        assert scene.posted[1:] == [OfferAnswered("c1", "o1")]

    scene = play(Scene(Phone(talk_ms=30_000)), script)
    result = OfferResult("answered", 1000, 30_000, "agent")
    assert scene.waited == Waited("answered", "c1", agent="agent-o1", result=result)
    assert scene.posted[2:] == [TalkEnded("c1", "o1", "agent", 30_000, 1000)]


def test_an_offer_ends_an_announcement_at_once() -> None:
    """The phone rings in the same millisecond in which the offer came; no later announcement disturbs the talk."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(9)
        scene.rings("o1")

    scene = play(Scene(Phone(talk_ms=300_000), first_ms=8_000, every_ms=5_000), script)
    assert scene.line.did == [(0, "music"), (8_000, "position 2"), (9_000, "interrupt"), (9_000, "ring phone-o1")]


def test_an_offer_does_not_wait_for_words_that_are_still_being_made() -> None:
    """A slow speech program keeps no agent from a caller; nothing is said then, and the next announcement comes in its time."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(9)
        scene.rings("o1")
        await asyncio.sleep(40)
        scene.line.hang_up()

    scene = Scene(Phone("declined", 2_000), first_ms=8_000, every_ms=20_000)
    scene.line.render_ms = 6_000
    play(scene, script)
    assert scene.did("position", "ring", "interrupt") == [(9_000, "interrupt"), (9_000, "ring phone-o1"), (37_000, "position 2")]


def test_an_offer_that_comes_in_the_moment_of_an_announcement() -> None:
    """Whichever of the two is first in the inbox: the phone rings at once and nothing is said."""

    async def script(scene: Scene) -> None:
        scene.stay.notify(TimeToAnnounce())
        scene.rings("o1")

    scene = play(Scene(Phone(talk_ms=10_000)), script)
    assert scene.did("position", "ring") == [(0, "ring phone-o1")]


@pytest.mark.parametrize("outcome", FAILURES)
def test_an_offer_that_comes_to_nothing(outcome: OfferOutcome) -> None:
    """It is told with its outcome, music and announcements go on, and the next offer is rung."""

    async def script(scene: Scene) -> None:
        scene.rings("o1")
        await asyncio.sleep(10)
        scene.rings("o2")

    scene = play(Scene(Phone(outcome, 2_000), Phone(), every_ms=5_000), script)
    assert scene.posted[:2] == [OfferRinging("c1", "o1"), OfferEnded("c1", "o1", outcome, 2_000)]
    assert (2_000, "music") in scene.line.did
    assert (7_000, "position 2") in scene.line.did
    assert scene.waited is not None
    assert (scene.waited.outcome, scene.waited.agent) == ("answered", "agent-o2")


def test_a_ring_that_raises_is_a_failed_offer() -> None:
    """A defect in ringing costs the offer, never the caller's place."""

    async def script(scene: Scene) -> None:
        scene.rings("o1")
        await asyncio.sleep(1)
        scene.rings("o2")

    scene = play(Scene(Phone(fault=ValueError("no such endpoint")), Phone()), script)
    assert scene.posted[0] == OfferEnded("c1", "o1", "failed")
    assert scene.waited is not None
    assert scene.waited.agent == "agent-o2"


def test_ring_orders_of_one_moment_ring_at_once() -> None:
    """The first to answer has the caller; the other is told as withdrawn behind the answer."""

    async def script(scene: Scene) -> None:
        scene.rings("o1", "o2")
        await asyncio.sleep(1)
        assert scene.stay.offers == {"o1": "agent-o1", "o2": "agent-o2"}

    scene = play(Scene(Phone("rang_out", 9_000), Phone(after_ms=2_000, talk_ms=30_000)), script)
    assert scene.did("ring") == [(0, "ring phone-o1"), (0, "ring phone-o2")]
    assert scene.waited is not None
    assert scene.waited.agent == "agent-o2"
    told = [OfferAnswered("c1", "o2"), OfferEnded("c1", "o1", "withdrawn"), TalkEnded("c1", "o2", "agent", 30_000, 2_000)]
    assert scene.posted[2:] == told


def test_a_ring_order_while_another_phone_rings_rings_beside_it() -> None:
    """A refusal is told at once and starts no music while another phone rings."""

    async def script(scene: Scene) -> None:
        scene.rings("o1")
        await asyncio.sleep(1)
        scene.rings("o2")
        await asyncio.sleep(1.5)
        assert scene.posted[-1] == OfferEnded("c1", "o1", "declined", 2_000)
        assert scene.did("music") == [(0, "music")]

    scene = play(Scene(Phone("declined", 2_000), Phone(after_ms=3_000)), script)
    assert scene.did("ring") == [(0, "ring phone-o1"), (1_000, "ring phone-o2")]
    assert scene.waited is not None
    assert scene.waited.agent == "agent-o2"


def test_music_goes_on_when_the_last_of_several_has_refused() -> None:
    """And the next announcement is counted from there."""

    async def script(scene: Scene) -> None:
        scene.rings("o1", "o2")
        await asyncio.sleep(20)
        scene.line.hang_up()

    scene = play(Scene(Phone("declined", 2_000), Phone("busy", 3_000), every_ms=5_000), script)
    assert scene.did("music", "position")[:3] == [(0, "music"), (3_000, "music"), (8_000, "position 2")]


def test_one_of_several_is_taken_back() -> None:
    """Only that phone stops."""

    async def script(scene: Scene) -> None:
        scene.rings("o1", "o2")
        await asyncio.sleep(1)
        scene.takes_back("o2")
        await asyncio.sleep(0.1)
        assert scene.posted[-1] == OfferEnded("c1", "o2", "withdrawn")

    scene = play(Scene(Phone(after_ms=4_000), Phone(after_ms=3_000)), script)
    assert scene.did("withdraw") == [(1_000, "withdraw o2")]
    assert scene.waited is not None
    assert scene.waited.agent == "agent-o1"


def test_the_caller_hangs_up_while_several_ring() -> None:
    """One word to the router: the contact has left, which frees every agent."""

    async def script(scene: Scene) -> None:
        scene.rings("o1", "o2")
        await asyncio.sleep(1)
        scene.line.hang_up()

    scene = play(Scene(Phone(after_ms=9_000), Phone(after_ms=9_000)), script)
    assert scene.waited == Waited("abandoned", "c1")
    assert [message for message in scene.posted if not isinstance(message, OfferRinging)] == [ContactLeft("c1", "abandoned")]


def test_the_router_ends_the_wait_while_several_ring() -> None:
    """All phones stop, then the stay ends."""

    async def script(scene: Scene) -> None:
        scene.rings("o1", "o2")
        await asyncio.sleep(0.5)
        scene.stay.notify(LeaveOrder("c1", "timed_out"))

    scene = play(Scene(Phone(after_ms=9_000), Phone(after_ms=9_000)), script)
    assert scene.waited == Waited("timed_out", "c1")
    assert scene.did("withdraw") == [(500, "withdraw o1"), (500, "withdraw o2")]
    assert scene.posted[2:] == [OfferEnded("c1", "o1", "withdrawn"), OfferEnded("c1", "o2", "withdrawn")]


def test_what_is_ordered_for_a_phone_reaches_the_line() -> None:
    """The queue's whisper, the key to accept, the phone that answers by itself."""

    async def script(scene: Scene) -> None:
        scene.stay.notify(OfferOrder("c1", "o1", "anna", "voice", "+86138", "support", 15_000, auto_answer=True, accept=True))

    scene = play(Scene(Phone(), whisper={"zh": "账单"}), script)
    ring = scene.line.rings[0]
    assert (str(ring.phone), ring.whisper, ring.accept, ring.auto_answer) == ("+86138", {"zh": "账单"}, True, True)


def test_a_contact_that_is_moved_waits_by_the_other_queues_rules() -> None:
    """Announcements, the expected wait and the whisper are those of the new queue, counted from the move."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(2)
        scene.stay.notify(MoveOrder("c1", "other"))
        await asyncio.sleep(10)
        scene.rings("o1")

    scene = play(Scene(Phone(), first_ms=60_000, wait_ms=90_000), script)
    assert scene.did("position") == [(7_000, "position 2 wait 90000")]
    assert scene.line.rings[0].whisper == {"en": "Other."}


@pytest.mark.parametrize(("announced", "known", "said"), [(True, 90_000, " wait 90000"), (True, None, ""), (False, 90_000, "")])
def test_the_expected_wait_is_said_where_the_queue_wants_it_and_it_is_known(announced: bool, known: int | None, said: str) -> None:
    """Nothing is promised that is not known."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(9)
        scene.line.hang_up()

    scene = play(Scene(first_ms=8_000, wait_ms=known, announce_wait=announced), script)
    assert (8_000, f"position 2{said}") in scene.line.did


def test_an_offer_is_taken_back_while_the_phone_rings() -> None:
    """It stops ringing, the caller hears music, the next offer comes through."""

    async def script(scene: Scene) -> None:
        scene.rings("o1")
        await asyncio.sleep(0.3)
        scene.takes_back("o1")
        await asyncio.sleep(0.2)
        assert scene.posted[-1] == OfferEnded("c1", "o1", "withdrawn")
        scene.rings("o2")

    scene = play(Scene(Phone(), Phone()), script)
    assert (300, "music") in scene.line.did
    assert scene.waited is not None
    assert scene.waited.agent == "agent-o2"


def test_an_offer_is_taken_back_before_its_phone_rings() -> None:
    """Order and withdrawal in one batch: nobody's phone rings for an offer that is void."""

    async def script(scene: Scene) -> None:
        scene.rings("o1")
        scene.takes_back("o1")
        scene.rings("o2")

    scene = play(Scene(Phone()), script)
    assert scene.did("ring") == [(0, "ring phone-o2")]
    assert OfferEnded("c1", "o1", "withdrawn") in scene.posted


def test_an_offer_is_taken_back_while_an_announcement_ends_for_it() -> None:
    """The same when the announcement takes a while to end."""

    async def script(scene: Scene) -> None:
        scene.line.deaf = True
        await asyncio.sleep(9)
        scene.rings("o1")
        await asyncio.sleep(0.1)
        scene.takes_back("o1")
        await asyncio.sleep(10)
        scene.line.hang_up()

    assert play(Scene(Phone(), first_ms=8_000), script).did("ring") == []


# -- leaving -----------------------------------------------------------------------------------------------------------


def test_the_router_ends_the_wait() -> None:
    """A wait that is over ends at once, also in the middle of an announcement."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(9)
        scene.stay.notify(LeaveOrder("c1", "timed_out"))

    scene = play(Scene(first_ms=8_000, every_ms=1_000), script)
    assert scene.waited == Waited("timed_out", "c1")
    assert scene.posted == []
    assert scene.line.did[-1] == (9_000, "interrupt")


def test_the_router_ends_the_wait_while_a_phone_rings() -> None:
    """The phone stops ringing first; the stay ends as ordered."""

    async def script(scene: Scene) -> None:
        scene.rings("o1")
        await asyncio.sleep(0.5)
        scene.stay.notify(LeaveOrder("c1", "timed_out"))

    scene = play(Scene(Phone()), script)
    assert scene.waited == Waited("timed_out", "c1")
    assert scene.did("withdraw") == [(500, "withdraw o1")]
    assert scene.posted[-1] == OfferEnded("c1", "o1", "withdrawn")


@pytest.mark.parametrize("stage", ["waiting", "announcing", "ringing"])
def test_an_exit_key(stage: str) -> None:
    """It ends the stay at every stage, once, and is told to the router with the key."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(9 if stage == "announcing" else 1)
        if stage == "ringing":
            scene.rings("o1")
            await asyncio.sleep(0.5)
        scene.line.press("5", "*", "0")

    scene = play(Scene(Phone(), exit_keys="*0", first_ms=8_000), script)
    assert scene.waited == Waited("exit_key", "c1", key="*")
    assert [message for message in scene.posted if isinstance(message, ContactLeft)] == [ContactLeft("c1", "exit_key", "*")]


def test_an_exit_key_in_a_talk_ends_nothing() -> None:
    """Keys pressed while talking to an agent are not for the queue: the agent is not freed in the middle of a talk."""

    async def script(scene: Scene) -> None:
        scene.rings("o1")
        await asyncio.sleep(5)
        scene.line.press("0")

    scene = play(Scene(Phone(talk_ms=30_000), exit_keys="0"), script)
    assert scene.waited is not None
    assert scene.waited.outcome == "answered"
    assert [message for message in scene.posted if isinstance(message, ContactLeft)] == []


def test_an_exit_key_in_the_instant_of_an_answer() -> None:
    """The key came first, the agent answered anyhow: they talk, and the router holds no contact that waits."""

    async def script(scene: Scene) -> None:
        scene.line.phones = [Phone(picked_up=lambda: scene.line.press("0"))]
        scene.rings("o1")

    scene = play(Scene(exit_keys="0"), script)
    assert scene.waited is not None
    assert scene.waited.outcome == "answered"
    assert isinstance(scene.posted[-1], TalkEnded)


@pytest.mark.parametrize("stage", ["at once", "waiting", "announcing", "ringing"])
def test_the_caller_hangs_up(stage: str) -> None:
    """At every stage the stay ends as abandoned, told once; an agent's phone that rang is told of by that alone."""

    async def script(scene: Scene) -> None:
        if stage != "at once":
            await asyncio.sleep(9 if stage == "announcing" else 1)
        if stage == "ringing":
            scene.rings("o1")
            await asyncio.sleep(0.5)
        scene.line.hang_up()

    scene = play(Scene(Phone(), first_ms=8_000), script)
    assert scene.waited == Waited("abandoned", "c1")
    assert [message for message in scene.posted if not isinstance(message, OfferRinging)] == [ContactLeft("c1", "abandoned")]


@pytest.mark.parametrize("ringing", [False, True])
def test_the_line_of_a_waiting_caller_falls_silent(ringing: bool) -> None:
    """That is an abandoned contact whose caller did not hang up, and the router is told why."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(1)
        if ringing:
            scene.rings("o1")
            await asyncio.sleep(0.5)
        scene.line.silent = True
        scene.line.hang_up()

    scene = play(Scene(Phone()), script)
    assert scene.waited == Waited("abandoned", "c1")
    assert scene.posted[-1] == ContactLeft("c1", "abandoned", reason="no_audio_from_caller")


def test_the_caller_hangs_up_in_a_talk() -> None:
    """That is an answered contact, ended by the caller."""

    async def script(scene: Scene) -> None:
        scene.rings("o1")
        await asyncio.sleep(11)
        scene.line.hang_up()

    scene = play(Scene(Phone()), script)
    assert scene.waited is not None
    assert scene.waited.outcome == "answered"
    assert scene.posted[-1] == TalkEnded("c1", "o1", "caller", 10_000, 1000)


def test_the_caller_hangs_up_and_an_offer_is_on_its_way() -> None:
    """The order and the end in one batch, in either order: nobody is rung for a caller who is gone."""
    for order_first in (True, False):

        async def script(scene: Scene, order_first: bool = order_first) -> None:
            await asyncio.sleep(1)
            if order_first:
                scene.rings("o1")
            scene.line.hang_up()
            if not order_first:
                scene.rings("o1")

        scene = play(Scene(Phone()), script)
        assert scene.waited == Waited("abandoned", "c1")
        assert scene.posted[-1] == ContactLeft("c1", "abandoned")


def test_a_line_that_breaks_leaves_the_queue() -> None:
    """The line's own exception goes to whoever holds the call; the router is told."""
    scene = Scene()
    scene.line.fault = CallerFailed("the session is over")
    with pytest.raises(CallerFailed):
        play(scene)
    assert scene.posted == [ContactLeft("c1", "abandoned")]


def test_a_caller_who_was_moved_to_another_server_has_not_left() -> None:
    """The other server reports the caller; this one says nothing, whatever it was doing."""

    async def script(scene: Scene) -> None:
        scene.line.elsewhere = True
        await asyncio.sleep(1)
        scene.line.hang_up()

    scene = play(Scene(), script)
    assert (scene.posted, scene.stay.here) == ([], False)


def test_a_line_that_breaks_because_the_caller_was_moved_leaves_nothing() -> None:
    scene = Scene()
    scene.line.fault, scene.line.elsewhere = CallerFailed("the session is over"), True
    with pytest.raises(CallerFailed):
        play(scene)
    assert scene.posted == []


def test_a_stay_that_is_cancelled_keeps_its_place() -> None:
    """A server that lets go of its calls says nothing: the callers turn up at another server, at their old place."""

    async def script(scene: Scene) -> None:
        stay = asyncio.create_task(QueueStay("c2", "q", dict, ScriptedCaller(), scene.posted.append, WaitForecast).run())
        await asyncio.sleep(1)
        stay.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stay
        scene.line.hang_up()

    assert play(Scene(), script).posted == [ContactLeft("c1", "abandoned")]


def test_a_prompt_that_cannot_be_stopped_holds_up_the_end_for_two_seconds() -> None:
    """The stay is over then; the prompt comes to its own end and starts nothing new."""

    async def whole() -> None:
        scene = Scene(first_ms=8_000, every_ms=1_000)
        scene.line.deaf, scene.line.prompt_ms = True, 60_000
        stay = asyncio.create_task(scene.stay.run())
        await asyncio.sleep(9)
        scene.stay.notify(LeaveOrder("c1", "timed_out"))
        assert await stay == Waited("timed_out", "c1")
        assert asyncio.get_running_loop().time() == 11
        await asyncio.sleep(1000)
        assert scene.did("position") == [(8_000, "position 2")]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual.run(whole())
