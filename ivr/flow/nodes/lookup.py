"""lookup: ask one of the site's own systems over HTTP and keep what it answers. Every failure has an exit."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import BeforeValidator, Field

from ivr.flow.model import Node, Prompts, Target, Variable, Where
from ivr.flow.talk import Talk
from ivr.flow.texts import Template
from ivr.ports import LookupOutcome, LookupReply, LookupRequest
from sources.schema import Duration

MAX_VALUE = 1000
_PATH = re.compile(r"[^.\s?]+(\.[^.\s?]+)*\??")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _path(value: Any) -> str:
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        raise ValueError(f"expected the way to a value such as balance or orders.0.state (with ? when it may be missing), found '{value}'")
    return value


class Lookup(Node):
    """A 2xx answer with every value asked for is `found`; 404 or an empty answer is `not_found`; everything else is `failed`."""

    type: ClassVar[str] = "lookup"

    url: Template
    method: Literal["GET", "POST"] = "GET"
    body: dict[str, Template] = Field(default={})
    headers: dict[str, Template] = Field(default={})
    timeout: Annotated[Duration, Field(ge=100, le=60_000)] = 3000
    save: dict[Variable, Annotated[str, BeforeValidator(_path)]] = Field(default={})
    sensitive: bool = False
    comfort: Prompts = ()
    music: bool = True
    found: Target
    not_found: Target | None = None
    failed: Target

    async def run(self, talk: Talk) -> str:
        reply = await talk.world.meanwhile(talk.world.lookup.fetch(self._request(talk)), self._entertain(talk))
        if self.music:
            await talk.world.phone.music(False)
        exit, values, why = self.understand(reply)
        for name, value in values.items():
            talk.set(name, value, sensitive=self.sensitive)
        talk.world.events.lookup_answered(talk.place, outcome=exit, status=reply.status, failure=why)
        return exit

    def _request(self, talk: Talk) -> LookupRequest:
        return LookupRequest(
            url=talk.fill(self.url, escape=self.in_address),
            method=self.method,
            body={name: talk.fill(value) for name, value in self.body.items()},
            headers={name: talk.fill(value, escape=self.in_header) for name, value in self.headers.items()},
            timeout_ms=self.timeout,
        )

    @staticmethod
    def in_address(value: str) -> str:
        """A variable's text as a part of an address."""
        return quote(value, safe="", errors="replace")

    @staticmethod
    def in_header(value: str) -> str:
        """A variable's text as a part of a header."""
        return _CONTROL.sub("", _whole(value))

    async def _entertain(self, talk: Talk) -> None:
        talk.give_back(await talk.say(self.comfort))
        if self.music:
            await talk.world.phone.music(True)

    def understand(self, reply: LookupReply) -> tuple[LookupOutcome, dict[str, str], str]:
        """Exit, values and, when it failed, why."""
        if reply.status == 404:
            return "not_found", {}, ""
        if reply.failure or not 200 <= reply.status < 300:
            return "failed", {}, reply.failure or f"status {reply.status}"
        if self.save and reply.data in (None, {}, [], ""):
            return "not_found", {}, ""
        values: dict[str, str] = {}
        for name, path in self.save.items():
            value = _value(reply.data, path.removesuffix("?"))
            if value is None and not path.endswith("?"):
                return "failed", {}, f"there is no '{path}' in the answer"
            values[name] = value or ""
        return "found", values, ""

    def target(self, exit: str) -> Target:
        return (self.not_found or self.failed) if exit == "not_found" else super().target(exit)

    def problems(self) -> Iterator[tuple[Where, str]]:
        if not re.match(r"https?://[^/?#{}\s]+([/?]|$)", self.url.text):
            yield ("url",), "expected an address that begins with http:// or https:// and a host without variables"
        if self.body and self.method == "GET":
            yield ("body",), "a body goes out with method: POST only"


def _value(data: Any, path: str) -> str | None:
    """The value at a path as text; None when it is missing, null or no single value."""
    for step in path.split("."):
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and re.fullmatch("[0-9]{1,6}", step) and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    if data is None or isinstance(data, dict | list):
        return None
    text = data if isinstance(data, str) else json.dumps(data)
    return _CONTROL.sub(" ", _whole(text))[:MAX_VALUE]


def _whole(text: str) -> str:
    """Without halves of characters, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()
