"""SIP transactions over UDP (RFC 3261 section 17, with RFC 6026): sending again until answered, answering again when asked again,
and the ACK of a refused INVITE. One class per side, both driven by the tables below; transport.py has the socket, dialog.py the dialogs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from simulator.phone.sip import Headers, Request, Response, build, respond
from simulator.phone.uri import Peer


class State(StrEnum):
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class Signal(StrEnum):
    PROVISIONAL = "provisional"
    FINAL = "final"
    ACK = "ack"
    TIMEOUT = "timeout"


CLIENT = {
    (State.TRYING, Signal.PROVISIONAL): State.PROCEEDING,
    (State.TRYING, Signal.FINAL): State.COMPLETED,
    (State.TRYING, Signal.TIMEOUT): State.ENDED,
    (State.PROCEEDING, Signal.PROVISIONAL): State.PROCEEDING,
    (State.PROCEEDING, Signal.FINAL): State.COMPLETED,
    (State.PROCEEDING, Signal.TIMEOUT): State.ENDED,
    (State.COMPLETED, Signal.PROVISIONAL): State.COMPLETED,
    (State.COMPLETED, Signal.FINAL): State.COMPLETED,
    (State.COMPLETED, Signal.TIMEOUT): State.ENDED,
}
"""The side that asks. The timeout of COMPLETED is the end of its patience for late copies of the answer."""

SERVER = {
    (State.TRYING, Signal.PROVISIONAL): State.PROCEEDING,
    (State.TRYING, Signal.FINAL): State.COMPLETED,
    (State.PROCEEDING, Signal.PROVISIONAL): State.PROCEEDING,
    (State.PROCEEDING, Signal.FINAL): State.COMPLETED,
    (State.COMPLETED, Signal.ACK): State.CONFIRMED,
    (State.COMPLETED, Signal.TIMEOUT): State.ENDED,
    (State.CONFIRMED, Signal.ACK): State.CONFIRMED,
    (State.CONFIRMED, Signal.TIMEOUT): State.ENDED,
}
"""The side that answers; only an INVITE is ever CONFIRMED."""


class Cancellable(Protocol):
    def cancel(self) -> None: ...


class Scheduler(Protocol):
    """The part of an event loop that transactions need; times in seconds."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Cancellable: ...


