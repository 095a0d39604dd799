"""Which servers could carry an offer out that no server holds the contact of: those alive, by the kinds of contacts that they have a medium
for, the Asterisk that they work with and the lines that it has. Pure bookkeeping.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from routing.domain.agent import Agent
from routing.domain.kinds import KINDS
from routing.domain.phone_address import ExternalNumber

HoldUp = Literal["no_server", "no_line"]


@dataclass(frozen=True, slots=True)
class OfferServer:
    """What a server says of itself: the name of its Asterisk, the kinds that it has a medium for, and the lines out."""

    asterisk: str = ""
    kinds: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()

    def carries(self, kind: str, line: str) -> bool:
        """Whether it has the medium and the line ("" is any)."""
        return kind in self.kinds and (not line or line in self.lines)


class OfferServers:
    """`alive` are the servers that are there, kept by whoever made this."""

    def __init__(self, alive: Mapping[str, int]) -> None:
        self._alive = alive
        self._known: dict[str, OfferServer] = {}
        self._serial = 0
        self._used: dict[str, int] = {}  # server -> when it was chosen last, as a serial number

    def learn(self, name: str, server: OfferServer) -> bool:
        """What a server says of itself; whether that is new."""
        if self._known.get(name) == server:
            return False
        self._known[name] = server
        return True

    def forget(self, server: str) -> None:
        """It is not there any more."""
        self._known.pop(server, None)
        self._used.pop(server, None)

    def choose(self, kind: str, line: str, agent: Agent) -> str:
        """The one that was chosen longest ago; "" when there is none."""
        found = [server for server in self._fit(kind, line) if self._reaches(server, kind, agent)]
        if not found:
            return ""
        chosen = min(found, key=lambda server: (self._used.get(server, 0), server))
        self._serial += 1
        self._used[chosen] = self._serial
        return chosen

    def carries(self, kind: str, line: str, agent: Agent) -> bool:
        """Whether any could."""
        return any(self._reaches(server, kind, agent) for server in self._fit(kind, line))

    def hold_up(self, kind: str, line: str) -> HoldUp | None:
        """Why nobody could be offered such a contact, whoever is ready; None when somebody could."""
        if self._fit(kind, line):
            return None
        return "no_line" if line and self._fit(kind, "") else "no_server"

    def _fit(self, kind: str, line: str) -> list[str]:
        return [name for name, server in self._known.items() if name in self._alive and server.carries(kind, line)]

    def _reaches(self, server: str, kind: str, agent: Agent) -> bool:
        return not KINDS[kind].by_phone or isinstance(agent.phone, ExternalNumber) or self._known[server].asterisk == agent.phone_at
