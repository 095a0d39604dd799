"""What this server tells by itself: calls and flows. Events leave in the order they were told, and wait while the store is away."""

from dataclasses import replace
from typing import Any

from routing.domain.events import Event
from routing.ports import Clock, Ids
from routing.store.outbox import Outbox
from routing.store.port import Store

RETRY_S = 0.5
ENVELOPE = ("contact", "agent", "queue", "flow", "flow_version", "node")


class EventLog:
    """Appends events to the domain's log."""

    def __init__(self, store: Store, ids: Ids, clock: Clock, *, domain: str = "main") -> None:
        self._ids = ids
        self._clock = clock
        self._domain = domain
        self._outbox: Outbox[Event] = Outbox(store.append, ids.new("outbox"), retry_s=RETRY_S)

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


class CallEvents:
    """The events of one call."""

    def __init__(self, log: EventLog, call: str) -> None:
        self._log = log
        self._call = call

    def emit(self, type: str, /, **data: Any) -> None:
        self._log.tell(type, call=self._call, **data)
