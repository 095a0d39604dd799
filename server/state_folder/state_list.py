"""The state folders of this user on this machine, so that the first start of a site leaves alone the ports that a stopped site will want.

One file a state folder, in the cache folder: its name is a hash of the path, its text the path. What cannot be read or written is passed
over: the list prevents a refused start, no start may need it.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from server.state_folder.ports import PortError, read_ports


class StateList:
    """Kept in `folder`, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, state: Path) -> None:
        """From now on the recorded ports of that state folder belong to it, also while its site is stopped."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._entry(state).write_bytes(os.fsencode(state.absolute()))

    def ports_of_others(self, state: Path) -> frozenset[int]:
        """The first ports of every kind that other state folders have recorded. An entry whose folder has no ports any more is removed."""
        return frozenset(port for other in self._others(state) for port in _recorded(other))

    def _others(self, state: Path) -> Iterator[Path]:
        own = self._entry(state)
        with suppress(OSError):
            for entry in list(self._folder.iterdir()):
                with suppress(OSError):
                    other = Path(os.fsdecode(entry.read_bytes()))
                    if not (other / "ports.json").is_file():
                        entry.unlink()
                    elif entry != own:
                        yield other

    def _entry(self, state: Path) -> Path:
        return self._folder / hashlib.sha256(os.fsencode(state.absolute())).hexdigest()[:16]


def _recorded(state: Path) -> list[int]:
    try:
        ports = read_ports(state)
    except PortError:
        return []
    return list(asdict(ports).values()) if ports else []
