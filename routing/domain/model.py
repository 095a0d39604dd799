"""The data of routing: what the site defines (frozen) and the two records that live (contact and agent).

Times are milliseconds since 1970 UTC, durations milliseconds. A record's `rev` is the revision last committed; the store
refuses a change decided on an older one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from routing.domain.contact_facts import CALLBACK, CHAT, TASK, VOICE, ContactFacts
from routing.domain.contact_state import ContactState
from routing.domain.phone_address import PhoneAddress
from routing.domain.service_level import Formula
from routing.domain.teams import Team, TeamStay, team_at

PhoneState = Literal["available", "ringing", "busy", "unavailable"]
PauseKind = Literal["break", "not_ready"]  # 小休: away, for a reason with a rule of its own; 示忙: at the desk, for a moment
StaffingRule = Literal["always", "staffed", "ready", "eligible"]  # eligible: somebody staffed has the skills that this contact wants
Choice = Literal["at_risk", "weighted", "strict"]
UNTIL_DONE = -1  # a wrap-up that lasts until the agent ends it
FOREVER_MS = 1 << 52


@dataclass(frozen=True, slots=True)
class Overflow:
    """When contacts of a queue overflow: exactly one condition is set. `to` is another queue, "" the flow's exit `overflowed`."""

    to: str = ""
    waiting: int = 0  # at arrival: so many wait already
    expected_wait_ms: int = 0  # at arrival: the expected wait is longer
    service_level: int = 0  # at arrival: the service level is below so many percent
    waited_ms: int = 0  # while waiting: waited so long


@dataclass(frozen=True, slots=True)
class Membership:
    """What an agent is in one queue. Tier 1 is asked first; `weight` counts with weighted_random, `level` with most_skilled."""

    tier: int = 1
    weight: float = 1.0
    level: int = 0


@dataclass(frozen=True, slots=True)
class BreakLimit:
    """How many agents may be paused for a reason at once (0: any number), and for how long (0: any time)."""

    at_once: int = 0
    longest_ms: int = 0


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """A queue as the site defines it."""

    name: str
    strategy: str = "longest_idle"
    ring_timeout_ms: int = 15_000
    wrap_up_ms: int = 10_000  # 0: none; UNTIL_DONE
    wrap_up_extension_ms: int = 30_000
    max_wait_ms: int = 600_000
    max_waiting: int = 200
    priority: int = 0  # seconds added to the wait of each contact
    ageing: float = 1.0  # seconds of priority that a second of waiting is worth; 0: priority goes before any wait
    threshold_ms: int = 20_000  # service level: answered within
    target: int = 80  # service level: percent
    formula: Formula = "offered"  # service level: how it is reckoned
    short_abandon_ms: int = 5_000  # who gives up within it is a short abandon
    weight: float = 1.0
    pause_after: Mapping[str, int] = field(default_factory=lambda: {"rang_out": 1, "unreachable": 1})  # outcome -> so many in a row
    refusal_ms: int = 15_000  # for so long a contact is not offered again to the agent who refused it
    ring_more_ms: int = 5_000  # ring_all and ring_progressively: when the next phones ring, too
    tier_delays_ms: Sequence[int] = (0,)  # of tier 1, 2, ...: waited so long before its agents are asked
    dispositions: Mapping[str, str] = field(default_factory=dict)  # code -> what it means
    disposition_required: bool = False  # the wrap-up lasts until one is given
    hours: str = ""  # a calendar of the site; "" is always open
    join_when: StaffingRule = "always"
    stay_when: StaffingRule = "always"
    stay_grace_ms: int = 30_000
    overflow: Sequence[Overflow] = ()
    keep_place_ms: int = 0  # a caller cut off while waiting who calls again within it has the old place
    preferred_ms: int = 20_000  # how long preferred agents are waited for
    last_agent_ms: int = 0  # who talked to this caller within it is preferred
    whisper: Mapping[str, str] = field(default_factory=dict)  # language -> what the agent hears on answering
    accept: bool = False  # the agent presses 1 to take the call
    announce_wait: bool = False
    first_position_ms: int = 10_000  # 0: never announced
    every_position_ms: int = 30_000
    names: Mapping[str, str] = field(default_factory=dict)  # language -> name

    def rules_after(self, waited_ms: int, been_in: Collection[str]) -> list[Overflow]:
        """The overflow rules for a contact that has waited so long and comes from these queues; nobody is sent back."""
        return [rule for rule in self.overflow if 0 < rule.waited_ms <= waited_ms and rule.to not in (self.name, *been_in)]


