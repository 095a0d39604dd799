"""Digest authentication (RFC 2617 and 8760, qop=auth or none): from a challenge to the Authorization value. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from simulator.phone.errors import MalformedSip

_HASHES: dict[str, Callable[[bytes], str]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "sha-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_PAIR = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks to be proven. `algorithm` keeps the server's spelling; `qop` is "auth" or ""."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    opaque: str = ""
    qop: str = ""
    stale: bool = False


def parse_challenge(value: str) -> Challenge:
    """Read one WWW-Authenticate or Proxy-Authenticate value; raises MalformedSip when it is not one we can answer."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise MalformedSip(f"authentication scheme {scheme[:20]!r}, expected Digest")
    pairs = {match[1].lower(): match[3] or match[2] or "" for match in _PAIR.finditer(rest)}
    algorithm = pairs.get("algorithm", "MD5")
    if algorithm.lower() not in _HASHES:
        raise MalformedSip(f"digest algorithm {algorithm[:20]!r}, expected one of {', '.join(_HASHES)}")
    if not pairs.get("nonce"):
        raise MalformedSip("a digest challenge without nonce")
    offered = {word.strip().lower() for word in pairs.get("qop", "").split(",")} - {""}
    if offered and "auth" not in offered:
        raise MalformedSip(f"qop {pairs['qop'][:20]!r}, expected auth")
    qop = "auth" if offered else ""
    return Challenge(
        pairs.get("realm", ""), pairs["nonce"], algorithm, pairs.get("opaque", ""), qop, pairs.get("stale", "").lower() == "true"
    )


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str

    def authorization(self, challenge: Challenge, method: str, uri: str, cnonce: str, count: int = 1) -> str:
        """The value of Authorization (or Proxy-Authorization); `count` is how often this nonce has been used, from 1."""
        digest = _HASHES[challenge.algorithm.lower()]
        secret = digest(f"{self.user}:{challenge.realm}:{self.password}".encode())
        action = digest(f"{method}:{uri}".encode())
        middle = f"{count:08x}:{cnonce}:auth:" if challenge.qop else ""
        response = digest(f"{secret}:{challenge.nonce}:{middle}{action}".encode())
        parts = [
            f'username="{self.user}"',
            f'realm="{challenge.realm}"',
            f'nonce="{challenge.nonce}"',
            f'uri="{uri}"',
            f'response="{response}"',
            f"algorithm={challenge.algorithm}",
        ]
        if challenge.opaque:
            parts.append(f'opaque="{challenge.opaque}"')
        if challenge.qop:
            parts += ["qop=auth", f"nc={count:08x}", f'cnonce="{cnonce}"']
        return "Digest " + ", ".join(parts)
