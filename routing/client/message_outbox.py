"""How a server's messages reach the router, and which of them may go when the store is away for so long that not all can be kept."""

from collections.abc import Callable, Mapping, Sequence

from routing.domain.messages import (
    AgentAsked,
    ContactAsked,
    ContactLeft,
    ContactsReported,
    Message,
    OfferRinging,
    PhoneReported,
    ServerAlive,
    ServerLeft,
    TalkEnded,
)
from routing.ports import Ids
from routing.store.codec import kind_of
from routing.store.outbox import Outbox, Worth
from routing.store.short_way import ShortWay

RETRY_S = 0.2
# Sent anew when the store is back, or of no use by then. An agent who asked for something has long had no answer.
PASSING = (AgentAsked, ContactAsked, OfferRinging, PhoneReported, ContactsReported)
KEPT = (ContactLeft, TalkEnded, ServerAlive, ServerLeft)  # of ServerAlive one waits at most


def message_outbox(
    way: ShortWay, ids: Ids, on_sent: Callable[[Sequence[Message], bool], None], on_dropped: Callable[[Mapping[str, int]], None]
) -> Outbox[Message]:
    """An outbox of a server's own; counts are by kind, as `talk_ended`."""
    return Outbox(
        way.post,
        ids.new("outbox"),
        retry_s=RETRY_S,
        kind=lambda message: kind_of(type(message)),
        worth=worth,
        on_sent=on_sent,
        on_dropped=on_dropped,
    )


def worth(message: Message) -> Worth:
    """Ends are kept; whoever is still here is reported again anyway."""
    return Worth.DETAIL if isinstance(message, PASSING) else Worth.END if isinstance(message, KEPT) else Worth.FACT
