"""What the board decided and the store commits: records, events and orders of one batch, all of it or nothing."""

from dataclasses import dataclass, field

from routing.domain.agent import Agent
from routing.domain.events.envelope import Event
from routing.domain.model import CallerHistory, Contact
from routing.domain.orders import Order


@dataclass(slots=True)
class Changes:
    """What one batch of messages did. Records come with the revision they were decided on; None is a record that is gone."""

    contacts: list[tuple[str, int, Contact | None]] = field(default_factory=list)
    agents: list[tuple[str, int, Agent | None]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    orders: list[tuple[str, Order]] = field(default_factory=list)  # (server, order)
    callers: list[tuple[str, int, CallerHistory | None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.contacts or self.agents or self.callers or self.events or self.orders)
