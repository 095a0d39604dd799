"""What the event log has of the time before a view began: learned beside it, oldest event first, then taken over by `View.remember`."""

from collections.abc import Mapping

from routing.domain.events.calls import CallEnded
from routing.domain.events.contacts import (
    WITHOUT_AGENT,
    ContactAbandoned,
    ContactConnected,
    ContactLeft,
    ContactQueued,
    ContactRequeued,
    ContactTimedOut,
)
from routing.domain.events.envelope import Event
from routing.domain.model import Directory
from routing.domain.service_level import Departures, departure
from routing.read_model.measures import Measures

EARLIER_MS = 12 * 3_600_000  # how far back a view learns when it begins


class EarlierLog:
    """Departures and measures of old events, and the calls that were lost with an Asterisk."""

    def __init__(self, directory: Directory) -> None:
        self.departures = {queue: Departures() for queue in directory.queues}
        self.measures = Measures(directory.queues)
        self.lost_calls: list[Event] = []
        self._waiting: set[str] = set()

    def take(self, event: Event) -> None:
        """Learn from the next event."""
        self.measures.take(event, gave_up=isinstance(event.data, WITHOUT_AGENT) and event.contact in self._waiting)
        depart(self.departures, event)
        match event.data:
            case ContactQueued() | ContactRequeued():
                self._waiting.add(event.contact)
            case ContactConnected() | ContactAbandoned() | ContactTimedOut() | ContactLeft():
                self._waiting.discard(event.contact)
            case CallEnded() if is_lost_call(event):
                self.lost_calls.append(event)


def depart(departures: Mapping[str, Departures], event: Event) -> None:
    """Count who leaves a queue by this event."""
    left = departure(event)
    if left and left[0] in departures:
        departures[left[0]].add(left[1])


def is_lost_call(event: Event) -> bool:
    """The end of a call that neither caller nor flow ended: its Asterisk died, or the site stopped."""
    return isinstance(event.data, CallEnded) and event.data.ended_by in ("asterisk_restarted", "site_stopped")
