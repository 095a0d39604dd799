"""What the event log holds of the time before a view began: learned beside it, oldest event first, then taken over by `View.remember`."""

from collections.abc import Mapping

from routing.domain.events import Event
from routing.domain.model import Directory
from routing.domain.service_level import Departures, departure
from routing.read_model.measures import LEAVING, Measures

EARLIER_MS = 12 * 3_600_000  # how far back a view learns when it begins


LOST_BY = ("asterisk_restarted", "site_stopped")


class EarlierLog:
    """Departures and measures of old events, and the calls that were lost with an Asterisk."""

    def __init__(self, directory: Directory) -> None:
        self.departures = {queue: Departures() for queue in directory.queues}
        self.measures = Measures(directory.queues)
        self.lost_calls: list[Event] = []
        self._waiting: set[str] = set()

    def take(self, event: Event) -> None:
        """Learn from the next event."""
        self.measures.take(event, gave_up=event.type in LEAVING and event.contact in self._waiting)
        depart(self.departures, event)
        if event.type in ("contact_queued", "contact_requeued"):
            self._waiting.add(event.contact)
        elif event.type == "contact_connected" or event.type in LEAVING:
            self._waiting.discard(event.contact)
        elif is_lost_call(event):
            self.lost_calls.append(event)


def depart(departures: Mapping[str, Departures], event: Event) -> None:
    """Count who leaves a queue by this event."""
    left = departure(event)
    if left and left[0] in departures:
        departures[left[0]].add(left[1])


def is_lost_call(event: Event) -> bool:
    """The end of a call that neither caller nor flow ended: its Asterisk died, or the site stopped."""
    return event.type == "call_ended" and event.data.get("ended_by") in LOST_BY
