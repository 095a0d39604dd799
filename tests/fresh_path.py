"""The PATH of a machine on which nobody has installed anything: links to the programs of Debian's essential packages, python3 and apt."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PLACES = tuple(map(Path, ("/usr/bin", "/bin", "/usr/sbin", "/sbin")))
# Packages beside those that Debian calls essential or required: apt checks signatures with one of the last three.
ADDED = ("python3", "python3-minimal", "apt", "apt-utils", "gpgv", "sqv", "gpgv-sq")


class NotDebian(Exception):
    """This machine has no dpkg, so its essential packages cannot be told; the message says what that means."""


def fresh_path(folder: Path) -> str:
    """Fills `folder` with links and returns it as a PATH. NotDebian where there is no dpkg."""
    if shutil.which("dpkg-query") is None:
        raise NotDebian(
            "the stages integration, fresh and e2e run on what a fresh Debian or Ubuntu has, and this machine has no dpkg-query: "
            "run them on Debian 12 or later or Ubuntu 24.04 or later; ./hotline test quick runs here."
        )
    packages = sorted(_base_packages())
    owned = {line for line in _lines("dpkg", "-L", *packages) if Path(line).parent in PLACES}
    for program in [*map(Path, sorted(owned)), *_alternatives(owned)]:
        link = folder / program.name
        if program.is_file() and not link.is_symlink():
            link.symlink_to(program)
    python = folder / "python3"
    if not python.exists():  # a machine whose python3 is no package of Debian's
        python.symlink_to(Path(sys.executable).resolve())
    return str(folder)


def _base_packages() -> Iterator[str]:
    for line in _lines("dpkg-query", "-W", "-f", "${db:Status-Status}\t${Essential}\t${Priority}\t${Package}\n"):
        status, essential, priority, name = line.split("\t")
        is_python = name in ADDED or (name.startswith("python3.") and name.removesuffix("-minimal").removeprefix("python3.").isdigit())
        if status == "installed" and (essential == "yes" or priority == "required" or is_python):
            yield name


def _alternatives(owned: set[str]) -> Iterator[Path]:
    """Names that lead to one of `owned` by way of /etc/alternatives, as awk does."""
    for place in PLACES[::2]:
        for program in place.iterdir():
            if program.is_symlink() and str(program.readlink()).startswith("/etc/alternatives/") and str(program.resolve()) in owned:
                yield program


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout.splitlines()
