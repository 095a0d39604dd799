"""What a flow wants for its caller, in the words of routing: the one place where a request of a flow becomes wishes of a contact."""

from ivr.ports import QueueRequest
from routing.domain.contact_facts import ContactWishes


def wishes_of(request: QueueRequest, listed_priority: int, enqueued_at_ms: int) -> ContactWishes:
    """`listed_priority` is the caller list's, in seconds; who left the queue by a key and is back brings the wait from before."""
    return ContactWishes(
        list(request.steps),
        request.priority + listed_priority,
        list(request.preferred),
        request.preferred_ms,
        list(request.exclude),
        max(0, enqueued_at_ms - request.place_from_ms) if request.place_from_ms else 0,
    )
