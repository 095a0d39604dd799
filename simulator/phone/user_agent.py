"""The phone itself: an account at a server, a SIP socket, its calls, and a policy for those that come in.
Everything about one call is in call.py."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

from simulator.phone.call import Call
from simulator.phone.call_state import CallState, EndedBy
from simulator.phone.digest import Credentials
from simulator.phone.errors import CallOver, PhoneError
from simulator.phone.incoming import IncomingCall
from simulator.phone.outgoing import OutgoingCall
from simulator.phone.pacer import Pacer
from simulator.phone.policy import Policy, dead, ignore
from simulator.phone.registration import Registration
from simulator.phone.sdp import CODECS
from simulator.phone.sip import METHODS, Request, fresh_id, respond
from simulator.phone.transaction import ServerTransaction, Timers
from simulator.phone.transport import SipTransport
from simulator.phone.uri import Address, Peer, Uri

_CLOSE_PATIENCE_S = 3.0
_CALLS_REMEMBERED = 50


class Phone:
    """A SIP phone on `host` (an address, not a name) with an account at `server`. Without a server it can
    call and be called by URI only.
    `media` off: RTP ports are bound but not read, for load. With `lines` calls up, more are answered with 486.
    `record_s`: seconds of each call kept in `heard`; a phone that works all day wants few.
    Opens its socket at the first use; close it, or use it in `async with`."""

    def __init__(
        self,
        user: str,
        password: str = "",
        server: Peer | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        media: bool = True,
        record_s: float = 120.0,
        name: str = "",
        codecs: tuple[int, ...] = tuple(CODECS),
        dtmf: int | None = 101,
        timers: Timers | None = None,
        lines: int = 100,
    ) -> None:
        self.user, self.name = user, name
        self.host, self.media, self.record_s, self.codecs, self.dtmf = host, media, record_s, codecs, dtmf
        self.credentials = Credentials(user, password)
        self.transport = SipTransport(self._requested, self._acknowledged, timers)
        self.registration: Registration | None = None
        self._server = server
        self._port = port
        self._lines = lines
        self._open = False
        self._policy: Policy = ignore()
        self._calls: dict[tuple[str, str], Call] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._incoming: asyncio.Queue[IncomingCall] = asyncio.Queue(_CALLS_REMEMBERED)

    async def __aenter__(self) -> Phone:
        await self.open()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    @property
    def on_invite(self) -> Policy:
        """What to do with a call that comes in; `dead` makes the phone deaf to everything from outside, answers to itself excepted."""
        return self._policy

    @on_invite.setter
    def on_invite(self, policy: Policy) -> None:
        self._policy = policy
        self.transport.deaf = policy is dead

    @property
    def pacer(self) -> Pacer:
        return Pacer.of_this_loop()

    @property
    def port(self) -> int:
        """The SIP port, 0 before the socket is open."""
        return self.transport.local[1]

    @property
    def contact(self) -> str:
        return f"sip:{self.user}@{self.host}:{self.port}"

    @property
    def registered(self) -> bool:
        return self.registration is not None and self.registration.active

    @property
    def calls(self) -> list[Call]:
        """The calls that are not over."""
        return list(self._calls.values())

    async def open(self) -> None:
        """Bind the SIP socket and find the server's address. Raises OSError."""
        if self._open:
            return
        self._open = True
        if self._server is not None:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(*self._server, family=socket.AF_INET, type=socket.SOCK_DGRAM)
            self._server = (str(found[0][4][0]), int(found[0][4][1]))
        await self.transport.open(self.host, self._port)

    async def register(self, expires_s: int = 300) -> None:
        """Register and stay so. Raises RegistrationFailed (408: no answer at all), PhoneError without a server."""
        await self.open()
        if self._server is None:
            raise PhoneError(f"phone {self.user} has no server to register with; give it server=(host, port)")
        if self.registration is None:
            address = Address(f"sip:{self.user}@{self._server[0]}", self.name)
            self.registration = Registration(self.transport, self.credentials, address, self.contact, self._server)
        await self.registration.start(expires_s)

    async def unregister(self) -> None:
        """Unregister; nothing happens if the phone is not registered. Raises RegistrationFailed."""
        if self.registration is not None:
            await self.registration.stop()

    async def call(self, target: str, *, name: str | None = None, headers: Mapping[str, str] | None = None) -> Call:
        """Dial a number (at the server) or a SIP URI (directly). Returns when the INVITE is sent;
        `name` is shown in place of the phone's own."""
        await self.open()
        uri = self.uri(target)
        peer = self._server if self._is_number(target) else Uri.parse(uri).peer()
        if peer is None:
            raise PhoneError(f"{target!r} names a host; give its IP address, as in sip:bob@127.0.0.1:5060")
        home = self._server[0] if self._server else f"{self.host}:{self.port}"
        caller = Address(f"sip:{self.user}@{home}", self.name if name is None else name)
        call = OutgoingCall(self, uri, peer, caller, dict(headers or {}))
        self._add(call)
        call.start()
        return call

    async def next_call(self, timeout: float = 10.0) -> IncomingCall:
        """The next call that came in, in order, whatever became of it. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self._incoming.get()

    async def unplug(self) -> None:
        """Lose power: no BYE, no unregistering, no more sound. Nobody learns of it."""
        if self.registration is not None:
            await self.registration.forget()
            self.registration.active = False
        for call in self.calls:
            call.finish(EndedBy.US)
        await self.transport.close()
        await self._drop_tasks()

    async def close(self) -> None:
        """Hang up, unregister (each for at most a second), close the sockets. Safe to call twice."""
        last = [asyncio.create_task(call.hang_up()) for call in self.calls]
        if self.registered:
            last.append(asyncio.create_task(self.unregister()))
        if last:
            _, late = await asyncio.wait(last, timeout=_CLOSE_PATIENCE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*last, return_exceptions=True)
        await self.unplug()

    # What the calls of this phone use (the port in line.py).

    def uri(self, target: str) -> str:
        """The SIP URI of a number or URI as dialled. Raises MalformedSip, PhoneError."""
        if not self._is_number(target):
            return str(Uri.parse(target))
        if self._server is None:
            raise PhoneError(f"{target!r} is a number, and this phone has no server to dial it at; dial sip:user@host:port")
        return str(Uri.parse(f"sip:{target}@{self._server[0]}:{self._server[1]}"))

    def forget(self, call: Call) -> None:
        self._calls.pop((call.call_id, call.local_tag), None)

    def keep(self, task: asyncio.Task[object]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    @staticmethod
    def _is_number(target: str) -> bool:
        return not target.lower().startswith(("sip:", "sips:"))

    def _add(self, call: Call) -> None:
        self._calls[call.call_id, call.local_tag] = call

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            message = f"a script of phone {self.user} failed"
            task.get_loop().call_exception_handler({"message": message, "exception": error, "task": task})

    async def _drop_tasks(self) -> None:
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _acknowledged(self, ack: Request) -> None:
        call = self._calls.get((ack.call_id, ack.recipient.tag))
        if call is not None:
            call.acknowledged(ack)

    def _requested(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        call = self._calls.get((request.call_id, request.recipient.tag))
        if request.method == "CANCEL":
            self._cancelled(transaction)
        elif call is not None:
            call.receive(transaction)
        elif request.method == "NOTIFY":
            transaction.respond(respond(request, 200, fresh_id()))
        elif request.recipient.tag:
            transaction.respond(respond(request, 481))
        elif request.method == "INVITE":
            self._invited(transaction)
        else:
            response = respond(request, 200 if request.method == "OPTIONS" else 405, fresh_id())
            response.headers.add("Allow", METHODS)
            transaction.respond(response)

    def _invited(self, transaction: ServerTransaction) -> None:
        if len(self._calls) >= self._lines:
            transaction.respond(respond(transaction.request, 486, fresh_id()))
            return
        call = IncomingCall(self, transaction)
        self._add(call)
        if self._incoming.full():
            self._incoming.get_nowait()
        self._incoming.put_nowait(call)
        self.keep(asyncio.create_task(self._follow(call)))

    async def _follow(self, call: IncomingCall) -> None:
        """Run the policy; a policy that fails must not leave the caller ringing."""
        try:
            await self._policy(call)
        except CallOver:
            return
        except Exception:
            await call.hang_up()
            raise

    def _cancelled(self, transaction: ServerTransaction) -> None:
        cancel = transaction.request
        for call in self._calls.values():
            if isinstance(call, IncomingCall) and call.invite.branch == cancel.branch and call.state is not CallState.ENDED:
                transaction.respond(respond(cancel, 200, call.local_tag))
                call.cancelled(cancel)
                return
        transaction.respond(respond(cancel, 481, fresh_id()))
