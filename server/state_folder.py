"""What lies where in a state folder, and whether it can be used. The files are written and read by the parts that own them."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

LOGS = {
    "server": ("server.log", *(f"server-{number}.log" for number in range(1, 8))),
    "asterisk": ("asterisk.log", "asterisk-console.log"),
    "redis": ("redis.log",),
}


class StateFolderError(Exception):
    """The folder cannot be used; the message says why and what to do."""


def make_state_folder(path: Path) -> None:
    """Makes it, with its parents, and sees that we may write to it. Raises StateFolderError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise StateFolderError(
            f"cannot write to the state folder {path} ({error.strerror}): make it writable, or choose another one with --state DIR."
        ) from None


@dataclass(frozen=True, slots=True)
class StateFolder:
    """`path` need not exist. Sockets are not here: server.socket_folder knows where paths are short enough for them."""

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
