"""Writes what happens in the flow of one call into the event log."""

from collections.abc import Callable

from ivr.ports import FlowEndReason, FlowPlace, LookupOutcome
from routing.domain.events.envelope import EventData
from routing.domain.events.flows import FlowEnded, FlowFailed, FlowStarted, InputReceived, LookupAnswered, NodeEntered, NodeLeft
from server.events.writer import EventLog


class FlowEvents:
    """Fits `ivr.ports.Events`. `on_node` is called with the place of each node that is entered."""

    def __init__(self, log: EventLog, call: str, on_node: Callable[[FlowPlace], None]) -> None:
        self._log = log
        self._call = call
        self._on_node = on_node

    def flow_started(self, place: FlowPlace, *, dnis: str) -> None:
        self._write(place, FlowStarted(dnis))

    def node_entered(self, place: FlowPlace, *, node_type: str, language: str) -> None:
        self._on_node(place)
        self._write(place, NodeEntered(node_type, language))

    def node_left(self, place: FlowPlace, *, exit: str) -> None:
        self._write(place, NodeLeft(exit))

    def input_received(self, place: FlowPlace, *, keys: str, understood: bool) -> None:
        self._write(place, InputReceived(keys, understood))

    def lookup_answered(self, place: FlowPlace, *, outcome: LookupOutcome, status: int, failure: str) -> None:
        self._write(place, LookupAnswered(outcome, status, failure))

    def flow_failed(self, place: FlowPlace, *, error: str, message: str) -> None:
        self._write(place, FlowFailed(error, message))

    def flow_ended(self, place: FlowPlace, *, reason: FlowEndReason) -> None:
        self._write(place, FlowEnded(reason))

    def _write(self, place: FlowPlace, data: EventData) -> None:
        self._log.write(data, call=self._call, flow=place.flow, flow_version=place.version, node=place.node)
