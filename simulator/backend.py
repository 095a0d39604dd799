"""The demo's own system behind the hotline: accounts and orders over HTTP, as a shop would have them. It keeps nothing."""

from datetime import date, timedelta

from aiohttp import web

PORT = 18090
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
    """Serve on loopback until cleaned up. None when the port is taken: a demo running beside this one answers just the same."""
    runner = web.AppRunner(make_backend(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError:
        await runner.cleanup()
        return None
    return runner
