"""The stages that run programs see what a fresh machine has, so that nothing that somebody installed by hand can hide a missing step."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run import HOME

pytestmark = [pytest.mark.integration, pytest.mark.fresh]
FETCHED = ("asterisk", "espeak-ng", "redis-server", "valkey-server")


def test_programs_that_hotline_fetches_are_not_on_path() -> None:
    """Whether or not the host has them: what is fetched is what runs."""
    assert [name for name in FETCHED if shutil.which(name)] == []


@pytest.mark.parametrize("name", ["python3", "apt-get", "dpkg-deb", "sh", "awk", "flock", "sha256sum"])
def test_what_debian_always_has_is_there(name: str) -> None:
    """The front door and the fetching of programs need no more than that."""
    assert shutil.which(name)


def test_path_is_one_folder_of_links() -> None:
    """Nothing of the machine's own PATH is left."""
    [folder] = os.environ["PATH"].split(os.pathsep)
    assert all(program.is_symlink() for program in Path(folder).iterdir())


@pytest.mark.parametrize("arguments", [["--help"], ["e2e", "--help"], ["unit", "-h"]])
def test_help_runs_nothing(arguments: list[str]) -> None:
    """`./hotline test --help`, with a stage or without, says what can be asked for; pytest is not started."""
    done = subprocess.run([sys.executable, "-P", str(HOME / "tests/run.py"), *arguments], cwd=HOME, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ./hotline test [STAGE]")
    assert "==" not in done.stdout
