"""Flows. Written by the server that has the call (`ivr/interpreter.py`, `ivr/flow/`)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from routing.domain.events.envelope import EventData


@dataclass(frozen=True, slots=True)
class FlowStarted(EventData):
    """a caller enters the first flow, or goes on in one after `call_resumed`"""

    TYPE: ClassVar[str] = "flow_started"
    dnis: Annotated[str, "the number called"]


@dataclass(frozen=True, slots=True)
class NodeEntered(EventData):
    """a node begins"""

    TYPE: ClassVar[str] = "node_entered"
    node_type: Annotated[str, "as in docs/flows.md"]
    language: Annotated[str, "the caller's"]


@dataclass(frozen=True, slots=True)
class NodeLeft(EventData):
    """a node is over"""

    TYPE: ClassVar[str] = "node_left"
    exit: Annotated[str, "the exit taken; `failed` after an error, `caller_gone` when the caller hung up in it"]


@dataclass(frozen=True, slots=True)
class InputReceived(EventData):
    """the caller keyed something that a menu or collect node judged"""

    TYPE: ClassVar[str] = "input_received"
    keys: Annotated[str, "`****` where the node is `sensitive`"]
    understood: Annotated[bool, "whether it was an answer"]


@dataclass(frozen=True, slots=True)
class LookupAnswered(EventData):
    """a look-up came back"""

    TYPE: ClassVar[str] = "lookup_answered"
    outcome: Annotated[Literal["found", "not_found", "failed"], ""]
    status: Annotated[int, "HTTP status, 0 without an answer"]
    failure: Annotated[str, "why, in words"]


@dataclass(frozen=True, slots=True)
class FlowFailed(EventData):
    """an error inside a node; the flow's `on_error` follows, or an apology and the end"""

    TYPE: ClassVar[str] = "flow_failed"
    error: Annotated[str, "its kind"]
    message: Annotated[str, "in words"]


@dataclass(frozen=True, slots=True)
class FlowEnded(EventData):
    """the flow is over"""

    TYPE: ClassVar[str] = "flow_ended"
    reason: Annotated[Literal["hung_up", "failed", "caller_gone"], ""]


TYPES = (FlowStarted, NodeEntered, NodeLeft, InputReceived, LookupAnswered, FlowFailed, FlowEnded)
