"""Where the program lies."""

import re
import tomllib

import pytest

from server.home import HOME, PACKAGES
from tests.layout import HOME as PROJECT

pytestmark = pytest.mark.unit


def test_it_is_the_folder_of_the_project() -> None:
    assert HOME == PROJECT


def test_its_packages_are_all_that_a_server_can_import() -> None:
    """A server's processes find them there, and what counts as its program is all of them."""
    named = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert sorted(PACKAGES) == sorted({*named} - {"simulator"})


LEVELS = re.compile(r"__file__\)(\.resolve\(\))?\.parent(s\b|\.parent)")


def test_nobody_else_counts_levels_from_its_own_file() -> None:
    """A module that moves to another room would look for the project in the wrong folder, and say nothing."""
    paths = (path for package in (*PACKAGES, "simulator") for path in (PROJECT / package).rglob("*.py"))
    assert [str(path.relative_to(PROJECT)) for path in paths if LEVELS.search(path.read_text())] == [
        "server/home.py",
        "simulator/home.py",
    ]
