"""The private Redis of a state folder, really started."""

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio

from server.processes.child_process import ChildError, end_left_over
from server.processes.redis_process import RedisServer

pytestmark = [pytest.mark.integration, pytest.mark.fresh]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(tmp_path)
    await server.start()
    yield server
    await server.stop()


async def test_data_survives_kill_9_and_its_stale_socket(server: RedisServer) -> None:
    """Streams and keys are back after the process was killed, and the socket it left behind does no harm."""
    async with redis.asyncio.from_url(server.url, decode_responses=True) as client:
        await client.set("key", "value")
        await client.xadd("stream", {"n": "1"})
        await client.xgroup_create("stream", "group", "0")
        await client.waitaof(1, 0, 2000)
    os.kill(server.pid, signal.SIGKILL)
    assert await server.wait() == -signal.SIGKILL

    await server.start()

    async with redis.asyncio.from_url(server.url, decode_responses=True) as client:
        assert await client.get("key") == "value"
        assert await client.xlen("stream") == 1
        assert [group["name"] for group in await client.xinfo_groups("stream")] == ["group"]


async def test_one_whose_disk_is_full_is_there(server: RedisServer, tmp_path: Path) -> None:
    """It answers PING with an error. Whoever takes it over must not take it for dead: its end would lose what it holds."""
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
    async with redis.asyncio.from_url(server.url) as client:
        async with asyncio.timeout(10):
            while not await refuses(client):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    heir = RedisServer(tmp_path)

    assert await heir.adopt(2)

    assert heir.pid == server.pid
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def refuses(client: redis.asyncio.Redis) -> bool:
    try:
        await client.set("key", "v" * 100)
    except redis.ResponseError as error:
        return "MISCONF" in str(error)
    return False


async def test_one_that_was_left_over_is_ended_first(server: RedisServer, tmp_path: Path) -> None:
    """A start after a supervisor was killed does not fight with the old server for the same files."""
    old = server.pid
    heir = RedisServer(tmp_path)

    await heir.start()

    try:
        assert heir.pid not in (0, old)
        assert await asyncio.wait_for(server.wait(), 5) == 0
    finally:
        await heir.stop()


async def test_left_overs_can_be_ended_before_their_ports_are_looked_at(server: RedisServer) -> None:
    """All that was left over of a state folder ends; a pid file that is not ours is passed over."""
    (server.socket.parent / "other.pid").write_text(f"{os.getpid()}\n")
    (server.socket.parent / "gone.pid").write_text(f"{os.getpid()}\nno such program\n")

    await asyncio.to_thread(end_left_over, server.socket.parent)

    assert await asyncio.wait_for(server.wait(), 5) == 0


async def test_a_long_state_folder_works(tmp_path: Path) -> None:
    """The socket goes elsewhere when its path would be too long for a unix socket."""
    server = RedisServer(tmp_path / ("long" * 30) / "with a space")
    await server.start()

    async with redis.asyncio.from_url(server.url) as client:
        assert await client.ping()

    await server.stop()
    assert server.pid == 0
    server.socket.parent.rmdir()


async def test_a_data_folder_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    """The error has the server's own last words."""
    broken = tmp_path / "redis" / "appendonlydir"
    broken.mkdir(parents=True)
    (broken / "appendonly.aof.manifest").write_text("no manifest\n")

    with pytest.raises(ChildError, match=r"Redis ended at once with code 1; its last words: .*manifest"):
        await RedisServer(tmp_path).start()
