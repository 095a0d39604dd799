"""Transfers that this side asks for (REFER, RFC 3515 and 5589), and what the far end reports about them."""

from __future__ import annotations

import asyncio
import re

from simulator.phone.dialog import Dialog
from simulator.phone.errors import CallRefused
from simulator.phone.line import Line
from simulator.phone.sip import Request

_SIPFRAG = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})")


class Transfer:
    """The transfers of one call; `status` is the last one reported (100 trying, 200 there), 0 before any report."""

    def __init__(self, line: Line) -> None:
        self.status = 0
        self._line = line
        self._settled = asyncio.Event()

    async def refer(self, dialog: Dialog, request: Request, uri: str) -> int:
        """Send a REFER to `uri` and wait for the last report, or the end of the call. Raises CallRefused."""
        request.headers.add("Refer-To", f"<{uri}>")
        request.headers.add("Referred-By", f"<{dialog.local.uri}>")
        self._settled.clear()
        response = await self._line.transport.ask(request, dialog.peer(), self._line.credentials)
        dialog.number = max(dialog.number, request.cseq[0])
        if response.status >= 300:
            raise CallRefused(f"transfer to {uri}", response.status, response.reason)
        await self._settled.wait()
        return self.status

    def notified(self, request: Request) -> None:
        """Take a NOTIFY of the far end."""
        if request.headers.get("Event").partition(";")[0].strip().lower() != "refer":
            return
        if match := _SIPFRAG.match(request.body):
            self.status = int(match[1])
        if self.status >= 200:
            self._settled.set()

    def call_ended(self) -> None:
        """Nothing more will be reported."""
        self._settled.set()
