"""How it is with Redis, as this server sees it: for `/readyz`, and for the event log when it takes no writes and when it does again."""

from typing import Protocol

from routing.domain.events.servers import RedisRefusedWrites, RedisTookWrites
from routing.ports import Clock
from routing.store.redis import RedisStore
from server.events.writer import EventLog


class EventSink(Protocol):
    """What this server still has to bring to the store: the desk."""

    @property
    def held_up(self) -> str: ...


class RedisHealth:
    """Events are written as they happen; they reach the log when Redis takes writes again."""

    def __init__(self, store: RedisStore, routing_client: EventSink, events: EventLog, clock: Clock, server: str) -> None:
        self._store = store
        self._routing_client = routing_client
        self._events = events
        self._clock = clock
        self._server = server
        self._since_ms = 0
        self._answers = False
        store.writes.on_change = self._changed

    async def why_not_ready(self) -> str:
        """A sentence, with what to do; "" when it answers and takes what we write."""
        self._answers = False
        try:
            await self._store.now_ms()
        except Exception as error:
            return str(error)
        self._answers = True
        return self.held_up

    @property
    def held_up(self) -> str:
        """Why it does not take what this server writes; "" while it does."""
        return self._store.writes.refused or self._routing_client.held_up

    @property
    def only_full(self) -> bool:
        """Whether it answered when it was asked last, and takes no writes: calls are taken, and a new start of ours mends nothing."""
        return self._answers and bool(self._store.writes.refused)

    def _changed(self, why: str) -> None:
        now_ms = self._clock.now_ms()
        if why:
            self._since_ms = self._since_ms or now_ms
            self._events.write(RedisRefusedWrites(self._server, why))
        else:
            self._events.write(RedisTookWrites(self._server, now_ms - self._since_ms))
            self._since_ms = 0
