"""Writes this server's own events: calls and flows. They leave in the order of writing, and wait while the store is away.

What waits is bounded. First the steps of flows are dropped; that a call came, was passed on or ended never is.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from routing.domain.events.calls import CallArrived, CallEnded, CallResumed, CallTransferred, TransferEnded
from routing.domain.events.envelope import Event, EventData
from routing.domain.events.flows import InputReceived, LookupAnswered, NodeEntered, NodeLeft
from routing.domain.events.servers import EventsDropped, GapInLog, MessagesDropped
from routing.ports import Clock, Ids
from routing.store.outbox import Outbox, Worth
from routing.store.port import Store

RETRY_S = 0.5
TeamOf = Callable[[str, int], str]  # (agent, moment) -> the agent's team then
STEPS = (NodeEntered, NodeLeft, InputReceived, LookupAnswered)
KEPT = (CallArrived, CallResumed, CallTransferred, CallEnded, TransferEnded, GapInLog, EventsDropped, MessagesDropped)


class EventLog:
    """Appends events to the domain's log; `team_of` says which team an agent is in.

    `dropped`: event type -> how many were dropped while the store was away for too long.
    """

    def __init__(
        self, store: Store, ids: Ids, clock: Clock, *, domain: str = "main", server: str = "", team_of: TeamOf = lambda agent, at_ms: ""
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._domain = domain
        self._server = server
        self._team_of = team_of
        self._outbox: Outbox[Event] = Outbox(
            store.append, ids.new("outbox"), retry_s=RETRY_S, kind=lambda event: event.type, worth=_worth, on_dropped=self._on_dropped
        )

    @property
    def dropped(self) -> Counter[str]:
        return self._outbox.dropped

    def write(self, data: EventData, *, call: str = "", agent: str = "", flow: str = "", flow_version: str = "", node: str = "") -> None:
        """Write an event: something happened in a call or to this server."""
        at_ms = self._clock.now_ms()
        about = {"call": call, "agent": agent, "flow": flow, "flow_version": flow_version, "node": node}
        self._outbox.add(Event(self._ids.new("event"), at_ms, data, self._domain, **about, team=self._team_of(agent, at_ms)))

    def write_messages_dropped(self, counts: Mapping[str, int]) -> None:
        """Messages to the router were dropped: so many of each kind."""
        self.write(MessagesDropped(self._server, dict(counts)))

    async def run(self) -> None:
        """Send until cancelled."""
        await self._outbox.run()

    async def flush(self) -> None:
        """Returns when everything written so far is in the store."""
        await self._outbox.flush()

    def _on_dropped(self, counts: Mapping[str, int]) -> None:
        self.write(EventsDropped(self._server, dict(counts)))


def _worth(event: Event) -> Worth:
    return Worth.DETAIL if isinstance(event.data, STEPS) else Worth.END if isinstance(event.data, KEPT) else Worth.FACT
