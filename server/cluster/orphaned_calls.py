"""Calls that no server has any more: their server died or froze while Asterisk went on with them. Every server watches over all calls of
its own Asterisk; what becomes of another Asterisk's, that one's servers see.

What a caller without a server does is seen on AMI: hanging up, being answered by an agent. It is reported a moment later, unless the
server that should have done it has. Reports are facts; the router and the event log take each once, whoever reports it.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from functools import partial

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError
from agi.ami.events import BridgeLeave, DialEnd, Hangup, listen
from agi.ami.protocol import Message
from routing.client.routing_client import RoutingClient
from routing.domain.contact_state import ContactState
from routing.domain.events.calls import CallEnded, CallEndedBy, at_server
from routing.domain.events.envelope import Event
from routing.domain.events.servers import ServerBack, ServerLost
from routing.domain.messages import ContactLeft, OfferAnswered
from routing.domain.model import Contact
from routing.domain.outcomes import EndReason
from routing.domain.phone_address import ExternalNumber
from routing.read_model.view import View
from server.calls.open_calls import Calls
from server.cluster.rescue import move, stranded_at
from server.cluster.server_list import ServerList
from server.cluster.stranded import Stranded
from server.events.writer import EventLog

log = structlog.get_logger(__name__)
COMPARE_EVERY_S = 60.0
GRACE_S = 1.0
LONGER_S, LOOK_EVERY_S = 4.0, 0.25  # for a server that may only be slow: it knows more about the end than we do
SETTLE_S = 0.3  # a caller whose server was killed finds another one within this time; that of a frozen one does not


class OrphanedCalls:
    """`reconcile` runs after each AMI connect, and by `run` now and then; `on_event` follows the event log."""

    def __init__(
        self, view: View, routing_client: RoutingClient, events: EventLog, calls: Calls, ami: AmiClient, server_list: ServerList
    ) -> None:
        self._view = view
        self._routing_client = routing_client
        self._events = events
        self._calls = calls
        self._ami = ami
        self._server_list = server_list
        self._lost: dict[str, str] = {}  # Uniqueid of a call in a talk or ringing -> its lost server, which may only be frozen
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended_unseen: set[str] = set()  # calls whose end is about to be written
        listen(ami, Hangup, self._hung_up)
        listen(ami, DialEnd, self._dial_ended)
        listen(ami, BridgeLeave, self._bridge_left)

    def known(self) -> frozenset[str]:
        """The calls of our Asterisk known now: only these may be judged by rows that are asked for from now on."""
        known = (*self._view.calls, *(contact.facts.call for contact in self._view.contacts.values()))
        return frozenset(call for call in known if self._server_list.has(call))

    def reconcile(self, rows: Iterable[Message], known: Collection[str], *, restarted: bool = False) -> None:
        """With the rows of CoreShowChannels: calls that ended unseen, and offers that were answered unseen. `restarted`: Asterisk was."""
        ended_by: CallEndedBy = "asterisk_restarted" if restarted else "caller"
        living = {row.get("Uniqueid"): row for row in rows}
        for call in known:
            row = living.get(_uniqueid(call))
            if row is None:
                self._end_unseen(call, ended_by)
            elif row.get("BridgeId") and not self._is_served(call):
                beside = [other.get("Channel") for other in living.values() if other.get("BridgeId") == row.get("BridgeId")]
                self._later(partial(self._answered, channels=beside), call)

    async def run(self) -> None:
        """Compare now and then what is believed with the channels that Asterisk has; until cancelled."""
        while True:
            await asyncio.sleep(COMPARE_EVERY_S)
            if not self._ami.connected or self._server_list.asterisk is None:
                continue
            known = self.known()
            try:
                self.reconcile(await self._ami.core_show_channels(), known)
            except AmiError as away:
                log.info("channels_not_compared", reason=str(away))

    def on_event(self, event: Event) -> None:
        """A server that froze still has its calls' connections: they are pulled over to a server that lives."""
        match event.data:
            case ServerLost(server=server):
                self._start(self._pull_over(server, self._server_list.address_of(server)))
            case ServerBack(server=server):
                self._lost = {id: lost for id, lost in self._lost.items() if lost != server}

    async def stop(self) -> None:
        """Let go of what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- AMI ---------------------------------------------------------------------------------------------------------------

    def _hung_up(self, event: Hangup) -> None:
        self._lost.pop(event.uniqueid, None)
        call = f"call-{event.uniqueid}"
        if call in self._view.calls or self._contacts_of(call):
            self._later(partial(self._end, ended_by="system", reason="no_audio_from_caller") if event.no_audio else self._end, call)

    def _dial_ended(self, event: DialEnd) -> None:
        call = f"call-{event.uniqueid}"
        if event.dial_status == "ANSWER" and not self._is_served(call) and self._contacts_of(call):
            self._later(partial(self._answered, channels=(event.dest_channel,)), call)
        else:
            self._talked(event.uniqueid)

    def _bridge_left(self, event: BridgeLeave) -> None:
        self._talked(event.uniqueid)

    def _talked(self, uniqueid: str) -> None:
        """The talk or ringing of a call of a lost server is over. Taken out at once: the next event may say the same, or the end."""
        if server := self._lost.pop(uniqueid, ""):
            self._start(self._pull_over_settled(uniqueid, server))

    # -- reports -----------------------------------------------------------------------------------------------------------

    def _end(self, call: str, *, ended_by: CallEndedBy = "caller", reason: EndReason = "") -> None:
        """The caller's channel is gone and nobody has written the end. The event has the number: whom we cut off can be called back."""
        contacts, cut_off = self._contacts_of(call), ended_by != "caller" and not reason
        number = self._calls.number(call) or next((one.facts.ani for one in contacts), "")
        for contact in contacts:
            self._routing_client.post(ContactLeft(contact.id, "failed" if cut_off else "abandoned", reason=reason))
        if call in self._view.calls:
            log.info("orphan_ended", call=call, ended_by=ended_by)
            over = CallEnded(ended_by, 0, "orphan", number if cut_off else None, "no_audio_from_caller" if reason else None)
            self._events.write(over, call=call)

    def _answered(self, call: str, *, channels: Collection[str] = ()) -> None:
        """The agent's channel is one of these, where it is known."""
        for contact in self._contacts_of(call):
            if contact.state == ContactState.OFFERED and (offer := self._offer_at(contact, channels)):
                self._routing_client.post(OfferAnswered(contact.id, offer))

    def _offer_at(self, contact: Contact, channels: Collection[str]) -> str:
        """Which of a contact's offers was answered there; "" when several rang and that is unknown."""
        if len(contact.offers) == 1:
            return next(iter(contact.offers))
        phones = {offer: self._view.agents[agent].phone for offer, agent in contact.offers.items() if agent in self._view.agents}
        here = [offer for offer, phone in phones.items() if phone and any(channel.startswith(f"PJSIP/{phone}-") for channel in channels)]
        # External numbers are rung over a trunk: the channel has the trunk's name.
        outside = [offer for offer, phone in phones.items() if isinstance(phone, ExternalNumber)]
        found = here or outside
        return found[0] if len(found) == 1 else ""

    def _contacts_of(self, call: str) -> list[Contact]:
        return [contact for contact in self._view.contacts.values() if contact.facts.call == call]

    # -- frozen servers ----------------------------------------------------------------------------------------------------

    async def _pull_over(self, server: str, agi: str) -> None:
        """Take the calls from a server that is silent. A call that talks or rings is left alone until that is over."""
        had = (call for call, event in self._view.calls.items() if at_server(event).server == server)
        known = {_uniqueid(call) for call in had if self._server_list.has(call)}
        self._lost |= dict.fromkeys(known, server)  # first: a talk may end while we ask
        if not known and not agi:
            return
        if agi and self._server_list.is_first_without(server):
            await self._server_list.remove(agi)  # or Asterisk might bring them, and new ones, to the silent one again
        try:
            rows = await self._ami.core_show_channels()
            busy = {row.get("Uniqueid") for row in rows if row.get("BridgeId") or row.get("Application") == "Dial"}
            self._lost |= {id: server for id in busy - known if self._is_at(id, server)}  # not `known`: a talk may be over meanwhile
            await self._pull(await stranded_at(self._ami, agi, rows) if agi else [], server)
        except AmiError as error:
            log.warning("calls_not_pulled_over", server=server, reason=str(error))

    async def _pull(self, found: Iterable[Stranded], server: str) -> None:
        for one in found:
            self._lost.pop(one.uniqueid, None)
            if self._server_list.is_first_without(server):
                await move(self._ami, one)

    async def _pull_over_settled(self, uniqueid: str, server: str) -> None:
        """Its talk or ringing is over: if its server was killed another has it now, if it was frozen nobody has."""
        await asyncio.sleep(SETTLE_S)
        agi = self._server_list.address_of(server)
        if not agi or not self._is_at(uniqueid, server):
            return
        try:
            found = await stranded_at(self._ami, agi, await self._ami.core_show_channels())
            await self._pull([one for one in found if one.uniqueid == uniqueid], server)
        except AmiError as error:
            log.warning("call_not_pulled_over", server=server, reason=str(error))

    def _is_anothers(self, call: str) -> bool:
        """Whether another server has it that is believed to live."""
        event = self._view.calls.get(call)
        server = at_server(event).server if event else ""
        return server != self._routing_client.server and self._server_list.lives(server)

    def _is_at(self, uniqueid: str, server: str) -> bool:
        event = self._view.calls.get(f"call-{uniqueid}")
        return event is not None and at_server(event).server == server

    # -- a moment later ----------------------------------------------------------------------------------------------------

    def _is_served(self, call: str) -> bool:
        return call in self._calls

    def _later(self, report: Callable[[str], None], call: str) -> None:
        self._start(self._unless_reported(report, call))

    async def _unless_reported(self, report: Callable[[str], None], call: str) -> None:
        await self._settled(call)
        if not self._is_served(call):
            report(call)

    def _end_unseen(self, call: str, ended_by: CallEndedBy) -> None:
        if call not in self._ended_unseen:
            self._ended_unseen.add(call)
            self._start(self._end_when_let_go(call, ended_by))

    async def _end_when_let_go(self, call: str, ended_by: CallEndedBy) -> None:
        """An end that no event reported is reported by nobody else. A session that still has the call (its flow may be in a look-up, where
        it does not notice) goes on to where it needs the caller; until then it knows the number to call back."""
        try:
            await self._settled(call)
            while self._is_served(call):
                await self._calls.until_let_go(call)
                await asyncio.sleep(GRACE_S)
            self._end(call, ended_by=ended_by)
        finally:
            self._ended_unseen.discard(call)

    async def _settled(self, call: str) -> None:
        """Whoever has the call may report its end first."""
        waited_s = GRACE_S
        await asyncio.sleep(GRACE_S)
        while waited_s < LONGER_S and self._is_anothers(call):
            await asyncio.sleep(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()):  # what it did not report is found by the next comparison
            log.error("orphan_work_failed", exc_info=fault)


def _uniqueid(call: str) -> str:
    return call.removeprefix("call-")
