"""What a process runs on, in a word: its program and its settings as they lay on disk when it read them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from server.home import HOME, PACKAGES


def of_program() -> str:
    """Of the program of a server."""
    return _of([HOME / name for name in PACKAGES])


def of_site(config: Path, dialplans: Path) -> str:
    """Of a site's settings, flows and recordings."""
    return _of([config, dialplans])


def _of(folders: Iterable[Path]) -> str:
    """Of every file's name and content; what editors and Python leave beside them does not count."""
    digest = hashlib.sha256()
    for folder in folders:
        digest.update(b"\0\0")
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if any(part.startswith(".") or part == "__pycache__" for part in name.parts) or path.name.endswith("~") or not path.is_file():
                continue
            digest.update(f"\0{name}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
