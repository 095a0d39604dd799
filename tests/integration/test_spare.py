"""A program that stands by for the one that runs: it is the next to start, and never outlives who made it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from server.processes.child_process import ChildProcess

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
RUN = ["sh", "-c", "echo started; exec sleep 60"]
WAIT = ["sh", "-c", "read line && echo begun; exec sleep 60"]


def child(folder: Path) -> ChildProcess:
    return ChildProcess("a program", folder / "log", folder / "program.pid", "sleep 60")


async def ready_when(child: ChildProcess, words: str) -> None:
    async def said() -> bool:
        return words in child.log.read_text()

    await child.start(RUN, said, 10)


async def test_it_is_the_next_to_start(tmp_path: Path) -> None:
    """It begins when it is told to, under the name of the one that was; the one after it is started as usual."""
    program = child(tmp_path)
    await ready_when(program, "started")
    await program.prepare(WAIT)
    assert program.log.read_text() == "started\n"
    os.kill(program.pid, signal.SIGKILL)
    await program.wait()

    await ready_when(program, "begun")
    assert program.log.read_text() == "started\nbegun\n"
    assert (tmp_path / "program.pid").read_text().split()[0] == str(program.pid)
    await program.stop()
    await ready_when(program, "begun\nstarted")
    await program.stop()


async def test_one_that_has_died_is_passed_over(tmp_path: Path) -> None:
    """Then the program is started as usual."""
    program = child(tmp_path)
    await program.prepare(["true"])
    assert program._spare is not None
    await program._spare.wait()
    await ready_when(program, "started")
    await program.stop()


async def test_it_is_dropped(tmp_path: Path) -> None:
    """Nothing is left behind; a second one takes the place of the first."""
    program = child(tmp_path)
    await program.prepare(WAIT)
    first = program._spare
    await program.prepare(WAIT)
    assert first is not None
    assert first.returncode is not None
    second = program._spare
    await program.drop_spare()
    assert second is not None
    assert second.returncode is not None
    await program.drop_spare()


async def test_a_node_that_waits_ends_without_a_word_when_nobody_can_tell_it_to_begin(tmp_path: Path) -> None:
    """Its supervisor was killed: the pipe between them is closed. It has touched nothing."""
    command = [sys.executable, "-m", "server", "node", "--wait", "--state", str(tmp_path / "state"), "--config", str(tmp_path)]
    pipes = {"stdin": asyncio.subprocess.DEVNULL, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
    node = await asyncio.create_subprocess_exec(*command, cwd=ROOT, **pipes)  # type: ignore[arg-type]
    said, _ = await asyncio.wait_for(node.communicate(), 30)
    assert (said, node.returncode) == (b"", 0)
    assert not (tmp_path / "state").exists()
