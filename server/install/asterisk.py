"""Finds the Asterisk program to run: the host's own when it is new enough, else one unpacked from the distribution's packages."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from server.install.packages import InstallError, Progress, private_packages
from server.install.programs import write_start_script

OLDEST = 20
_PACKAGES = ["asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm"]


@dataclass(frozen=True, slots=True)
class AsteriskProgram:
    """An Asterisk that can be started, its version ("22.10.1"), its modules and its data (sounds, documentation)."""

    executable: Path
    version: str
    modules: Path
    data: Path

    def module_names(self) -> frozenset[str]:
        return frozenset(path.name for path in self.modules.glob("*.so"))


def find_asterisk(progress: Progress) -> AsteriskProgram:
    """The Asterisk to run; fetches one at the first call on a host without (about a minute, once). InstallError says what to do."""
    found = shutil.which("asterisk")
    program = _inspect(Path(found), Path("/")) if found else None
    if program is not None and _major(program.version) >= OLDEST:
        return program
    why = f"this host's Asterisk {program.version} is older than {OLDEST}" if program else "this host has no Asterisk"
    folder = private_packages("asterisk", _PACKAGES, why, progress, _finish)
    unpacked = _inspect(folder / "bin" / "asterisk", folder)
    if unpacked is None or _major(unpacked.version) < OLDEST:
        raise InstallError(
            f"the Asterisk unpacked into {folder} does not start or is older than {OLDEST}: remove that folder and start again."
        )
    return unpacked


def _major(version: str) -> int:
    return int(version.split(".", 1)[0])


def _inspect(executable: Path, root: Path) -> AsteriskProgram | None:
    try:
        said = subprocess.run([str(executable), "-V"], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(r"Asterisk (\d+(?:\.\d+)*)", said)
    modules = [
        path.parent
        for pattern in ("usr/lib/*/", "usr/lib/", "usr/lib64/", "usr/local/lib/")
        for path in root.glob(f"{pattern}asterisk/modules/res_agi.so")
    ]
    data = [path.parent for place in ("usr/share", "var/lib", "usr/local/share") for path in root.glob(f"{place}/asterisk/documentation")]
    if version is None or not modules or not data:
        return None
    return AsteriskProgram(executable, version[1], modules[0], data[0])


def _finish(root: Path) -> None:
    """What the packages' install scripts would have done."""
    sounds = root / "usr/share/asterisk/sounds"
    english = sorted(sounds.glob("en_*"))
    if english and not (sounds / "en").exists():
        (sounds / "en").symlink_to(english[0].name)
    write_start_script(root, "asterisk", "usr/sbin/asterisk")
