"""Messages: what servers report to the router, in the domain's inbox. The router's orders to servers: orders.py.

All are plain frozen data; `store/codec.py` carries them as JSON. Messages are facts: the board decides what follows from them,
and a message about something that is over already is ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from routing.domain.agent_state import AgentState
from routing.domain.agent_work import AgentWork
from routing.domain.assignment import Assignment
from routing.domain.contact_facts import ContactFacts, ContactWishes
from routing.domain.model import PhoneState
from routing.domain.outcomes import EndedBy, EndReason, OfferOutcome, Refusal
from routing.domain.phone_address import PhoneAddress
from routing.domain.quick import quick

AgentAction = Literal["log_in", "log_out", "pause", "resume", "end_wrap_up", "extend_wrap_up", "dispose", "join_queue", "leave_queue"]
ContactAction = Literal["prioritise", "move", "withdraw"]
NotReached = Literal["busy", "no_answer", "unreachable", "failed"]
LeaveOutcome = Literal["abandoned", "timed_out", "exit_key", "full", "closed", "no_agents", "overflowed", "withdrawn", "failed"]


@quick
@dataclass(frozen=True, slots=True)
class ContactArrived:
    """A caller joins a queue, with a new contact or, at another server than before (`back`), with the old one and its `enqueued_at_ms`.

    A caller who is back is in no offer any more: `last_offer` ended as `last_outcome`, others came to nothing. The same message may
    come twice, and comes `again` after Redis was away: it changes nothing that is known.
    """

    contact: str
    server: str
    queue: str
    enqueued_at_ms: int
    facts: ContactFacts
    wishes: ContactWishes
    back: bool = False  # the caller was away from every server: its offers are over
    last_offer: str = ""
    last_outcome: OfferOutcome = "withdrawn"
    again: bool = False  # reported again: the caller has been here all the time
    ringing: str = ""  # with `again`: the offer that rings now
    expected_wait_ms: int = 0  # as the server sees it; 0 is unknown
    service_level: float = 100.0  # percent, as the server sees it


@dataclass(frozen=True, slots=True)
class ContactLeft:
    """A waiting caller has left the queue. With `server` it counts only while that server has the caller."""

    contact: str
    outcome: LeaveOutcome
    key: str = ""
    server: str = ""
    reason: EndReason = ""  # why the caller is gone who did not hang up


@dataclass(frozen=True, slots=True)
class OfferRinging:
    """The agent's phone rings."""

    contact: str
    offer: str


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """The agent has taken a contact whose customer is called now."""

    contact: str
    offer: str


@dataclass(frozen=True, slots=True)
class CustomerNotReached:
    """The call to the customer came to nothing: the agent is free, the contact is due again at `again_at_ms`."""

    contact: str
    offer: str
    outcome: NotReached
    again_at_ms: int = 0


@quick
@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """Agent and customer are connected."""

    contact: str
    offer: str


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """The offer came to nothing; `outcome` says how, `refusal` what more is known, `redirected_to` the number that the phone named."""

    contact: str
    offer: str
    outcome: OfferOutcome
    ring_ms: int = 0
    refusal: Refusal = ""
    redirected_to: str = ""


@quick
@dataclass(frozen=True, slots=True)
class TalkEnded:
    """A conversation is over."""

    contact: str
    offer: str
    ended_by: EndedBy
    talk_ms: int
    ring_ms: int = 0
    reason: EndReason = ""


@dataclass(frozen=True, slots=True)
class AgentAsked:
    """An agent, or a supervisor for them, asks for a state. The reply goes to `server` under `request`."""

    agent: str
    action: AgentAction
    request: str
    server: str
    reason: str = ""
    phone: PhoneAddress | None = None  # with log_in: the phone that is used from now on
    at_ms: int = 0  # when it was asked; what was asked long ago is out of date
    queue: str = ""  # with join_queue and leave_queue
    disposition: str = ""  # with dispose, and with end_wrap_up
    contact: str = ""  # with these and with extend_wrap_up: which of several


class Details(TypedDict, total=False):
    """What else may be said with an `AgentAction`: the fields of `AgentAsked` of the same names."""

    reason: str
    phone: PhoneAddress | None
    queue: str
    disposition: str
    contact: str


@dataclass(frozen=True, slots=True)
class ContactAsked:
    """A supervisor changes a waiting contact: its priority (in seconds, not added to the earlier one), its queue, or ends the wait.

    The reply goes out as for AgentAsked."""

    contact: str
    action: ContactAction
    request: str
    server: str
    priority: int = 0
    queue: str = ""
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class PhoneReported:
    """An Asterisk reports the device state of a phone. One that does not see the phone says so, too: it is unavailable there."""

    phone: PhoneAddress
    state: PhoneState
    asterisk: str = ""  # its name; "" where it has none


@dataclass(frozen=True, slots=True)
class ReachReported:
    """A medium reports whether it reaches an agent for one kind of contacts, where that is not the phone."""

    agent: str
    kind: str
    is_reached: bool


@dataclass(frozen=True, slots=True)
class TalkReported:
    """A conversation is going on: reported again after Redis lost its data, or by a server that took the call over."""

    contact: str
    server: str
    queue: str
    offer: str
    agent: str
    enqueued_at_ms: int
    connected_at_ms: int
    facts: ContactFacts
    steps: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AgentReported:
    """What a server remembers of an agent: reported after Redis lost its data; an agent who has done anything since keeps that."""

    agent: str
    state: AgentState
    reason: str = ""
    since_ms: int = 0
    until_ms: int = 0
    phone: PhoneAddress | None = None
    left_queues: list[str] = field(default_factory=list)
    queue: str = ""  # of the contact that is wrapped up
    assignments: Mapping[str, Assignment] = field(default_factory=dict)  # by offer: the wrap-ups
    work: AgentWork = field(default_factory=AgentWork)


@dataclass(frozen=True, slots=True)
class ServerAlive:
    """A server is there. One that has not said so for some seconds is lost: its callers are offered nothing until they turn up again.

    `agi` is where Asterisk reaches it, "" while it takes no calls; `asterisk` is the name of that Asterisk. `kinds` are those of the
    contacts that no server has and whose offers this one can carry out, `trunks` those that its Asterisk has for calls out.
    """

    server: str
    agi: str = ""
    asterisk: str = ""
    kinds: list[str] = field(default_factory=list)
    trunks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ServerLeft:
    """A server has ended in good order: it has no contacts any more."""

    server: str


@dataclass(frozen=True, slots=True)
class ContactsReported:
    """Every contact that a server has, reported now and then and after Redis was away; others that the board has for it are over."""

    server: str
    contacts: list[str] = field(default_factory=list)


Message = (
    ContactArrived
    | ContactLeft
    | OfferRinging
    | OfferAccepted
    | CustomerNotReached
    | OfferAnswered
    | OfferEnded
    | TalkEnded
    | AgentAsked
    | ContactAsked
    | PhoneReported
    | ReachReported
    | TalkReported
    | AgentReported
    | ServerAlive
    | ServerLeft
    | ContactsReported
)
