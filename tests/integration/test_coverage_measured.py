"""What the coverage gate measures: real processes, and the processes that these start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.coverage_gate import HOME, NotMeasured, gathered, measured

pytestmark = pytest.mark.integration

CHILD = "from agi.dial_string import *"
PARENT = f"import subprocess, sys, agi.errors; subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)"


def test_a_process_is_measured_with_those_it_starts(tmp_path: Path) -> None:
    """What a child ran counts, what nobody imported counts as missed, and paths are those in the repository."""
    environment = measured({**os.environ, "PYTHONPATH": str(HOME)}, tmp_path)
    subprocess.run([sys.executable, "-c", PARENT], cwd=tmp_path, env=environment, check=True)
    found = {file.path: file for file in gathered(tmp_path)}
    assert found["agi/errors.py"].run > 0
    assert found["agi/dial_string.py"].run > 0
    assert found["agi/ringing.py"].run == 0
    assert found["agi/ringing.py"].missing
    assert not any(path.startswith("tests/") for path in found)


def test_nothing_measured_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="combine"):
        gathered(tmp_path)
