"""Virtual time."""

import asyncio

import pytest

from simulator import virtual

pytestmark = pytest.mark.unit


def test_a_day_passes_at_once_and_in_order() -> None:
    """Timers fire in the order of their times, and the clock shows each time exactly."""

    async def day() -> list[tuple[str, int]]:
        clock, seen = virtual.VirtualClock(start_ms=0), []

        async def sleeper(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((name, clock.now_ms()))

        await asyncio.gather(sleeper("evening", 64_800), sleeper("noon", 43_200), sleeper("soon", 0.001))
        return seen

    assert virtual.run(day()) == [("soon", 1), ("noon", 43_200_000), ("evening", 64_800_000)]


def test_time_outs_are_virtual_too() -> None:
    async def waits() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert virtual.run(waits()) == 3600


def test_a_deadlock_is_told() -> None:
    """Waiting for what nobody will do is an error, not a test that hangs."""
    with pytest.raises(virtual.Deadlock):
        virtual.run(asyncio.Event().wait())
