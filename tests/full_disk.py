"""A disk that is full for a while, without any rights: files may not grow beyond some bytes, and each write beyond them fails."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def full_disk(room: int = 0, *, pid: int = 0) -> Iterator[None]:
    """For this process, or for that one and those that it starts meanwhile."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
