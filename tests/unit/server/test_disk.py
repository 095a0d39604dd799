"""Files of ours where there is no room for them, or no right to write them."""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import disk
from server.sounds import audio, tones
from server.sounds.library import sweep
from server.state_folder.folder import StateFolderError, make_state_folder
from server.state_folder.lock import StateLock
from server.state_folder.ports import Ports, ports_for, read_ports
from server.state_folder.secrets import secrets_for
from tests.full_disk import full_disk

pytestmark = pytest.mark.unit
NOBODY = 65534


class AllFree:
    """Every port is free."""

    def take(self, kind: str, port: int) -> bool:
        return True

    def give_back(self, kind: str, port: int) -> bool:
        return False


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full: free space there"),
        (errno.EDQUOT, "quota"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EROFS, "mounted for reading only"),
        (errno.EACCES, "has no right to it: change its owner or its mode"),
        (errno.ENOTDIR, "something else is there"),
    ],
)
def test_the_words(number: int, words: str) -> None:
    """One sentence: where, what the system said, and what to do."""
    error = OSError(number, os.strerror(number), "/srv/hotline/state/log")
    said = disk.sentence(error)
    assert said.startswith(f"cannot write to /srv/hotline/state/log ({os.strerror(number)}): ")
    assert words in said
    assert disk.is_of_disk(error)


def test_a_write_that_fails_names_no_file() -> None:
    """Then the folder is told that it was for; where none is known, nothing false."""
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "cannot write to /state (" in disk.sentence(error, Path("/state"))
    assert disk.sentence(error).startswith("cannot write (")


@pytest.mark.parametrize("error", [ConnectionRefusedError(errno.ECONNREFUSED, "no"), PermissionError(errno.EACCES, "a port below 1024")])
def test_other_errors_are_not_the_disks(error: OSError) -> None:
    assert not disk.is_of_disk(error)


def test_a_file_that_cannot_be_written_is_what_it_was(tmp_path: Path) -> None:
    """Secrets, ports, Asterisk's configuration: half of one would be worse than none. What did not change needs no room."""
    path = tmp_path / "file"
    disk.write_whole(path, "before")
    with full_disk(3):
        with pytest.raises(OSError, match=str(path)):
            disk.write_whole(path, "something longer")
        disk.write_whole(path, "before")
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_ports_and_secrets_that_are_there_need_no_room(tmp_path: Path) -> None:
    """A start where nothing changes writes neither; one that cannot write them leaves no half of them behind."""
    with full_disk(), pytest.raises(OSError, match=r"secrets\.json"):
        secrets_for(tmp_path, ["1001"])
    with full_disk(), pytest.raises(OSError, match=r"ports\.json"):
        ports_for(tmp_path, AllFree())
    assert list(tmp_path.iterdir()) == []
    ports, secrets = ports_for(tmp_path, AllFree()), secrets_for(tmp_path, ["1001"])
    with full_disk():
        assert (ports_for(tmp_path, AllFree()), secrets_for(tmp_path, ["1001"])) == (ports, secrets)
        with pytest.raises(OSError, match=r"ports\.json"):
            ports_for(tmp_path, AllFree(), {"http": 9090})
    assert read_ports(tmp_path) == Ports() == Ports(**json.loads((tmp_path / "ports.json").read_text()))


@pytest.mark.parametrize("first", [True, False])
def test_a_state_folder_without_room(tmp_path: Path, first: bool) -> None:
    """Seen before anything is started, at the first start and at a later one; the folder and the ways out are named."""
    state = tmp_path / "state"
    if not first:
        make_state_folder(state)
    with full_disk(1000), pytest.raises(StateFolderError) as refused:
        make_state_folder(state)
    assert str(refused.value).startswith(f"cannot write to the state folder {state} (File too large)")
    assert "or choose another one with --state DIR." in str(refused.value)
    make_state_folder(state)


def test_a_folder_in_the_state_folder_that_is_somebody_elses(tmp_path: Path) -> None:
    """The one that cannot be written is told, not only the state folder."""
    (tmp_path / "log").write_text("")
    with pytest.raises(StateFolderError, match=rf"File exists: {tmp_path / 'log'}"):
        make_state_folder(tmp_path)


@pytest.fixture
def folder_of_another() -> Iterator[Path]:
    """One that this process has no right to write to, also when root runs the tests."""
    folder, user = Path(tempfile.mkdtemp()), os.geteuid()
    (folder / "log").mkdir()
    (folder / "log").chmod(0o555)
    folder.chmod(0o777)
    if user == 0:
        os.seteuid(NOBODY)
    yield folder
    os.seteuid(user)
    shutil.rmtree(folder)


def test_a_state_folder_without_the_right_to_it(folder_of_another: Path) -> None:
    """Who has no right to what."""
    state = folder_of_another / "log"
    with pytest.raises(StateFolderError) as refused:
        make_state_folder(state)
    assert str(refused.value).startswith(f"cannot write to the state folder {state} (Permission denied): the user ")
    assert "has no right to it: change its owner or its mode" in str(refused.value)


def test_the_lock_is_taken_again_where_it_lies(tmp_path: Path) -> None:
    """It has its place on the disk from the first start on, and says who has it also when its id is shorter."""
    (tmp_path / "lock").write_text(f"{10**18}\n")
    first = StateLock(tmp_path)
    with full_disk(20):
        assert first.take()
    assert StateLock(tmp_path).holder() == os.getpid()
    first.release()


def test_a_sound_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """Half a file would take room and never be played."""
    with full_disk(100), pytest.raises(OSError, match="beep"):
        audio.write_wav(tmp_path / "beep.wav", tones.beep())
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_swept_is_left_alone(tmp_path: Path) -> None:
    """What another server removes meanwhile, or nobody may, ends no call."""
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / "there.wav").write_bytes(b"x" * 100)
    sweep(tmp_path, 10)
    assert not (tmp_path / "there.wav").exists()
