"""Unpacks Debian packages, with everything they need, into a folder of the user's cache: no root, no service, nothing outside it.

apt-get works on private folders (`Dir::*`) and checks the signatures as ever; the packages' own install scripts are not run.
A folder is put in place in one step when it is complete, so a half-finished one is never taken for a program.
"""

import errno
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.install.apt_sources import Source, distribution_source, read_deb822, read_list

Progress = Callable[[str], None]

# Needed by install scripts or administration tools only, which are not run here.
_LEFT_OUT = re.compile(
    r"^(perl|libperl|gnupg|gpg|dirmngr|pinentry|passwd|adduser|debconf|pci\.ids|asterisk-config$|systemd|ucf$|procps|sensible-utils)"
)
_LAYOUT = "1"  # raise it when folders made by an earlier version no longer serve


class InstallError(Exception):
    """A program could not be provided; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Download:
    """One package as apt plans it; `size` in bytes."""

    name: str
    version: str
    size: int


def cache_folder() -> Path:
    """Where what was fetched is kept, per user and outside the checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "hotline"


def private_packages(name: str, packages: list[str], why: str, progress: Progress, finish: Callable[[Path], None]) -> Path:
    """The folder with these packages, unpacked; made at the first call, which blocks for a minute or so.

    `name` names it in the cache; `finish` does what the packages' own install scripts would have done, before the folder counts as
    complete.
    """
    suite, source = suite_of_host()
    folder = cache_folder() / f"{name}-{suite}-{_LAYOUT}"
    if folder.is_dir():
        return folder
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise InstallError(f"{name} is not installed and there is no {tool} to fetch it with: install {name} so that it is on PATH.")
    cache_folder().mkdir(parents=True, exist_ok=True)
    with _locked(cache_folder() / f"{name}.lock", lambda: progress(f"waiting for another start that unpacks {name}")):
        if not folder.is_dir():
            for left_over in cache_folder().glob(f".{name}-*"):
                shutil.rmtree(left_over, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache_folder()) as scratch:
                ready = _unpack(Path(scratch), source, suite, packages, why, progress)
                finish(ready)
                ready.rename(folder)
    return folder


def suite_of_host(etc: Path = Path("/etc")) -> tuple[str, Source]:
    """The suite to take packages from and the mirror that has it. Debian 12 and 13 have no Asterisk: there it is their successor."""
    release = etc / "os-release"
    facts = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', release.read_text() if release.is_file() else "", re.MULTILINE))
    codename = facts.get("VERSION_CODENAME", "")
    sources = _host_sources(etc / "apt")
    source = distribution_source(sources, codename)
    if source is None:
        raise InstallError(
            f"no apt source of this distribution ({facts.get('PRETTY_NAME', 'unknown')}) was found under {etc}/apt: "
            "Hotline fetches programs by itself on Debian 12 and later and Ubuntu 24.04 and later; "
            "on other systems install Asterisk 20 or newer and espeak-ng so that they are on PATH."
        )
    suite = "forky" if facts.get("ID") == "debian" and codename in ("bookworm", "trixie") else codename
    return suite, source


def _host_sources(apt: Path) -> list[Source]:
    sources: list[Source] = []
    for path in sorted([apt / "sources.list", *(apt / "sources.list.d").glob("*")]):
        if path.suffix in (".list", ".sources") and path.is_file():
            text = path.read_text(errors="replace")
            sources.extend(read_deb822(text) if path.suffix == ".sources" else read_list(text))
    return sources


def _unpack(scratch: Path, source: Source, suite: str, packages: list[str], why: str, progress: Progress) -> Path:
    apt = _Apt(scratch, source, suite)
    progress(f"fetching the package list of {suite} from this machine's own package mirror ({why})")
    apt.run("update")
    plan = [download for download in apt.plan(packages) if not _LEFT_OUT.match(download.name)]
    progress(f"fetching {', '.join(packages)} and what they need: {len(plan)} packages, {sum(d.size for d in plan) / 1e6:.0f} MB, once")
    apt.download(plan, progress)
    root = scratch / "root"
    root.mkdir()
    files = sorted(scratch.glob("*.deb"))
    progress(f"unpacking {len(files)} packages")
    for file in files:
        _run(["dpkg-deb", "-x", str(file), str(root)], scratch, dict(os.environ))
        file.unlink()
    return root


class _Apt:
    """apt-get on folders of its own; the host's settings (proxies, certificates, Check-Valid-Until) stay in force."""

    def __init__(self, scratch: Path, source: Source, suite: str) -> None:
        self._scratch = scratch
        private = scratch / "apt"
        for folder in ("state/lists/partial", "cache/archives/partial", "parts"):
            (private / folder).mkdir(parents=True)
        (private / "status").touch()
        components = tuple(name for name in ("main", "universe") if name in source.components)
        (private / "sources.list").write_text(source.line(suite, components) + "\n")
        settings = {
            "Dir::State": private / "state",
            "Dir::State::status": private / "status",
            "Dir::Cache": private / "cache",
            "Dir::Etc::SourceList": private / "sources.list",
            "Dir::Etc::SourceParts": private / "parts",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": private / "parts",
            "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "APT::Update::Error-Mode": "any",
        }
        self._settings = private / "apt.conf"
        self._settings.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))

    def run(self, *arguments: str) -> str:
        environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        return _run(["apt-get", "-c", str(self._settings), "-q", "-y", *arguments], self._scratch, environment)

    def plan(self, packages: list[str]) -> list[Download]:
        return read_plan(self.run("install", "--print-uris", *packages))

    def download(self, plan: list[Download], progress: Progress) -> None:
        """Fetches in batches, so that there is progress to print."""
        total, done = sum(download.size for download in plan), 0
        for start in range(0, len(plan), 25):
            batch = plan[start : start + 25]
            self.run("download", *(f"{download.name}={download.version}" for download in batch))
            done += sum(download.size for download in batch)
            progress(f"  {done / 1e6:.0f} of {total / 1e6:.0f} MB")


def read_plan(text: str) -> list[Download]:
    """What `apt-get install --print-uris` says: lines of `'uri' file size checksum`, the file named package_version_architecture.deb."""
    plan = []
    for found in re.finditer(r"^'[^']*' (?P<name>[^_\s]+)_(?P<version>[^_\s]+)_[^_\s]+\.deb (?P<size>\d+) ", text, re.MULTILINE):
        plan.append(Download(found["name"], found["version"].replace("%3a", ":"), int(found["size"])))
    return plan


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        said = next(
            (line for line in (done.stderr + done.stdout).splitlines() if line.startswith(("E:", "Err:", "dpkg-deb:"))),
            done.stderr.strip()[-300:],
        )
        if os.strerror(errno.ENOSPC) in said:
            raise InstallError(f"{Path(command[0]).name} could not unpack packages: the disk is full: free space in {cache_folder()}.")
        raise InstallError(
            f"{Path(command[0]).name} could not fetch or unpack packages: {said} - connect this machine to its package mirror "
            "and start again, or install Asterisk 20 or newer and espeak-ng so that they are on PATH."
        )
    return done.stdout


@contextmanager
def _locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
