"""Walks a flow with one caller: run a node, go where its exit leads, until the call ends. It has what is common to all node types:
back and top, shortcut keys, the guard against running in circles, and that an error is never dead air.

Leaves hanging up, music and keys to the Phone, and what a node does to `ivr.flow.nodes`.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ivr.call import CallContext
from ivr.flow.model import BACK, FLOW_PREFIX, HANG_UP, TOP, Flow, Flows, Target
from ivr.flow.nodes.menu import Menu
from ivr.flow.talk import Talk, TooManySteps, World
from ivr.flow.texts import Prompt
from ivr.hours import Hours
from ivr.ports import Clock, Events, FlowEndReason, Lookup, LookupReply, Phone, QueuePort

EndReason = Literal["hung_up", "failed"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a flow ended: it hung up, or it failed and hung up after an apology. `node` is the last one."""

    reason: EndReason
    flow: str
    node: str


async def meanwhile(work: Awaitable[LookupReply], entertainment: Awaitable[Any]) -> LookupReply:
    """Do the work while the caller is entertained; a caller who goes away takes the work along."""
    working = asyncio.ensure_future(work)
    try:
        await entertainment
        return await working
    finally:
        if not working.done():
            working.cancel()
        await asyncio.gather(working, return_exceptions=True)


class Interpreter:
    """One caller's way through the flows as they were when the call came: `flows` must not change, publish a new mapping instead.

    `gone` are the exceptions by which the phone or the desk says that the caller is gone; they pass through `run`.
    """

    def __init__(
        self,
        flows: Flows,
        phone: Phone,
        queues: QueuePort,
        lookup: Lookup,
        events: Events,
        clock: Clock,
        *,
        hours: Mapping[str, Hours] | None = None,
        time_zone: str = "UTC",
        currency: str = "CNY",
        gone: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._flows = flows
        self._world = World(phone, queues, lookup, events, clock, meanwhile, hours or {}, time_zone, currency)
        self._gone = gone

    async def run(self, call: CallContext, flow_name: str, start: str = "") -> Ended:
        """Serve the caller from the flow's start, or from the node `start`, to the end. Raises KeyError for an unknown flow, and `gone`."""
        walk = _Walk(self._flows, Talk(call, self._flows[flow_name], self._world), self._gone)
        return await walk.through(Target(start) if start else None)


class _Walk:
    """The way of one call: where it is and which menus it came through."""

    def __init__(self, flows: Flows, talk: Talk, gone: tuple[type[BaseException], ...]) -> None:
        self._flows = flows
        self._talk = talk
        self._gone = gone
        self._menus: list[tuple[Flow, str]] = []
        self._failed = False

    async def through(self, start: Target | None) -> Ended:
        talk, events = self._talk, self._talk.world.events
        self._enter(talk.flow)
        events.flow_started(talk.place, dnis=talk.call.dnis)
        reason: FlowEndReason = "caller_gone"
        try:
            target = await self._answer(start or talk.flow.start)
            while (node := self._arrive(target)) is not None:
                target = await self._visit(node)
            await talk.world.phone.hang_up()
            reason = "failed" if self._failed else "hung_up"
        finally:
            events.flow_ended(talk.place, reason=reason)
        return Ended("failed" if self._failed else "hung_up", talk.flow.name, talk.node)

    async def _answer(self, start: Target) -> Target:
        """Take the call; a call that is taken already only goes on."""
        try:
            await self._talk.world.phone.answer()
        except self._gone:
            raise
        except Exception as error:
            return await self._recover(error)
        return start

    def _enter(self, flow: Flow) -> None:
        """Take up a flow: its variables begin with their first values unless the call has them already."""
        self._talk.flow = flow
        self._talk.call.language = self._talk.language
        for name, value in flow.variables.items():
            self._talk.call.variables.setdefault(name, value)

    def _arrive(self, target: Target) -> str | None:
        """The node that a target means, changing the flow when it lies in another; None when the call ends."""
        if target == HANG_UP:
            return None
        if target.startswith(FLOW_PREFIX):
            self._enter(self._flows[target.removeprefix(FLOW_PREFIX)])
            return self._talk.flow.start
        if target in (BACK, TOP):
            return self._return(target)
        return target

    def _return(self, target: Target) -> str:
        """The menu before this one, or the first one; the flow's start when there was none."""
        if self._menus and self._menus[-1] == (self._talk.flow, self._talk.node) and len(self._menus) > 1:
            self._menus.pop()
        if not self._menus:
            return self._talk.flow.start
        if target == TOP:
            del self._menus[1:]
        flow, node = self._menus[-1]
        self._talk.flow = flow
        return node

    async def _visit(self, name: str) -> Target:
        """Run one node; the target that its exit leads to."""
        talk = self._talk
        talk.node = name
        exit = "caller_gone"
        try:
            talk.step()
            node = talk.flow.nodes[name]
            talk.world.events.node_entered(talk.place, node_type=node.type, language=talk.language)
            if isinstance(node, Menu):
                self._remember(name)
            exit = await node.run(talk)
            return talk.flow.keys[exit.removeprefix("key:")] if exit.startswith("key:") else node.target(exit)
        except self._gone:
            raise
        except Exception as error:
            exit = "failed"
            return await self._recover(error)
        finally:
            talk.world.events.node_left(talk.place, exit=exit)

    def _remember(self, name: str) -> None:
        """Keep the way back: a menu that is entered again cuts off what came after it."""
        here = (self._talk.flow, name)
        if here in self._menus:
            del self._menus[self._menus.index(here) :]
        self._menus.append(here)

    async def _recover(self, error: Exception) -> Target:
        """After an error inside a node: the flow's `on_error` once, else an apology and the end. Never dead air."""
        talk = self._talk
        self._write_failure(error)
        on_error = talk.flow.on_error
        if on_error is not None and not self._failed and not isinstance(error, TooManySteps):
            self._failed = True
            return on_error
        self._failed = True
        try:
            await talk.world.phone.music(False)
            await talk.world.phone.play(talk.speech([Prompt(name="apology")]))
        except self._gone:
            raise
        except Exception as second:
            self._write_failure(second)
        return Target(HANG_UP)

    def _write_failure(self, error: Exception) -> None:
        self._talk.world.events.flow_failed(self._talk.place, error=type(error).__name__, message=str(error)[:300])
