"""Keeping processes running, in virtual time: what ends is started again, more slowly while it keeps ending, until the site stops."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from server.processes.child_process import ChildError
from server.processes.supervisor import Supervisor, UpOptions
from simulator import virtual

pytestmark = pytest.mark.unit


class FakePart:
    """A process that lives for so many seconds each time; `starts` are the times at which it was started."""

    def __init__(self, *lives: float, fails: int = 0) -> None:
        self.lives = list(lives)
        self.fails = fails
        self.starts: list[float] = []
        self.stopped = False
        self.runs_already = False
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int:
        return 0 if self._ended.is_set() else 1

    async def adopt(self) -> bool:
        return self.runs_already

    async def start(self) -> None:
        self.starts.append(asyncio.get_running_loop().time())
        if self.fails:
            self.fails -= 1
            raise ChildError("the part was not ready after 30 s")
        self._ended = asyncio.Event()
        if self.lives:
            asyncio.get_running_loop().call_later(self.lives.pop(0), self._ended.set)

    async def wait(self) -> int:
        await self._ended.wait()
        return 9

    async def stop(self) -> None:
        self.stopped = True


def watch(
    part: Callable[[], FakePart], seconds: float, until: Callable[[Supervisor], Awaitable[None]] | None = None
) -> tuple[FakePart, list[str]]:
    """Run the part for so long, then stop the site; the stop must come to an end."""

    async def whole() -> tuple[FakePart, list[str]]:
        said: list[str] = []
        made = part()
        supervisor = Supervisor(UpOptions(Path("state"), Path("config"), Path("dialplans")), said.append)
        await supervisor._add("the part", made)
        watching = asyncio.create_task(supervisor.watch())
        await asyncio.sleep(seconds)
        supervisor._stopping.set()
        async with asyncio.timeout(1):
            await watching
            await supervisor.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return made, said

    return virtual.run(whole())


def test_what_ends_is_started_again() -> None:
    """A moment later, and it is told."""
    part, said = watch(lambda: FakePart(100), 150)
    assert part.starts == [0, pytest.approx(100.1)]
    assert said == ["starting the part", "the part ended (code 9); starting it again", "stopping the part"]
    assert part.stopped


def test_what_keeps_ending_is_started_ever_more_slowly() -> None:
    """With pauses that double up to ten seconds: a machine is not kept busy by a program that cannot run."""
    part, _ = watch(lambda: FakePart(*[0.0] * 20), 60)
    pauses = [later - earlier for earlier, later in zip(part.starts, part.starts[1:], strict=False)]
    assert pauses[:7] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4])
    assert pauses[7:] == pytest.approx([10] * len(pauses[7:]))


def test_what_ran_for_a_while_is_started_again_at_once() -> None:
    """Deaths that lie hours apart do not add up to a long pause."""
    part, _ = watch(lambda: FakePart(0, 0, 0, 0, 0, 3600, 3600), 8000)
    assert part.starts[-1] - part.starts[-2] == pytest.approx(3600.1)


def test_what_cannot_be_started_is_tried_again() -> None:
    """The reason is told each time."""

    def part() -> FakePart:
        made = FakePart(1)
        asyncio.get_running_loop().call_later(0.5, setattr, made, "fails", 2)
        return made

    made, said = watch(part, 30)
    assert len(made.starts) == 4
    assert said.count("the part could not be started: the part was not ready after 30 s") == 2


def test_stopping_while_it_waits_to_start_something_again() -> None:
    """Ctrl-C in the middle of a pause: nothing is started any more, and the end comes."""
    part, _ = watch(lambda: FakePart(*[0.0] * 20), 20)
    assert part.starts[-1] < 20


def test_what_runs_already_is_taken_over() -> None:
    """It is not started a second time, and watched like any other: when it ends it is started."""

    def part() -> FakePart:
        made = FakePart(100)
        made.runs_already = True
        asyncio.get_running_loop().call_later(50, made._ended.set)
        return made

    made, said = watch(part, 100)
    assert made.starts == [pytest.approx(50.1)]
    assert said[:2] == ["the part runs already (process 1): taken over", "the part ended (code 9); starting it again"]
    assert made.stopped


def test_what_cannot_be_started_does_not_end_what_was_taken_over() -> None:
    """It is tried again as if it had run before; without anything taken over it is a reason not to start."""

    async def whole(adopted: bool) -> list[str]:
        said: list[str] = []
        supervisor = Supervisor(UpOptions(Path("state"), Path("config"), Path("dialplans")), said.append)
        first, second = FakePart(), FakePart(fails=1)
        first.runs_already = adopted
        await supervisor._add("Asterisk", first)
        await supervisor._add("the server", second)
        watching = asyncio.create_task(supervisor.watch())
        second._ended.set()
        await asyncio.sleep(5)
        assert len(second.starts) == 2
        assert not first.stopped
        supervisor._stopping.set()
        await watching
        await supervisor.stop()
        return said

    assert "the server could not be started: the part was not ready after 30 s" in virtual.run(whole(True))
    with pytest.raises(ChildError):
        virtual.run(whole(False))
