"""SIP URIs and name-addresses (`"Bob" <sip:bob@host>;tag=x`): reading and writing them. Knows nothing of messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from simulator.phone.errors import MalformedSip

Peer = tuple[str, int]
"""An IP address and a UDP port."""

DEFAULT_PORT = 5060
_URI = re.compile(r"(sips?):(?:([^@]*)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?((?:;[^;?]*)*)(?:\?(.*))?", re.IGNORECASE)
_NUMERIC = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")


@dataclass(frozen=True, slots=True)
class Uri:
    """A `sip:` or `sips:` URI. `params` is the raw text after the first `;`, `headers` that after `?`; neither carries its separator."""

    host: str
    user: str = ""
    port: int | None = None
    params: str = ""
    headers: str = ""
    scheme: str = "sip"

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Read a URI; raises MalformedSip."""
        match = _URI.fullmatch(text)
        if match is None:
            raise MalformedSip(f"{text[:80]!r} is not a SIP URI")
        scheme, user, host, port, params, headers = match.groups()
        if port is not None and not 0 < int(port) < 65536:
            raise MalformedSip(f"{text[:80]!r} has no valid port")
        return cls(host, user or "", int(port) if port else None, params[1:], headers or "", scheme.lower())

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        params = f";{self.params}" if self.params else ""
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{self.host}{port}{params}{headers}"

    def peer(self) -> Peer | None:
        """Where to send to, or None when the host is a name (nothing is looked up here)."""
        if not _NUMERIC.fullmatch(self.host):
            return None
        return self.host, self.port or DEFAULT_PORT

    def bare(self) -> Uri:
        """The same without headers, fit for a request line."""
        return replace(self, headers="")


@dataclass(frozen=True, slots=True)
class Address:
    """A name-address of From, To, Contact, Refer-To ...; `uri` is kept as text because it may be a `tel:`."""

    uri: str
    name: str = ""
    params: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read the first address of a header value; raises MalformedSip."""
        text = next(split(text, ","), "").strip()
        name = ""
        if text.startswith('"'):
            end = _closing_quote(text)
            name, text = re.sub(r"\\(.)", r"\1", text[1:end]), text[end + 1 :].lstrip()
        before, opening, after = text.partition("<")
        if opening:
            uri, closing, rest = after.partition(">")
            if not closing:
                raise MalformedSip(f"{text[:80]!r} has no closing '>'")
            name = name or before.strip()
        else:
            uri, _, rest = text.partition(";")
            rest = f";{rest}"
        if not uri.strip():
            raise MalformedSip(f"{text[:80]!r} is no URI")
        return cls(uri.strip(), name, parameters(rest))

    def __str__(self) -> str:
        name = '"' + self.name.replace("\\", r"\\").replace('"', r"\"") + '" ' if self.name else ""
        return f"{name}<{self.uri}>" + "".join(f";{key}={value}" if value else f";{key}" for key, value in self.params.items())

    @property
    def tag(self) -> str:
        return self.params.get("tag", "")

    def tagged(self, tag: str) -> Address:
        """The same address with this tag."""
        return replace(self, params={**self.params, "tag": tag})


def parameters(text: str) -> dict[str, str]:
    """`;a=1;b` as `{"a": "1", "b": ""}`; names in lower case, quotes removed, text before the first `;` ignored."""
    found: dict[str, str] = {}
    for part in list(split(text, ";"))[1:]:
        key, _, value = part.partition("=")
        if key.strip():
            found[key.strip().lower()] = value.strip().strip('"')
    return found


def split(text: str, separator: str) -> Iterator[str]:
    """The parts of `text` between separators that stand outside quotes and angle brackets."""
    start, quoted, bracketed, escaped = 0, False, False, False
    for index, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = char == "\\", char != '"'
        elif char == '"':
            quoted = True
        elif char in "<>":
            bracketed = char == "<"
        elif char == separator and not bracketed:
            yield text[start:index]
            start = index + 1
    yield text[start:]


def _closing_quote(text: str) -> int:
    index = 1
    while index < len(text) and text[index] != '"':
        index += 2 if text[index] == "\\" else 1
    if index >= len(text):
        raise MalformedSip(f"{text[:80]!r} has no closing quote")
    return index
