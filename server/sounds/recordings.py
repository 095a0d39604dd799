"""The site's own recordings: which file is played for what a flow says."""

import re
from pathlib import Path

from ivr.ports import Speech

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class Recordings:
    """The files below a folder: `LANGUAGE/FLOW/NAME.wav` for the prompt of one flow, `LANGUAGE/NAME.wav` for that of every flow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def find(self, speech: Speech) -> Path | None:
        """The recording of this speech; None where there is none, and for a name that leads out of its folder."""
        if not _NAME.fullmatch(speech.recording) or not _NAME.fullmatch(speech.language):
            return None
        for flow in (speech.flow, "") if _NAME.fullmatch(speech.flow) else ("",):
            path = self.folder / speech.language / flow / f"{speech.recording}.wav"
            if path.is_file():
                return path
        return None
