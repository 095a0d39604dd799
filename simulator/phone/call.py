"""One call of a phone, whoever started it: its state, its sound, and what both sides may do once it is up (keys, hold, transfer, hang up).
How it is started and answered is in outgoing.py and incoming.py."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from urllib.parse import quote

from simulator.phone.audio import Recorder, Samples
from simulator.phone.call_state import CallEvent, CallState, EndedBy, after
from simulator.phone.dialog import Dialog
from simulator.phone.dtmf import Digit
from simulator.phone.errors import CallOver, CallRefused, MalformedSdp
from simulator.phone.line import Line
from simulator.phone.media import Media, MediaStatistics
from simulator.phone.negotiation import Negotiation
from simulator.phone.rtp import FRAME, RATE
from simulator.phone.sdp import Description, Direction
from simulator.phone.sip import Request, Response, respond
from simulator.phone.tones import find_tone
from simulator.phone.transaction import ServerTransaction
from simulator.phone.transfer import Transfer
from simulator.phone.uri import Address

_BYE_PATIENCE_S = 2.0
_LISTEN_EVERY_S = 0.05


class Call:
    """`at` has the loop time (seconds) at which each step happened first: "invite", "100", "180", "183", "200", "ack", "cancel", "bye",
    "ended" and so on. `status` is the final SIP status of the INVITE, `reason` the Reason header of the far end's CANCEL or BYE."""

    def __init__(self, line: Line, call_id: str, local_tag: str) -> None:
        self.line = line
        self.call_id = call_id
        self.local_tag = local_tag
        self.state = CallState.CALLING
        self.ended_by: EndedBy | None = None
        self.status = 0
        self.reason = ""
        self.at: dict[str, float] = {}
        self.dialog: Dialog | None = None
        self._loop = asyncio.get_running_loop()
        self._media = Media(line.host, line.pacer, listen=line.media, record_s=line.record_s)
        self.negotiation = Negotiation(line, self._media)
        self._transfer = Transfer(line)
        self._answered = asyncio.Event()
        self._rang = asyncio.Event()
        self._over = asyncio.Event()

    @property
    def remote(self) -> Address:
        """Who is at the far end: of an incoming call the caller as shown, of an outgoing one the number dialled."""
        if self.dialog is None:
            raise CallOver("nobody is at the far end yet")
        return self.dialog.remote

    @property
    def heard(self) -> Recorder:
        """All that was received, from the moment the call's sound began."""
        return self._media.heard

    @property
    def digits(self) -> list[Digit]:
        """Keys pressed at the far end, in order."""
        return list(self._media.received.digits)

    @property
    def held_by_them(self) -> bool:
        return self.negotiation.held_by_them

    @property
    def transfer_status(self) -> int:
        """The last status the far end reported about a transfer we asked for, 0 before any."""
        return self._transfer.status

    @property
    def statistics(self) -> MediaStatistics:
        return self._media.statistics

    async def ringing(self, timeout: float = 5.0) -> None:
        """Wait for ringing (or an answer). Raises TimeoutError, or CallRefused if the call ended instead."""
        await self._reached(self._rang, timeout)

    async def answered(self, timeout: float = 10.0) -> None:
        """Wait for the answer. Raises TimeoutError, or CallRefused if the call ended instead."""
        await self._reached(self._answered, timeout)

    async def ended(self, timeout: float = 10.0) -> EndedBy:
        """Wait for the end and say who made it. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            await self._over.wait()
        assert self.ended_by is not None
        return self.ended_by

    async def pause(self, seconds: float) -> None:
        """Let time pass in this call; raises CallOver as soon as it ends."""
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            return
        raise CallOver(f"the call was ended by {self.ended_by}")

    async def press(self, digits: str, *, digit_ms: int = 100, gap_ms: int = 100) -> None:
        """Press keys at a human pace; returns after the last one. Raises CallOver, or ValueError for a key that no phone has."""
        await self._media.press(digits, digit_ms, gap_ms)

    def play(self, samples: Samples, *, repeat: bool = False) -> None:
        """Say this (16-bit samples, 8,000 a second) in place of silence or what was playing."""
        self._media.play(samples, repeat=repeat)

    def fall_silent(self) -> None:
        """Send no RTP any more, and listen to none: a broken network path, or a phone that crashed. SIP goes on."""
        self._media.close()

    async def hears(self, freq: float, timeout: float = 5.0, *, start: int = 0) -> int:
        """Wait for a tone of `freq` Hz at or after sample `start`; returns the offset in `heard`. Raises TimeoutError, or CallOver."""
        async with asyncio.timeout(timeout):
            while True:
                found = find_tone(self.heard.samples(start), freq)
                if found is not None:
                    return start + found
                start = max(start, len(self.heard) - 3 * FRAME)
                await self.pause(_LISTEN_EVERY_S)

    def heard_at(self, offset: int) -> float:
        """The loop time of a sample offset in `heard`."""
        return self.heard.started_at + offset / RATE

    async def hang_up(self) -> None:
        """End the call the way its state asks for; returns when the far end has agreed or after 2 s.
        Nothing happens in a call that is over."""
        if self.state is CallState.TALKING:
            dialog, request = self._talking(), self._in_dialog("BYE")
            self.mark("bye")
            self.finish(EndedBy.US)
            await self._patiently(self.line.transport.ask(request, dialog.peer(), self.line.credentials))

    async def hold(self) -> None:
        """Put the far end on hold. Raises CallRefused, CallOver."""
        await self.negotiation.offer(self._talking(), self._in_dialog("INVITE"), Direction.SEND)

    async def resume(self) -> None:
        """Take the far end back from hold. Raises CallRefused, CallOver."""
        await self.negotiation.offer(self._talking(), self._in_dialog("INVITE"), Direction.BOTH)

    async def refer(self, target: str, timeout: float = 10.0) -> int:
        """Blind transfer: send the far end to a number or SIP URI. Returns the last status it reported; after a 2xx (it got there) this
        side hangs up, as the transferor must. Raises CallRefused, CallOver, TimeoutError.
        Asterisk reports 400 while its bridge is not up yet, some milliseconds after the answer: talk before you transfer."""
        status = await self._refer(self.line.uri(target), timeout)
        if 200 <= status < 300:
            await self.hang_up()
        return status

    async def refer_attended(self, other: Call, timeout: float = 10.0) -> int:
        """Attended transfer: connect the far ends of both calls, then leave both. Otherwise like `refer`."""
        consulted = other._talking()
        status = await self._refer(f"{consulted.remote.uri}?Replaces={quote(consulted.replaces(), safe='')}", timeout)
        if 200 <= status < 300:
            await asyncio.gather(self.hang_up(), other.hang_up())
        return status

    # What the phone and the two kinds of call use.

    def mark(self, step: str) -> None:
        self.at.setdefault(step, self._loop.time())

    def move(self, event: CallEvent) -> None:
        self.state = after(self.state, event)
        if event is CallEvent.RANG:
            self._rang.set()
        elif event is CallEvent.ANSWERED:
            self._rang.set()
            self._answered.set()

    def finish(self, by: EndedBy, status: int = 0, reason: str = "") -> None:
        """The call is over; a second call of this changes nothing."""
        if self.state is CallState.ENDED:
            return
        self.move(CallEvent.OVER)
        self.mark("ended")
        self.ended_by, self.status, self.reason = by, status or self.status, reason or self.reason
        self._media.close()
        self._over.set()
        self._transfer.call_ended()
        self.line.forget(self)

    def receive(self, transaction: ServerTransaction) -> None:
        """Take a request of the far end within this call."""
        request = transaction.request
        if request.method in ("INVITE", "UPDATE"):
            status, sdp = self.negotiation.answer_in_dialog(request)
            if status == 200 and self.dialog is not None:
                self.dialog.refresh(request.contact)
            self.reply(transaction, status, sdp)
        elif request.method == "BYE":
            self.reply(transaction, 200)
            self.mark("bye")
            self.finish(EndedBy.THEM, reason=", ".join(request.headers.all("Reason")))
        elif request.method == "NOTIFY":
            self.reply(transaction, 200)
            self._transfer.notified(request)
        else:
            self.reply(transaction, 200 if request.method in ("OPTIONS", "INFO") else 405)

    def acknowledged(self, ack: Request) -> None:
        """The far end confirmed a 200 of ours; with a late offer its answer comes here."""
        self.mark("ack")
        if ack.body:
            try:
                self.negotiation.agree(ack.body)
            except MalformedSdp:
                self.line.keep(asyncio.create_task(self.hang_up()))

    def reply(self, transaction: ServerTransaction, status: int, sdp: Description | None = None) -> None:
        """Answer a request of the far end, with a description of our side if one is given."""
        response = respond(transaction.request, status, self.local_tag)
        if sdp is not None:
            self.negotiation.describe(response, sdp)
        transaction.respond(response)
        if 200 <= status < 300 and transaction.request.method == "INVITE":
            transaction.on_no_ack = self._never_acknowledged

    async def _refer(self, uri: str, timeout: float) -> int:
        async with asyncio.timeout(timeout):
            return await self._transfer.refer(self._talking(), self._in_dialog("REFER"), uri)

    def _in_dialog(self, method: str) -> Request:
        request = self._talking().request(method)
        request.headers.add("Contact", f"<{self.line.contact}>")
        return request

    def _talking(self) -> Dialog:
        if self.dialog is None or self.state is not CallState.TALKING:
            raise CallOver(f"that needs a call that is talking, this one is {self.state}; wait for answered() first")
        return self.dialog

    def _never_acknowledged(self) -> None:
        self.line.keep(asyncio.create_task(self.hang_up()))

    async def _reached(self, event: asyncio.Event, timeout: float) -> None:
        waiting = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self._over.wait())]
        try:
            done, _ = await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if event.is_set():
            return
        if not done:
            raise TimeoutError(f"the call is still {self.state} after {timeout} s")
        raise CallRefused("the call", self.status, self.reason or str(self.ended_by))

    async def _patiently(self, answer: Coroutine[object, object, Response]) -> None:
        """Wait for the far end's agreement, but not for ever."""
        task = asyncio.create_task(answer)
        self.line.keep(task)
        await asyncio.wait([task], timeout=_BYE_PATIENCE_S)
