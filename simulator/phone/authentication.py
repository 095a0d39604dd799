"""From a 401 or 407 to the same request with proof: which challenge to answer and when to stop trying. Pure but for the fresh cnonce."""

from __future__ import annotations

from simulator.phone.digest import Challenge, Credentials, parse_challenge
from simulator.phone.errors import MalformedSip
from simulator.phone.sip import Headers, Request, Response, fresh_id

_HEADERS = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}


def authorized(request: Request, response: Response, credentials: Credentials) -> Request | None:
    """The request to send next, numbered one higher and without Via; None when the answer is no challenge that more proof could satisfy."""
    if response.status not in _HEADERS:
        return None
    asked, proof = _HEADERS[response.status]
    challenge = _answerable(response.headers.all(asked))
    if challenge is None or (request.headers.get(proof) and not challenge.stale):
        return None
    number, method = request.cseq
    headers = Headers(list(request.headers.fields))
    headers.replace("Via")
    headers.replace("CSeq", f"{number + 1} {method}")
    headers.replace(proof, credentials.authorization(challenge, request.method, request.uri, fresh_id()))
    return Request(headers, request.body, request.method, request.uri)


def _answerable(values: list[str]) -> Challenge | None:
    for value in values:
        try:
            return parse_challenge(value)
        except MalformedSip:
            continue
    return None
