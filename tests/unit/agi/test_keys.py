"""Keys wait in order until they are taken; a source without AMI says so instead of waiting."""

import asyncio
from collections.abc import Awaitable

import pytest

from agi.keys import MOST_KEYS, KeySource

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
