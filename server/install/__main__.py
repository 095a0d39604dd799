"""Provides what Hotline needs beside Python, ahead of time: `python -m server.install` fetches the programs that this host lacks."""

import sys

from server.disk import is_of_disk, sentence
from server.install.asterisk import find_asterisk
from server.install.packages import InstallError, cache_folder
from server.install.programs import speech_program


def main() -> int:
    def progress(line: str) -> None:
        print(f"hotline: {line}", file=sys.stderr, flush=True)

    try:
        find_asterisk(progress)
        speech_program(progress)
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
    sys.exit(main())
