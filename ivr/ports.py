"""What a flow needs from the outside world: a phone, queues, a look-up, a clock and events to write.

Only plain data crosses these borders, so that an implementation fits without importing this package.
Any method may raise the implementation's own "the caller is gone" exception; nodes let it pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

ALL_KEYS = "0123456789*#"

DialOutcome = Literal["answered", "busy", "no_answer", "unreachable", "not_allowed"]
LookupOutcome = Literal["found", "not_found", "failed"]
FlowEndReason = Literal["hung_up", "failed", "caller_gone"]
QueueOutcome = Literal["answered", "timed_out", "full", "closed", "no_agents", "overflowed", "withdrawn", "exit_key", "failed"]


@dataclass(frozen=True, slots=True)
class Speech:
    """Something to say: `text` in `language`, or the recording of that name where the site has one: `flow`'s own before one for all."""

    language: str
    text: str
    recording: str = ""
    flow: str = ""


@dataclass(frozen=True, slots=True)
class QueueRequest:
    """A caller who wants an agent. `steps` relax the requirement: (milliseconds waited, expression over skills).

    `preferred` agents are waited for, for `preferred_ms` (0: the queue's time); those of `exclude` are never asked. A caller who left the
    queue by a key and is back has the place of somebody who came at `place_from_ms` (0: joins now).
    """

    queue: str
    steps: tuple[tuple[int, str], ...] = ((0, ""),)
    priority: int = 0  # seconds added to the wait
    exit_keys: str = ""
    preferred: tuple[str, ...] = ()
    preferred_ms: int = 0
    exclude: tuple[str, ...] = ()
    place_from_ms: int = 0
    data: Mapping[str, str] = field(default_factory=dict)  # shown to the agent


@dataclass(frozen=True, slots=True)
class QueueResult:
    """How the wait ended; `key` only with exit_key, `agent` only with answered."""

    outcome: QueueOutcome
    key: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """An HTTP question; `body` goes out as JSON with POST."""

    url: str
    method: Literal["GET", "POST"] = "GET"
    body: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_ms: int = 3000


@dataclass(frozen=True, slots=True)
class LookupReply:
    """The answer: `status` is the HTTP status, 0 when there was no answer; `failure` says why in words. `data` is the JSON body."""

    status: int
    data: Any = None
    failure: str = ""


class Phone(Protocol):
    """The caller's telephone."""

    async def answer(self) -> None: ...

    async def play(self, speech: Sequence[Speech], *, keys: str = "") -> str:
        """Say all of it; stop at the first of `keys` and return that key, else "".

        Keys pressed earlier and not yet taken count at once: with one of `keys` among them nothing is said. Other keys do not stop it.
        When an expected key comes behind them they are gone, since they were wrong answers to this prompt and must not answer the next
        one; when none comes they stay, in order, for `wait_key`. With no `keys` everything pressed meanwhile stays.
        """

    async def wait_key(self, timeout_ms: int) -> str:
        """The next key in the order pressed, or "" when none came in time. Silent: a prompt or music goes before it."""

    def forget_keys(self) -> None:
        """Drop keys that were pressed and not yet taken."""

    async def music(self, on: bool) -> None: ...

    async def dial(self, target: str, timeout_ms: int) -> DialOutcome:
        """Connect the caller to an allowed number; returns when that call is over or did not come about."""

    async def hang_up(self) -> None:
        """End the call; harmless when the caller was faster."""


class QueuePort(Protocol):
    """Where a flow leaves its caller to wait for an agent."""

    async def wait(self, request: QueueRequest) -> QueueResult: ...


class Lookup(Protocol):
    """Questions to the site's own systems. Never raises: a failure is a reply."""

    async def fetch(self, request: LookupRequest) -> LookupReply: ...


@dataclass(frozen=True, slots=True)
class FlowPlace:
    """Where in a flow: its name, the version made from its text, and the node, "" before the first one."""

    flow: str
    version: str
    node: str = ""


class Events(Protocol):
    """The events of a flow, each written as it happens and with its place. docs/events.md says when."""

    def flow_started(self, place: FlowPlace, *, dnis: str) -> None: ...

    def node_entered(self, place: FlowPlace, *, node_type: str, language: str) -> None: ...

    def node_left(self, place: FlowPlace, *, exit: str) -> None: ...

    def input_received(self, place: FlowPlace, *, keys: str, understood: bool) -> None:
        """`keys` are masked where nobody may see them."""

    def lookup_answered(self, place: FlowPlace, *, outcome: LookupOutcome, status: int, failure: str) -> None: ...

    def flow_failed(self, place: FlowPlace, *, error: str, message: str) -> None: ...

    def flow_ended(self, place: FlowPlace, *, reason: FlowEndReason) -> None: ...


class Clock(Protocol):
    """The time, in milliseconds since 1970-01-01 UTC."""

    def now_ms(self) -> int: ...
