"""Servers. Written by the router (`routing/board/servers.py`, `routing/router.py`); `asterisk_...` and `redis_...` by the servers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from routing.domain.events.envelope import EventData

Server = Annotated[str, "its name"]
Words = Annotated[str, "what, and what to do"]


@dataclass(frozen=True, slots=True)
class RoutingFailed(EventData):
    """a defect: a message or a deadline made the router's board raise. A message is passed over; a deadline is tried again, after a second
    and then after growing pauses of up to a minute; `server.log` has the traceback"""

    TYPE: ClassVar[str] = "routing_failed"
    server: Annotated[str, "the router's"]
    what: Annotated[str, "which message or deadline"]
    id: Annotated[str, "the contact or agent that it is about"]
    error: Annotated[str, "what was raised"]
    again_ms: Annotated[int, "after how long it is tried again; 0: not"]


@dataclass(frozen=True, slots=True)
class AsteriskGapFound(EventData):
    """with an Asterisk of one's own: something that Hotline needs is missing there"""

    TYPE: ClassVar[str] = "asterisk_gap_found"
    server: Server
    about: Annotated[str, "as in `hotline_asterisk_gaps`"]
    words: Words
    dangerous: Annotated[bool, "then the server is not ready"]


@dataclass(frozen=True, slots=True)
class AsteriskGapMended(EventData):
    """it is there now, or something else is missing in its place"""

    TYPE: ClassVar[str] = "asterisk_gap_mended"
    server: Server
    about: Annotated[str, "as in `hotline_asterisk_gaps`"]
    words: Annotated[str, "what was missing"]


@dataclass(frozen=True, slots=True)
class RedisRefusedWrites(EventData):
    """Redis takes no writes: its disk or memory is full, or it is a replica. Written by each server when it happened; it is in the log when
    it writes again"""

    TYPE: ClassVar[str] = "redis_refused_writes"
    server: Server
    words: Annotated[str, "why, and what to do"]


@dataclass(frozen=True, slots=True)
class RedisTookWrites(EventData):
    """it writes again, and nothing was refused for 2 s"""

    TYPE: ClassVar[str] = "redis_took_writes"
    server: Server
    after_ms: Annotated[int, "how long it took none"]


@dataclass(frozen=True, slots=True)
class DomainOpened(EventData):
    """the very first start, or Redis lost its data; servers report again what they have"""

    TYPE: ClassVar[str] = "domain_opened"
    server: Annotated[str, "the router's"]


@dataclass(frozen=True, slots=True)
class EventsDropped(EventData):
    """Redis was away for too long: events of this server that could not wait any longer are in no log. Written by that server, as the next
    two"""

    TYPE: ClassVar[str] = "events_dropped"
    server: Server
    counts: Annotated[Mapping[str, int], "type -> how many"]


@dataclass(frozen=True, slots=True)
class MessagesDropped(EventData):
    """the same of its messages to the router"""

    TYPE: ClassVar[str] = "messages_dropped"
    server: Server
    counts: Annotated[Mapping[str, int], "kind of message -> how many"]


@dataclass(frozen=True, slots=True)
class GapInLog(EventData):
    """events were dropped from this log before they were read: those behind `from`, up to `to`. A durable reader's is written by the script
    that dropped them"""

    TYPE: ClassVar[str] = "log_gap"
    reader: Annotated[str, "the durable reader; empty where a server's view lost them"]
    server: Annotated[str, "that server; else empty"]
    from_: Annotated[str, "a position"]
    to: Annotated[str, "a position"]


@dataclass(frozen=True, slots=True)
class ServerBack(EventData):
    """a server that was believed lost speaks again: it was frozen, or the network was away"""

    TYPE: ClassVar[str] = "server_back"
    server: Server


@dataclass(frozen=True, slots=True)
class ServerLeft(EventData):
    """it ended in good order"""

    TYPE: ClassVar[str] = "server_left"
    server: Server


@dataclass(frozen=True, slots=True)
class ServerLost(EventData):
    """nothing was heard of it for 3 s. Its waiting callers are offered nothing until they turn up at another server, for 2 min at most"""

    TYPE: ClassVar[str] = "server_lost"
    server: Server
    agi: Annotated[str, "where Asterisk reached it; empty when another server is there now"]
    asterisk: Annotated[str, "the name of that Asterisk"]


@dataclass(frozen=True, slots=True)
class ServersListed(EventData):
    """the servers of an Asterisk that take calls are these now; each of them keeps `HOTLINE_SERVERS` so"""

    TYPE: ClassVar[str] = "servers_listed"
    asterisk: Annotated[str, "its name, empty where it has none"]
    addresses: Annotated[Mapping[str, str], "server -> where Asterisk reaches it"]


TYPES = (
    RoutingFailed,
    AsteriskGapFound,
    AsteriskGapMended,
    RedisRefusedWrites,
    RedisTookWrites,
    DomainOpened,
    EventsDropped,
    MessagesDropped,
    GapInLog,
    ServerBack,
    ServerLeft,
    ServerLost,
    ServersListed,
)
