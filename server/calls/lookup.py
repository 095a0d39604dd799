"""Questions to the site's own systems over HTTP; fits `ivr.ports.Lookup`. Whatever goes wrong is a reply, never an exception."""

import asyncio
import json
from collections.abc import Callable, Mapping

import aiohttp

from ivr.ports import LookupReply, LookupRequest

MOST_BYTES = 256 * 1024


class HttpLookup:
    """One client for all calls of a server; connections are kept and bounded. `headers` go with every question, as they are then."""

    def __init__(self, headers: Callable[[], Mapping[str, str]] = dict, *, connections: int = 100) -> None:
        self._headers = headers
        self._connections = connections
        self._client: aiohttp.ClientSession | None = None

    async def fetch(self, request: LookupRequest) -> LookupReply:
        """Ask, and wait at most `request.timeout_ms` for the complete answer."""
        try:
            async with asyncio.timeout(request.timeout_ms / 1000):
                return await self._ask(request)
        except TimeoutError:
            return LookupReply(0, failure=f"no answer within {request.timeout_ms} ms")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return LookupReply(0, failure=f"{type(error).__name__}: {error}"[:300])

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client:
            await self._client.close()

    async def _ask(self, request: LookupRequest) -> LookupReply:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(),  # what a backend remembers of one caller is not for another one
            )
        body = json.dumps(dict(request.body), ensure_ascii=False).encode() if request.method == "POST" else None
        headers = {**self._headers(), **request.headers} | ({"Content-Type": "application/json"} if body else {})
        async with self._client.request(request.method, request.url, data=body, headers=headers, allow_redirects=False) as answer:
            raw = await answer.content.read(MOST_BYTES + 1)
            while len(raw) <= MOST_BYTES and (more := await answer.content.read(MOST_BYTES + 1 - len(raw))):
                raw += more
            if len(raw) > MOST_BYTES:
                return LookupReply(answer.status, failure=f"the answer is longer than {MOST_BYTES} bytes")
            return _reply(answer.status, raw)


def _reply(status: int, raw: bytes) -> LookupReply:
    if not raw.strip():
        return LookupReply(status)
    try:
        return LookupReply(status, json.loads(raw))
    except (ValueError, RecursionError):
        return LookupReply(status, failure="the answer is not JSON" if 200 <= status < 300 else "")
