"""The new lines of a log file, also across its rotation and its truncation."""

import os
from pathlib import Path

MOST_BYTES = 4_000_000  # of one look: whatever floods the log does not fill memory


class LogTail:
    """Begins at the end of the file as it is now; a file that comes later is read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode, self._position = self._end()
        self._rest = b""

    def new_lines(self) -> list[str]:
        """The lines that were finished since the last look; what is behind MOST_BYTES comes next time."""
        try:
            with self._path.open("rb") as file:
                facts = os.fstat(file.fileno())
                if facts.st_ino != self._inode or facts.st_size < self._position:
                    self._inode, self._position, self._rest = facts.st_ino, 0, b""
                file.seek(self._position)
                read = file.read(MOST_BYTES)
        except OSError:
            self._inode = self._position = 0
            return []
        self._position += len(read)
        *lines, self._rest = (self._rest + read).split(b"\n")
        self._rest = self._rest[-MOST_BYTES:]
        return [line.decode("utf-8", "replace") for line in lines]

    def _end(self) -> tuple[int, int]:
        try:
            facts = self._path.stat()
        except OSError:
            return 0, 0
        return facts.st_ino, facts.st_size
