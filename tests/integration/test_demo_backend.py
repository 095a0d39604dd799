"""The demo's own system: the same answer for the same number at every time, and 404 for what does not exist."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from simulator.backend import STATES, account, make_backend, order

pytestmark = pytest.mark.integration


async def test_accounts_and_orders() -> None:
    """JSON with 200, or JSON with 404."""
    async with TestClient(TestServer(make_backend())) as client:
        answer = await client.get("/accounts/12345678")
        assert (answer.status, await answer.json()) == (200, account("12345678"))
        answer = await client.get("/orders/123456")
        assert (answer.status, await answer.json()) == (200, order("123456"))
        for path in ("/accounts/92345678", "/accounts/1234", "/orders/abc123", "/orders/%F0%9D%9F%8E", "/accounts/..%2f..%2fetc"):
            answer = await client.get(path)
            assert (answer.status, await answer.json()) == (404, {"error": "not found"})
        assert (await client.get("/secrets")).status == 404


@given(st.text(max_size=9) | st.from_regex(r"[0-9]{6,8}", fullmatch=True))
def test_every_number_has_an_answer(number: str) -> None:
    """Whatever is asked: a whole record, or nothing."""
    found = account(number)
    if found:
        assert float(found["balance"]) < 500
        assert found["due_date"].startswith("2026-12-")
    known = order(number)
    assert known is None or known["state"] in STATES
