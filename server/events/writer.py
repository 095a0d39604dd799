"""What this server tells by itself: calls and flows. Events leave in the order they were told, and wait while the store is away.

What waits is bounded. First the steps of flows are dropped; that a call came, was passed on or ended never is.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from routing.domain.events import Event
from routing.ports import Clock, Ids
from routing.store.outbox import Outbox, Worth
from routing.store.port import CALL_EVENTS, Store

RETRY_S = 0.5
STEPS = {"node_entered", "node_left", "input_received", "lookup_answered"}
KEPT = CALL_EVENTS.keys() - STEPS | {"transfer_ended", "log_gap", "events_dropped", "messages_dropped"}
ENVELOPE = ("contact", "agent", "queue", "flow", "flow_version", "node")


class EventLog:
    """Appends events to the domain's log. `dropped`: event type -> how many were dropped while the store was away for too long."""

    def __init__(self, store: Store, ids: Ids, clock: Clock, *, domain: str = "main", server: str = "") -> None:
        self._ids = ids
        self._clock = clock
        self._domain = domain
        self._server = server
        self._outbox: Outbox[Event] = Outbox(
            store.append, ids.new("outbox"), retry_s=RETRY_S, kind=lambda event: event.type, worth=_worth, on_dropped=self._tell_dropped
        )

    @property
    def dropped(self) -> Counter[str]:
        return self._outbox.dropped

    def tell(self, type: str, /, *, call: str = "", **data: Any) -> None:
        """Something happened: fields of the envelope go there, everything else into `data`."""
        envelope: dict[str, Any] = {name: str(data.pop(name)) for name in ENVELOPE if name in data}
        self._outbox.add(replace(Event(self._ids.new("event"), type, self._clock.now_ms(), self._domain, call=call, data=data), **envelope))

    def of_call(self, call: str) -> "CallEvents":
        """The same for one call; fits `ivr.ports.Events`."""
        return CallEvents(self, call)

    async def run(self) -> None:
        """Send until cancelled."""
        await self._outbox.run()

    async def flush(self) -> None:
        """Returns when everything told so far is in the store."""
        await self._outbox.flush()

    def _tell_dropped(self, counts: Mapping[str, int]) -> None:
        self.tell("events_dropped", server=self._server, counts=dict(counts))


def _worth(event: Event) -> Worth:
    return Worth.DETAIL if event.type in STEPS else Worth.END if event.type in KEPT else Worth.FACT


class CallEvents:
    """The events of one call."""

    def __init__(self, log: EventLog, call: str) -> None:
        self._log = log
        self._call = call

    def emit(self, type: str, /, **data: Any) -> None:
        self._log.tell(type, call=self._call, **data)
