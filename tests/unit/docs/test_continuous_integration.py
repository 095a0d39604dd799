"""Continuous integration runs one command everywhere, and hosted CI runs it on each version of Python that is supported."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]


def job() -> dict[str, Any]:
    """The one job of the workflow for GitHub."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    [only] = workflow["jobs"].values()
    return dict(only)


def preferred() -> list[str]:
    """The versions of Python for which the front door looks by name, before it takes what is there."""
    found = re.search(r"for candidate in (.*); do", (ROOT / "hotline").read_text(encoding="utf-8"))
    assert found is not None
    return re.findall(r"python(3\.\d+)", found[1].partition(" python3 ")[0])


def test_hosted_ci_runs_what_any_other_runs() -> None:
    """`.ci/run` and the workflow have the same last command, with the same words."""
    [command] = [step["run"] for step in job()["steps"] if "run" in step]
    last = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()[-1]
    assert command == last.removeprefix("exec ") == "./hotline test"


def test_hosted_ci_runs_on_every_supported_python() -> None:
    """From the oldest that `requires-python` allows; each is the one that is installed, and the one that the front door takes."""
    matrix = job()["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f">={matrix[0]}" == project["requires-python"]
    assert matrix == sorted(preferred(), key=lambda version: int(version.partition(".")[2]))
    assert job()["env"]["HOTLINE_PYTHON"] == "python${{ matrix.python }}"
    [setup] = [step for step in job()["steps"] if step.get("uses", "").startswith("actions/setup-python@")]
    assert setup["with"]["python-version"] == "${{ matrix.python }}"


def test_an_environment_is_kept_for_one_version_only() -> None:
    """What is cached for one Python is not restored for another."""
    [cache] = [step for step in job()["steps"] if step.get("uses", "").startswith("actions/cache@")]
    assert "${{ matrix.python }}" in cache["with"]["key"]
