"""Calls that nobody holds any more: their server died or froze while Asterisk went on with them. Every server watches over all calls.

What a caller without a server does is seen on AMI: hanging up, being answered by an agent. It is reported a moment later, unless the
server that should have done it has. Reports are facts; the router and the event log take each once, whoever tells it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError
from agi.ami.events import BridgeLeave, DialEnd, Hangup, listen
from agi.ami.protocol import Message
from routing.contact_state import ContactState
from routing.desk import Desk
from routing.events import Event
from routing.messages import ContactLeft, OfferAnswered
from routing.model import Contact
from routing.view import View
from server.calls import Calls
from server.event_log import EventLog

log = structlog.get_logger(__name__)
GRACE_S = 1.0
DIALPLAN = ("hotline", "resume")  # context and label where a call is taken up again


class Orphans:
    """`reconcile` runs after each AMI connect; `on_event` follows the event log. `leads` tells whether this server's router leads."""

    def __init__(self, view: View, desk: Desk, events: EventLog, calls: Calls, ami: AmiClient, leads: Callable[[], bool]) -> None:
        self._view = view
        self._desk = desk
        self._events = events
        self._calls = calls
        self._ami = ami
        self._leads = leads
        self._frozen: dict[str, tuple[str, str]] = {}  # Uniqueid -> (channel, number dialled): to be pulled over after their talk
        self._tasks: set[asyncio.Task[None]] = set()
        listen(ami, Hangup, self._hung_up)
        listen(ami, DialEnd, self._dial_ended)
        listen(ami, BridgeLeave, self._bridge_left)

    def reconcile(self, rows: Iterable[Message]) -> None:
        """With the rows of CoreShowChannels: calls that ended unseen, and offers that were answered unseen."""
        living = {row.get("Uniqueid"): row for row in rows}
        for call in [call for call in self._view.calls if not self._is_held(call)]:
            row = living.get(_uniqueid(call))
            if row is None:
                self._later(self._end, call)
            elif row.get("BridgeId"):
                self._later(self._answered, call)
        for contact in list(self._view.contacts.values()):
            if contact.call not in self._view.calls and not self._is_held(contact.call) and _uniqueid(contact.call) not in living:
                self._later(self._end, contact.call)

    def on_event(self, event: Event) -> None:
        """A server that froze still has its calls' connections: they are pulled over to a server that lives."""
        if event.type == "server_lost" and self._leads():
            lost = event.data["server"]
            for call, told in list(self._view.calls.items()):
                if told.data.get("server") == lost and not self._is_held(call):
                    self._start(self._pull_over(call, told.data.get("channel", ""), told.data.get("dnis", "")))

    async def stop(self) -> None:
        """Let go of what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- AMI ---------------------------------------------------------------------------------------------------------------

    def _hung_up(self, event: Hangup) -> None:
        self._frozen.pop(event.uniqueid, None)
        call = f"call-{event.uniqueid}"
        if call in self._view.calls or self._contacts_of(call):
            self._later(self._end, call)

    def _dial_ended(self, event: DialEnd) -> None:
        call = f"call-{event.uniqueid}"
        if event.dial_status == "ANSWER" and not self._is_held(call) and self._contacts_of(call):
            self._later(self._answered, call)

    def _bridge_left(self, event: BridgeLeave) -> None:
        waiting = self._frozen.pop(event.uniqueid, None)
        if waiting:
            self._start(self._redirect(*waiting))

    # -- reports -----------------------------------------------------------------------------------------------------------

    def _end(self, call: str) -> None:
        """The caller's channel is gone and nobody has told the end."""
        for contact in self._contacts_of(call):
            self._desk.post(ContactLeft(contact.id, "abandoned"))
        if call in self._view.calls:
            log.info("orphan_ended", call=call)
            self._events.tell("call_ended", call=call, ended_by="caller", lasted_ms=0, node="", flow="", stage="orphan")

    def _answered(self, call: str) -> None:
        for contact in self._contacts_of(call):
            if contact.state == ContactState.OFFERED and len(contact.offers) == 1:
                self._desk.post(OfferAnswered(contact.id, next(iter(contact.offers))))

    def _contacts_of(self, call: str) -> list[Contact]:
        return [contact for contact in self._view.contacts.values() if contact.call == call]

    # -- frozen servers ----------------------------------------------------------------------------------------------------

    async def _pull_over(self, call: str, channel: str, dnis: str) -> None:
        """Take a call from a server that does not answer. One that talks is left alone until the talk is over."""
        try:
            rows = {row.get("Uniqueid"): row for row in await self._ami.core_show_channels()}
        except AmiError as error:
            log.warning("call_not_pulled_over", call=call, reason=str(error))
            return
        row = rows.get(_uniqueid(call))
        if row is None:
            return
        if row.get("BridgeId"):
            self._frozen[_uniqueid(call)] = (channel, dnis)
        else:
            await self._redirect(channel, dnis)

    async def _redirect(self, channel: str, dnis: str) -> None:
        context, label = DIALPLAN
        try:
            await self._ami.redirect(channel, context, dnis, label)
        except AmiError as error:
            log.warning("call_not_pulled_over", channel=channel, reason=str(error))

    # -- a moment later ----------------------------------------------------------------------------------------------------

    def _is_held(self, call: str) -> bool:
        return call in self._calls

    def _later(self, report: Callable[[str], None], call: str) -> None:
        self._start(self._unless_told(report, call))

    async def _unless_told(self, report: Callable[[str], None], call: str) -> None:
        await asyncio.sleep(GRACE_S)
        if not self._is_held(call):
            report(call)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _uniqueid(call: str) -> str:
    return call.removeprefix("call-")
