"""A site whose processes can be met one by one: by process id, and the managed Asterisk on its console."""

import asyncio
import re
from pathlib import Path

from simulator.site import RunningSite

PID_FILES = {"asterisk": "asterisk-child.pid", "server": "node.pid", "server-1": "node-1.pid", "redis": "redis.pid"}


class OwnProcesses(RunningSite):
    """Only for a site on this machine, with Asterisk and Redis of its own."""

    @property
    def sockets(self) -> Path:
        """The folder of sockets and pid files: the one that Asterisk has its own in."""
        found = re.search(r"^astrundir => (.+)$", self._settings.read_text(), re.MULTILINE)
        assert found is not None, f"{self._settings} has no astrundir"
        return Path(found[1])

    def pid(self, part: str) -> int:
        """The process id of a key of PID_FILES."""
        return int((self.sockets / PID_FILES[part]).read_text().split()[0])

    async def asterisk(self, command: str) -> str:
        """What the site's own Asterisk answers to a line on its console."""
        started_as = Path(f"/proc/{self.pid('asterisk')}/cmdline").read_text().rstrip("\0").split("\0")
        program = started_as[: started_as.index("-f")]
        process = await asyncio.create_subprocess_exec(
            *(*program, "-C", str(self._settings), "-rx", command), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        return said.decode(errors="replace")

    @property
    def _settings(self) -> Path:
        return self.state.absolute() / "etc/asterisk/asterisk.conf"
