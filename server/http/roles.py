"""Who may do what: four roles, each may do what the ones before it may, and each has a bearer token."""

import hmac
from collections.abc import Mapping
from enum import IntEnum

from aiohttp import web

SHORTEST_TOKEN = 16


class Role(IntEnum):
    """Ordered: a higher role may do everything that a lower one may."""

    ANYBODY = 0  # no token
    VIEWER = 1
    AGENT = 2
    SUPERVISOR = 3
    ADMIN = 4

    @property
    def title(self) -> str:
        return self.name.lower()


ROLE = web.RequestKey("role", Role)  # where a request keeps the role that its token gave


def read_tokens(tokens: Mapping[str, str]) -> dict[Role, str]:
    """Role -> token, from names of roles. ValueError when a token protects nothing: too short, or that of two roles."""
    known = {role.title: role for role in Role if role != Role.ANYBODY}
    for name, token in tokens.items():
        if name not in known:
            raise ValueError(f"there is no role {name!r} for an HTTP token; there are {', '.join(known)}")
        if len(token) < SHORTEST_TOKEN:
            raise ValueError(f"the HTTP token of role {name} has {len(token)} characters; at least {SHORTEST_TOKEN} are needed")
    if len(set(tokens.values())) < len(tokens):
        raise ValueError("two roles have the same HTTP token; every role needs its own")
    return {known[name]: token for name, token in tokens.items()}


def role_of(authorization: str, tokens: Mapping[Role, str]) -> Role:
    """The role that a header `Authorization: Bearer TOKEN` gives; ANYBODY when it is missing or wrong. Takes as long for any token."""
    scheme, _, token = authorization.partition(" ")
    found = Role.ANYBODY
    given = token.strip().encode("utf-8", "surrogateescape")
    for role, known in tokens.items():
        if hmac.compare_digest(given, known.encode()):
            found = role
    return found if scheme.lower() == "bearer" else Role.ANYBODY
