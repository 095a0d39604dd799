"""A program that outlives whoever started it: found by its pid file, followed, ended."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.processes.adopted_process import UNKNOWN, AdoptedProcess
from server.processes.child_process import ChildProcess, end_left_over, left_running
from tests.full_disk import full_disk

pytestmark = pytest.mark.integration
# Starts a program as `up` does, writes its process id and is gone.
STARTER = """
import subprocess, sys
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
print(subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], **quiet).pid)
"""
SLEEPS = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def left_over(program: str, marks: str) -> int:
    """A program of somebody who has ended; its process id."""
    return int(subprocess.run([sys.executable, "-c", STARTER, program, marks], capture_output=True, check=True).stdout)


@pytest.fixture
def pid(tmp_path: Path) -> Iterator[int]:
    pid = left_over(SLEEPS, f"--state {tmp_path}")
    (tmp_path / "part.pid").write_text(f"{pid}\n--state {tmp_path}\n")
    yield pid
    if runs(pid):
        os.kill(pid, signal.SIGKILL)


def runs(pid: int) -> bool:
    path = Path(f"/proc/{pid}/cmdline")
    return path.exists() and path.read_bytes() != b""


def part(tmp_path: Path) -> ChildProcess:
    return ChildProcess("the part", tmp_path / "part.log", tmp_path / "part.pid", f"--state {tmp_path}")


async def yes() -> bool:
    return True


async def test_it_is_followed_and_started_again(tmp_path: Path, pid: int) -> None:
    """Its end is noticed at once, though it is nobody's child here; the next one is a child."""
    child = part(tmp_path)
    assert await child.adopt(yes, 5)
    assert (child.pid, child.adopted) == (pid, True)
    assert child.command == [sys.executable, "-c", SLEEPS, f"--state {tmp_path}"]
    os.kill(pid, signal.SIGKILL)
    assert await asyncio.wait_for(child.wait(), 10) == UNKNOWN
    assert child.pid == 0
    await child.start([sys.executable, "-c", SLEEPS, f"--state {tmp_path}"], yes, 10)
    assert not child.adopted
    await child.stop()


async def test_it_is_stopped_like_a_child(tmp_path: Path, pid: int) -> None:
    """Asked first; the pid file goes with it."""
    child = part(tmp_path)
    assert await child.adopt(yes, 5)
    await child.stop()
    assert not runs(pid)
    assert not (tmp_path / "part.pid").exists()
    await child.stop()


async def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """After the time that it is given."""
    pid = left_over(DEAF, "deaf")
    process = AdoptedProcess(pid)
    await asyncio.sleep(0.5)  # until it is deaf
    process.terminate()
    assert process.returncode is None
    process.kill()
    assert await asyncio.wait_for(process.wait(), 10) == UNKNOWN
    with pytest.raises(ProcessLookupError):
        process.kill()
    with pytest.raises(ProcessLookupError):
        AdoptedProcess(2**22 - 1)


async def test_another_program_is_not_taken_for_it(tmp_path: Path, pid: int) -> None:
    """Process ids are given again: the command line decides."""
    (tmp_path / "part.pid").write_text(f"{os.getpid()}\n--state {tmp_path}\n")
    assert not await part(tmp_path).adopt(yes, 5)
    assert left_running(tmp_path) == set()
    end_left_over(tmp_path)


async def test_one_that_does_not_become_ready_is_not_believed(tmp_path: Path, pid: int) -> None:
    """It is still there for a start to end."""

    async def no() -> bool:
        return False

    child = part(tmp_path)
    assert not await child.adopt(no, 0.1)
    await child.start([sys.executable, "-c", SLEEPS, f"--state {tmp_path}"], yes, 10)
    assert not runs(pid)
    assert child.pid not in (0, pid)
    await child.stop()


def test_what_nobody_wants_any_more_is_ended(tmp_path: Path, pid: int) -> None:
    """A server too many, after `limits.nodes` has become less; what is to be adopted stays."""
    other = left_over(SLEEPS, "other")
    (tmp_path / "other.pid").write_text(f"{other}\nother\n")
    (tmp_path / "own.pid").write_text("17\n")  # as a program itself writes one
    assert left_running(tmp_path) == {"part", "other"}
    end_left_over(tmp_path, keep={"part"})
    assert runs(pid)
    assert not runs(other)


async def test_a_program_is_started_and_found_though_the_disk_was_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs without its log and its pid file; that one is written as soon as there is room, so that the next one can adopt it."""
    monkeypatch.setattr("server.processes.child_process.RECORD_AGAIN_S", 0.05)
    child = part(tmp_path)
    with full_disk():
        await child.start([sys.executable, "-c", SLEEPS, f"--state {tmp_path}"], yes, 5)
    try:
        async with asyncio.timeout(5):
            while not left_running(tmp_path):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        heir = part(tmp_path)
        assert await heir.adopt(yes, 5)
        assert heir.pid == child.pid
    finally:
        await child.stop()
    assert not (tmp_path / "part.pid").exists()


async def test_one_that_is_started_again_is_recorded_without_room(tmp_path: Path) -> None:
    """Its pid file has its place on the disk already."""
    child = part(tmp_path)
    for room in (1000, 100):
        with full_disk(room):
            await child.start([sys.executable, "-c", SLEEPS, f"--state {tmp_path}"], yes, 5)
        assert left_running(tmp_path) == {"part"}
    await child.stop()
