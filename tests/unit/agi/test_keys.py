"""Each key counts once, however often it is told; keys wait in order until they are taken; a source without AMI says so."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agi.keys import MOST_KEYS, RUN_GAP_MS, KeySource, Presses
from simulator import virtual

pytestmark = pytest.mark.unit


async def started(work: Awaitable[str]) -> asyncio.Task[str]:
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    return task


async def test_keys_come_in_order() -> None:
    """What was pressed first is taken first, by `next` and `take` alike; without keys `take` gives ""."""
    keys = KeySource(connected=True)
    for key in "12*#":
        keys.push(key)

    taken = [await keys.next(None), keys.take(), await keys.next(1000), keys.take(), keys.take()]

    assert taken == ["1", "2", "*", "#", ""]


async def test_one_who_waits_gets_the_next_key() -> None:
    """A key wakes the one who waits, and is taken by it."""
    keys = KeySource(connected=True)
    waiting = await started(keys.next(None))

    keys.push("5")

    assert await waiting == "5"
    assert keys.take() == ""


async def test_no_key_in_time_is_empty() -> None:
    """A time-out gives "", and the key that comes later is there for the next."""
    keys = KeySource(connected=True)

    assert await keys.next(0) == ""

    keys.push("1")
    assert await keys.next(0) == "1"


async def test_who_stops_waiting_takes_no_key() -> None:
    """A cancelled wait leaves the key for the next, even when both happen at once."""
    keys = KeySource(connected=True)
    waiting = await started(keys.next(None))

    keys.push("9")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert keys.take() == "9"


async def test_losing_ami_ends_the_wait() -> None:
    """When AMI goes away nobody waits for keys that cannot come; keys that came before are still there."""
    keys = KeySource(connected=True)
    waiting = await started(keys.next(None))

    keys.set_connected(False)

    assert await waiting == ""
    assert not keys.connected
    keys.push("3")
    assert [await keys.next(None), await keys.next(None)] == ["3", ""]


def test_the_buffer_is_bounded_and_takes_keys_only() -> None:
    """A caller leaning on the keypad fills 32 places, and only keys get in; `clear` empties them."""
    keys = KeySource(connected=True)
    for junk in ("", "12", "x", "\r\n", "１"):
        keys.push(junk)
    assert keys.take() == ""

    for _ in range(MOST_KEYS + 10):
        keys.push("1")
    taken = 0
    while keys.take():
        taken += 1
    assert taken == MOST_KEYS

    keys.push("1")
    keys.clear()
    assert keys.take() == ""


def test_digits_are_not_shown() -> None:
    """A repr in a log counts keys and shows none."""
    keys = KeySource(connected=True)
    keys.push("7")

    assert repr(keys) == "<KeySource 1 keys waiting>"


# What Asterisk 22 told on AMI of keys that came fast: milliseconds, key, down (v) or the time it was held.
SHORT_TONES = "0 1v 20 1:40 39 2v 61 2:40 106 2:40 106 2v 106 2:40 231 2:40 231 3v 231 3:40 356 3:40 356 #v 356 #:40 481 #:40"
SHORT_PAUSES = "0 1v 80 1:100 120 2v 200 2:100 240 2v 322 2:100 345 2:100 360 3v 442 3:100 490 3:100 490 #v 560 #:100 635 #:100"
NO_PAUSES = "0 1v 141 1:160 160 2v 301 2:160 321 2v 474 2:160 510 2:160 510 3v 621 3:160 715 3:160 715 #v 780 #:160 920 #:160"
WELL_APART = "0 1v 80 1:100 140 2v 220 2:100 280 2v 360 2:100 420 3v 500 3:100 560 #v 640 #:100"


def counted(events: str) -> str:
    """The keys that count of such events."""
    presses, keys = Presses(), ""
    words = events.split()
    for at, told in zip(words[::2], words[1::2], strict=True):
        if told.endswith("v"):
            presses.began(told[0])
        elif presses.ended(told[0], int(told[2:]), int(at)):
            keys += told[0]
    return keys


@pytest.mark.parametrize("events", [SHORT_TONES, SHORT_PAUSES, NO_PAUSES, WELL_APART])
def test_a_key_that_asterisk_tells_twice_counts_once(events: str) -> None:
    """Keys of a dialler: Asterisk puts one aside while it plays the one before, and tells its end again when it takes it up."""
    assert counted(events) == "1223#"


def test_a_key_whose_beginning_was_lost_counts() -> None:
    """Packets are lost; the end of a key alone is a key, unless it repeats one."""
    assert counted("0 1v 100 1:100 300 2:100 600 3v 700 3:120") == "123"


def test_keys_without_beginnings_count_once_each() -> None:
    """SIP INFO tells ends alone. What comes at a human pace is a key each; what came too early is told again, and is one."""
    assert counted("0 1:160 400 1:160 800 1:160 1200 2:160") == "1112"
    assert counted("0 1:160 100 1:160 230 1:160 300 2:160 460 2:160 2000 2:160") == "1122"


def test_a_key_held_down_for_long_is_one() -> None:
    """Its length is told with its end."""
    assert counted("0 5v 9000 5:9000") == "5"


def timed(*steps: Callable[[KeySource], object] | int) -> list[object]:
    """Does one after the other in virtual time; a number passes so many milliseconds."""

    async def whole() -> list[object]:
        keys, said = KeySource(connected=True), []
        for step in steps:
            if isinstance(step, int):
                await asyncio.sleep(step / 1000)
            else:
                said.append(step(keys))
        return said

    return virtual.run(whole())


def told(key: str, held_ms: int = 100) -> Callable[[KeySource], None]:
    def both(keys: KeySource) -> None:
        keys.began(key)
        keys.ended(key, held_ms)

    return both


def test_agi_may_return_each_key_that_ami_told_once_more() -> None:
    """For as long as it was held and some time; a second one of the same key is another key."""
    assert timed(told("1", 240), 300, lambda keys: keys.is_echo("1"), lambda keys: keys.is_echo("1"))[1:] == [True, False]
    assert timed(told("1", 240), 300, lambda keys: keys.is_echo("2"))[1:] == [False]
    assert timed(told("1", 240), 3000, lambda keys: keys.is_echo("1"))[1:] == [False]


def test_a_key_counted_by_agis_word_is_none_when_ami_tells_it() -> None:
    """Before or after; the next one counts again, and so does one that comes long after."""
    assert timed(told("1"), lambda keys: keys.counted("1"), KeySource.take)[2] == ""
    assert timed(lambda keys: keys.counted("1"), 900, told("1"), KeySource.take, told("1"), KeySource.take)[2::2] == ["", "1"]
    assert timed(lambda keys: keys.counted("1"), 9000, told("1"), KeySource.take)[2] == "1"


def test_the_rest_of_an_interrupted_entry_is_dropped() -> None:
    """Keys that follow each other closely, and what AGI returns of them, until the caller has paused."""
    steps = (
        told("1"),
        KeySource.drop_run,
        500,
        told("2"),
        500,
        told("3"),
        lambda keys: keys.is_echo("4"),
        RUN_GAP_MS,
        told("5"),
        300,
        told("6"),
    )
    assert timed(*steps, KeySource.take, KeySource.take, KeySource.take)[-3:] == ["5", "6", ""]
    assert timed(*steps)[4] is True


@pytest.mark.parametrize("junk", ["", "12", "x", "\r\n", "１"])
def test_what_is_no_key_is_not_counted(junk: str) -> None:
    """AMI's text is not trusted."""
    assert timed(lambda keys: keys.began(junk), lambda keys: keys.ended(junk, 100), KeySource.take)[-1] == ""