_PLAIN = Membership()
ONE_CALL: Mapping[str, int] = {VOICE: 1, CALLBACK: 1}
INTERRUPTS: Mapping[str, frozenset[str]] = {VOICE: frozenset({CHAT, TASK}), CALLBACK: frozenset({TASK}), CHAT: frozenset({TASK})}


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """An agent as the site defines it. `skills` maps a skill to a level from 1 to 5."""

    id: str
    name: str
    phone: PhoneAddress | None  # None: the agent logs in at one
    skills: Mapping[str, int] = field(default_factory=dict)
    queues: tuple[str, ...] = ()
    wrap_up_ms: int | None = None  # None: the queue's
    order: int = 0  # place in the configuration
    memberships: Mapping[str, Membership] = field(default_factory=dict)  # queue -> what differs from Membership()
    attributes: Mapping[str, str] = field(default_factory=dict)
    auto_answer: bool = False  # the phone is asked to answer by itself
    accept: bool = False  # presses 1 to take any call
    pin: str = ""  # hashed; "": cannot log in from another phone
    teams: tuple[TeamStay, ...] = ()  # in the order of time
    capacity: Mapping[str, int] = field(default_factory=lambda: ONE_CALL)  # kind -> how many at once; a kind that is not there: none

    def membership(self, queue: str) -> Membership:
        """What this agent is in that queue."""
        return self.memberships.get(queue, _PLAIN)

    def team_at(self, at_ms: int) -> str:
        """The team that the agent is in at a moment; "": in none."""
        return team_at(self.teams, at_ms)


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything the site defines that routing needs. `choice`: which queue's contact an agent of several takes; `calendars`: calendar ->
    whether it is open at a moment (ms since 1970 UTC)."""

    queues: Mapping[str, QueuePolicy]
    agents: Mapping[str, AgentProfile]
    choice: Choice = "at_risk"
    breaks: Mapping[str, BreakLimit] = field(default_factory=dict)  # pause reason -> its limit: such a pause is a break
    not_ready: BreakLimit = BreakLimit()  # of all other pauses together
    presence_ms: int = 120_000  # a ready agent whose phone has been gone for so long is paused
    calendars: Mapping[str, Callable[[int], bool]] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    interrupts: Mapping[str, frozenset[str]] = field(default_factory=lambda: INTERRUPTS)  # kind -> those that it may interrupt

    def pause_kind(self, reason: str) -> PauseKind:
        """A break has a rule of its own; for any other reason, and for none, the agent is not ready."""
        return "break" if reason in self.breaks else "not_ready"

    def pause_limit(self, reason: str) -> BreakLimit:
        """How many may be paused so, and for how long."""
        return self.breaks.get(reason, self.not_ready)

    def ageing_in(self, queue: str) -> float:
        """What waiting is worth in a queue, as `Contact.ageing`."""
        return 0.0 if self.choice == "strict" else self.queues[queue].ageing

    def team_of(self, agent: str, at_ms: int) -> str:
        """The team that an agent is in at a moment; "" for one in none, for one who is not of the site, and for nobody."""
        profile = self.agents.get(agent)
        return profile.team_at(at_ms) if profile and profile.teams else ""

    def is_open(self, queue: str, now_ms: int) -> bool:
        """Whether a queue is open: it has no hours, or these say so."""
        calendar = self.calendars.get(self.queues[queue].hours)
        return calendar is None or calendar(now_ms)


STRICT_S = 10_000_000  # what one second of priority is worth where waiting does not count


@dataclass(slots=True)
class Contact:
    """A customer who wants an agent. `steps` relax the requirement: (milliseconds waited, expression), first one at 0."""

    id: str
    holder: str | None = field(metadata={"wire": "server"})  # has the customer; None: nobody needs to, until an offer is carried out
    queue: str
    steps: list[tuple[int, str]]
    enqueued_at_ms: int
    facts: ContactFacts
    priority: int = 0  # seconds, the queue's included
    state: ContactState = ContactState.WAITING
    offers: dict[str, str] = field(default_factory=dict)  # offer -> agent
    agent: str = ""
    connected_at_ms: int = 0
    refused_until_ms: dict[str, int] = field(default_factory=dict)  # agent -> until when
    ageing: float = 1.0  # the queue's
    place_ms: int = 0  # waited earlier, on a call that was cut off: counts for the place, not for the wait
    offered_at_ms: int = 0  # when it was offered last
    overflowed: list[str] = field(default_factory=list)  # queues it came from
    put_off: list[tuple[int, str]] = field(default_factory=list)  # the steps as the flow has them, while preferred agents are waited for
    alone_ms: int = 0  # when a change of the site took away the last agent who was there for it
    due_ms: int = 0  # when it is due; not offered before
    attempts: int = 0  # calls to the customer that did not reach them
    held_up: str | None = None  # why nobody can be offered it, whoever is ready: offer_servers.HoldUp
    rev: int = 0

    @property
    def kind(self) -> str:
        """One of `kinds.KINDS`."""
        return self.facts.kind

    @property
    def waits_from_ms(self) -> int:
        """Since when the customer waits: from joining, or from when it was due. Limits of the wait count from here."""
        return max(self.enqueued_at_ms, self.due_ms)

    def waited_ms(self, now_ms: int) -> int:
        """How long by now."""
        return now_ms - self.waits_from_ms

    @property
    def order_ms(self) -> int:
        """What contacts of a queue are served in order of: the moment of joining, moved back by priority and earlier waits."""
        seconds = self.priority / self.ageing if self.ageing else self.priority * STRICT_S
        return self.enqueued_at_ms - self.place_ms - int(1000 * seconds)

    @property
    def flow_steps(self) -> list[tuple[int, str]]:
        """The steps of the requirement, without that of preferred agents which is put before them."""
        return self.put_off or self.steps

    def is_excluded(self, agent: str) -> bool:
        """Whether that agent is never to be asked."""
        return self.refused_until_ms.get(agent, 0) >= FOREVER_MS

    def step(self, now_ms: int) -> int:
        """Which of `steps` is in force now."""
        if len(self.steps) == 1:
            return 0
        waited = self.waited_ms(now_ms)
        return max([i for i, (after, _) in enumerate(self.steps) if after <= waited], default=0)


@dataclass(slots=True)
class CallerHistory:
    """What is remembered of a caller between calls, by the number they called from."""

    id: str
    agent: str = ""  # talked to them last
    agent_ms: int = 0
    queue: str = ""  # was cut off while waiting there
    place_from_ms: int = 0  # since when they have waited there
    left_ms: int = 0
    rev: int = 0


@dataclass(frozen=True, slots=True)
class WaitForecast:
    """What may be announced to a waiting caller: the place from 1 (0: unknown) and the expected wait (None: unknown)."""

    position: int = 0
    expected_wait_ms: int | None = None
