"""A crowd of connections that never send a request: whoever sends one is answered, and the crowd holds no more files than its share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import ClientSession, web

from server.http import listener as listening
from server.http.listener import Listener

pytestmark = pytest.mark.integration

MOST = 40


@asynccontextmanager
async def served(most: int = MOST) -> AsyncIterator[Listener]:
    """`/at-once` answers, `/held` when `/let-go` is asked."""
    let_go = asyncio.Event()

    async def at_once(request: web.Request) -> web.Response:
        return web.Response(text="here")

    async def held(request: web.Request) -> web.Response:
        await let_go.wait()
        return web.Response(text="late")

    async def free(request: web.Request) -> web.Response:
        let_go.set()
        return web.Response(text="free")

    app = web.Application()
    app.add_routes([web.get("/at-once", at_once), web.get("/held", held), web.get("/let-go", free)])
    listener = Listener(app, "127.0.0.1", 0, most=most)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


async def slow(listener: Listener, sent: bytes = b"", source: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, local_addr=(source, 0))
    writer.write(sent)
    return reader, writer


async def was_closed(reader: asyncio.StreamReader) -> None:
    """Waits for the end of the connection; an answer may come before."""
    with suppress(ConnectionResetError):
        await reader.read()


async def ask(listener: Listener, path: str) -> str:
    async with asyncio.timeout(5), ClientSession() as session, session.get(f"http://127.0.0.1:{listener.port}{path}") as answer:
        return await answer.text()


@pytest.mark.parametrize("sent", [b"", b"GET /at-once HTTP/1.1\r\nHost: x\r\nX-A: ", b"GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_crowd_keeps_nobody_out(sent: bytes) -> None:
    """Silent, slow in their heads, or answered and kept alive: those that wait longest are closed, and a request is answered meanwhile."""
    async with served() as listener:
        crowd = [await slow(listener, sent) for _ in range(3 * MOST)]
        assert await ask(listener, "/at-once") == "here"
        async with asyncio.timeout(5):
            for reader, _ in crowd[:MOST]:
                await was_closed(reader)
        assert len(listener._crowd) <= MOST
        for _, writer in crowd:
            writer.close()


async def test_who_is_being_answered_is_not_closed() -> None:
    """A slow answer outlives the crowd."""
    async with served() as listener:
        answer = asyncio.create_task(ask(listener, "/held"))
        crowd = [await slow(listener) for _ in range(3 * MOST)]
        assert await ask(listener, "/let-go") == "free"
        assert await answer == "late"
        for _, writer in crowd:
            writer.close()


async def test_the_head_must_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that drips bytes is closed all the same; one that has sent a request may send another."""
    monkeypatch.setattr(listening, "REQUEST_WITHIN_S", 0.2)
    async with served() as listener:
        reader, writer = await slow(listener, b"GET /at-once HTTP/1.1\r\n")
        closed = asyncio.create_task(was_closed(reader))
        async with asyncio.timeout(10):
            while not closed.done():
                writer.write(b"X")
                await asyncio.sleep(0.05)
        await closed
        writer.close()
