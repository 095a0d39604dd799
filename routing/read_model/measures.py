"""What the event log shows of each queue: how long agents spend on a contact, how soon callers give up, how many come. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from routing.domain.agent_state import AgentState
from routing.domain.events.agents import AgentConnected, AgentLoggedOut, AgentPaused, AgentReady
from routing.domain.events.contacts import ContactAbandoned, ContactConnected, ContactLeft, ContactQueued, ContactTimedOut
from routing.domain.events.envelope import Event
from routing.domain.events.offers import OfferMade
from routing.read_model.estimate import Mean, Rate


@dataclass(slots=True)
class QueueMeasures:
    """What was seen of one queue, or of all together."""

    handling: Mean = field(default_factory=Mean)  # ms that an agent spends on a contact: ring, talk, wrap-up, and rings in vain
    ring: Mean = field(default_factory=Mean)  # ms from the offer to the answer
    leaving: Mean = field(default_factory=lambda: Mean(half=100_000_000.0, trust=3_600_000.0))  # given up, per ms waited
    arrivals: Rate = field(default_factory=Rate)


class Measures:
    """Each queue's own means, leaning on the site's while there is little of it. `handling_ms` is assumed before anything was seen."""

    def __init__(self, queues: Iterable[str], handling_ms: float | None = None) -> None:
        self._handling_ms = handling_ms
        self._site = QueueMeasures()
        self._queues: dict[str, QueueMeasures] = {}
        self.know(queues)
        self._since: dict[str, tuple[int, str]] = {}  # busy agents -> since when, for which queue
        self._offered_ms: dict[str, int] = {}  # contact -> when a phone began to ring

    def know(self, queues: Iterable[str]) -> None:
        """These are the site's queues now; what was measured of others stays, for the day that they come back."""
        for queue in queues:
            self._queues.setdefault(queue, QueueMeasures())

    def start(self) -> None:
        """The log begins anew: what was under way has no beginning. What was measured stays."""
        self._since.clear()
        self._offered_ms.clear()

    def handling_ms(self, queue: str) -> float | None:
        """What an agent spends on a contact; None when nothing was ever seen."""
        return self._queues[queue].handling.value(self._site.handling.value(self._handling_ms))

    def ring_ms(self, queue: str) -> float:
        """From the offer to the answer."""
        return self._queues[queue].ring.value(self._site.ring.value(None)) or 0.0

    def leaving(self, queue: str) -> float:
        """Of those who wait, how many leave without an agent per ms."""
        return self._queues[queue].leaving.value(self._site.leaving.value(None)) or 0.0

    def arriving(self, queue: str, now_ms: int) -> float:
        """How many join per ms."""
        return self._queues[queue].arrivals.value(now_ms)

    def take(self, event: Event, gave_up: bool) -> None:
        """Learn from an event. `gave_up`: whoever it is about waited until now, and waits no more."""
        if event.agent:
            self._take_agent(event)
        match event.data:
            case ContactQueued():
                for measures in self._both(event.queue):
                    measures.arrivals.add(event.at_ms)
            case OfferMade():
                self._offered_ms[event.contact] = event.at_ms
            case ContactConnected(waited_ms=waited_ms):
                ringing_since = self._offered_ms.pop(event.contact, event.at_ms)
                for measures in self._both(event.queue):
                    measures.ring.add(event.at_ms - ringing_since)
                    measures.leaving.add(0.0, max(0, waited_ms))
            case ContactAbandoned() | ContactTimedOut() | ContactLeft():
                self._offered_ms.pop(event.contact, None)
                for measures in self._both(event.queue) if gave_up else ():
                    measures.leaving.add(1.0, max(0, event.data.waited_ms))

    def _take_agent(self, event: Event) -> None:
        """Time on a contact counts when it is over; a ring in vain counts beside the contacts that were answered."""
        since = self._since.get(event.agent)
        match event.data:
            case OfferMade():
                self._since[event.agent] = event.at_ms, event.queue
            case AgentConnected() if since is None:
                self._since[event.agent] = event.at_ms, event.queue
            case AgentReady(before=before) | AgentPaused(before=before) | AgentLoggedOut(before=before) if since:
                del self._since[event.agent]
                cases = 1.0 if before == AgentState.WRAP_UP else 0.0
                for measures in self._both(since[1]):
                    measures.handling.add(event.at_ms - since[0], cases)

    def _both(self, queue: str) -> Iterator[QueueMeasures]:
        """The queue's measures and the site's."""
        if queue in self._queues:
            yield self._queues[queue]
            yield self._site
