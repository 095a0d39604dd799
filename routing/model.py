"""The data of routing: what the site defines (frozen) and the two records that live (contact and agent).

Times are milliseconds since 1970 UTC, durations milliseconds. A record's `rev` is the revision last committed; the store
refuses a change decided on an older one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from routing.agent_state import AgentState
from routing.contact_state import ContactState

PhoneState = Literal["available", "ringing", "busy", "unavailable"]
AfterRona = Literal["pause", "ready"]
JoinWhen = Literal["always", "staffed", "ready"]


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """A queue as the site defines it."""

    name: str
    strategy: str = "longest_idle"
    ring_timeout_ms: int = 15_000
    wrap_up_ms: int = 10_000
    max_wait_ms: int = 600_000
    max_waiting: int = 200
    priority: int = 0  # seconds added to the wait of each contact
    threshold_ms: int = 20_000  # service level: answered within
    target: int = 80  # service level: percent
    weight: float = 1.0
    after_rang_out: AfterRona = "pause"
    refusal_ms: int = 15_000  # for so long a contact is not offered again to the agent who refused it
    join_when: JoinWhen = "always"
    first_position_ms: int = 10_000  # 0: never announced
    every_position_ms: int = 30_000
    names: Mapping[str, str] = field(default_factory=dict)  # language -> name


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """An agent as the site defines it. `skills` maps a skill to a level from 1 to 5."""

    id: str
    name: str
    phone: str
    skills: Mapping[str, int] = field(default_factory=dict)
    queues: tuple[str, ...] = ()
    wrap_up_ms: int | None = None  # None: the queue's
    order: int = 0  # place in the configuration


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything the site defines that routing needs."""

    queues: Mapping[str, QueuePolicy]
    agents: Mapping[str, AgentProfile]


@dataclass(slots=True)
class Contact:
    """A caller who wants an agent. `steps` relax the requirement: (milliseconds waited, expression), first one at 0."""

    id: str
    call: str
    server: str
    queue: str
    steps: list[tuple[int, str]]
    enqueued_at_ms: int
    priority: int = 0  # seconds, the queue's included
    state: ContactState = ContactState.WAITING
    offers: dict[str, str] = field(default_factory=dict)  # offer -> agent
    agent: str = ""
    connected_at_ms: int = 0
    refused_until_ms: dict[str, int] = field(default_factory=dict)  # agent -> until when
    ani: str = ""
    language: str = ""
    data: dict[str, str] = field(default_factory=dict)
    rev: int = 0

    @property
    def order_ms(self) -> int:
        """What contacts are served in order of: the moment of joining, moved back by the priority."""
        return self.enqueued_at_ms - 1000 * self.priority

    def step(self, now_ms: int) -> int:
        """Which of `steps` is in force now."""
        waited = now_ms - self.enqueued_at_ms
        return max((i for i, (after, _) in enumerate(self.steps) if after <= waited), default=0)


@dataclass(slots=True)
class Agent:
    """An agent at work."""

    id: str
    state: AgentState = AgentState.LOGGED_OUT
    reason: str = ""  # of a pause
    since_ms: int = 0
    phone: str = ""
    phone_state: PhoneState = "unavailable"
    contact: str = ""
    queue: str = ""  # of that contact, or of the one just wrapped up
    offer: str = ""
    until_ms: int = 0  # end of wrap-up, or when a reservation is given up
    wanted: str = ""  # asked for while busy: "paused" or "logged_out"
    idle_since_ms: int = 0  # end of the last contact, or log-in
    handled: int = 0  # contacts since log-in
    rev: int = 0
