"""Agents. Written by the router (`routing/board/agents.py`). `docs/agents.md` draws the states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from routing.domain.agent_state import AgentPresence, AgentState
from routing.domain.agent_work import AgentWork
from routing.domain.assignment import Assignment
from routing.domain.events.envelope import EventData
from routing.domain.model import PauseKind, PhoneState


@dataclass(frozen=True, slots=True)
class AgentChanged(EventData):
    """How things are with an agent now. An event of a change of state also has the state before it."""

    state: Annotated[AgentState, ""]
    reason: Annotated[str, "of a pause, or why one is asked for"]
    until_ms: Annotated[int, "end of a wrap-up or break, else 0"]
    phone: Annotated[str, "where calls ring"]
    since_ms: Annotated[int, "since when in this state"]
    before: Annotated[AgentState | None, "the state before, where it changed"] = None
    work: Annotated[AgentWork, "what else the router knows of the agent's work; what is empty is left out"] = field(
        default_factory=AgentWork
    )
    left_queues: Annotated[tuple[str, ...] | None, "those of the agent's queues that are left for now, where there are some"] = None
    presence: Annotated[AgentPresence | None, "logged_out, ready or paused, whatever is in hand; `state` is what is seen of both"] = None
    assignments: Annotated[Mapping[str, Assignment] | None, "what is in hand, by offer"] = None
    unreached: Annotated[tuple[str, ...] | None, "kinds of contacts for which the agent is not reached now"] = None
    pause: Annotated[PauseKind | None, "while paused: break, for a reason that `breaks` has, or not_ready"] = None


@dataclass(frozen=True, slots=True)
class AgentLoggedIn(AgentChanged):
    """logged in, and ready"""

    TYPE: ClassVar[str] = "agent_logged_in"


@dataclass(frozen=True, slots=True)
class AgentReady(AgentChanged):
    """ready again: resumed, wrap-up over, or an offer came to nothing"""

    TYPE: ClassVar[str] = "agent_ready"


@dataclass(frozen=True, slots=True)
class AgentConnected(AgentChanged):
    """is connected to a contact"""

    TYPE: ClassVar[str] = "agent_connected"


@dataclass(frozen=True, slots=True)
class AgentDialling(AgentChanged):
    """has taken a contact whose customer is being called"""

    TYPE: ClassVar[str] = "agent_dialling"


@dataclass(frozen=True, slots=True)
class AgentWorkChanged(AgentChanged):
    """with other contacts in hand an offer came to nothing or a wrap-up is over; or the agent is reached, or not, for a kind of contact"""

    TYPE: ClassVar[str] = "agent_work_changed"


@dataclass(frozen=True, slots=True)
class AgentWrapUpStarted(AgentChanged):
    """the talk is over, wrap-up runs until `until_ms`"""

    TYPE: ClassVar[str] = "agent_wrap_up_started"


@dataclass(frozen=True, slots=True)
class AgentPaused(AgentChanged):
    """paused. `reason` is the agent's own, or `rang_out`, `unreachable` when Hotline did it"""

    TYPE: ClassVar[str] = "agent_paused"


@dataclass(frozen=True, slots=True)
class AgentLoggedOut(AgentChanged):
    """logged out; `reason` is `removed` where the site does not have the agent any more"""

    TYPE: ClassVar[str] = "agent_logged_out"


@dataclass(frozen=True, slots=True)
class AgentWrapUpExtended(AgentChanged):
    """the wrap-up runs until a later `until_ms`"""

    TYPE: ClassVar[str] = "agent_wrap_up_extended"


@dataclass(frozen=True, slots=True)
class AgentBreakOverrun(AgentChanged):
    """the break is longer than `breaks` allows for its reason, or the agent is not ready for longer than `not_ready` allows"""

    TYPE: ClassVar[str] = "agent_break_overrun"


@dataclass(frozen=True, slots=True)
class AgentWishChanged(AgentChanged):
    """asked, in a talk or in a wrap-up that owes a disposition, for a pause or to log out, which is granted at its end; or took that back.
    `work` has what in `requested`, `reason` why"""

    TYPE: ClassVar[str] = "agent_wish_changed"


@dataclass(frozen=True, slots=True)
class AgentPhoneChanged(AgentChanged):
    """logged in, the agent logged in again at another phone, or the site gave them another: calls ring there from now on"""

    TYPE: ClassVar[str] = "agent_phone_changed"


@dataclass(frozen=True, slots=True)
class AgentRemoved(AgentChanged):
    """the site does not have the agent any more, and the call that they had is over: the last event of them"""

    TYPE: ClassVar[str] = "agent_removed"


@dataclass(frozen=True, slots=True)
class AgentQueuesChanged(AgentChanged):
    """left one of the queues for now, or takes its contacts again"""

    TYPE: ClassVar[str] = "agent_queues_changed"


@dataclass(frozen=True, slots=True)
class PhoneStateChanged(EventData):
    """the agent's phone, its state, or the Asterisk at which it is"""

    TYPE: ClassVar[str] = "phone_state_changed"
    phone: Annotated[str, ""]
    phone_state: Annotated[PhoneState, ""]
    asterisk: Annotated[str, "the name of the Asterisk that sees it, empty where it has none"] = ""


TYPES = (
    AgentLoggedIn,
    AgentReady,
    AgentConnected,
    AgentDialling,
    AgentWorkChanged,
    AgentWrapUpStarted,
    AgentPaused,
    AgentLoggedOut,
    AgentWrapUpExtended,
    AgentBreakOverrun,
    AgentWishChanged,
    AgentPhoneChanged,
    AgentRemoved,
    AgentQueuesChanged,
    PhoneStateChanged,
)
