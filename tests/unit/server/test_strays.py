"""Files that look as if they were meant and that nothing reads."""

from pathlib import Path

import pytest

from tests.settings_house import FILES, SmallSite

pytestmark = pytest.mark.unit

FLOW = FILES["dialplans/main.yaml"].replace("flow: main", "flow: other")


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("qeues.yaml", "queues.yaml is"),
        ("agents.yml", "agents.yaml is"),
        ("Agents.yaml", "agents.yaml is"),
        ("agents.YAML", "agents.yaml is"),
        ("hour.yaml", "hours.yaml is"),
        ("prompt.yml", "prompts.yaml is"),
        ("caller.yaml", "callers.yaml"),
        ("callers.yml", "callers.yaml"),
        ("callers.yaml.txt", "callers.yaml"),
        ("callers.txt", "callers.yaml"),
        ("callers.json", "callers.yaml"),
        ("callers", "callers.yaml"),
        ("trunk.yaml", "trunks.yaml"),
        ("TRUNKS.YAML", "trunks.yaml"),
        ("trunsk.ymal", "trunks.yaml"),
    ],
)
def test_a_file_of_nearly_a_known_name_is_named(site: SmallSite, name: str, meant: str) -> None:
    """With the name that is read, or that it is there already."""
    site.write(f"config/{name}", "{}\n")
    wanted = f"is not read: {meant} - put together what belongs there" if meant.endswith(" is") else f"is not read - did you mean {meant}?"
    assert site.said() == [f"config/{name}:1:1: warning: {wanted}"]


def test_a_required_file_with_another_ending_is_named_beside_what_is_missing(site: SmallSite) -> None:
    """Both lines tell one story: what is missing, and where it is."""
    (site.folder / "config/queues.yaml").rename(site.folder / "config/queues.yml")
    said = site.said()
    assert "config/queues.yml:1:1: warning: is not read - did you mean queues.yaml?" in said
    assert len(said) == 2


@pytest.mark.parametrize(
    "name",
    [
        "README",
        "README.md",
        "notes.txt",
        ".queues.yaml.swp",
        "queues.yaml~",
        "#queues.yaml#",
        "queues.yaml.bak",
        "numbers.yaml.2026-01-01",
        "queues.yaml.orig",
        "queues.yaml.dpkg-old",
        "callers.yaml.example",
        "agents-old.yaml",
        "agents2.yaml",
        "agents_shanghai.yaml",
        "agents.csv",
        "agents.txt",
        "agents.yaml.txt",
        "vip.csv",
        "carrier.pem",
        "redis-password",
        "docker-compose.yaml",
        "settings.yaml",
        "main.json",
    ],
)
def test_what_people_keep_beside_their_files_stays_silent(site: SmallSite, name: str) -> None:
    """Texts, hidden files, backups, copies with a word more, exports of what is there, files of other programs."""
    site.write(f"config/{name}", "notes: {}\n")
    site.write(f"dialplans/{name.replace('.yaml', '.conf')}", "notes\n")
    assert site.said() == []


def test_a_file_that_settings_name_is_read(site: SmallSite) -> None:
    """Whatever it is called."""
    site.write("config/callers.yaml", "lists:\n  vip: {file: trunks.txt}\n")
    site.write("config/trunks.txt", "13800138000\n")
    site.change("config/hotline.yaml", "country: CN", "country: CN\nasterisk: {ami_secret_file: trunks.conf}")
    site.write("config/trunks.conf", "secret\n")
    assert site.said() == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dialplans/old.txt", "call it old.yaml"),
        ("dialplans/water.YAML", "call it water.yaml"),
        ("dialplans/water.yaml.txt", "call it water.yaml"),
        ("dialplans/water", "call it water.yaml"),
        ("config/water.yaml", "move it to dialplans"),
    ],
)
def test_a_flow_that_is_not_read_is_named(site: SmallSite, name: str, said: str) -> None:
    """By what is in it: another ending, another folder."""
    site.write(name, FLOW)
    assert site.said() == [f"{name}:1:1: warning: is a flow that is not read - {said}"]


@pytest.mark.parametrize("name", [f"dialplans/{name}" for name in ("water.yaml.bak", "water.yaml~", ".water.txt", "examples/old.txt")])
def test_a_flow_that_was_put_aside_stays_silent(site: SmallSite, name: str) -> None:
    """As a backup, hidden, or in a folder of its own."""
    site.write(name, FLOW)
    assert site.said() == []


def test_a_folder_of_recordings_with_another_name_is_named(site: SmallSite) -> None:
    """While there is none of the right name."""
    (site.folder / "config/prompt/zh").mkdir(parents=True)
    assert site.said() == []
    site.write("config/prompt/zh/goodbye.wav", "")
    assert site.said() == ["config/prompt:1:1: warning: is not read - did you mean the folder prompts?"]
