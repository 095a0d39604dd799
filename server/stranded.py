"""Calls whose server is frozen: Asterisk waits for a word that does not come. The dialplan is told to take them up again.

Pure: which calls these are, by the rows of CoreShowChannels, and the place of the dialplan where each goes on.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from agi.ami.protocol import Message

CALLS = ("hotline", "resume")  # context and label where a caller's call is taken up again
TRANSFERS = ("hotline-transfer", "1")  # the same of one that an agent has passed on
_PLACES = {"call": CALLS, "transfer": TRANSFERS}  # by the name of the AGI session


@dataclass(frozen=True, slots=True)
class Stranded:
    """A channel at a frozen server, and where the dialplan takes it up again."""

    channel: str
    uniqueid: str
    context: str
    extension: str
    label: str


def stranded(rows: Iterable[Message], agi: str) -> list[Stranded]:
    """The channels at the server with that FastAGI address (HOST:PORT) that may be moved.

    Not those in a bridge or with a phone ringing, which need no server; not an agent's feature code, who dials it again.
    """
    found = []
    for row in rows:
        script = row.get("ApplicationData").removeprefix(f"agi://{agi}/")
        if row.get("Application") != "AGI" or row.get("BridgeId") or script == row.get("ApplicationData"):
            continue
        context, label = _PLACES.get(script.partition(",")[0], ("", ""))
        if context:
            found.append(Stranded(row.get("Channel"), row.get("Uniqueid"), context, row.get("Exten"), label))
    return found
