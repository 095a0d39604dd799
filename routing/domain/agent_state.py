"""The states of an agent as one table. Nothing here has a side effect; the board acts on the state that comes back."""

from enum import StrEnum


class AgentState(StrEnum):
    """What an agent is doing."""

    LOGGED_OUT = "logged_out"
    READY = "ready"
    RESERVED = "reserved"  # the phone rings, or is about to
    ON_CONTACT = "on_contact"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


class AgentEvent(StrEnum):
    """What happens to an agent."""

    LOG_IN = "log_in"
    LOG_OUT = "log_out"
    PAUSE = "pause"
    RESUME = "resume"
    RESERVE = "reserve"
    RELEASE = "release"  # the offer came to nothing through no fault of the agent
    ANSWER = "answer"
    END_CONTACT = "end_contact"
    END_WRAP_UP = "end_wrap_up"
    OWE = "owe"  # back to a wrap-up that was left without the disposition that its queue wants


S, E = AgentState, AgentEvent

TRANSITIONS: dict[AgentState, dict[AgentEvent, AgentState]] = {
    S.LOGGED_OUT: {E.LOG_IN: S.READY},
    S.READY: {E.OWE: S.WRAP_UP, E.RESERVE: S.RESERVED, E.PAUSE: S.PAUSED, E.LOG_OUT: S.LOGGED_OUT},
    S.RESERVED: {E.ANSWER: S.ON_CONTACT, E.RELEASE: S.READY, E.PAUSE: S.PAUSED, E.LOG_OUT: S.LOGGED_OUT},
    S.ON_CONTACT: {E.END_CONTACT: S.WRAP_UP},
    S.WRAP_UP: {E.END_WRAP_UP: S.READY, E.PAUSE: S.PAUSED, E.LOG_OUT: S.LOGGED_OUT},
    S.PAUSED: {E.RESUME: S.READY, E.PAUSE: S.PAUSED, E.LOG_OUT: S.LOGGED_OUT},
}


class NotAllowed(Exception):
    """An agent cannot do this now. The message says what the agent is doing."""


def after(state: AgentState, event: AgentEvent) -> AgentState:
    """The state that `event` leads to; NotAllowed when the table has no such move."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        allowed = ", ".join(TRANSITIONS[state])
        raise NotAllowed(f"an agent who is {state} cannot {event}; possible now: {allowed}") from None


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", f"    [*] --> {S.LOGGED_OUT}"]
    lines += [f"    {state} --> {target}: {event}" for state, moves in TRANSITIONS.items() for event, target in moves.items()]
    return "\n".join(lines)
