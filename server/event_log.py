"""What this server tells by itself: calls and flows. Events leave in the order they were told, and wait while the store is away."""

import asyncio
from dataclasses import replace
from typing import Any

import structlog

from routing.events import Event
from routing.ports import Clock, Ids
from routing.store_port import Store, StoreUnreachable

log = structlog.get_logger(__name__)
RETRY_S = 0.5
ENVELOPE = ("contact", "agent", "queue", "flow", "flow_version", "node")


class EventLog:
    """Appends events to the domain's log."""

    def __init__(self, store: Store, ids: Ids, clock: Clock, *, domain: str = "main") -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._domain = domain
        self._outbox: asyncio.Queue[Event] = asyncio.Queue()

    def tell(self, type: str, /, *, call: str = "", **data: Any) -> None:
        """Something happened: fields of the envelope go there, everything else into `data`."""
        envelope: dict[str, Any] = {name: str(data.pop(name)) for name in ENVELOPE if name in data}
        self._outbox.put_nowait(
            replace(Event(self._ids.new("event"), type, self._clock.now_ms(), self._domain, call=call, data=data), **envelope)
        )

    def of_call(self, call: str) -> "CallEvents":
        """The same for one call; fits `ivr.ports.Events`."""
        return CallEvents(self, call)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            batch = [await self._outbox.get()]
            while not self._outbox.empty() and len(batch) < 500:
                batch.append(self._outbox.get_nowait())
            await self._append(batch)
            for _ in batch:
                self._outbox.task_done()

    async def flush(self) -> None:
        """Returns when everything told so far is in the store."""
        await self._outbox.join()

    async def _append(self, batch: list[Event]) -> None:
        told = False
        while True:
            try:
                return await self._store.append(*batch)
            except StoreUnreachable as away:
                if not (told or away.told):
                    log.warning("event_log_unreachable", reason=str(away))
                    told = True
                await asyncio.sleep(RETRY_S)


class CallEvents:
    """The events of one call."""

    def __init__(self, log: EventLog, call: str) -> None:
        self._log = log
        self._call = call

    def emit(self, type: str, /, **data: Any) -> None:
        self._log.tell(type, call=self._call, **data)
