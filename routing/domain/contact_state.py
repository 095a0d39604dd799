"""The states of a contact as one table."""

from enum import StrEnum


class ContactState(StrEnum):
    """Where a contact stands."""

    SCHEDULED = "scheduled"  # due later: nobody is offered it yet
    WAITING = "waiting"
    OFFERED = "offered"
    DIALLING = "dialling"  # an agent has taken it, the customer is being called
    CONNECTED = "connected"
    ENDED = "ended"


class ContactEvent(StrEnum):
    """What happens to a contact."""

    FALL_DUE = "fall_due"
    OFFER = "offer"
    ACCEPT = "accept"
    NOT_REACHED = "not_reached"  # the customer: due again later
    REFUSE = "refuse"  # every offer of it came to nothing
    ANSWER = "answer"
    LEAVE = "leave"
    END = "end"


S, E = ContactState, ContactEvent

TRANSITIONS: dict[ContactState, dict[ContactEvent, ContactState]] = {
    S.SCHEDULED: {E.FALL_DUE: S.WAITING, E.LEAVE: S.ENDED},
    S.WAITING: {E.OFFER: S.OFFERED, E.LEAVE: S.ENDED},
    S.OFFERED: {E.OFFER: S.OFFERED, E.REFUSE: S.WAITING, E.ACCEPT: S.DIALLING, E.ANSWER: S.CONNECTED, E.LEAVE: S.ENDED},
    S.DIALLING: {E.ANSWER: S.CONNECTED, E.NOT_REACHED: S.SCHEDULED, E.LEAVE: S.ENDED},
    S.CONNECTED: {E.END: S.ENDED},
    S.ENDED: {},
}


QUEUED = (ContactState.WAITING, ContactState.OFFERED)  # in a queue, as its length counts
TAKEN = (ContactState.DIALLING, ContactState.CONNECTED)  # in the hands of an agent


def after(state: ContactState, event: ContactEvent) -> ContactState:
    """The state that `event` leads to; KeyError when the table has no such move (a defect of the board)."""
    return TRANSITIONS[state][event]
