"""Every route with every role: who gets in and who does not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from server.http.app import make_api
from server.http.roles import Role
from server.http.routes import ROUTES, Route
from tests.integration.http_house import TOKENS, World

pytestmark = pytest.mark.integration
Client = TestClient[Any, Any]

# Written down once more, by hand: a change of the table that nobody meant shows here.
LEAST = {
    "GET /healthz": Role.ANYBODY,
    "GET /readyz": Role.ANYBODY,
    "GET /metrics": Role.VIEWER,
    "GET /api": Role.VIEWER,
    "GET /api/queues": Role.VIEWER,
    "GET /api/queues/{name}": Role.VIEWER,
    "GET /api/agents": Role.VIEWER,
    "GET /api/agents/{id}": Role.VIEWER,
    "GET /api/teams": Role.VIEWER,
    "POST /api/agents/{id}": Role.AGENT,
    "GET /api/contacts/{id}": Role.VIEWER,
    "POST /api/contacts/{id}": Role.SUPERVISOR,
    "GET /api/calls": Role.VIEWER,
    "GET /api/calls/lost": Role.SUPERVISOR,
}
PROXIED = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    world = World()
    world.queued("c1", 1_000)
    async with TestClient(TestServer(make_api(world.services))) as client:
        yield client


async def ask(client: Client, route: Route, headers: dict[str, str]) -> int:
    contact = "contacts" in route.path
    path = route.path.format(name="billing", id="c1" if contact else "wang")
    body = {"action": "withdraw" if contact else "pause"} if route.method == "POST" else None
    async with client.request(route.method, path, json=body, headers=headers | PROXIED) as response:
        if response.status == 401:
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
        return response.status


def test_the_table_is_the_one_that_was_meant() -> None:
    """Routes and roles are those of the list above."""
    assert {f"{route.method} {route.path}": route.role for route in ROUTES} == LEAST


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.title)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_with_every_role(client: Client, route: Route, role: Role) -> None:
    """A role gets in where it is high enough; else 401 without a token and 403 with one that is too low."""
    headers = {"Authorization": f"Bearer {TOKENS[role.title]}"} if role else {}

    status = await ask(client, route, headers)

    assert status == (200 if role >= route.role else 403 if role else 401)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKENS['admin']}",
        TOKENS["admin"],
        f"Bearer {TOKENS['admin']}x",
        f"Bearer {TOKENS['admin'][:-1]}",
        f"Bearer {TOKENS['admin']} {TOKENS['admin']}",
        "Bearer " + "x" * 4000,
    ],
)
async def test_wrong_tokens(client: Client, header: str) -> None:
    """A header that is not exactly a known token opens nothing."""
    for route in ROUTES:
        if route.role:
            assert await ask(client, route, {"Authorization": header}) == 401


async def test_a_token_of_raw_bytes() -> None:
    """Bytes that are no text in the header are a wrong token, not a defect."""
    async with TestServer(make_api(World().services)) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET /api HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\xe7\x8e\x8b\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ({"viewer": "short"}, "at least 16"),
        ({"viewer": ""}, "at least 16"),
        ({"root": "a-token-that-is-long-enough"}, "no role 'root'"),
        ({"viewer": "a-token-that-is-long-enough", "admin": "a-token-that-is-long-enough"}, "its own"),
    ],
)
def test_tokens_that_protect_nothing(tokens: dict[str, str], words: str) -> None:
    """The interface does not start with a token that is too short, shared or of no role."""
    with pytest.raises(ValueError, match=words):
        make_api(replace(World().services, tokens=tokens))
