"""Whether a process runs what lies on disk now."""

from pathlib import Path

import pytest

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


def test_the_program_has_one() -> None:
    assert fingerprint.of_program() == fingerprint.of_program() != ""
