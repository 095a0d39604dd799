"""Files of ours on a disk that may be full, or in a folder that we may not write to: what that means in words, and writes that leave a
complete file."""

import errno
import os
import pwd
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

ROOM = 1 << 20  # bytes that a start writes, at least

_FULL = {
    errno.ENOSPC: "the disk is full: free space there",
    errno.EDQUOT: "the disk quota is used up: free space there, or have the quota raised",
    errno.EFBIG: "files may not grow that large: raise the limit of their size (ulimit -f)",
    errno.EROFS: "it is mounted for reading only: mount it for writing",
    errno.EIO: "the disk has an error: see the system's log",
}
_IN_THE_WAY = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
_NO_RIGHT = {errno.EACCES, errno.EPERM}
_UNKNOWN_ROOM = {errno.EOPNOTSUPP, errno.EINVAL}


def is_full(error: OSError) -> bool:
    """Whether nothing can be written there now, whoever tries."""
    return error.errno in _FULL


def is_of_disk(error: OSError) -> bool:
    """Whether it is about a disk or a folder, not of a network or a process."""
    return is_full(error) or (bool(error.filename) and error.errno in _NO_RIGHT | _IN_THE_WAY)


def sentence(error: OSError, folder: Path | None = None) -> str:
    """What cannot be done, where, and what to do. `folder` is named where the error names no file."""
    place = error.filename or folder
    to = f" to {os.fsdecode(place)}" if isinstance(place, str | bytes | os.PathLike) else ""
    return f"cannot write{to} ({error.strerror}): {todo(error)}"


def todo(error: OSError) -> str:
    """Why, and what to do."""
    if error.errno in _NO_RIGHT:
        return f"{_user()} has no right to it: change its owner or its mode"
    if error.errno in _IN_THE_WAY:
        return "something else is there: move it out of the way"
    return _FULL.get(error.errno or 0, "see to that")


def must_take_files(folder: Path) -> None:
    """Raises OSError, which names the folder, unless what a start writes can be written there."""
    try:
        with TemporaryFile(dir=folder) as file:
            try:
                os.posix_fallocate(file.fileno(), 0, ROOM)
            except OSError as error:
                if error.errno not in _UNKNOWN_ROOM:
                    raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from None


def write_whole(path: Path, text: str) -> None:
    """The file has the text, or what it had before: never a part of it. Its owner alone can read it. Raises OSError, which names it."""
    with suppress(OSError, UnicodeDecodeError):
        if path.read_text(encoding="utf-8") == text and not path.stat().st_mode & 0o077:
            return
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


def write_over(path: Path, text: str) -> None:
    """Puts the text into a file without giving up its place on the disk first, where it needs no more than it has. Raises OSError."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.truncate(file, os.pwrite(file, text.encode(), 0))
    finally:
        os.close(file)


def _user() -> str:
    try:
        return f"the user {pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:
        return f"the user {os.geteuid()}"
