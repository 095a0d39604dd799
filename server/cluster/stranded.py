"""Calls whose server is frozen: Asterisk waits for a command that does not come. Asterisk is asked to run the dialplan of these calls
again.

Pure: which calls these are, by the rows of CoreShowChannels, and the place of the dialplan where each goes on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agi.ami.protocol import Message
from server.asterisk.dialplan_names import CALLS, TRANSFERS

NOWHERE: Mapping[str, str] = {}
EXECUTED = ("Dial", "MSet")  # applications that a server has Asterisk execute in a caller's AGI session
_PLACES = {"call": CALLS, "transfer": TRANSFERS}  # by the name of the AGI session


@dataclass(frozen=True, slots=True)
class Stranded:
    """A channel at a frozen server, and where the dialplan takes it up again."""

    channel: str
    uniqueid: str
    context: str
    extension: str
    label: str


def after_an_application(rows: Iterable[Message]) -> list[str]:
    """Channels that dial or set variables, as far as their rows show, without a bridge and without a phone: that is over, and the server
    has the word.

    Asterisk does not show the AGI session again until the next command. The variable AT of such a channel names its server.
    """
    known = list(rows)
    legs = {row.get("Linkedid") for row in known if row.get("Uniqueid") != row.get("Linkedid")}
    executed = (row for row in known if row.get("Application") in EXECUTED and not row.get("BridgeId"))
    return [row.get("Channel") for row in executed if row.get("Linkedid") not in legs]


def stranded(rows: Iterable[Message], agi: str, at: Mapping[str, str] = NOWHERE) -> list[Stranded]:
    """The channels at the server with that FastAGI address (HOST:PORT) to be moved. `at`: AT of those that are `after_an_application`.

    Not those in a bridge or with a phone ringing, which need no server; not an agent's feature code, who dials it again.
    """
    found = []
    for row in rows:
        script = at.get(row.get("Channel"), row.get("ApplicationData").removeprefix("agi://"))
        if (row.get("Application") != "AGI" and row.get("Channel") not in at) or row.get("BridgeId") or not script.startswith(f"{agi}/"):
            continue
        script = script.removeprefix(f"{agi}/")
        context, label = _PLACES.get(script.partition(",")[0], ("", ""))
        if context:
            found.append(Stranded(row.get("Channel"), row.get("Uniqueid"), context, row.get("Exten"), label))
    return found
