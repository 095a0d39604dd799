"""The life of a call as a table, and the words for how it ended."""

from __future__ import annotations

from enum import StrEnum


class CallState(StrEnum):
    CALLING = "calling"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class CallEvent(StrEnum):
    RANG = "rang"
    ANSWERED = "answered"
    OVER = "over"


class EndedBy(StrEnum):
    """US: we hung up, gave up or rejected. THEM: a BYE came. REFUSED: our call was not accepted. CANCELLED: the caller gave up before
    we answered. SILENCE: the far end stopped answering."""

    US = "us"
    THEM = "them"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    SILENCE = "silence"


CALL_STATES = {
    (CallState.CALLING, CallEvent.RANG): CallState.RINGING,
    (CallState.CALLING, CallEvent.ANSWERED): CallState.TALKING,
    (CallState.CALLING, CallEvent.OVER): CallState.ENDED,
    (CallState.RINGING, CallEvent.RANG): CallState.RINGING,
    (CallState.RINGING, CallEvent.ANSWERED): CallState.TALKING,
    (CallState.RINGING, CallEvent.OVER): CallState.ENDED,
    (CallState.TALKING, CallEvent.OVER): CallState.ENDED,
}


def after(state: CallState, event: CallEvent) -> CallState:
    """The next state; raises ValueError with both names for a move that no call makes."""
    if (state, event) not in CALL_STATES:
        raise ValueError(f"a call that is {state} cannot have {event}")
    return CALL_STATES[state, event]
