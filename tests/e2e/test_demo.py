"""The demo proves itself: one call through menu, look-up, queue and agent, checked by ear."""

import asyncio
import os
import shutil
import sys
import tempfile

import pytest

from simulator.home import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.fresh, pytest.mark.asyncio(loop_scope="session")]


async def test_the_demo_passes() -> None:
    """`demo --once` ends with 0 and says that caller and agent heard each other."""
    state = tempfile.mkdtemp(prefix="hl-demo-")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "demo", "--once", "--state", state),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )
    said, _ = await asyncio.wait_for(process.communicate(), 100)
    words = said.decode()
    assert process.returncode == 0, words
    assert "PASSED: caller and agent heard each other." in words
    assert "offered to smith" in words
    shutil.rmtree(state)
