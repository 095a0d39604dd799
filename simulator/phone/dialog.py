"""The dialog of one call (RFC 3261 section 12): who talks to whom under which tags, numbers and
routes, and the requests that follow from it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.phone.errors import MalformedSip
from simulator.phone.sip import Request, Response, new_request
from simulator.phone.uri import Address, Peer, Uri


@dataclass(slots=True)
class Dialog:
    """`number` is the CSeq of our last request, `routes` the route set (as in Route headers, nearest first), `fallback` the address
    that the far end's packets come from."""

    call_id: str
    local: Address
    remote: Address
    target: str
    fallback: Peer
    routes: list[str] = field(default_factory=list)
    number: int = 0

    @classmethod
    def of_caller(cls, invite: Request, answer: Response, peer: Peer) -> Dialog:
        """What a response with a To tag makes of our INVITE."""
        routes = answer.headers.items("Record-Route")[::-1]
        return cls(invite.call_id, invite.sender, answer.recipient, answer.contact or invite.uri, peer, routes, invite.cseq[0])

    @classmethod
    def of_called(cls, invite: Request, tag: str, peer: Peer) -> Dialog:
        """What an INVITE makes for us, who answer it with `tag`."""
        routes = invite.headers.items("Record-Route")
        remote = invite.sender
        return cls(invite.call_id, invite.recipient.tagged(tag), remote, invite.contact or remote.uri, peer, routes)

    def refresh(self, contact: str) -> None:
        """The far end sent a new address (re-INVITE, UPDATE or the answer to ours)."""
        self.target = contact or self.target

    def request(self, method: str) -> Request:
        """The next request within the dialog."""
        self.number += 1
        return self._request(method, self.number)

    def ack(self, number: int) -> Request:
        """The ACK of a 2xx to the INVITE of that CSeq number."""
        return self._request("ACK", number)

    def peer(self) -> Peer:
        """Where requests go: the nearest route, else the target, else (names, garbage) where packets come from."""
        try:
            nearest = Address.parse(self.routes[0]).uri if self.routes else self.target
            return Uri.parse(nearest).peer() or self.fallback
        except MalformedSip:
            return self.fallback

    def replaces(self) -> str:
        """The value of Replaces that names this dialog to the far end."""
        return f"{self.call_id};to-tag={self.remote.tag};from-tag={self.local.tag}"

    def _request(self, method: str, number: int) -> Request:
        request = new_request(method, self.target, self.local, self.remote, self.call_id, number)
        for route in self.routes:
            request.headers.add("Route", route)
        return request
