"""The calls that this server holds, as people look at them: who called, where in the flow they are, whom they wait for or talk to."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ivr.call import CallContext
from ivr.numbers import Number, masked
from ivr.ports import Events

Stage = Literal["arrived", "in_flow", "waiting", "talking", "transferred"]


@dataclass(slots=True)
class LiveCall:
    """One call held here; `stage` and what follows change as it goes on."""

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

    def facts(self, server: str) -> dict[str, Any]:
        """What the event log is told when `server` takes the call: enough to show it anywhere."""
        place = {"flow": self.flow, "node": self.node} if self.node else {}
        known = {"language": self.context.language, "started_at_ms": self.started_at_ms}
        return {"ani": self.ani, "dnis": self.dnis, "server": server, "channel": self.channel, **known, **place}


REMEMBERED = 5_000


class Calls:
    """All of them, by id."""

    def __init__(self) -> None:
        self._calls: dict[str, LiveCall] = {}
        self._numbers: OrderedDict[str, str] = OrderedDict()  # of those held here lately
        self._let_go: dict[str, asyncio.Event] = {}  # of calls whose going is waited for

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(list(self._calls.values()))

    def __contains__(self, id: object) -> bool:
        return id in self._calls

    def add(self, call: LiveCall) -> Callable[[], None]:
        """Hold it; the function that comes back lets it go."""
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
        """Returns when that call is not held here, or not any more."""
        if id in self._calls:
            await self._let_go.setdefault(id, asyncio.Event()).wait()

    def number(self, id: str) -> str:
        """The caller's number in full, also of a call that was let go; "" when it was never held here, or long ago."""
        return self._numbers.get(id, "")


class FollowedEvents:
    """Passes a flow's events on, and keeps the live call's place in the flow."""

    def __init__(self, call: LiveCall, events: Events) -> None:
        self._call = call
        self._events = events

    def emit(self, type: str, /, **data: Any) -> None:
        if type == "node_entered":
            self._call.stage = "in_flow"
            self._call.flow, self._call.node = str(data.get("flow", "")), str(data.get("node", ""))
        self._events.emit(type, **data)
