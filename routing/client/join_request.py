"""How a caller comes to a queue: what a server knows of them when they join."""

from dataclasses import dataclass

from routing.domain.contact_facts import ContactFacts, ContactWishes
from routing.domain.messages import ContactArrived
from routing.domain.outcomes import OfferOutcome


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A caller who wants to join a queue.

    `expected_wait_ms` (0: unknown) and `service_level` (percent) are how this server sees the queue.
    A caller who waited before and is `back` brings `contact`, `enqueued_at_ms` and how the last offer there ended.
    """

    queue: str
    facts: ContactFacts
    wishes: ContactWishes
    exit_keys: str = ""
    contact: str = ""
    enqueued_at_ms: int = 0
    back: bool = False
    last_offer: str = ""
    last_outcome: OfferOutcome = "withdrawn"
    expected_wait_ms: int = 0
    service_level: float = 100.0

    def arrived(self, contact: str, server: str, now_ms: int) -> ContactArrived:
        """The same as a message to the router."""
        return ContactArrived(
            contact,
            server,
            self.queue,
            self.enqueued_at_ms or now_ms,
            self.facts,
            self.wishes,
            back=self.back,
            last_offer=self.last_offer,
            last_outcome=self.last_outcome,
            expected_wait_ms=self.expected_wait_ms,
            service_level=self.service_level,
        )
