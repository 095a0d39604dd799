"""Who is refused: one call more than a server takes, and whoever is not our Asterisk. The others do not notice."""

import asyncio
import resource
from collections.abc import Iterator

import pytest

from agi.channel import Channel
from agi.server import FastAgiServer

pytestmark = pytest.mark.integration

MOST = 2000
ENVIRONMENT = "agi_network: yes\nagi_network_script: call\nagi_channel: PJSIP/caller-{0:08x}\nagi_uniqueid: 17.{0}\n\n"


@pytest.fixture
def many_files() -> Iterator[None]:
    """Both ends of every connection are in this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(3 * MOST, before[1]) if before[1] > 0 else 3 * MOST, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def until_there_are(server: FastAgiServer, sessions: int) -> None:
    async with asyncio.timeout(30):
        while server.sessions != sessions:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def test_two_thousand_calls_and_one_more(many_files: None) -> None:
    """2,000 idle calls are held; the next connection is closed at once; when a call ends there is room again."""

    async def hold(channel: Channel) -> None:
        await channel.wait_closed()

    server = FastAgiServer(hold, port=0, max_sessions=MOST)
    await server.start()
    calls = []
    try:
        for number in range(MOST):
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(ENVIRONMENT.format(number).encode())
            calls.append((reader, writer))
        await until_there_are(server, MOST)

        reader, writer = await asyncio.open_connection(*server.address)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert (server.sessions, server.rejected["over_capacity"]) == (MOST, 1)

        calls.pop()[1].close()
        await until_there_are(server, MOST - 1)
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(ENVIRONMENT.format(MOST).encode())
        calls.append((reader, writer))
        await until_there_are(server, MOST)
        assert server.rejected["over_capacity"] == 1
    finally:
        for _, writer in calls:
            writer.close()
        await server.close()


async def test_an_address_that_is_not_listed() -> None:
    """Who is not our Asterisk is sent away before a word is read, and counted; who is, is served."""
    served: list[str] = []

    async def note(channel: Channel) -> None:
        served.append(channel.peer)

    server = FastAgiServer(note, port=0, allowed=lambda peer: peer == "127.0.0.2")
    await server.start()
    try:
        for source in ("127.0.0.1", "127.0.0.2"):
            reader, writer = await asyncio.open_connection(*server.address, local_addr=(source, 0))
            writer.write(ENVIRONMENT.format(1).encode())
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
        assert (served, server.rejected["address_not_listed"]) == (["127.0.0.2"], 1)
    finally:
        await server.close()


async def test_who_sends_no_environment_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """All places are taken by connections that say nothing: a call that comes after a moment gets one, and those before it keep theirs."""
    monkeypatch.setattr("agi.server._SLOW_S", 0.05)
    served: list[str] = []

    async def hold(channel: Channel) -> None:
        served.append(channel.unique_id)
        await channel.wait_closed()

    server = FastAgiServer(hold, port=0, max_sessions=4)
    await server.start()
    writers = []
    try:
        for number in range(4):
            if number == 1:
                await until_there_are(server, 1)
            writers.append((await asyncio.open_connection(*server.address))[1])
            if number == 0:
                writers[0].write(ENVIRONMENT.format(0).encode())
        await asyncio.sleep(0.1)
        for number in (1, 2):
            writers.append((await asyncio.open_connection(*server.address))[1])
            writers[-1].write(ENVIRONMENT.format(number).encode())
            await until_there_are(server, number + 1)
        assert served == ["17.0", "17.1", "17.2"]
        assert server.rejected == {"crowded_out": 2}
    finally:
        for writer in writers:
            writer.close()
        await server.close()
