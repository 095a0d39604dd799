"""Which servers could carry out the offer of a contact that no server has: those alive, by the kinds of contacts that they have a medium
for, the Asterisk that they work with and the trunks that it has. Pure bookkeeping.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from routing.domain.agent import Agent
from routing.domain.kinds import KINDS
from routing.domain.phone_address import ExternalNumber

HoldUp = Literal["no_server", "no_trunk"]


@dataclass(frozen=True, slots=True)
class OfferServer:
    """What a server says of itself: the name of its Asterisk, the kinds that it has a medium for, and the trunks out."""

    asterisk: str = ""
    kinds: frozenset[str] = frozenset()
    trunks: frozenset[str] = frozenset()

    def carries(self, kind: str, trunk: str) -> bool:
        """Whether it has the medium and the trunk ("" is any)."""
        return kind in self.kinds and (not trunk or trunk in self.trunks)


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

    def choose(self, kind: str, trunk: str, agent: Agent) -> str:
        """The one that was chosen longest ago; "" when there is none."""
        found = [server for server in self._fit(kind, trunk) if self._reaches(server, kind, agent)]
        if not found:
            return ""
        chosen = min(found, key=lambda server: (self._used.get(server, 0), server))
        self._serial += 1
        self._used[chosen] = self._serial
        return chosen

    def carries(self, kind: str, trunk: str, agent: Agent) -> bool:
        """Whether any could."""
        return any(self._reaches(server, kind, agent) for server in self._fit(kind, trunk))

    def hold_up(self, kind: str, trunk: str) -> HoldUp | None:
        """Why nobody could be offered such a contact, whoever is ready; None when somebody could."""
        if self._fit(kind, trunk):
            return None
        return "no_trunk" if trunk and self._fit(kind, "") else "no_server"

    def _fit(self, kind: str, trunk: str) -> list[str]:
        return [name for name, server in self._known.items() if name in self._alive and server.carries(kind, trunk)]

    def _reaches(self, server: str, kind: str, agent: Agent) -> bool:
        return not KINDS[kind].by_phone or isinstance(agent.phone, ExternalNumber) or self._known[server].asterisk == agent.phone_at
