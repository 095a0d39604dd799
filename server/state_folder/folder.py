"""What lies where in a state folder, and whether it can be used. The files are written and read by the parts that own them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from server import disk

LOGS = {
    "server": ("server.log", *(f"server-{number}.log" for number in range(1, 8))),
    "asterisk": ("asterisk.log", "security.log", "asterisk-console.log"),
    "redis": ("redis.log",),
}


# Folders in it with what callers said and did, by the program of ours that writes there.
PRIVATE = {"server": ("log",), "asterisk": ("etc", "spool"), "redis": ("redis",)}


class StateFolderError(Exception):
    """The folder cannot be used; the message says why and what to do."""


def make_state_folder(path: Path, programs: Iterable[str] = PRIVATE) -> None:
    """Makes it, with its parents and a folder for each of `programs` (keys of PRIVATE), and sees that we may write to it and nobody
    else may read it. What is there of other programs is left alone. Raises StateFolderError."""
    try:
        ours = not path.exists() or StateFolder(path).started_before or not any(path.iterdir())
        path.mkdir(parents=True, exist_ok=True)
        disk.must_take_files(path)
        if ours:  # a folder that has been somebody else's keeps its mode
            close_to_others(path)
        for name in (folder for program in programs for folder in PRIVATE[program]):
            close_to_others(path / name)
            disk.must_take_files(path / name)
    except OSError as error:
        below = error.filename and Path(os.fsdecode(error.filename)) != path
        raise StateFolderError(
            f"cannot write to the state folder {path} ({error.strerror}{f': {error.filename}' if below else ''}): {disk.todo(error)}, "
            "or choose another one with --state DIR."
        ) from None


def close_to_others(folder: Path) -> None:
    """Makes the folder, if it is not there, and lets its owner alone into it. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


@dataclass(frozen=True, slots=True)
class StateFolder:
    """`path` need not exist. Sockets are not here: `sockets` knows where paths are short enough for them."""

    path: Path

    @property
    def ports_file(self) -> Path:
        return self.path / "ports.json"

    @property
    def secrets_file(self) -> Path:
        return self.path / "secrets.json"

    @property
    def started_before(self) -> bool:
        """Whether a Hotline has ever run with it."""
        return self.ports_file.is_file() and self.secrets_file.is_file()

    def log_files(self, part: str) -> list[Path]:
        """The log files of a part (a key of LOGS) that exist."""
        return [path for name in LOGS[part] if (path := self.path / "log" / name).is_file()]
