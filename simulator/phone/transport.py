"""The SIP socket of one phone and the transactions that run over it. Malformed or stray datagrams are counted and dropped here;
nothing that arrives can raise beyond this file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from simulator.phone.authentication import authorized
from simulator.phone.digest import Credentials
from simulator.phone.errors import MalformedSip
from simulator.phone.sip import Request, Response, build, fresh_id, parse
from simulator.phone.transaction import ClientTransaction, ServerTransaction, Timers, Wire
from simulator.phone.uri import Peer

_MOST_PROOFS = 2
_RPORT = re.compile(r";rport(?=[;,]|$)")


@dataclass(slots=True)
class TransportStatistics:
    """Datagrams; `stray` are well-formed answers that nobody waits for, `ignored` requests while deaf,
    `retransmitted` requests that came again."""

    sent: int = 0
    received: int = 0
    malformed: int = 0
    stray: int = 0
    ignored: int = 0
    retransmitted: int = 0


class SipTransport(asyncio.DatagramProtocol):
    """One UDP socket. `on_request` gets each new request with the transaction to answer it by, `on_ack` the ACK of a 2xx.
    While `deaf`, requests from outside are dropped, as by a phone without power."""

    def __init__(
        self, on_request: Callable[[ServerTransaction], None], on_ack: Callable[[Request], None], timers: Timers | None = None
    ) -> None:
        self.statistics = TransportStatistics()
        self.deaf = False
        self.local: Peer = ("", 0)
        self._on_request = on_request
        self._on_ack = on_ack
        self._timers = timers or Timers()
        self._socket: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[tuple[str, str], ServerTransaction] = {}

    async def open(self, host: str, port: int = 0) -> None:
        """Bind the socket (port 0: any free one). Raises OSError when the address is taken."""
        self._loop = asyncio.get_running_loop()
        self._wire = Wire(self._write, self._loop, self._timers)
        await self._loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))

    async def close(self) -> None:
        """Forget all transactions and close the socket; safe to call twice."""
        for transaction in (*self._clients.values(), *self._servers.values()):
            transaction.close()
        self._clients.clear()
        self._servers.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            await self._closed.wait()

    def send(self, request: Request, peer: Peer, on_response: Callable[[Response], None]) -> ClientTransaction:
        """Start a transaction. A Via is added unless the request has one (a CANCEL keeps that of its INVITE)."""
        if not request.headers.get("Via"):
            self._add_via(request)
        key = (request.branch, request.method)

        def over() -> None:
            self._clients.pop(key, None)

        transaction = ClientTransaction(self._wire, peer, request, on_response, over)
        self._clients[key] = transaction
        return transaction

    async def ask(self, request: Request, peer: Peer, credentials: Credentials) -> Response:
        """Send a request other than INVITE, prove who we are if asked to, and wait for its final answer; silence is a 408.
        `request` carries the number last used afterwards."""
        response = await self._ask_once(request, peer)
        for _ in range(_MOST_PROOFS):
            again = authorized(request, response, credentials)
            if again is None:
                break
            request.headers = again.headers
            response = await self._ask_once(request, peer)
        return response

    async def _ask_once(self, request: Request, peer: Peer) -> Response:
        answer: asyncio.Future[Response] = self._loop.create_future()

        def take(response: Response) -> None:
            if response.status >= 200 and not answer.done():
                answer.set_result(response)

        self.send(request, peer, take)
        return await answer

    def send_ack(self, ack: Request, peer: Peer) -> None:
        """Send the ACK of a 2xx, which belongs to no transaction. Sent again as it is when a copy of the 2xx comes."""
        if not ack.headers.get("Via"):
            self._add_via(ack)
        self._write(build(ack), peer)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Neither asyncio's nor uvloop's UDP transport is a subclass of DatagramTransport.
        self._socket = cast(asyncio.DatagramTransport, transport)
        self.local = transport.get_extra_info("sockname")[:2]

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def error_received(self, exc: Exception) -> None:
        """A peer's port is closed; the transaction that used it times out by itself."""

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        if not data.strip(b"\r\n\0"):
            return
        self.statistics.received += 1
        try:
            message = parse(data)
            if isinstance(message, Response):
                self._receive_response(message)
            else:
                self._receive_request(message, addr)
        except MalformedSip:
            self.statistics.malformed += 1

    def _receive_response(self, response: Response) -> None:
        transaction = self._clients.get((response.branch, response.cseq[1]))
        if transaction is None:
            self.statistics.stray += 1
        else:
            transaction.receive(response)

    def _receive_request(self, request: Request, addr: Peer) -> None:
        if self.deaf:
            self.statistics.ignored += 1
            return
        branch = request.branch
        known = self._servers.get((branch, "INVITE" if request.method == "ACK" else request.method))
        if request.method == "ACK":
            self._receive_ack(request, known)
        elif known is not None:
            self.statistics.retransmitted += 1
            known.asked_again()
        else:
            self._begin(request, (branch, request.method), addr)

    def _receive_ack(self, ack: Request, refused: ServerTransaction | None) -> None:
        """The ACK of a refusal has the branch of its INVITE; that of a 2xx a new one, so that call and number identify it."""
        if refused is not None:
            refused.acknowledged()
            return
        for transaction in tuple(self._servers.values()):
            invite = transaction.request
            if invite.method == "INVITE" and invite.call_id == ack.call_id and invite.cseq[0] == ack.cseq[0]:
                transaction.acknowledged()
        self._on_ack(ack)

    def _begin(self, request: Request, key: tuple[str, str], addr: Peer) -> None:
        def over() -> None:
            self._servers.pop(key, None)

        vias = request.headers.all("Via")
        request.headers.replace("Via", _RPORT.sub(f";rport={addr[1]};received={addr[0]}", vias[0], count=1), *vias[1:])
        transaction = ServerTransaction(self._wire, addr, request, over)
        self._servers[key] = transaction
        self._on_request(transaction)

    def _add_via(self, request: Request) -> None:
        host, port = self.local
        request.headers.fields.insert(0, ("Via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{fresh_id()};rport"))

    def _write(self, data: bytes, peer: Peer) -> None:
        if self._socket is None or self._socket.is_closing():
            return
        self.statistics.sent += 1
        self._socket.sendto(data, peer)