@dataclass(frozen=True, slots=True)
class Timers:
    """RFC 3261's T1, T2 and T4, in seconds."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def patience(self) -> float:
        """64 x T1: how long a side waits for the other before it gives up."""
        return 64 * self.t1


Send = Callable[[bytes, Peer], None]


@dataclass(frozen=True, slots=True)
class Wire:
    """What both kinds of transaction need from outside."""

    send: Send
    scheduler: Scheduler
    timers: Timers


class _Transaction:
    """A state, the copy to send again, and the two timers."""

    def __init__(self, wire: Wire, peer: Peer) -> None:
        self.state = State.TRYING
        self.peer = peer
        self._wire = wire
        self._again: Cancellable | None = None
        self._deadline: Cancellable | None = None

    def close(self) -> None:
        """Stop all timers."""
        self._stop_repeating()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _repeat(self, data: bytes, interval: float, ceiling: float) -> None:
        def again() -> None:
            self._wire.send(data, self.peer)
            self._repeat(data, min(2 * interval, ceiling), ceiling)

        self._stop_repeating()
        self._again = self._wire.scheduler.call_later(interval, again)

    def _stop_repeating(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _until(self, delay: float, callback: Callable[[], object]) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._wire.scheduler.call_later(delay, callback)


class ClientTransaction(_Transaction):
    """One request of ours. `on_response` gets every provisional answer, the final one, and copies of a 2xx to INVITE (each wants an ACK);
    silence arrives there as a 408. `on_over` is called once, when nothing more can come."""

    def __init__(
        self, wire: Wire, peer: Peer, request: Request, on_response: Callable[[Response], None], on_over: Callable[[], None]
    ) -> None:
        super().__init__(wire, peer)
        self.request = request
        self._on_response = on_response
        self._on_over = on_over
        data = build(request)
        timers = wire.timers
        wire.send(data, peer)
        self._repeat(data, timers.t1, timers.patience if self._is_invite else timers.t2)
        self._until(timers.patience, self._timed_out)

    @property
    def _is_invite(self) -> bool:
        return self.request.method == "INVITE"

    def receive(self, response: Response) -> None:
        """Take a response that belongs to this transaction."""
        before = self.state
        if before is State.ENDED:
            return
        signal = Signal.PROVISIONAL if response.status < 200 else Signal.FINAL
        self.state = CLIENT[before, signal]
        if signal is Signal.PROVISIONAL:
            self._progressed(before)
        else:
            self._answered(response, first=before is not State.COMPLETED)
        copy = before is State.COMPLETED and not (self._is_invite and 200 <= response.status < 300)
        if not copy:
            self._on_response(response)

    def _progressed(self, before: State) -> None:
        if not self._is_invite or before is not State.TRYING:
            return
        # An INVITE that rings is not sent again and may ring as long as its caller likes.
        self._stop_repeating()
        if self._deadline is not None:
            self._deadline.cancel()

    def _answered(self, response: Response, *, first: bool) -> None:
        self._stop_repeating()
        if self._is_invite and response.status >= 300:
            self._wire.send(build(acknowledge(self.request, response)), self.peer)
        if first:
            timers = self._wire.timers
            self._until(timers.patience if self._is_invite else timers.t4, self._timed_out)

    def give_up_within(self, seconds: float) -> None:
        """End this transaction as timed out unless a final answer comes in that time (for an INVITE that was cancelled)."""
        if self.state in (State.TRYING, State.PROCEEDING):
            self._until(seconds, self._timed_out)

    def _timed_out(self) -> None:
        before, self.state = self.state, CLIENT[self.state, Signal.TIMEOUT]
        self.close()
        self._on_over()
        if before is not State.COMPLETED:
            self._on_response(respond(self.request, 408))


class ServerTransaction(_Transaction):
    """One request of the far end. `on_no_ack` is called if our final answer to an INVITE is never acknowledged."""

    def __init__(self, wire: Wire, peer: Peer, request: Request, on_over: Callable[[], None]) -> None:
        super().__init__(wire, peer)
        self.request = request
        self.on_no_ack: Callable[[], None] | None = None
        self._on_over = on_over
        self._last = b""

    def respond(self, response: Response) -> None:
        """Send an answer; one after the final one is ignored."""
        if self.state not in (State.TRYING, State.PROCEEDING):
            return
        signal = Signal.PROVISIONAL if response.status < 200 else Signal.FINAL
        self.state = SERVER[self.state, signal]
        self._last = build(response)
        self._wire.send(self._last, self.peer)
        if signal is Signal.FINAL:
            timers = self._wire.timers
            if self.request.method == "INVITE":
                self._repeat(self._last, timers.t1, timers.t2)
            self._until(timers.patience, self._timed_out)

    def asked_again(self) -> None:
        """The request came again: so does the answer, if there is one yet."""
        if self._last and self.state is not State.CONFIRMED:
            self._wire.send(self._last, self.peer)

    def acknowledged(self) -> None:
        """An ACK came for our final answer."""
        if (self.state, Signal.ACK) not in SERVER:
            return
        first = self.state is State.COMPLETED
        self.state = SERVER[self.state, Signal.ACK]
        if first:
            self._stop_repeating()
            self._until(self._wire.timers.t4, self._timed_out)

    def _timed_out(self) -> None:
        unacknowledged = self.state is State.COMPLETED and self.request.method == "INVITE"
        self.state = SERVER[self.state, Signal.TIMEOUT]
        self.close()
        self._on_over()
        if unacknowledged and self.on_no_ack is not None:
            self.on_no_ack()


def acknowledge(invite: Request, response: Response) -> Request:
    """The ACK of a refused INVITE: same branch, same route, the answer's To."""
    return _like(invite, "ACK", response.headers.get("To"))


def cancellation(invite: Request) -> Request:
    """The CANCEL of an INVITE."""
    return _like(invite, "CANCEL", invite.headers.get("To"))


def _like(invite: Request, method: str, recipient: str) -> Request:
    number, _ = invite.cseq
    fields = [("Via", invite.headers.get("Via")), ("Max-Forwards", "70")]
    fields += [("Route", route) for route in invite.headers.all("Route")]
    fields += [("From", invite.headers.get("From")), ("To", recipient), ("Call-ID", invite.call_id), ("CSeq", f"{number} {method}")]
    return Request(Headers(fields), b"", method, invite.uri)
