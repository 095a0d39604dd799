"""What lies where in a state folder. Only names: the files are written and read by the parts that own them."""

from dataclasses import dataclass
from pathlib import Path

LOGS = {
    "server": ("server.log", *(f"server-{number}.log" for number in range(1, 8))),
    "asterisk": ("asterisk.log", "asterisk-console.log"),
    "redis": ("redis.log",),
}


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
