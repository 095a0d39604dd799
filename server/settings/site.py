"""A complete site, checked: what every other part of the server is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ivr.flow.model import Flows
from ivr.hours import Hours
from ivr.numbers import Allowed
from routing.domain.model import Directory
from routing.domain.phone_address import SipAccount
from server.settings.access import AccessFile
from server.settings.callers import CallerLists
from server.settings.files import HotlineFile
from server.settings.trunks import Trunk
from sources.problems import Problem


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that `config/` and `dialplans/` say. `numbers` maps a number of ours to a flow; `default_flow` may be empty.

    `warnings` are what is odd and works all the same.
    `desk_phones` are SIP accounts without an owner; there agents log in with a number of `logins` (-> agent) and their PIN.
    """

    folder: Path
    main: HotlineFile
    directory: Directory
    hours: Mapping[str, Hours]
    numbers: Mapping[str, str]
    default_flow: str
    trunks: Mapping[str, Trunk]
    flows: Flows
    may_dial: Allowed
    callers: CallerLists = field(default_factory=CallerLists)
    desk_phones: tuple[str, ...] = ()
    logins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    access: AccessFile = field(default_factory=AccessFile)

    @property
    def phones(self) -> tuple[str, ...]:
        """Every SIP account of the site's: the agents' and those without an owner."""
        own = (agent.phone for agent in self.directory.agents.values())
        return (*(phone.name for phone in own if isinstance(phone, SipAccount)), *self.desk_phones)

    def flow_for(self, dnis: str) -> str:
        """The flow that answers this number; "" when none does."""
        return self.numbers.get(dnis, self.default_flow)

    def queue_name(self, queue: str, language: str) -> str:
        """What a queue is called in a language."""
        names = self.directory.queues[queue].names
        return names.get(language) or names.get("") or queue
