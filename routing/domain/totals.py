"""What is counted of each queue for ever: the store adds it up in the commit of the events, so that every server knows the same totals."""

from collections import Counter
from collections.abc import Iterable, Mapping

from routing.domain.events.contacts import (
    ContactAbandoned,
    ContactConnected,
    ContactEnded,
    ContactLeft,
    ContactMoved,
    ContactOverflowed,
    ContactQueued,
    ContactTimedOut,
)
from routing.domain.events.envelope import Event
from routing.domain.events.offers import OVER
from routing.domain.service_level import LEAVING

Totals = dict[str, dict[str, int]]  # queue -> what -> how many
ONE: Mapping[type, str] = {
    ContactQueued: "queued",
    ContactConnected: "answered",
    ContactEnded: "ended",
    **{cls: cls.TYPE for cls in OVER.values()},
}


def counted(event: Event) -> list[tuple[str, str]]:
    """The totals that an event adds one to: (queue, what)."""
    data = event.data
    if (what := ONE.get(type(data))) is not None:
        return [(event.queue, what)]
    if type(data) not in LEAVING:
        return []
    match data:
        case ContactAbandoned() | ContactTimedOut() | ContactLeft():
            return [(event.queue, data.outcome)]
        case ContactMoved():
            return [(data.before, "moved_away"), (event.queue, "moved_here")]
        case ContactOverflowed():  # on arrival: it never waited in the queue before
            return [(data.before, "overflowed")]
    return []


def growth(events: Iterable[Event]) -> Counter[tuple[str, str]]:
    """What a batch of events adds."""
    found: Counter[tuple[str, str]] = Counter()
    for event in events:
        cls = type(event.data)
        if cls in ONE:
            found[event.queue, ONE[cls]] += 1
        elif cls in LEAVING:
            found.update(counted(event))
    return found
