"""Keeping a phone known to its registrar: REGISTER, again before it runs out, again and again while the registrar is away,
and the way out."""

from __future__ import annotations

import asyncio

from simulator.phone.digest import Credentials
from simulator.phone.errors import RegistrationFailed
from simulator.phone.sip import Request, Response, fresh_id, new_request
from simulator.phone.transport import SipTransport
from simulator.phone.uri import Address, Peer, parameters, split

_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 30.0


class Registration:
    """One binding of `address` to `contact` at `registrar`; `active`: whether the registrar has it,
    `at` the loop time of its last yes."""

    def __init__(self, transport: SipTransport, credentials: Credentials, address: Address, contact: str, registrar: Peer) -> None:
        self.active = False
        self.at: float | None = None
        self._transport = transport
        self._credentials = credentials
        self._address = address
        self._contact = contact
        self._registrar = registrar
        self._call_id, self._tag, self._number = fresh_id(), fresh_id(), 0
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self, expires_s: int) -> None:
        """Register, and stay registered until `stop`. Raises RegistrationFailed if the first try is refused."""
        await self.forget()
        granted = await self._register(expires_s)
        self._refreshing = asyncio.create_task(self._stay(expires_s, granted))

    async def stop(self) -> None:
        """Unregister. Raises RegistrationFailed; the phone no longer refreshes either way."""
        await self.forget()
        if self.active:
            self.active = False
            await self._register(0)

    async def forget(self) -> None:
        """Stop refreshing without informing the registrar."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
            self._refreshing = None

    async def _stay(self, expires_s: int, granted_s: int) -> None:
        delay, retry = granted_s * 0.8, _FIRST_RETRY_S
        while True:
            await asyncio.sleep(delay)
            try:
                delay, retry = await self._register(expires_s) * 0.8, _FIRST_RETRY_S
            except RegistrationFailed:
                delay, retry = retry, min(2 * retry, _LAST_RETRY_S)

    async def _register(self, expires_s: int) -> int:
        """One REGISTER; returns the seconds granted. Raises RegistrationFailed."""
        request = self._request(expires_s)
        response = await self._transport.ask(request, self._registrar, self._credentials)
        self._number = request.cseq[0]
        if response.status != 200:
            self.active = False
            raise RegistrationFailed(self._credentials.user, response.status, response.reason)
        self.active = expires_s > 0
        self.at = asyncio.get_running_loop().time()
        return max(1, self._granted(response, expires_s))

    def _request(self, expires_s: int) -> Request:
        host, port = self._registrar
        sender = self._address.tagged(self._tag)
        request = new_request("REGISTER", f"sip:{host}:{port}", sender, self._address, self._call_id, self._number + 1)
        request.headers.add("Contact", f"<{self._contact}>")
        request.headers.add("Expires", str(expires_s))
        return request

    def _granted(self, response: Response, wanted_s: int) -> int:
        """What the registrar says about our own contact, else its Expires header, else what we asked for."""
        said = response.headers.get("Expires")
        for value in response.headers.all("Contact"):
            for contact in split(value, ","):
                if f"<{self._contact}>" in contact:
                    said = parameters(contact).get("expires", said)
        return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else wanted_s
