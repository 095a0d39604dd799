"""A whole site, checked: what every other part of the server is built from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ivr.flow.model import Flows
from ivr.hours import Hours
from ivr.numbers import Allowed
from routing.model import Directory
from server.asterisk.trunks import Trunk
from server.settings.files import HotlineFile


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that `config/` and `dialplans/` say. `numbers` maps a number of ours to a flow; `default_flow` may be empty."""

    folder: Path
    main: HotlineFile
    directory: Directory
    hours: Mapping[str, Hours]
    numbers: Mapping[str, str]
    default_flow: str
    trunks: Mapping[str, Trunk]
    flows: Flows
    may_dial: Allowed

    def flow_for(self, dnis: str) -> str:
        """The flow that answers this number; "" when none does."""
        return self.numbers.get(dnis, self.default_flow)

    def queue_name(self, queue: str, language: str) -> str:
        """What a queue is called in a language."""
        names = self.directory.queues[queue].names
        return names.get(language) or names.get("") or queue
