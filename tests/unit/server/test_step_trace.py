"""The tracer: every seam that it wraps is there, and a step is one line."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from server.step_trace import Recorder

pytestmark = pytest.mark.unit

INSTALL = "from server.step_trace import Recorder; recorder = Recorder(); recorder.install(); print(recorder.missing)"


def test_every_seam_is_there() -> None:
    """In a process of its own, since it stays wrapped."""
    found = subprocess.run([sys.executable, "-c", INSTALL], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_a_step_is_written_with_its_time(tmp_path: Path) -> None:
    """A function that is awaited has a step at its end, too; what it returns is as before."""
    recorder = Recorder()

    async def post(store: object, *messages: object) -> int:
        return len(messages)

    traced = recorder._waiting(post, "post", lambda given, result: f"{len(given) - 1}")
    assert asyncio.run(traced(None, "a", "b")) == 2
    assert recorder._calling(lambda a: a + 1, "apply", lambda given, result: "")(1) == 2
    recorder.write(tmp_path / "trace" / "1.steps")

    lines = [line.split("\t") for line in (tmp_path / "trace" / "1.steps").read_text().splitlines()]
    assert [name for _, name in lines] == ["post 2", "post 2 done", "apply"]
    assert [int(at) for at, _ in lines] == sorted(int(at) for at, _ in lines)
