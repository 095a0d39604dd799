"""Whether a process runs what lies on disk now."""

import shutil
from pathlib import Path

import pytest

from server.home import HOME, PACKAGES
from server.settings import fingerprint

pytestmark = pytest.mark.unit


@pytest.fixture
def site(tmp_path: Path) -> tuple[Path, Path]:
    config, dialplans = tmp_path / "config", tmp_path / "dialplans"
    for folder in (config, dialplans):
        folder.mkdir()
    (config / "queues.yaml").write_text("queues: {}\n")
    (dialplans / "main.yaml").write_text("flow: main\n")
    return config, dialplans


def test_the_same_files_have_the_same_one(site: tuple[Path, Path]) -> None:
    """Written again, or with what editors and Python leave beside them."""
    before = fingerprint.of_site(*site)
    (site[0] / "queues.yaml").write_text("queues: {}\n")
    (site[0] / ".queues.yaml.swp").write_text("x")
    (site[0] / "queues.yaml~").write_text("x")
    (site[1] / "__pycache__").mkdir()
    (site[1] / "__pycache__/x.pyc").write_text("x")
    assert fingerprint.of_site(*site) == before


@pytest.mark.parametrize("change", ["content", "new", "gone", "renamed", "moved"])
def test_every_change_has_another_one(site: tuple[Path, Path], change: str) -> None:
    config, dialplans = site
    before = fingerprint.of_site(*site)
    if change == "content":
        (dialplans / "main.yaml").write_text("flow: Main\n")
    elif change == "new":
        (config / "prompts").mkdir()
        (config / "prompts/hello.wav").write_bytes(b"RIFF")
    elif change == "gone":
        (config / "queues.yaml").unlink()
    elif change == "renamed":
        (config / "queues.yaml").rename(config / "queues.yml")
    else:
        (config / "queues.yaml").rename(dialplans / "queues.yaml")
    assert fingerprint.of_site(*site) != before


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_of_the_program_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """A server that runs an older one is started anew."""
    before = fingerprint.of_program()
    for name in PACKAGES:
        shutil.copytree(HOME / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "HOME", tmp_path)
    assert fingerprint.of_program() == before
    (tmp_path / package / "__init__.py").write_text("# changed")
    assert fingerprint.of_program() != before
