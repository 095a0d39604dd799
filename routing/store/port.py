"""What routing needs of a store: an inbox, an atomic commit, a lease, orders for servers and the event log of one routing domain.

Two implementations, store/memory.py (the readable specification) and store/redis.py, pass one contract suite. Positions are text that
compares only within its own stream, by `is_before`; "0" is before everything.

The event log is trimmed by those who write it (`LogLimits`). A *durable reader* is a name with a position up to which it has confirmed
events: trimming waits for it. Whoever follows the log without one gets `LogGap` when trimming was faster.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from routing.domain.agent import Agent
from routing.domain.changes import Changes
from routing.domain.events.calls import CallArrived, CallEnded, CallResumed, CallTransferred
from routing.domain.events.envelope import Event
from routing.domain.events.flows import NodeEntered
from routing.domain.messages import Message
from routing.domain.model import CallerHistory, Contact
from routing.domain.orders import Order
from routing.domain.totals import Totals

# Events that open and close a call, and those that say where in a flow it is: the store knows which calls are open and where each is, and
# takes the end of each once. One that is passed on is nowhere in a flow.
CALL_EVENTS: dict[type, str] = {
    CallArrived: "arrived",
    CallResumed: "arrived",
    CallTransferred: "passed",
    NodeEntered: "moved",
    CallEnded: "ended",
}


class StaleCommit(Exception):
    """The commit was refused, with all that is in it: the fencing token is not the newest, or a record moved meanwhile. Load again."""


class StoreUnreachable(Exception):
    """The store does not answer; the message names it and says what to do. `logged`: that is in the log already."""

    logged = False


class StoreRefused(StoreUnreachable):
    """It answers, and does not let us in."""

    logged = True


class StoreTakesNoWrites(StoreUnreachable):
    """It answers and can be read, and writes nothing: its disk or its memory is full, or it is a replica."""

    logged = True


def check_reader_name(name: str) -> None:
    """Raises ValueError for what cannot be the name of a durable reader."""
    if not READER_NAME.fullmatch(name):
        raise ValueError(f"the name of a durable reader is 1 to 64 small letters, digits, '-' and '_', a letter first; found {name!r}")


def is_before(position: str, other: str) -> bool:
    """Whether a position of a stream comes before another one of it: numbers, in Redis two of them with a dash between."""
    here, there = (tuple(map(int, text.split("-"))) for text in (position, other))
    return here < there


class LogGap(Exception):
    """Events behind the position `after` are not in the log any more; those behind `dropped` all are."""

    def __init__(self, after: str, dropped: str) -> None:
        super().__init__(f"events behind {after} were dropped from the log before they were read; those behind {dropped} are there")
        self.after = after
        self.dropped = dropped


class NoSuchReader(Exception):
    """Nobody opened a durable reader of this name, or the store has lost its data since: open it again."""


OLDEST, NEWEST = "0", "$"  # where a durable reader may begin, beside a position
READER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class LogLimits:
    """What trimming leaves of the event log: the newest `keep` events, and what a durable reader has not confirmed while all of it takes
    less than `bytes` of the store's memory. Who writes trims, each `every` events; both may be passed by about as much."""

    keep: int = 100_000
    bytes: int = 256 * 1024 * 1024
    every: int = 1_000


@dataclass(frozen=True, slots=True)
class ReaderState:
    """A durable reader: the position up to which it has confirmed, and when its first unconfirmed event was written; 0: there is none."""

    name: str
    position: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class LogState:
    """How many events the log has, about how many bytes they take, and who reads them durably, by name."""

    events: int
    bytes: int
    readers: tuple[ReaderState, ...]


@dataclass(frozen=True, slots=True)
class Once:
    """What a `writer` puts under this `number` or a later one (from 1) is not put again: it may be sent until it is known to be taken."""

    writer: str
    number: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a router starts from: the records, and the inbox position up to which they include the messages.

    `events` is the position in the event log that the records correspond to, for a view that goes on from there. `calls` are
    the call_arrived (or later call_resumed) events of the calls that have not ended, `places` the last node_entered of each, `totals`
    what was counted of each queue since the store was empty.
    """

    contacts: tuple[Contact, ...]
    agents: tuple[Agent, ...]
    inbox: str
    events: str
    calls: tuple[Event, ...] = ()
    callers: tuple[CallerHistory, ...] = ()
    places: tuple[Event, ...] = ()
    totals: Totals = field(default_factory=dict)


class Store(Protocol):
    """One routing domain's state."""

    async def post(self, *messages: Message, once: Once | None = None) -> str:
        """Put messages into the inbox, in order and together. Returns the position of the newest message there, "0" without one."""

    async def inbox(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Message]]:
        """Messages behind `after` with their positions; waits up to `block_ms` for the first one."""

    async def commit(self, fence: int, inbox: str, changes: Changes, once: Once | None = None) -> Sequence[str]:
        """Write all of it, or raise StaleCommit and write nothing: records, events, orders and the inbox position reached. With `once`
        also that this batch of messages is done: it was never in the inbox, and is not taken there later; if it was, that is stale, too.
        Returns the position of each order in the stream of its server."""

    async def load(self) -> Snapshot:
        """A consistent picture."""

    async def acquire(self, server: str, ttl_ms: int) -> int | None:
        """The router's lease for `ttl_ms`: a new, higher fencing token, or None while another server has it."""

    async def renew(self, server: str, fence: int, ttl_ms: int) -> bool:
        """Keep the lease; False when it is lost."""

    async def release(self, server: str, fence: int) -> None:
        """Give the lease up, if the server still has it."""

    async def orders(self, server: str, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Order]]:
        """Orders for `server` behind `after` with their positions; waits up to `block_ms` for the first one."""

    async def append(self, *events: Event, once: Once | None = None) -> None:
        """Add a server's own events (calls, flows), together. A second call_ended of a call is left out."""

    async def events(self, after: str, *, block_ms: int, limit: int = 500) -> list[tuple[str, Event]]:
        """Events behind `after`, waiting up to `block_ms` for the first one. Raises LogGap when some of them are gone; not for "0", which
        is before the oldest that is there."""

    def back(self, position: str, ms: int) -> str:
        """A position in the event log so many milliseconds before another one: what was written since is behind it, and maybe more."""

    async def last_event(self) -> str:
        """The position of the newest event; "0" when there is none."""

    async def open_reader(self, name: str, after: str) -> str:
        """Make `name` (small letters, digits, - and _) a durable reader that has confirmed all up to `after`: OLDEST, NEWEST or a position
        of the log. One that is known stays where it is. Returns its position, for `events`, which sees every gap behind it."""

    async def confirm(self, name: str, position: str) -> None:
        """The reader needs nothing up to here any more. Only forwards: an earlier position changes nothing. Raises NoSuchReader."""

    async def close_reader(self, name: str) -> None:
        """Trimming does not wait for it any more; nothing happens when it is not known."""

    async def log_state(self) -> LogState:
        """The size of the event log and its durable readers."""

    async def close(self) -> None:
        """Let go of connections."""
