"""A call that comes in: ringing, answering, refusing, and being taken back by the caller. When to do which is the phone's policy."""

from __future__ import annotations

from simulator.phone.call import Call
from simulator.phone.call_state import CallEvent, CallState, EndedBy
from simulator.phone.dialog import Dialog
from simulator.phone.errors import CallOver, MalformedSdp
from simulator.phone.line import Line
from simulator.phone.sdp import Description
from simulator.phone.sip import Request, fresh_id
from simulator.phone.transaction import ServerTransaction


class IncomingCall(Call):
    """`invite` is the request as it came, `remote` the caller as shown. Methods raise CallOver when the caller has given up meanwhile."""

    def __init__(self, line: Line, transaction: ServerTransaction) -> None:
        tag = fresh_id()
        # Before the call opens a socket, because an INVITE with an unreadable Contact raises here.
        dialog = Dialog.of_called(transaction.request, tag, transaction.peer)
        super().__init__(line, transaction.request.call_id, tag)
        self.invite: Request = transaction.request
        self.dialog = dialog
        self._transaction = transaction
        self._answer: Description | None = None
        self.mark("invite")

    def trying(self) -> None:
        """100: the call is here, nothing rings yet."""
        self._waiting()
        self.mark("100")
        self.reply(self._transaction, 100)

    def ring(self) -> None:
        """180: the phone rings."""
        self._waiting()
        self.mark("180")
        self.move(CallEvent.RANG)
        self.reply(self._transaction, 180, None)

    def progress(self) -> None:
        """183: sound before the answer, in both directions."""
        self._waiting()
        self.mark("183")
        answer = self._accept()
        if answer is None:
            return
        self.move(CallEvent.RANG)
        self.reply(self._transaction, 183, answer)
        if self.invite.body:
            self.negotiation.agree(self.invite.body)

    def answer(self) -> None:
        """200: talk. An offer that we cannot meet is answered with 488 and ends the call."""
        self._waiting()
        answer = self._accept()
        if answer is None:
            return
        self.mark("200")
        self.status = 200
        self.move(CallEvent.ANSWERED)
        self.reply(self._transaction, 200, answer)
        if self.invite.body:
            self.negotiation.agree(self.invite.body)

    def reject(self, status: int = 486) -> None:
        """Refuse with 486 (busy), 603 (declined), 480, 404 or any other final status."""
        self._waiting()
        self.mark(str(status))
        self.reply(self._transaction, status)
        self.finish(EndedBy.US, status)

    async def hang_up(self) -> None:
        """BYE when talking; before the answer a 603."""
        if self.state in (CallState.CALLING, CallState.RINGING):
            self.reject(603)
        else:
            await super().hang_up()

    def cancelled(self, cancel: Request) -> None:
        """The caller gave up: the INVITE gets its 487. Too late once answered."""
        if self.state not in (CallState.CALLING, CallState.RINGING):
            return
        self.mark("cancel")
        self.reply(self._transaction, 487)
        self.finish(EndedBy.CANCELLED, 487, ", ".join(cancel.headers.all("Reason")))

    def receive(self, transaction: ServerTransaction) -> None:
        """As every call; a BYE before the answer also ends the INVITE."""
        if transaction.request.method == "BYE" and self.state is not CallState.TALKING:
            self.reply(transaction, 200)
            self.cancelled(transaction.request)
        else:
            super().receive(transaction)

    def _accept(self) -> Description | None:
        """Our description for the answer: an answer to their offer, or an offer when they made none."""
        if self._answer is None:
            try:
                self._answer = self.negotiation.accept(self.invite.body) if self.invite.body else self.negotiation.ours()
            except MalformedSdp:
                self.reject(488)
        return self._answer

    def _waiting(self) -> None:
        if self.state not in (CallState.CALLING, CallState.RINGING):
            raise CallOver(f"the call is {self.state}, so it can be neither answered nor refused")
