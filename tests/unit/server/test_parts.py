"""What must run for ever: whichever way it ends, that is told and it runs again; in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from server.parts import MOST, WITHIN_S, Parts
from simulator import virtual

pytestmark = pytest.mark.unit


async def returns() -> None:
    return


async def fails() -> None:
    raise ValueError("a defect")


async def is_cancelled_inside() -> None:
    lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    lost.cancel()
    await lost


async def runs() -> None:
    await asyncio.Event().wait()


def played(*ends: Callable[[], Awaitable[None]], each_s: float = 0.0, seconds: float = 600.0) -> tuple[Parts, list[str], int]:
    """A part that ends in these ways, one after the other, `each_s` after its start; then it runs. Its parts, what was told, given up."""
    given_up: list[None] = []

    async def whole() -> Parts:
        ways = iter(ends)
        parts = Parts(lambda: given_up.append(None))

        async def part() -> None:
            way = next(ways, runs)
            await asyncio.sleep(each_s)
            await way()

        parts.start("desk", part)
        await asyncio.sleep(seconds)
        await parts.stop()
        assert next(ways, None) is None or given_up
        return parts

    with capture_logs() as lines:
        parts = virtual.run(whole())
    return parts, [str(line["reason"]) for line in lines if line["event"] == "part_ended" and line["part"] == "desk"], len(given_up)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (returns, "it returned, and should run for ever"),
        (fails, "an error that nobody caught"),
        (is_cancelled_inside, "it was cancelled from inside"),
    ],
)
def test_whichever_way_a_part_ends_it_is_told_and_runs_again(end: Callable[[], Awaitable[None]], reason: str) -> None:
    parts, told, given_up = played(end)
    assert (told, parts.restarted["desk"], given_up) == ([reason], 1, 0)


def test_a_part_that_runs_is_left_alone() -> None:
    """Its end at the node's own is no defect."""
    parts, told, given_up = played()
    assert (told, parts.restarted["desk"], given_up) == ([], 0, 0)


def test_a_part_that_ends_again_and_again_ends_the_node() -> None:
    """Somebody else starts it anew, without what this one holds."""
    parts, told, given_up = played(*(fails,) * (MOST + 3))
    assert (len(told), parts.restarted["desk"], given_up) == (MOST, MOST - 1, 1)


def test_a_part_that_ends_now_and_then_does_not() -> None:
    parts, told, given_up = played(*(returns,) * 20, each_s=WITHIN_S, seconds=30 * WITHIN_S)
    assert (len(told), parts.restarted["desk"], given_up) == (20, 20, 0)
