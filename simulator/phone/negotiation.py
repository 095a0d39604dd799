"""Offers and answers of one call: the first ones, hold and resume from either side, and what they mean for the sound."""

from __future__ import annotations

import asyncio

from simulator.phone.dialog import Dialog
from simulator.phone.errors import CallOver, CallRefused, MalformedSdp
from simulator.phone.line import Line
from simulator.phone.media import Media
from simulator.phone.sdp import Description, Direction, agree, answer_to, build_sdp, parse_sdp
from simulator.phone.sip import METHODS, Message, Request, Response, with_body


class Negotiation:
    """Keeps our side of the description and applies the far end's to the sound."""

    def __init__(self, line: Line, media: Media) -> None:
        self.held_by_them = False
        self._line = line
        self._media = media
        self._direction = Direction.BOTH
        self._version = 0
        self._offering = False

    def ours(self) -> Description:
        """Our side of the sound as it stands."""
        return Description((self._line.host, self._media.port), self._line.codecs, self._line.dtmf, self._direction)

    def describe(self, message: Message, sdp: Description) -> None:
        """Put Contact, Allow and a description into a message."""
        self._version += 1
        message.headers.replace("Contact", f"<{self._line.contact}>")
        message.headers.replace("Allow", METHODS)
        with_body(message, "application/sdp", build_sdp(sdp, self._version))

    def agree(self, body: bytes) -> None:
        """Take the far end's answer and send accordingly; raises MalformedSdp."""
        theirs = parse_sdp(body)
        agreed = agree(theirs, self.ours())
        self.held_by_them = not theirs.direction.receives
        self._media.start(agreed)

    def accept(self, body: bytes) -> Description:
        """Our answer to an offer; nothing is sent by it before `agree` takes the same offer. Raises MalformedSdp."""
        return answer_to(parse_sdp(body), self.ours())

    def answer_in_dialog(self, request: Request) -> tuple[int, Description | None]:
        """Status and description to answer a re-INVITE or UPDATE with; the sound follows at once."""
        if self._offering:
            return 491, None
        if not request.body:
            return 200, self.ours() if request.method == "INVITE" else None
        try:
            answer = self.accept(request.body)
            self.agree(request.body)
        except MalformedSdp:
            return 488, None
        return 200, answer

    async def offer(self, dialog: Dialog, request: Request, direction: Direction) -> None:
        """Send a re-INVITE that asks for `direction` and do what its answer says. Raises CallRefused, CallOver."""
        if self._offering:
            raise CallOver("an earlier hold or resume is not answered yet")
        before, self._direction, self._offering = self._direction, direction, True
        self.describe(request, self.ours())
        try:
            response = await self._invite_again(dialog, request)
        finally:
            self._offering = False
        if response.status >= 300:
            self._direction = before
            raise CallRefused(f"re-INVITE ({direction})", response.status, response.reason)
        self.agree(response.body)

    async def _invite_again(self, dialog: Dialog, request: Request) -> Response:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        ack: list[Request] = []

        def take(response: Response) -> None:
            if response.status < 200:
                return
            if response.status < 300:
                dialog.refresh(response.contact)
                ack[:] = ack or [dialog.ack(request.cseq[0])]
                self._line.transport.send_ack(ack[0], dialog.peer())
            if not answer.done():
                answer.set_result(response)

        self._line.transport.send(request, dialog.peer(), take)
        return await answer
