"""The states of an agent: presence, which is the agent's own, and what is seen of it together with the assignments.

The six states that people know are a function of both (`state_of`); with one contact at a time they move as the table says. Nothing here
has a side effect.
"""

from collections.abc import Iterable
from enum import StrEnum

from routing.domain.assignment import AssignmentState


class AgentPresence(StrEnum):
    """Whether an agent is at work, whatever they have in hand."""

    LOGGED_OUT = "logged_out"
    READY = "ready"
    PAUSED = "paused"


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


SEEN = {
    AssignmentState.CONNECTED: AgentState.ON_CONTACT,
    AssignmentState.DIALLING: AgentState.ON_CONTACT,
    AssignmentState.OFFERED: AgentState.RESERVED,
    AssignmentState.WRAP_UP: AgentState.WRAP_UP,
}
FOREMOST = {state: place for place, state in enumerate(SEEN)}  # which of several assignments is seen of an agent: the lowest
SEEN_ALONE = {presence: AgentState(presence.value) for presence in AgentPresence}  # of an agent without any


def state_of(presence: AgentPresence, assignments: Iterable[AssignmentState]) -> AgentState:
    """What is seen of an agent: the foremost of the assignments, without any the presence."""
    foremost = min(assignments, key=FOREMOST.__getitem__, default=None)
    return SEEN_ALONE[presence] if foremost is None else SEEN[foremost]


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
