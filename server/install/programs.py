"""Makes a program of an unpacked folder run on a host with other libraries: a script starts it with its own loader and libraries."""

import shutil
from pathlib import Path

from server.install.packages import InstallError, Progress, private_packages

_START = """#!/bin/sh
# Starts {program} with the libraries that were unpacked beside it.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
{environment}exec "$root/{loader}" --library-path "{libraries}" "$root/{program}" "$@"
"""


def write_start_script(root: Path, name: str, program: str, environment: dict[str, str] | None = None) -> Path:
    """Writes and returns `root/bin/name`, which starts `program` (a path inside `root`); `environment` may speak of `$root`."""
    loaders = sorted(root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*")) or sorted(root.glob("lib/*-linux-gnu/ld-linux-*.so.*"))
    if not loaders or not (root / program).is_file():
        raise InstallError(
            f"there is no {program} in the unpacked packages that can be started: the mirror has changed its layout; please report this."
        )
    triplet = loaders[0].parent.name
    folders = [Path("usr/lib") / triplet, Path("lib") / triplet]
    # Some libraries keep their own in a folder beside them and find it by an absolute path, which is not there.
    folders += sorted(
        folder.relative_to(root) for folder in (root / "usr/lib" / triplet).iterdir() if folder.is_dir() and any(folder.glob("lib*.so"))
    )
    script = root / "bin" / name
    script.parent.mkdir(exist_ok=True)
    script.write_text(
        _START.format(
            program=program,
            loader=loaders[0].relative_to(root),
            libraries=":".join(f"$root/{folder}" for folder in folders if (root / folder).is_dir()),
            environment="".join(f'{key}="{value}" ' for key, value in (environment or {}).items()),
        )
    )
    script.chmod(0o755)
    return script


def speech_program(progress: Progress) -> Path:
    """espeak-ng, which reads prompts aloud: the host's own, else one unpacked from its distribution's packages."""
    found = shutil.which("espeak-ng")
    if found:
        return Path(found)
    folder = private_packages(
        "espeak-ng", ["espeak-ng"], "prompts are read aloud by espeak-ng, which this host lacks", progress, _finish_speech
    )
    return folder / "bin" / "espeak-ng"


def _finish_speech(root: Path) -> None:
    data = sorted(root.glob("usr/lib/*/espeak-ng-data")) or sorted(root.glob("usr/share/espeak-ng-data"))
    place = {"ESPEAK_DATA_PATH": f"$root/{data[0].parent.relative_to(root)}"} if data else {}
    write_start_script(root, "espeak-ng", "usr/bin/espeak-ng", place)


def sipp_program(progress: Progress) -> Path:
    """SIPp, which makes calls that do not keep to the rules: the host's own, else one unpacked. Only `./hotline bench edge` needs it."""
    found = shutil.which("sipp")
    if found:
        return Path(found)
    folder = private_packages("sipp", ["sip-tester"], "the benchmark makes calls by SIPp, which this host lacks", progress, _finish_sipp)
    return folder / "bin" / "sipp"


def _finish_sipp(root: Path) -> None:
    write_start_script(root, "sipp", "usr/bin/sipp")
