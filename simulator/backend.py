"""The demo's own system behind the hotline: accounts and orders over HTTP, as a shop would have them. It keeps nothing."""

import asyncio
from datetime import date, timedelta

from aiohttp import web

PORT = 18090
RETRY_S = 0.25
STATES = ("in_work", "shipped", "delivered")
FIRST_DAY = date(2026, 12, 1)


def account(number: str) -> dict[str, str] | None:
    """An account of eight digits: its balance in yuan and when the bill is due. Numbers that begin with 9 do not exist."""
    if len(number) != 8 or not number.isdecimal() or number.startswith("9"):
        return None
    value = int(number)
    return {
        "account": number,
        "balance": f"{value % 50_000 / 100:.2f}",
        "due_date": (FIRST_DAY + timedelta(days=value % 28)).isoformat(),
    }


def order(number: str) -> dict[str, str] | None:
    """An order of six digits and its state. Numbers that begin with 9 do not exist."""
    if len(number) != 6 or not number.isdecimal() or number.startswith("9"):
        return None
    value = int(number)
    return {"order": number, "state": STATES[value % 3], "delivery_date": (FIRST_DAY + timedelta(days=value % 14)).isoformat()}


def make_backend() -> web.Application:
    """`GET /accounts/NUMBER`, `GET /orders/NUMBER`: JSON, or 404."""

    async def get_account(request: web.Request) -> web.Response:
        return _answer(account(request.match_info["number"]))

    async def get_order(request: web.Request) -> web.Response:
        return _answer(order(request.match_info["number"]))

    app = web.Application()
    app.router.add_get("/accounts/{number}", get_account)
    app.router.add_get("/orders/{number}", get_order)
    return app


def _answer(found: dict[str, str] | None) -> web.Response:
    return web.json_response(found if found else {"error": "not found"}, status=200 if found else 404)


async def serve(port: int = PORT) -> web.AppRunner | None:
    """Serve on loopback until the runner is cleaned up; None when the port is taken."""
    runner = web.AppRunner(make_backend(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError:
        await runner.cleanup()
        return None
    return runner


class Backend:
    """Serves until stopped. While another demo has the port, that one answers just the same; when it ends, this one takes over."""

    def __init__(self, port: int = PORT) -> None:
        self._port = port
        self._runner: web.AppRunner | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Serve as soon as the port is free."""
        self._task = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        """Let the port go."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()

    async def _serve(self) -> None:
        while (runner := await serve(self._port)) is None:  # noqa: ASYNC110 - nothing says when a port is let go
            await asyncio.sleep(RETRY_S)
        self._runner = runner
