"""How a server that is asked to stop lets go of its calls.

Where the site goes on, other servers get them. Where it stops, Asterisk refuses new calls (503, so that the carrier takes another route),
running ones may come to their end, and who is still there then hears the dialplan's last words, and the fallback rings.
"""

import asyncio
from collections.abc import Callable

import structlog

from agi.ami.client import AmiClient
from agi.server import FastAgiServer
from routing.client.routing_client import RoutingClient
from routing.domain.contact_state import ContactState
from routing.domain.events.calls import CallEnded
from routing.domain.messages import ContactLeft, TalkEnded
from routing.read_model.view import View
from server.calls.open_calls import Calls
from server.cluster.server_list import ServerList, move_calls
from server.events.writer import EventLog

log = structlog.get_logger(__name__)
SETTLE_S = 2.0  # what the router may take to end the contacts of calls that are over
LOOK_EVERY_S = 0.05
LAST_WORDS_S = 0.5  # until Asterisk has sent to the last words whom we let go


class Draining:
    """`comes_back`: whether this server, the last one of its site, is started again by somebody."""

    def __init__(
        self,
        agi: FastAgiServer,
        server_list: ServerList,
        ami: AmiClient,
        calls: Calls,
        routing_client: RoutingClient,
        view: View,
        events: EventLog,
        now_ms: Callable[[], int],
        comes_back: Callable[[], bool],
    ) -> None:
        self._agi = agi
        self._server_list = server_list
        self._ami = ami
        self._calls = calls
        self._routing_client = routing_client
        self._view = view
        self._events = events
        self._now_ms = now_ms
        self._comes_back = comes_back

    async def run(self, address: str, limit_s: float) -> int:
        """`address` is where Asterisk reaches this server. Returns when it has no call any more: how many were ended after `limit_s`."""
        self._routing_client.take_calls_at("")
        closed = await self._server_list.is_closed()
        others = [] if closed else await self._server_list.remove(address)
        closes = not closed and not others and not self._comes_back() and await self._server_list.close()
        moving = asyncio.create_task(move_calls(self._calls, self._ami, self._server_list.is_closed)) if others else None
        try:
            await self._agi.finish(limit_s)
        finally:
            if moving:
                moving.cancel()
                await asyncio.gather(moving, return_exceptions=True)
        contacts = self._report_ends() if await self._server_list.is_closed() else set()
        ended = await self._agi.drain(0)
        await self._until_over(contacts)
        if closes:
            await asyncio.sleep(LAST_WORDS_S)
            await self._server_list.close(closed=False)  # whoever calls from now on waits for the next server, or hears the fallback
        return ended

    def _report_ends(self) -> set[str]:
        """No server has these calls after us: write their ends now, with the numbers to call back. Returns their contacts."""
        contacts = set()
        for call in self._calls:
            duration_ms = self._now_ms() - call.started_at_ms
            call.write_end(self._events, CallEnded("site_stopped", duration_ms, call.stage, call.caller.text))
            if call.contact:
                contacts.add(call.contact)
                self._end_contact(call.contact)
        return contacts

    async def _until_over(self, contacts: set[str]) -> None:
        """The router, which may be another server's, has ended them."""
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._routing_client.flush()
                while contacts & self._view.contacts.keys():  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            log.warning("contacts_end_later", contacts=sorted(contacts))

    def _end_contact(self, id: str) -> None:
        contact = self._view.contacts.get(id)
        if contact and contact.state == ContactState.CONNECTED:
            talk_ms = self._now_ms() - contact.connected_at_ms
            self._routing_client.post(TalkEnded(id, next(iter(contact.offers), ""), "system", talk_ms))
        else:
            self._routing_client.post(ContactLeft(id, "failed"))
