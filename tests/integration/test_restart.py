"""`./hotline restart`: what it says when there is nothing to restart. That it restarts is shown end to end."""

import subprocess
import sys
from pathlib import Path

import pytest

from server.cli.main import main
from server.state_folder.lock import StateLock
from tests.settings_house import SmallSite

pytestmark = pytest.mark.integration

HOLD = """
import pathlib, sys
from server.state_folder.lock import StateLock
print(StateLock(pathlib.Path(sys.argv[1])).take(), flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).resolve().parents[2]


def restart(site: SmallSite, capsys: pytest.CaptureFixture[str]) -> str:
    folders = [f"--{name}={site.folder / name}" for name in ("state", "config", "dialplans")]
    assert main(["restart", *folders]) == 1
    return capsys.readouterr().err


def test_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in a folder that is not there, nor in one that a killed `up` has left."""
    site = SmallSite(tmp_path)
    assert "no Hotline runs with the state folder" in restart(site, capsys)
    (site.folder / "state").mkdir()
    lock = StateLock(site.folder / "state")
    assert lock.take()
    lock.release()
    assert "no Hotline runs with the state folder" in restart(site, capsys)


def test_who_holds_the_lock_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One at a time; asking does not take it from its holder, and its words stay."""
    site = SmallSite(tmp_path)
    state = site.folder / "state"
    state.mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(state)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        for _ in range(2):
            assert StateLock(state).holder() == holder.pid
            assert not StateLock(state).take()
        assert "a server is being started at this moment" in restart(site, capsys)
        site.change("config/numbers.yaml", "default: main", "default: mein")
        assert "nothing is restarted" in restart(site, capsys)
        assert holder.stdin is not None
        holder.stdin.close()
    assert StateLock(state).holder() == 0
