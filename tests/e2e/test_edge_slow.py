"""1,500 connections that say nothing, or little, on a machine with few open files: the health check answers and calls are taken."""

import asyncio
from contextlib import suppress

import aiohttp
import pytest

from simulator.bench.process_figures import raise_file_limit
from tests.e2e.e2e_house import OwnSite
from tests.e2e.fault_house import broken_site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]

FILES, SLOW = 1024, 750


def few_files(site: OwnSite) -> None:
    site.most_files = FILES


async def crowd(port: int, sent: bytes, count: int) -> list[asyncio.StreamWriter]:
    """That many connections, each with a first word and no second; those that are closed open anew in the next crowd."""
    writers = []
    for _ in range(count):
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            writers.append(writer)
    return writers


@pytest.mark.timeout(120)
async def test_a_crowd_of_slow_connections(measured: list[str]) -> None:
    """`up` says that limits.calls is out of reach; during the crowd a caller gets through, and the node is the same afterwards."""
    raise_file_limit(4096)
    async with broken_site(few_files, limits__calls=2000) as house:
        assert any("limits.calls cannot be reached" in line for line in house.site.words)
        node = house.pid()
        http, agi = house.site.ports["http"], house.site.ports["agi"]
        stop = asyncio.Event()

        async def attack(port: int, sent: bytes) -> None:
            while not stop.is_set():
                writers = await crowd(port, sent, SLOW)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 3)
                for writer in writers:
                    writer.close()

        attackers = [
            asyncio.create_task(attack(http, b"GET /healthz HTTP/1.1\r\nX: ")),
            asyncio.create_task(attack(agi, b"agi_network: y")),
        ]
        longest = 0.0
        await asyncio.sleep(2)
        guest = await house.dial("4100")
        loop = asyncio.get_running_loop()
        for _ in range(30):
            asked = loop.time()
            async with (
                aiohttp.ClientSession() as client,
                client.get(f"{house.site.url}/healthz", timeout=aiohttp.ClientTimeout(1)) as answer,
            ):
                assert answer.status == 200
            longest = max(longest, loop.time() - asked)
            await asyncio.sleep(0.2)
        await house.agent("wang")
        await guest.event("contact_connected")
        stop.set()
        await asyncio.gather(*attackers)
        assert house.pid() == node
        measured.append(f"{2 * SLOW} slow connections, {FILES} files: /healthz answered within {1000 * longest:.0f} ms")
