"""A call that we start: its INVITE, proof of who we are, ringing, answer, refusal, and taking it back (CANCEL)."""

from __future__ import annotations

import asyncio

from simulator.phone.authentication import authorized
from simulator.phone.call import Call
from simulator.phone.call_state import CallEvent, CallState, EndedBy
from simulator.phone.dialog import Dialog
from simulator.phone.errors import MalformedSdp
from simulator.phone.line import Line
from simulator.phone.sip import Request, Response, fresh_id, new_request
from simulator.phone.transaction import ClientTransaction, cancellation
from simulator.phone.uri import Address, Peer

_CANCEL_PATIENCE_S = 2.0
_MOST_PROOFS = 2


class OutgoingCall(Call):
    """Send the INVITE with `start`; everything else follows from the answers."""

    def __init__(self, line: Line, uri: str, peer: Peer, caller: Address, headers: dict[str, str] | None = None) -> None:
        super().__init__(line, fresh_id(), fresh_id())
        self._peer = peer
        self._invite = new_request("INVITE", uri, caller.tagged(self.local_tag), Address(uri), self.call_id, 1)
        for name, value in (headers or {}).items():
            self._invite.headers.add(name, value)
        self._transaction: ClientTransaction | None = None
        self._ack: Request | None = None
        self._proofs = 0
        self._giving_up = False
        self._progressed = False

    def start(self) -> None:
        self.negotiation.describe(self._invite, self.negotiation.ours())
        self.mark("invite")
        self._send()

    async def hang_up(self) -> None:
        """BYE when talking; before the answer a CANCEL, which waits for the first sign of life of the far end as it must."""
        if self.state not in (CallState.CALLING, CallState.RINGING):
            await super().hang_up()
            return
        self._giving_up = True
        if self._progressed:
            self._cancel()
        try:
            await self.ended(_CANCEL_PATIENCE_S)
        except TimeoutError:
            self.finish(EndedBy.US)

    def _send(self) -> None:
        self._transaction = self.line.transport.send(self._invite, self._peer, self._responded)

    def _cancel(self) -> None:
        if "cancel" in self.at or self._transaction is None:
            return
        self.mark("cancel")
        self._transaction.give_up_within(_CANCEL_PATIENCE_S)
        self.line.transport.send(cancellation(self._transaction.request), self._peer, lambda _response: None)

    def _responded(self, response: Response) -> None:
        self.mark(str(response.status))
        if response.status < 200:
            self._provisional(response)
        elif response.status < 300:
            self._accepted(response)
        else:
            self._refused(response)

    def _provisional(self, response: Response) -> None:
        self._progressed = True
        if self._giving_up:
            self._cancel()
        if self.state not in (CallState.CALLING, CallState.RINGING) or response.status == 100:
            return
        if response.recipient.tag:
            self.dialog = Dialog.of_caller(self._invite, response, self._peer)
        if response.body:
            try:
                self.negotiation.agree(response.body)
            except MalformedSdp:
                self.mark("bad early sdp")
        self.move(CallEvent.RANG)

    def _accepted(self, response: Response) -> None:
        if self._ack is not None and self.dialog is not None:
            self.line.transport.send_ack(self._ack, self.dialog.peer())
            return
        dialog = Dialog.of_caller(self._invite, response, self._peer)
        self.dialog, self._ack = dialog, dialog.ack(dialog.number)
        self.line.transport.send_ack(self._ack, dialog.peer())
        self.mark("ack")
        self.status = response.status
        if self.state is CallState.ENDED:
            # The answer crossed with our giving up: the far end must learn of it.
            self._bye(dialog)
            return
        self.move(CallEvent.ANSWERED)
        try:
            self.negotiation.agree(response.body)
        except MalformedSdp:
            self._giving_up = True
            self.mark("bad sdp")
        if self._giving_up:
            self.line.keep(asyncio.create_task(self.hang_up()))

    def _refused(self, response: Response) -> None:
        again = authorized(self._invite, response, self.line.credentials)
        if again is not None and not self._giving_up and self._proofs < _MOST_PROOFS:
            self._proofs += 1
            self._invite = again
            self._send()
            return
        reason = ", ".join(response.headers.all("Reason")) or response.reason
        by = EndedBy.US if self._giving_up else EndedBy.SILENCE if response.status == 408 else EndedBy.REFUSED
        self.finish(by, response.status, reason)

    def _bye(self, dialog: Dialog) -> None:
        request = dialog.request("BYE")
        self.line.transport.send(request, dialog.peer(), lambda _response: None)
