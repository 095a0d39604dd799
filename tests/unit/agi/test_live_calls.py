"""A call lives until Asterisk hangs its channel up: by event, or found missing after AMI was away."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agi.ami.protocol import Message
from agi.live_calls import REMEMBERED_HANGUPS, LiveCalls

pytestmark = pytest.mark.unit


class Events:
    """A source of events."""

    def __init__(self) -> None:
        self.callbacks: dict[str, list[Callable[[Message], None]]] = {}

    def subscribe(self, name: str, callback: Callable[[Message], None]) -> Callable[[], None]:
        self.callbacks.setdefault(name, []).append(callback)
        return lambda: self.callbacks[name].remove(callback)

    def emit(self, name: str, **fields: str) -> None:
        for callback in self.callbacks.get(name, ()):
            callback(Message([("Event", name), *fields.items()]))


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def calls(events: Events) -> LiveCalls:
    calls = LiveCalls()
    calls.attach(events)
    calls.set_connected(True)
    return calls


def showing(*uniqueids: str) -> Callable[[], Awaitable[list[Message]]]:
    async def core_show_channels() -> list[Message]:
        return [Message([("Event", "CoreShowChannel"), ("Uniqueid", uniqueid)]) for uniqueid in uniqueids]

    return core_show_channels


async def test_only_the_hangup_of_its_own_channel_ends_a_call(calls: LiveCalls, events: Events) -> None:
    """Other channels come and go; the call's own Hangup ends it, and the caller who asked for it ended it."""
    watch = calls.watch("1.1", "PJSIP/trunk-1")
    events.emit("Hangup", Uniqueid="1.2", Channel="PJSIP/1001-2")
    events.emit("HangupRequest", Uniqueid="1.1", Channel="PJSIP/trunk-1")
    assert not watch.gone.done()

    events.emit("Hangup", Uniqueid="1.1", Channel="PJSIP/trunk-1")

    assert (await watch.gone_or(0), watch.ended_by, len(calls)) == (True, "caller", 0)


async def test_a_call_that_nobody_asked_to_end_was_ended_by_the_system(calls: LiveCalls, events: Events) -> None:
    """Without a HangupRequest of the caller it was Asterisk: a limit, RTP time-out, a hang-up over AMI."""
    watch = calls.watch("1.1", "PJSIP/trunk-1")

    events.emit("Hangup", Uniqueid="1.1", Channel="PJSIP/trunk-1")

    assert watch.ended_by == "system"


@pytest.mark.parametrize(("asked", "cause", "no_audio"), [(False, "44", True), (False, "16", False), (True, "44", False)])
async def test_a_caller_of_whom_nothing_is_heard(calls: LiveCalls, events: Events, asked: bool, cause: str, no_audio: bool) -> None:
    """Asterisk's RTP time-out has a cause of its own; one who hung up, with whatever cause, is not silent."""
    watch = calls.watch("1.1", "PJSIP/trunk-1")
    if asked:
        events.emit("HangupRequest", Uniqueid="1.1", Channel="PJSIP/trunk-1")

    events.emit("Hangup", Uniqueid="1.1", Channel="PJSIP/trunk-1", Cause=cause)

    assert (watch.no_audio, watch.ended_by) == (no_audio, "caller" if asked else "system")


async def test_waiting_for_the_end_can_be_limited(calls: LiveCalls) -> None:
    """`gone_or` comes back with False when the call goes on, and the call is as before."""
    watch = calls.watch("1.1", "PJSIP/trunk-1")

    assert not await watch.gone_or(0)

    assert not watch.gone.cancelled()
    assert watch.ended_by == ""


async def test_keys_are_the_callers_own_and_only_those_received(calls: LiveCalls, events: Events) -> None:
    """The same digit shows as Sent on the other leg, and other callers press keys too."""
    watch = calls.watch("1.1", "PJSIP/trunk-1")

    events.emit("DTMFEnd", Uniqueid="1.1", Direction="Received", Digit="1")
    events.emit("DTMFEnd", Uniqueid="1.1", Direction="Sent", Digit="2")
    events.emit("DTMFEnd", Uniqueid="1.9", Direction="Received", Digit="3")

    assert [watch.keys.take(), watch.keys.take()] == ["1", ""]


