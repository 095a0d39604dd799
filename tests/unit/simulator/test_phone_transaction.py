"""Transactions on a virtual clock: what is sent when, for each kind of loss."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

import pytest

from simulator.phone.call_state import CALL_STATES, CallEvent, CallState, after
from simulator.phone.sip import Request, Response, new_request, parse, respond
from simulator.phone.transaction import CLIENT, SERVER, ClientTransaction, ServerTransaction, Signal, State, Timers, Wire
from simulator.phone.uri import Address

pytestmark = pytest.mark.unit

PEER = ("192.0.2.1", 5060)


class Handle:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualTime:
    """A scheduler that moves only when told to, and a wire that notes what was sent when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, str]] = []
        self._due: list[tuple[float, int, Handle]] = []
        self._order = itertools.count()
        self.wire = Wire(self._send, self, Timers())

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Handle:
        handle = Handle(callback)
        heapq.heappush(self._due, (self.now + delay, next(self._order), handle))
        return handle

    def run(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            self.now, _, handle = heapq.heappop(self._due)
            if handle.callback is not None:
                handle.callback()
        self.now = until

    def times(self, what: str) -> list[float]:
        return [at for at, sent in self.sent if sent == what]

    def _send(self, data: bytes, peer: tuple[str, int]) -> None:
        assert peer == PEER
        message = parse(data)
        self.sent.append((self.now, message.method if isinstance(message, Request) else str(message.status)))


def request(method: str) -> Request:
    made = new_request(method, "sip:b@192.0.2.1", Address("sip:a@h", "", {"tag": "1"}), Address("sip:b@h"), "id", 1)
    made.headers.fields.insert(0, ("Via", "SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK1"))
    return made


class Client:
    """A client transaction with everything it reports."""

    def __init__(self, method: str) -> None:
        self.time = VirtualTime()
        self.got: list[int] = []
        self.over = 0
        self.request = request(method)
        self.transaction = ClientTransaction(self.time.wire, PEER, self.request, self._take, self._end)

    def _take(self, response: Response) -> None:
        self.got.append(response.status)

    def _end(self) -> None:
        self.over += 1

    def answer(self, status: int) -> None:
        self.transaction.receive(respond(self.request, status, "t"))


class Server:
    """A server transaction with everything it reports."""

    def __init__(self, method: str) -> None:
        self.time = VirtualTime()
        self.over = 0
        self.unacknowledged = 0
        self.request = request(method)
        self.transaction = ServerTransaction(self.time.wire, PEER, self.request, self._end)
        self.transaction.on_no_ack = self._no_ack

    def _end(self) -> None:
        self.over += 1

    def _no_ack(self) -> None:
        self.unacknowledged += 1

    def answer(self, status: int) -> None:
        self.transaction.respond(respond(self.request, status, "t"))


def test_an_unanswered_request_is_repeated_and_given_up_as_408() -> None:
    """Timers E and F: at 0.5, 1.5, 3.5, 7.5 s, then each 4 s, until 32 s."""
    client = Client("BYE")

    client.time.run(100)

    assert client.time.times("BYE") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert (client.got, client.over) == ([408], 1)


def test_an_unanswered_invite_is_repeated_ever_more_slowly() -> None:
    """Timers A and B: doubling without ceiling, until 32 s."""
    client = Client("INVITE")

    client.time.run(100)

    assert client.time.times("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert (client.got, client.over) == ([408], 1)


def test_an_invite_that_rings_is_not_repeated_and_rings_on() -> None:
    """A provisional answer ends timers A and B."""
    client = Client("INVITE")

    client.answer(180)
    client.time.run(1000)

    assert client.time.times("INVITE") == [0]
    assert (client.got, client.over) == ([180], 0)


def test_a_provisional_answer_does_not_end_the_wait_of_other_requests() -> None:
    """Timer F goes on under a 100."""
    client = Client("REGISTER")

    client.answer(100)
    client.time.run(100)

    assert client.got == [100, 408]


def test_each_copy_of_a_refusal_is_acknowledged_and_reported_once() -> None:
    """The ACK of a refused INVITE repeats for every copy for 32 s (timer D)."""
    client = Client("INVITE")

    client.answer(486)
    client.answer(486)
    client.time.run(31)
    client.answer(486)
    client.time.run(33)
    client.answer(486)

    assert client.time.times("ACK") == [0, 0, 31]
    assert (client.got, client.over) == ([486], 1)


def test_each_copy_of_an_answer_reaches_the_call() -> None:
    """A 2xx is acknowledged by the call, so every copy is handed on and no ACK is sent here."""
    client = Client("INVITE")

    client.answer(200)
    client.answer(200)

    assert client.time.times("ACK") == []
    assert client.got == [200, 200]


def test_copies_of_other_answers_are_swallowed() -> None:
    """A final answer is reported once, and a late provisional changes nothing final."""
    client = Client("BYE")

    client.answer(200)
    client.answer(200)
    client.time.run(6)

    assert (client.got, client.over) == ([200], 1)


def test_a_cancelled_invite_is_not_waited_for_without_end() -> None:
    """After a CANCEL the INVITE times out by itself if its 487 never comes."""
    client = Client("INVITE")
    client.answer(180)

    client.transaction.give_up_within(2)
    client.time.run(3)

    assert client.got == [180, 408]


def test_a_repeated_request_gets_the_same_answer() -> None:
    """The last answer is sent again for each copy of the request; none while there is none."""
    server = Server("OPTIONS")

    server.transaction.asked_again()
    server.answer(200)
    server.transaction.asked_again()
    server.time.run(100)

    assert server.time.times("200") == [0, 0]
    assert (server.over, server.unacknowledged) == (1, 0)


@pytest.mark.parametrize("status", [200, 486])
def test_a_final_answer_to_an_invite_is_repeated_until_acknowledged(status: int) -> None:
    """Timer G (and the same for a 2xx): doubling to 4 s, until the ACK."""
    server = Server("INVITE")
    server.answer(180)

    server.answer(status)
    server.time.run(4)
    server.transaction.acknowledged()
    server.transaction.acknowledged()
    server.transaction.asked_again()
    server.time.run(100)

    assert server.time.times(str(status)) == [0, 0.5, 1.5, 3.5]
    assert (server.over, server.unacknowledged) == (1, 0)


def test_a_missing_ack_is_told() -> None:
    """Timer H: after 32 s without ACK the call is told, once."""
    server = Server("INVITE")

    server.answer(200)
    server.time.run(100)

    assert server.time.times("200")[-1] < 32
    assert (server.over, server.unacknowledged) == (1, 1)


def test_only_the_first_final_answer_counts() -> None:
    """A phone that answers while it refuses sends one of the two."""
    server = Server("INVITE")

    server.answer(486)
    server.answer(200)

    assert server.time.sent == [(0, "486")]


def test_an_ack_before_any_answer_is_harmless() -> None:
    """A stray ACK neither raises nor confirms."""
    server = Server("INVITE")

    server.transaction.acknowledged()

    assert server.transaction.state is State.TRYING


def test_nothing_is_sent_after_close() -> None:
    """Closing stops all timers."""
    client, server = Client("INVITE"), Server("INVITE")
    server.answer(200)

    client.transaction.close()
    server.transaction.close()
    client.time.run(100)
    server.time.run(100)

    assert (client.time.sent, server.time.sent) == ([(0, "INVITE")], [(0, "200")])


def test_the_tables_are_whole() -> None:
    """Every state can be reached, every signal is used, and nothing leaves the last state."""
    for table in (CLIENT, SERVER):
        assert {signal for _, signal in table} == ({*Signal} if table is SERVER else {*Signal} - {Signal.ACK})
        assert {*table.values()} | {State.TRYING} == ({*State} if table is SERVER else {*State} - {State.CONFIRMED})
        assert not any(state is State.ENDED for state, _ in table)
    assert {*CALL_STATES.values()} | {CallState.CALLING} == {*CallState}
    assert {event for _, event in CALL_STATES} == {*CallEvent}


def test_an_impossible_move_names_both() -> None:
    """The error says which state could not have which event."""
    with pytest.raises(ValueError, match="ended cannot have answered"):
        after(CallState.ENDED, CallEvent.ANSWERED)
