"""What is counted of each queue for ever: the store adds it up in the commit of the events, so that every server knows the same totals."""

from collections import Counter
from collections.abc import Iterable

from routing.domain.events import Event

Totals = dict[str, dict[str, int]]  # queue -> what -> how many
ONE = {"contact_queued": "queued", "contact_connected": "answered", "contact_ended": "ended"}
LEFT = ("contact_abandoned", "contact_timed_out", "contact_left")
UNDER_WAY = ("offer_made", "offer_ringing")


def counted(event: Event) -> list[tuple[str, str]]:
    """The totals that an event adds one to: (queue, what)."""
    if event.type in ONE:
        return [(event.queue, ONE[event.type])]
    if event.type in LEFT:
        return [(event.queue, str(event.data["outcome"]))]
    if event.type == "contact_moved":
        return [(str(event.data["before"]), "moved_away"), (event.queue, "moved_here")]
    if event.type == "contact_overflowed":  # on arrival: it never waited in the queue before
        return [(str(event.data["before"]), "overflowed")]
    if event.type.startswith("offer_") and event.type not in UNDER_WAY:
        return [(event.queue, event.type)]
    return []


def growth(events: Iterable[Event]) -> Counter[tuple[str, str]]:
    """What a batch of events adds."""
    return Counter(one for event in events for one in counted(event))
