"""The books of a site: whatever begins in the event log - a call, a contact, an offer - has exactly one end."""

from collections import Counter
from collections.abc import Sequence

from simulator.feed import Event

OFFER_ENDS = {"contact_connected"} | {
    f"offer_{outcome}" for outcome in ("declined", "busy", "rang_out", "unreachable", "failed", "withdrawn")
}
CONTACT_ENDS = {"contact_ended", "contact_abandoned", "contact_timed_out", "contact_left"}


def loose_ends(events: Sequence[Event], *, still: bool = False) -> list[str]:
    """What does not have exactly one end; with `still` only what has none yet."""
    arrived = Counter(event["call"] for event in events if event["type"] == "call_arrived")
    over = Counter(event["call"] for event in events if event["type"] == "call_ended")
    queued = Counter(event["contact"] for event in events if event["type"] == "contact_queued")
    queued |= Counter({event["contact"] for event in events if event["type"] == "contact_requeued"})
    left = Counter(event["contact"] for event in events if event["type"] in CONTACT_ENDS)
    refused = Counter(event["contact"] for event in events if event["type"] == "contact_left" and event["contact"] not in queued)
    made = Counter(event["data"]["offer"] for event in events if event["type"] == "offer_made")
    decided = Counter(event["data"]["offer"] for event in events if event["type"] in OFFER_ENDS)
    found = []
    for what, begun, ended in (("call", arrived, over), ("contact", queued + refused, left), ("offer", made, decided)):
        for id in begun | ended:
            if begun[id] > ended[id] if still else not begun[id] == ended[id] == 1:
                found.append(f"{what} {id}: began {begun[id]} times, ended {ended[id]} times")
    return found


def written_twice(events: Sequence[Event]) -> list[str]:
    """Ids of events that stand in the log more than once."""
    return [id for id, count in Counter(event["id"] for event in events).items() if count > 1]
