"""The lock of a state folder: taken by the one `./hotline up` that uses it, whose process id stands in it."""

import fcntl
import os
import time
from pathlib import Path

AGAIN_S = 0.02


class StateLock:
    """Locked from `take` to `release`, or to the end of the process."""

    def __init__(self, state: Path) -> None:
        self._path = state / "lock"
        self._file = -1

    def take(self) -> bool:
        """False when somebody else has it. Raises OSError when the folder cannot be written."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for last in (False, False, True):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if last:
                    os.close(file)
                    return False
                time.sleep(AGAIN_S)  # it may only be somebody who asks for the holder
        self._file = file
        os.pwrite(file, f"{os.getpid():<19}\n".encode(), 0)  # over the one before: on a full disk there is no room for another
        return True

    def release(self) -> None:
        """Harmless when it is not locked."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def holder(self) -> int:
        """The process id of whoever has it; 0 when nobody does."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return 0
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            text = os.pread(file, 20, 0).strip()
            return int(text) if text.isdigit() else 0
        else:
            return 0
        finally:
            os.close(file)
