"""A folder whose path is short enough for unix sockets (108 bytes in all), the same one at every start for the same state folder."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

_LONGEST = 80  # leaves room for a socket's name


class SocketFolderError(Exception):
    """The folder belongs to someone else; the message says what to do."""


def socket_folder(state: Path) -> Path:
    """`state/run` where that is short and has no space, else a private folder in the temporary folder. Made when missing."""
    folder = state.absolute() / "run"
    if len(os.fsencode(folder)) > _LONGEST or " " in str(folder):
        name = hashlib.sha256(os.fsencode(state.absolute())).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"hotline-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise SocketFolderError(f"{folder} belongs to another user: remove it, or choose another state folder with --state.")
    folder.chmod(0o700)
    return folder


def redis_socket(state: Path) -> Path:
    """Where the private Redis of this state folder listens. Raises SocketFolderError."""
    return socket_folder(state) / "redis.sock"


def private_redis_url(state: Path) -> str:
    """The same for a client. Raises SocketFolderError."""
    return f"unix://{redis_socket(state)}"
