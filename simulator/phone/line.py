"""The port between a call and its phone: what a call needs to know and may ask. No behaviour of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from simulator.phone.digest import Credentials
from simulator.phone.pacer import Pacer
from simulator.phone.transport import SipTransport

if TYPE_CHECKING:
    from simulator.phone.call import Call


class Line(Protocol):
    """`codecs` are payload types by preference, `dtmf` that of telephone-event; `media` off means that nothing is listened to,
    `record_s` how many seconds of a call are kept."""

    host: str
    media: bool
    record_s: float
    codecs: tuple[int, ...]
    dtmf: int | None
    transport: SipTransport
    credentials: Credentials

    @property
    def pacer(self) -> Pacer: ...

    @property
    def contact(self) -> str:
        """The URI under which the phone itself is reached."""

    def uri(self, target: str) -> str:
        """The SIP URI of a number or URI as dialled."""

    def forget(self, call: Call) -> None:
        """The call is over."""

    def keep(self, task: asyncio.Task[object]) -> None:
        """Look after a task until it is done or the phone closes."""
