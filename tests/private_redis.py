"""A real Redis-compatible server for tests: private, on a unix socket, in a folder of its own; it can be killed and started again."""

import resource
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from server.processes.redis_process import find_program

START_S = 10.0


class PrivateRedis:
    """One server process; `url` is what a client takes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hotline-redis-"))
        self.socket = self.folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start (again, with what the append-only file holds) and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        options = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        command = [str(find_program()), *options, "--appendfsync", "everysec", "--logfile", str(self.folder / "log")]
        # Signals as Python has them: a file that may not grow is an error of the write, not the signal that kills.
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, restore_signals=False)
        until = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the private Redis does not start; {self.folder / 'log'} says why")
            time.sleep(0.01)

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def fill_disk(self) -> None:
        """Its files may not grow any more, so that its next write fails as on a full disk. No rights are needed for this."""
        largest = max(path.stat().st_size for path in self.folder.rglob("*.aof"))
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (largest + 10, resource.RLIM_INFINITY))

    def free_disk(self) -> None:
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def flush(self) -> None:
        self._ask(b"FLUSHALL")

    def _answers(self) -> bool:
        try:
            return self._ask(b"PING") == b"+PONG\r\n"
        except OSError:
            return False

    def _ask(self, command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(command + b"\r\n")
            return connection.recv(100)
