"""Look-ups against servers that are slow, huge, wrong or not there: whatever they do, a reply comes in time."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from ivr.flow.nodes.lookup import Lookup
from ivr.ports import LookupReply, LookupRequest
from server.calls.lookup import MOST_BYTES, HttpLookup

pytestmark = pytest.mark.integration

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fetch = Callable[..., Awaitable[LookupReply]]


class Backend:
    """A server that answers as `handler` does; `seen` are the requests."""

    def __init__(self) -> None:
        self.handler: Handler = self.echo
        self.seen: list[web.Request] = []
        self.url = ""

    async def echo(self, request: web.Request) -> web.StreamResponse:
        sent = await request.json() if request.can_read_body else None
        return web.json_response({"path": request.rel_url.raw_path_qs, "sent": sent, "key": request.headers.get("X-Key", "")})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        return await self.handler(request)

    def gives(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers=headers)

        self.handler = answer


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    made = Backend()
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", made.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def lookup() -> AsyncIterator[HttpLookup]:
    made = HttpLookup(lambda: {"X-Key": "s3cret"})
    yield made
    await made.close()


@pytest.fixture
def fetch(backend: Backend, lookup: HttpLookup) -> Fetch:
    def ask(path: str = "/", timeout_ms: int = 5000, **more: object) -> Awaitable[LookupReply]:
        return lookup.fetch(LookupRequest(backend.url + path, timeout_ms=timeout_ms, **more))  # type: ignore[arg-type]

    return ask


async def test_a_question_and_its_answer(fetch: Fetch) -> None:
    """GET without a body; the site's headers go along."""
    assert await fetch("/accounts/123?full=1") == LookupReply(200, {"path": "/accounts/123?full=1", "sent": None, "key": "s3cret"})


async def test_a_body_goes_out_as_json(fetch: Fetch) -> None:
    """With POST; text in any language arrives as it was."""
    reply = await fetch(method="POST", body={"name": '王 "芳"\r\n'}, headers={"X-Key": "own"})
    assert (reply.data["sent"], reply.data["key"]) == ({"name": '王 "芳"\r\n'}, "own")


async def test_an_answer_that_does_not_come(backend: Backend, fetch: Fetch) -> None:
    """The wait ends after the time that the flow gives, with a sentence."""

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    backend.handler = never
    assert await fetch(timeout_ms=100) == LookupReply(0, failure="no answer within 100 ms")


async def test_an_answer_that_drips(backend: Backend, fetch: Fetch) -> None:
    """The time is for the whole answer: a byte now and then does not prolong it."""

    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(1000):
            await answer.write(b" ")
            await asyncio.sleep(0.02)
        return answer

    backend.handler = drip
    assert await fetch(timeout_ms=300) == LookupReply(0, failure="no answer within 300 ms")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_an_answer_without_end(backend: Backend, fetch: Fetch, packed: bool) -> None:
    """It is read up to a limit and no further, also when it is small on the wire."""
    body = b'"' + b"x" * 50_000_000 + b'"' if packed else b" " * (MOST_BYTES + 1)
    backend.gives(gzip.compress(body) if packed else body, headers={"Content-Encoding": "gzip"} if packed else {})
    reply = await fetch()
    assert (reply.data, reply.failure) == (None, f"the answer is longer than {MOST_BYTES} bytes")


async def test_the_longest_answer(backend: Backend, fetch: Fetch) -> None:
    """The limit itself is allowed."""
    body = json.dumps("x" * (MOST_BYTES - 2)).encode()
    assert len(body) == MOST_BYTES
    backend.gives(body)
    assert (await fetch()).data == "x" * (MOST_BYTES - 2)


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"{", b"\xff\xfe\xfa", b"[" * 100_000, b'{"a": ' + b"9" * 10_000 + b"}"])
async def test_an_answer_that_is_not_json(backend: Backend, fetch: Fetch, body: bytes) -> None:
    """A failure that the flow can branch on: not an account that there is not."""
    backend.gives(body)
    reply = await fetch()
    assert reply == LookupReply(200, failure="the answer is not JSON")
    assert exit_of(reply) == "failed"


async def test_an_answer_without_a_body(backend: Backend, fetch: Fetch) -> None:
    """The status alone is an answer; nothing was found."""
    backend.gives(b"", status=204)
    reply = await fetch()
    assert reply == LookupReply(204)
    assert exit_of(reply) == "not_found"


async def test_not_found_and_errors(backend: Backend, fetch: Fetch) -> None:
    """404 is nothing found whatever stands in its body; 500 is a failure."""
    backend.gives(b"<html>nothing here</html>", status=404)
    assert exit_of(await fetch()) == "not_found"
    backend.gives(b'{"error": "database"}', status=500)
    assert exit_of(await fetch()) == "failed"


async def test_a_redirect_is_not_followed(backend: Backend, fetch: Fetch) -> None:
    """A backend does not send a server's questions, with its API key, anywhere else."""
    backend.gives(b"", status=302, headers={"Location": f"{backend.url}/elsewhere"})
    reply = await fetch()
    assert (reply.status, len(backend.seen)) == (302, 1)
    assert exit_of(reply) == "failed"


async def test_a_cookie_is_not_kept(backend: Backend, lookup: HttpLookup) -> None:
    """What a backend remembers of one caller is not sent with the question of another one."""
    backend.gives(b"{}", headers={"Set-Cookie": "account=123; Path=/"})
    for _ in range(2):
        assert (await lookup.fetch(LookupRequest(backend.url.replace("127.0.0.1", "localhost")))).status == 200
    assert "Cookie" not in backend.seen[1].headers


async def test_nobody_listens(lookup: HttpLookup) -> None:
    """Refused, without a name, and no address at all: each is a reply that says what it was."""
    for url in ("http://127.0.0.1:1/", "http://no-such-host.invalid/", "http://", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/"):
        reply = await lookup.fetch(LookupRequest(url, timeout_ms=5000))
        assert (reply.status, reply.data, bool(reply.failure)) == (0, None, True)


async def test_a_connection_that_breaks(backend: Backend, fetch: Fetch) -> None:
    """In the middle of an answer."""

    async def break_off(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return answer

    backend.handler = break_off
    reply = await fetch()
    assert (reply.status, bool(reply.failure)) == (0, True)


async def test_a_header_cannot_carry_another_one(backend: Backend, fetch: Fetch) -> None:
    """A line break in a value from outside stops the question; nothing is sent."""
    reply = await fetch(headers={"X-Caller": "a\r\nX-Key: stolen"})
    assert (reply.status, bool(reply.failure)) == (0, True)
    assert backend.seen == []


async def test_many_callers_at_once(backend: Backend) -> None:
    """More questions than connections: each gets its own answer."""
    lookup = HttpLookup(connections=3)
    try:
        replies = await asyncio.gather(*(lookup.fetch(LookupRequest(f"{backend.url}/{number}")) for number in range(50)))
        assert [reply.data["path"] for reply in replies] == [f"/{number}" for number in range(50)]
    finally:
        await lookup.close()


async def test_a_caller_who_leaves(backend: Backend, lookup: HttpLookup) -> None:
    """A question that is cancelled harms no other one."""
    waiting = asyncio.create_task(lookup.fetch(LookupRequest(backend.url)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await lookup.fetch(LookupRequest(backend.url))).status == 200


def exit_of(reply: LookupReply) -> str:
    """What a flow's node makes of it."""
    node = Lookup.model_validate({"url": "http://127.0.0.1/x", "save": {"balance": "balance"}, "found": "bye", "failed": "bye"})
    return node.understand(reply)[0]
