"""Provides what Hotline needs beside Python, ahead of time: `python -m server.install` fetches the programs that this host lacks.

`python -m server.install NAME` fetches one of PROGRAMS alone. The paths are printed, one a line.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from server.disk import is_of_disk, sentence
from server.install.asterisk import find_asterisk
from server.install.packages import InstallError, Progress, cache_folder
from server.install.programs import sipp_program, speech_program

PROGRAMS: Mapping[str, Callable[[Progress], Path]] = {
    "asterisk": lambda progress: find_asterisk(progress).executable,
    "espeak-ng": speech_program,
    "sipp": sipp_program,
}
NEEDED = ("asterisk", "espeak-ng")


def main(names: Sequence[str]) -> int:
    """0 when all are there."""

    def progress(line: str) -> None:
        print(f"hotline: {line}", file=sys.stderr, flush=True)

    try:
        for name in names or NEEDED:
            print(PROGRAMS[name](progress), flush=True)
    except InstallError as error:
        progress(str(error))
        return 1
    except OSError as error:
        if not is_of_disk(error):
            raise
        progress(sentence(error, cache_folder()))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
