"""Text from outside in requests over HTTP, over a real socket and an in-memory call centre."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from server.http.app import make_api
from tests.integration.http_house import TOKENS, World
from tests.outside_text import OUTSIDE, OUTSIDE_BYTES

pytestmark = pytest.mark.integration


@pytest.fixture
async def client() -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(make_api(World().services))) as client:
        yield client


@pytest.mark.parametrize("name", OUTSIDE)
async def test_every_part_of_a_request(client: TestClient[Any, Any], name: str) -> None:
    """Path, query, header and body: an answer in JSON, with headers of ours alone, in which what was sent is text."""
    raw = OUTSIDE_BYTES[name][:500]
    path = quote(raw, safe="")
    header = re.sub(rb"[^ -~]", b"", raw).decode()
    viewer, admin = ({"Authorization": f"Bearer {TOKENS[role]}"} for role in ("viewer", "admin"))
    known = set((await client.get("/healthz")).headers)
    asked = [
        await client.get(URL(f"/api/agents/{path}", encoded=True), headers=viewer),
        await client.get(URL(f"/api/queues/{path}?{path}={path}", encoded=True), headers=viewer),
        await client.get("/api/agents", headers={"Authorization": f"Bearer {header}"}),
        await client.post("/api/agents/wang", headers=admin, data=raw),
        await client.post("/api/agents/wang", headers=admin, json={"action": OUTSIDE[name]}),
    ]
    for answer in asked:
        assert 200 <= answer.status < 500
        assert set(answer.headers) <= known | {"WWW-Authenticate", "Allow", "Connection"}
        assert answer.headers["Content-Type"].startswith("application/json")
        json.loads(await answer.text())


@pytest.mark.parametrize("name", OUTSIDE)
async def test_a_reason(client: TestClient[Any, Any], name: str) -> None:
    """Text that an agent gives for a pause is taken, or refused in words; it breaks nothing."""
    admin = {"Authorization": f"Bearer {TOKENS['admin']}"}
    answer = await client.post("/api/agents/wang", headers=admin, json={"action": "pause", "reason": OUTSIDE[name]})
    assert answer.status in (200, 400, 409, 413)
    json.loads(await answer.text())
