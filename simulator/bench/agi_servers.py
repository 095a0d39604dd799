"""FastAGI servers to be compared, each started as a process of its own: `python -m simulator.bench.agi_servers NAME`.

Every one runs the same script, GET DATA for ever, as its library's users would write it, on uvloop where it has an event loop. The
libraries are loaded by name, because none of them has type information. A server prints the port it took, collects its garbage and says
`ready` for each line on stdin, and ends when that is closed.
"""

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvloop
from aiohttp.web_runner import AppRunner

from agi.channel import Channel
from agi.server import FastAgiServer
from simulator.bench.process_figures import raise_file_limit

FILE, TIMEOUT_MS, DIGITS = "welcome", 5000, 4
BACKLOG = 1024  # as our own server's, so that none refuses connections
MOST_FILES = 16384


async def hotline() -> int:
    """Ours."""

    async def script(channel: Channel) -> None:
        while True:
            await channel.get_data(FILE, TIMEOUT_MS, DIGITS)

    server = FastAgiServer(script, port=0, max_sessions=MOST_FILES)
    await server.start()
    _kept.append(server)
    return server.address[1]


async def panoramisk() -> int:
    library = import_module("panoramisk.fast_agi")

    async def script(request: Any) -> None:
        while True:
            await request.send_command(f"GET DATA {FILE} {TIMEOUT_MS} {DIGITS}")

    application = library.Application(loop=asyncio.get_running_loop())
    application.add_route("hotline", script)
    server = await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=BACKLOG)
    _kept.append(server)
    return int(server.sockets[0].getsockname()[1])


async def aioagi() -> int:
    app, runners = import_module("aioagi.app"), import_module("aioagi.runner")

    async def script(request: Any) -> None:
        while True:
            await request.agi.get_data(FILE, TIMEOUT_MS, DIGITS)

    application = app.AGIApplication()
    application.router.add_route("*", "/{path:.*}", script)
    runner = AppRunner(application)
    await runner.setup()
    site = runners.AGISite(runner, "127.0.0.1", 0, backlog=BACKLOG)
    await site.start()
    _kept.append(runner)
    return int(site._server.sockets[0].getsockname()[1])


def pystrix() -> int:
    """Threads: one per session."""
    core, library = import_module("pystrix.agi.core"), import_module("pystrix.agi.fastagi")

    class Server(library.FastAGIServer):  # type: ignore[misc, name-defined]
        @staticmethod
        def get_somaxconn() -> int:  # its own needs the program sysctl
            return int(Path("/proc/sys/net/core/somaxconn").read_text())

        def handle_error(self, request: object, client_address: object) -> None:
            """The end of a session."""

    def script(agi: Any, *_: object) -> None:
        while True:
            agi.execute(core.GetData(FILE, TIMEOUT_MS, DIGITS))

    server = Server("127.0.0.1", 0)
    server.register_script_handler(None, script)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


_kept: list[object] = []
ASYNC: dict[str, Callable[[], Any]] = {"hotline": hotline, "panoramisk": panoramisk, "aioagi-ik": aioagi}
NAMES = (*ASYNC, "pystrix")


def version_of(name: str) -> str:
    """Which release is compared; "" for our own."""
    return "" if name == "hotline" else version(name)


async def _serve(name: str) -> None:
    print(await ASYNC[name](), flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        gc.collect()
        print("ready", flush=True)


def main(name: str) -> int:
    logging.disable(logging.CRITICAL)
    raise_file_limit(MOST_FILES)
    if name in ASYNC:
        uvloop.run(_serve(name))
        return 0
    print(pystrix(), flush=True)
    while sys.stdin.readline():
        gc.collect()
        print("ready", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
