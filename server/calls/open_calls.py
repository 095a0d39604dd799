"""The open calls of this server, as people look at them: who called, where in the flow they are, whom they wait for or talk to."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from ivr.call import CallContext
from ivr.numbers import Number, masked
from ivr.ports import FlowPlace
from routing.domain.events.calls import CallAtServer, CallEnded
from server.events.writer import EventLog

Stage = Literal["arrived", "in_flow", "waiting", "talking", "transferred"]


@dataclass(slots=True)
class LiveCall:
    """One open call; `stage` and what follows change as it goes on."""

    id: str
    caller: Number
    dnis: str
    started_at_ms: int
    context: CallContext = field(default_factory=lambda: CallContext(""))
    stage: Stage = "arrived"
    flow: str = ""
    node: str = ""
    queue: str = ""
    agent: str = ""
    contact: str = ""
    channel: str = ""
    in_dial: bool = False  # Asterisk rings or connects a phone by itself: the call must not be moved
    keyed: bool = False  # the caller has keyed a part of an answer, which would be lost if the call were moved
    done: bool = False  # the flow has come to its end

    @property
    def ani(self) -> str:
        """The caller's number, masked."""
        return masked(self.caller)

    def enter(self, place: FlowPlace) -> None:
        """The caller is at that node now."""
        self.stage, self.flow, self.node = "in_flow", place.flow, place.node

    def write(self, events: EventLog, what: type[CallAtServer], server: str, *, agent: str = "") -> None:
        """Write the event that `server` has the call, with all that is needed to show it anywhere."""
        data = what(self.ani, self.dnis, server, self.channel, self.context.language, self.started_at_ms)
        events.write(data, call=self.id, agent=agent, flow=self.flow if self.node else "", node=self.node)

    def write_end(self, events: EventLog, data: CallEnded) -> None:
        """Write the event that it is over, and where in the flow it was."""
        events.write(data, call=self.id, flow=self.flow, node=self.node)


REMEMBERED = 5_000


class Calls:
    """All of them, by id."""

    def __init__(self) -> None:
        self._calls: dict[str, LiveCall] = {}
        self._numbers: OrderedDict[str, str] = OrderedDict()  # of the calls of late
        self._let_go: dict[str, asyncio.Event] = {}  # of calls whose going is waited for

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(list(self._calls.values()))

    def __contains__(self, id: object) -> bool:
        return id in self._calls

    def add(self, call: LiveCall) -> Callable[[], None]:
        """Add it; the function that is returned removes it."""
        self._calls[call.id] = call
        self._numbers[call.id] = call.caller.text
        while len(self._numbers) > REMEMBERED:
            self._numbers.popitem(last=False)

        def let_go() -> None:
            if self._calls.get(call.id) is call:
                del self._calls[call.id]
                self._let_go.pop(call.id, asyncio.Event()).set()

        return let_go

    async def until_let_go(self, id: str) -> None:
        """Returns when that call is not here, or not any more."""
        if id in self._calls:
            await self._let_go.setdefault(id, asyncio.Event()).wait()

    def number(self, id: str) -> str:
        """The caller's number in full, also of a call that was let go; "" when it was never here, or long ago."""
        return self._numbers.get(id, "")