async def test_a_key_told_twice_counts_once(calls: LiveCalls, events: Events) -> None:
    """AMI repeats a key that came early; the same key pressed again is another one."""
    watch = calls.watch("1.1", "PJSIP/trunk-1")
    key = {"Uniqueid": "1.1", "Direction": "Received", "Digit": "1"}

    for name in ("DTMFBegin", "DTMFEnd", "DTMFEnd", "DTMFBegin", "DTMFEnd"):
        events.emit(name, **key, **({"DurationMs": "100"} if name == "DTMFEnd" else {}))

    assert [watch.keys.take() for _ in range(3)] == ["1", "1", ""]


async def test_a_call_that_comes_back_in_a_new_session_keeps_its_watch(calls: LiveCalls) -> None:
    """The same Uniqueid is the same call: keys pressed in between are not lost."""
    assert calls.watch("1.1", "PJSIP/trunk-1") is calls.watch("1.1", "PJSIP/trunk-1")


async def test_a_call_that_ended_before_it_was_watched_is_gone(calls: LiveCalls, events: Events) -> None:
    """AMI may tell the end before the AGI session is served."""
    events.emit("Hangup", Uniqueid="1.1", Channel="PJSIP/trunk-1")

    assert calls.watch("1.1", "PJSIP/trunk-1").gone.done()
    assert len(calls) == 0


async def test_hangups_are_not_remembered_for_ever(calls: LiveCalls, events: Events) -> None:
    """Memory stays bounded on a day of many calls."""
    for number in range(REMEMBERED_HANGUPS + 1):
        events.emit("Hangup", Uniqueid=f"1.{number}", Channel="x")

    assert [calls.watch("1.0", "x").gone.done(), calls.watch("1.1", "x").gone.done()] == [False, True]


async def test_after_ami_was_away_missing_calls_are_gone(calls: LiveCalls) -> None:
    """Calls that ended unseen are found by the snapshot; those that are there live on, with keys again."""
    here, missing = calls.watch("1.1", "a"), calls.watch("1.2", "b")
    calls.set_connected(False)
    assert not here.keys.connected

    rows = await calls.reconcile(showing("1.1", "1.7"))

    assert [here.gone.done(), missing.gone.done()] == [False, True]
    assert (here.keys.connected, len(rows)) == (True, 2)


async def test_a_call_that_comes_while_the_snapshot_is_taken_lives(calls: LiveCalls) -> None:
    """A call newer than the snapshot is not in it, and is not gone."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow() -> list[Message]:
        asked.set()
        await answer.wait()
        return []

    reconciling = asyncio.ensure_future(calls.reconcile(slow))
    await asked.wait()
    new = calls.watch("1.5", "c")
    answer.set()
    await reconciling

    assert not new.gone.done()


async def test_a_forgotten_call_tells_nothing(calls: LiveCalls, events: Events) -> None:
    """Another server took the call over: here it neither lives nor ends."""
    watch = calls.watch("1.1", "a")

    calls.forget("1.1")
    events.emit("Hangup", Uniqueid="1.1", Channel="a")

    assert (watch.gone.done(), len(calls)) == (False, 0)


async def test_a_caller_who_was_put_into_another_session_is_followed_there(calls: LiveCalls, events: Events) -> None:
    """An agent connects a caller to a call consulted: the old watch ends and may be forgotten; the other one learns of the hangup."""
    old, consulted = calls.watch("1.1", "PJSIP/trunk-1"), calls.watch("2.1", "PJSIP/1001-3")
    transfer = {"OrigTransfererUniqueid": "1.2", "SecondTransfererUniqueid": "2.1", "TransfereeUniqueid": "1.1"}

    events.emit("AttendedTransfer", **transfer, TransfereeChannel="PJSIP/trunk-1", DestType="App", Result="Success")
    calls.forget(old.uniqueid)
    assert (old.gone.done(), old.ended_by, consulted.gone.done()) == (True, "transfer", False)
    events.emit("HangupRequest", Uniqueid="1.1", Channel="PJSIP/trunk-1")
    events.emit("Hangup", Uniqueid="1.1", Channel="PJSIP/trunk-1")

    assert (consulted.gone.done(), consulted.ended_by, len(calls)) == (True, "caller", 0)
