"""Redis answers and writes nothing, as on a full disk: who asks is told, who talks goes on, who waits is not left waiting, and it heals."""

import asyncio
import os
import re
import resource
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis.asyncio

from server.state_folder.sockets import socket_folder
from simulator.home import ROOT
from simulator.phone import CallState, answer_after, sine
from tests.e2e.fault_house import Broken, broken_site
from tests.full_disk import full_disk

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
AGENT_HZ = 880.0
HUM = sine(AGENT_HZ, 1.0)
GIVEN_UP_S = 30  # routing/unrouted.py


async def redis_disk(house: Broken) -> Callable[[], object]:
    """The files of Redis may not grow any more; what comes back takes that back."""
    pid, without = house.pid("redis"), resource.RLIM_INFINITY
    resource.prlimit(
        pid, resource.RLIMIT_FSIZE, (max(path.stat().st_size for path in (house.site.state / "redis").rglob("*.aof")), without)
    )
    return lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (without, without))


async def redis_memory(house: Broken) -> Callable[[], object]:
    client = redis.asyncio.Redis(unix_socket_path=str(socket_folder(house.site.state) / "redis.sock"))
    await client.config_set("maxmemory", 1)
    await client.aclose()

    def mend() -> object:
        import redis as blocking

        return blocking.Redis(unix_socket_path=str(socket_folder(house.site.state) / "redis.sock")).config_set("maxmemory", 0)

    return mend


async def redis_component(house: Broken) -> dict[str, object]:
    async with aiohttp.ClientSession() as client, client.get(f"{house.site.url}/readyz") as answer:
        said = await answer.json()
        assert (answer.status == 200) == said["ready"]
        return dict(said["components"]["redis"])


async def metric(house: Broken) -> str:
    async with aiohttp.ClientSession() as client, client.get(f"{house.site.url}/metrics") as answer:
        found = re.search(r"^hotline_store_takes_writes (\S+)", await answer.text(), re.MULTILINE)
        return found.group(1) if found else ""


async def status(house: Broken) -> tuple[int, str]:
    """Exit code and output of `./hotline status`."""
    folders = [f"--{name}={house.site.folder / name}" for name in ("state", "config", "dialplans")]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "status", *folders),
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "400"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@pytest.mark.parametrize(("harm", "words"), [(redis_disk, "disk is full"), (redis_memory, "its memory is used up")])
async def test_redis_takes_no_writes(harm: Callable[..., Any], words: str, measured: list[str]) -> None:
    """Told within a second wherever one looks. The talk goes on; who waits, and who comes meanwhile, goes on in the flow after half a
    minute. Then all heals by itself, with nothing started anew and everything in the log."""
    async with broken_site() as house:
        pids = {name: house.pid(name) for name in ("node", "redis", "asterisk-child")}
        await house.agent("wang", answer_after(0.1, say=HUM))
        talking = await house.dial("4100")
        await talking.event("contact_connected")
        waiting = await house.dial("4100", "caller2")
        await waiting.event("contact_queued")
        mark, began = len(house.feed.events), asyncio.get_running_loop().time()
        mend = await harm(house)

        async def told() -> bool:
            return not (await redis_component(house))["ready"]

        await house.eventually(told, 4)
        measured.append(f"{harm.__name__}: told after {asyncio.get_running_loop().time() - began:.1f} s")
        component = await redis_component(house)
        assert words in str(component["message"])
        assert harm is redis_memory or str(house.site.state / "redis") in str(component["message"])
        assert await metric(house) == "0.0"
        code, said = await status(house)
        assert (code, words in said) == (1, True), said

        newcomer = await (await house.phone("caller3")).call("4100")
        await newcomer.answered(6)
        assert waiting.call.state is CallState.TALKING
        await waiting.call.ended(GIVEN_UP_S + 10)  # the flow says goodbye
        await newcomer.ended(GIVEN_UP_S + 10)
        measured.append(f"{harm.__name__}: given up after {asyncio.get_running_loop().time() - began:.1f} s")
        await talking.call.hears(AGENT_HZ, 2, start=len(talking.call.heard) - 4000)

        mend()
        await house.eventually(lambda: _not(told), 10)
        assert await metric(house) == "1.0"
        assert pids == {name: house.pid(name) for name in pids}
        for type in ("redis_refused_writes", "redis_took_writes"):
            await house.feed.wait_for(type, within=5, after=mark)
        await house.until(lambda: len(house.told("contact_left", outcome="failed")) == 2, 5, "both have left")
        await talking.call.hang_up()
        await talking.over()
        again = await house.dial("4100", "caller2")
        await again.event("contact_connected", within=15)
        await again.call.hang_up()
        await again.over()


def processes_of(house: Broken) -> list[int]:
    """Every process of the site: `up`, the server and the one that stands by, Asterisk, Redis."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(house.site.folder) in path.read_bytes().decode(errors="replace"):
                found.append(int(path.parent.name))
    return found


async def test_a_server_dies_while_the_disk_is_full() -> None:
    """Nothing can be written anywhere: it is started again all the same, and has its callers back; with room again all is as it was."""
    async with broken_site() as house:
        choosing = await house.dial("4000")
        await choosing.at_node("language")
        before, mark = house.pid(), len(house.feed.events)
        with ExitStack() as disks:
            for pid in processes_of(house):
                disks.enter_context(full_disk(pid=pid))
            house.kill()

            async def back() -> bool:
                async with aiohttp.ClientSession() as client, client.get(f"{house.site.url}/healthz") as answer:
                    return int((await answer.json())["pid"]) != before

            await house.eventually(lambda: _unless_away(back), 15)
            await choosing.call.pause(3.0)
            assert choosing.call.state is CallState.TALKING
            assert not [line for line in house.site.words if "Traceback" in line or "could not be started" in line]
        for pid in processes_of(house):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await house.feed.wait_for("call_resumed", within=15, after=mark, call=choosing.id)
        await house.eventually(lambda: _true(house.pid() != before), 10)
        log = (house.site.state / "log/server.log").read_text()
        assert "Traceback" not in log
        await choosing.call.press("1")
        await choosing.at_node("choices")
        await choosing.call.hang_up()
        await choosing.over()


async def _true(value: bool) -> bool:
    return value


async def _unless_away(true: Callable[[], object]) -> bool:
    with suppress(aiohttp.ClientError):
        return bool(await true())  # type: ignore[misc]
    return False


async def _not(true: Callable[[], object]) -> bool:
    return not await true()  # type: ignore[misc]
