"""The states of a contact as one table."""

from enum import StrEnum


class ContactState(StrEnum):
    """Where a contact stands."""

    WAITING = "waiting"
    OFFERED = "offered"
    CONNECTED = "connected"
    ENDED = "ended"


class ContactEvent(StrEnum):
    """What happens to a contact."""

    OFFER = "offer"
    REFUSE = "refuse"  # every offer of it came to nothing
    ANSWER = "answer"
    LEAVE = "leave"
    END = "end"


S, E = ContactState, ContactEvent

TRANSITIONS: dict[ContactState, dict[ContactEvent, ContactState]] = {
    S.WAITING: {E.OFFER: S.OFFERED, E.LEAVE: S.ENDED},
    S.OFFERED: {E.OFFER: S.OFFERED, E.REFUSE: S.WAITING, E.ANSWER: S.CONNECTED, E.LEAVE: S.ENDED},
    S.CONNECTED: {E.END: S.ENDED},
    S.ENDED: {},
}


def after(state: ContactState, event: ContactEvent) -> ContactState:
    """The state that `event` leads to; KeyError when the table has no such move (a defect of the board)."""
    return TRANSITIONS[state][event]
