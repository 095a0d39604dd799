"""What the event log holds of the time before a view began: learned beside it, oldest event first, then taken over by `View.remember`."""

from collections import deque
from dataclasses import dataclass, field

from routing.events import Event
from routing.measures import LEAVING, Measures
from routing.model import Directory


@dataclass(slots=True)
class QueueCounts:
    """What left one queue in the last half hour, as (when, waited ms), and totals since the start of the view."""

    answered: deque[tuple[int, int]] = field(default_factory=deque)
    abandoned: deque[tuple[int, int]] = field(default_factory=deque)
    totals: dict[str, int] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Count a contact that was answered or abandoned."""
        if event.type == "contact_connected":
            self.answered.append((event.at_ms, event.data["waited_ms"]))
        elif event.type == "contact_abandoned":
            self.abandoned.append((event.at_ms, event.data["waited_ms"]))

    def put_before(self, earlier: "QueueCounts") -> None:
        """Add what was before all that is counted here; totals stay."""
        self.answered.extendleft(reversed(earlier.answered))
        self.abandoned.extendleft(reversed(earlier.abandoned))

    def forget_before(self, at_ms: int) -> None:
        """Drop what is older; totals stay."""
        for past in (self.answered, self.abandoned):
            while past and past[0][0] < at_ms:
                past.popleft()


LOST_BY = ("asterisk_restarted", "site_stopped")


class Past:
    """Counts and measures of old events, and the calls that were lost with an Asterisk."""

    def __init__(self, directory: Directory) -> None:
        self.counts = {queue: QueueCounts() for queue in directory.queues}
        self.measures = Measures(directory.queues)
        self.lost_calls: list[Event] = []
        self._waiting: set[str] = set()

    def take(self, event: Event) -> None:
        """Learn from the next event."""
        self.measures.take(event, gave_up=event.type in LEAVING and event.contact in self._waiting)
        if event.queue in self.counts:
            self.counts[event.queue].take(event)
        if event.type in ("contact_queued", "contact_requeued"):
            self._waiting.add(event.contact)
        elif event.type == "contact_connected" or event.type in LEAVING:
            self._waiting.discard(event.contact)
        elif is_lost_call(event):
            self.lost_calls.append(event)


def is_lost_call(event: Event) -> bool:
    """The end of a call that neither caller nor flow ended: its Asterisk died, or the site stopped."""
    return event.type == "call_ended" and event.data.get("ended_by") in LOST_BY
