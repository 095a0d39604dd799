"""Lua files as functions with named inputs."""

from pathlib import Path

import pytest

from routing.store import scripts
from routing.store.keys import Keys
from routing.store.scripts import Script

pytestmark = pytest.mark.unit

ALL = sorted(path.stem for path in scripts.FOLDER.glob("*.lua"))


@pytest.mark.parametrize("name", ALL)
def test_every_script_is_short_and_says_what_it_does(name: str) -> None:
    """A header in words, named inputs, at most 35 lines of code; keys are those of keys.py or the caller's."""
    script = Script(name)
    lines = script.text.splitlines()

    assert lines[0].startswith("-- ")
    assert script.keys or "ipairs(KEYS)" in script.text  # all of them are the caller's
    assert sum(bool(line.strip()) and not line.startswith("--") for line in lines) <= 35
    assert set(script.keys) - {"stream"} <= set(dir(Keys))


async def test_a_forgotten_or_misnamed_input_is_refused() -> None:
    """Before anything is sent: a missing or unknown name is a TypeError that lists the right ones."""
    with pytest.raises(TypeError, match=r"renew.lua takes lease, holder, ttl_ms; given were lease, owner"):
        await Script("renew")(None, lease="l", owner="o")  # type: ignore[arg-type]


def test_a_gap_in_the_inputs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that leaves KEYS[1] without a name cannot be loaded."""
    (tmp_path / "bad.lua").write_text("-- bad\nlocal second = KEYS[2]\n")
    monkeypatch.setattr(scripts, "FOLDER", tmp_path)

    with pytest.raises(ValueError, match=r"must name every KEYS\[n\] from 1 without a gap"):
        Script("bad")


def test_keys_share_one_hash_tag() -> None:
    """All keys of a domain carry its name in braces, so that a cluster keeps them together; a name that breaks the tag is refused."""
    keys = Keys("site2")

    assert keys.orders("node-1") == "hotline:{site2}:orders:node-1"
    for bad in ("", "a}b", "a{b", "a:b"):
        with pytest.raises(ValueError, match="routing domain's name"):
            Keys(bad)
