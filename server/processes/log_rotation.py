"""Keeps the log files of a state folder small: one that has grown too large is put aside, and the oldest that were put aside are removed.

The programs have their files open for appending, so a file is copied and emptied: nobody has to be told. What is written between the two
is lost, some lines in 10 MB.
"""

import asyncio
import shutil
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)
LARGEST = 5_000_000  # bytes
KEPT = 2  # files that were put aside, of each log
LOOK_EVERY_S = 2.0


async def rotate_logs(folder: Path, largest: int = LARGEST) -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for path in too_large(folder, largest):
            try:
                await asyncio.to_thread(put_aside, path)
            except OSError as error:
                log.warning("log_not_put_aside", log=path.name, reason=str(error))


def too_large(folder: Path, largest: int = LARGEST) -> list[Path]:
    """The log files above that size, without those that were put aside."""
    found = []
    for path in folder.glob("*.log"):
        try:
            if path.stat().st_size > largest:
                found.append(path)
        except OSError:
            continue
    return found


def put_aside(path: Path) -> None:
    """`server.log` becomes `server.log.1`, that one `server.log.2`, and the last one goes. Raises OSError."""
    for number in range(KEPT, 1, -1):
        earlier = path.with_name(f"{path.name}.{number - 1}")
        if earlier.exists():
            earlier.replace(path.with_name(f"{path.name}.{number}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as file:
        file.truncate(0)
