"""An agent: presence, and the contacts in hand."""

from dataclasses import dataclass, field

from routing.domain.agent_state import FOREMOST, SEEN, SEEN_ALONE, AgentPresence, AgentState
from routing.domain.agent_work import AgentWork
from routing.domain.assignment import IN_CALL, Assignment
from routing.domain.model import PhoneState
from routing.domain.phone_address import PhoneAddress


@dataclass(slots=True)
class Agent:
    """An agent: presence, and the contacts in hand. `state`, `contact`, `offer`, `queue`, `since_ms` and `until_ms` are seen of both."""

    id: str
    presence: AgentPresence = AgentPresence.LOGGED_OUT
    reason: str = ""  # of a pause
    presence_since_ms: int = 0  # in this presence, or free of the last assignment
    presence_until_ms: int = 0  # end of a break
    assignments: dict[str, Assignment] = field(default_factory=dict)  # by offer
    phone: PhoneAddress | None = None
    phone_state: PhoneState = "unavailable"
    phone_since_ms: int = 0  # since when it is in that state
    phone_at: str = ""  # the Asterisk that saw it last as anything but unavailable
    unreached: list[str] = field(default_factory=list)  # kinds of contacts whose medium says that the agent is gone
    requested: str = field(default="", metadata={"was": "wanted"})  # while busy: "paused" or "logged_out"
    idle_since_ms: int = 0  # end of the last contact, or log-in
    handled: int = 0  # contacts since log-in
    talked_ms: int = 0  # with contacts since log-in
    offered_at_ms: int = 0  # when a contact was last offered
    occupancy: float = 0.0  # share of the recent past spent on contacts, as of `occupied_at_ms` (strategies/least_occupied.py)
    occupied_at_ms: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # outcome -> so many offers in a row ended so
    left_queues: list[str] = field(default_factory=list)  # of the profile's: not served now
    left_at_ms: dict[str, int] = field(default_factory=dict)  # one of left_queues -> since when
    away_since_ms: int = 0  # since when paused or logged out
    desk_phone: PhoneAddress | None = None  # the phone of somebody else or of nobody that is used since log-in; None: the agent's own
    last_call: str = ""  # of which the disposition may be given
    last_contact: str = ""
    last_queue: str = ""
    disposition: str = ""  # the one given
    rev: int = 0

    @property
    def foremost(self) -> tuple[str, Assignment] | None:
        """The offer and the assignment that is shown of several: a talk first, then a phone that rings, then a wrap-up."""
        if not self.assignments:
            return None
        if len(self.assignments) == 1:
            return next(iter(self.assignments.items()))
        return min(self.assignments.items(), key=lambda item: FOREMOST[item[1].state])

    @property
    def state(self) -> AgentState:
        """One of the six that people know."""
        found = self.foremost
        return SEEN[found[1].state] if found else SEEN_ALONE[self.presence]

    @property
    def seen(self) -> tuple[AgentState, int, int]:
        """`state`, `since_ms` and `until_ms`."""
        found = self.foremost
        if found:
            assignment = found[1]
            return SEEN[assignment.state], assignment.since_ms, assignment.until_ms
        return SEEN_ALONE[self.presence], self.presence_since_ms, self.presence_until_ms

    @property
    def contact(self) -> str:
        """The contact that is offered or connected; "" for none."""
        found = self.foremost
        return found[1].contact if found and found[1].state in IN_CALL else ""

    @property
    def offer(self) -> str:
        """The offer of that contact."""
        found = self.foremost
        return found[0] if found and found[1].state in IN_CALL else ""

    @property
    def queue(self) -> str:
        """The queue of that contact, or of the one that is wrapped up."""
        found = self.foremost
        return found[1].queue if found else ""

    @property
    def since_ms(self) -> int:
        """Since when `state` is so."""
        found = self.foremost
        return found[1].since_ms if found else self.presence_since_ms

    @property
    def until_ms(self) -> int:
        """When a reservation is given up, or a wrap-up or a break ends; 0 for none."""
        found = self.foremost
        return found[1].until_ms if found else self.presence_until_ms

    @property
    def in_call(self) -> bool:
        """Whether any contact is offered or connected."""
        return any(assignment.state in IN_CALL for assignment in self.assignments.values())


def work_of(agent: Agent) -> AgentWork:
    """What an event of every change says of it."""
    return AgentWork(
        agent.requested,
        agent.idle_since_ms,
        agent.handled,
        agent.talked_ms,
        agent.offered_at_ms,
        agent.occupancy,
        agent.occupied_at_ms,
        dict(agent.refused),
        dict(agent.left_at_ms),
        agent.away_since_ms,
        agent.last_call,
        agent.last_contact,
        agent.last_queue,
        agent.disposition,
    )


def take_work(agent: Agent, work: AgentWork) -> None:
    """Let the agent's work be this, as it was reported."""
    agent.requested, agent.disposition = work.requested, work.disposition
    agent.idle_since_ms, agent.offered_at_ms, agent.away_since_ms = work.idle_since_ms, work.offered_at_ms, work.away_since_ms
    agent.handled, agent.talked_ms = work.handled, work.talked_ms
    agent.occupancy, agent.occupied_at_ms = work.occupancy, work.occupied_at_ms
    agent.refused, agent.left_at_ms = dict(work.refused), dict(work.left_at_ms)
    agent.last_call, agent.last_contact, agent.last_queue = work.last_call, work.last_contact, work.last_queue
