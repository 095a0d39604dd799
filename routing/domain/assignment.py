"""What an agent has in hand: assignments, one per offer, and their states as one table. Nothing here has a side effect."""

from dataclasses import dataclass
from enum import StrEnum

from routing.domain.contact_facts import VOICE
from routing.domain.quick import quick


class AssignmentState(StrEnum):
    """How far an agent is with one contact."""

    OFFERED = "offered"  # the phone rings, or the desk shows it
    DIALLING = "dialling"  # the agent has taken it, the customer is being called
    CONNECTED = "connected"
    WRAP_UP = "wrap_up"


class AssignmentEvent(StrEnum):
    """What happens to an assignment."""

    ACCEPT = "accept"  # of a contact whose customer must be called first
    ANSWER = "answer"
    RELEASE = "release"  # the offer, or the call to the customer, came to nothing
    END = "end"
    END_WRAP_UP = "end_wrap_up"


S, E = AssignmentState, AssignmentEvent

# None: the assignment is over.
TRANSITIONS: dict[AssignmentState, dict[AssignmentEvent, AssignmentState | None]] = {
    S.OFFERED: {E.ACCEPT: S.DIALLING, E.ANSWER: S.CONNECTED, E.RELEASE: None},
    S.DIALLING: {E.ANSWER: S.CONNECTED, E.RELEASE: None},
    S.CONNECTED: {E.END: S.WRAP_UP},
    S.WRAP_UP: {E.END_WRAP_UP: None},
}


def after(state: AssignmentState, event: AssignmentEvent) -> AssignmentState | None:
    """The state that `event` leads to, None when the assignment is over; KeyError: a move that the table has not, a defect of the board."""
    return TRANSITIONS[state][event]


@quick
@dataclass(frozen=True, slots=True)
class Assignment:
    """One contact in an agent's hands. `until_ms`: when an offer without news is given up, or the wrap-up ends (0: the agent ends it)."""

    contact: str = ""
    queue: str = ""
    kind: str = VOICE
    state: AssignmentState = AssignmentState.OFFERED
    since_ms: int = 0
    until_ms: int = 0
    server: str = ""  # the server that carries the offer out
    disposition: str = ""  # given during the contact or its wrap-up

    def moved(self, state: AssignmentState, now_ms: int, until_ms: int) -> "Assignment":
        """The same in another state."""
        return Assignment(self.contact, self.queue, self.kind, state, now_ms, until_ms, self.server, self.disposition)


IN_TOUCH = (
    AssignmentState.CONNECTED,
    AssignmentState.DIALLING,
)  # customer and agent talk, or are about to: no pause ends it
IN_CALL = (*IN_TOUCH, AssignmentState.OFFERED)
