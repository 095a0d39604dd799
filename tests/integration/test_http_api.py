"""What the HTTP interface answers, over a real socket and an in-memory call centre."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestClient, TestServer

from routing.domain.events.calls import CallEnded
from routing.domain.events.contacts import ContactAbandoned, ContactConnected, ContactEnded, ContactMoved
from routing.domain.events.offers import OfferMade
from routing.domain.orders import Reply
from routing.domain.service_level import FORMULAS
from server.http.app import make_api
from server.http.errors import SAFE_HEADERS
from server.http.listener import CannotListen, Listener
from tests.integration.http_house import NOW_MS, TOKENS, World
from tests.told import ended

pytestmark = pytest.mark.integration
Client = TestClient[Any, Any]
COUNTS = ("answered", "answered_in_time", "abandoned", "abandoned_in_time", "abandoned_short", "missed", "closed")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_api(world.services))) as client:
        yield client


def bearer(role: str = "viewer") -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[role]}"}


async def get(client: Client, path: str, status: int = 200) -> Any:
    response = await client.get(path, headers=bearer())
    assert response.status == status, await response.text()
    return await response.json()


async def error_of(response: ClientResponse, status: int) -> dict[str, Any]:
    """The error of a response, which must have this status and the one shape that errors have."""
    body = await response.json()
    assert response.status == status, body
    assert list(body) == ["error"]
    assert {"code", "message"} <= set(body["error"])
    assert body["error"]["message"].rstrip().endswith((".", "?", ")")) or " - " in body["error"]["message"]
    return dict(body["error"])


async def test_alive_needs_no_token(client: Client) -> None:
    """/healthz says that the process is alive, to anybody."""
    response = await client.get("/healthz")

    assert response.status == 200
    assert (await response.json())["status"] == "alive"


async def test_ready_tells_each_component(client: Client, world: World) -> None:
    """/readyz is 503 as soon as one component is not well, and says which and why."""
    assert (await client.get("/readyz")).status == 200
    world.health.states["ami"] = "no AMI connection to 127.0.0.1:5038"

    response = await client.get("/readyz")

    assert response.status == 503
    assert (await response.json())["components"]["ami"] == {"ready": False, "message": "no AMI connection to 127.0.0.1:5038"}


async def test_what_others_have_to_mend_is_marked(client: Client, world: World) -> None:
    """So that whoever started the server does not start it anew for that: and only while it is not well."""
    world.health.elsewhere = ["redis", "ami"]
    world.health.states["redis"] = "Redis takes no writes"

    response = await client.get("/readyz")

    assert response.status == 503
    components = (await response.json())["components"]
    assert components["redis"] == {"ready": False, "message": "Redis takes no writes", "external": True, "elsewhere": True}
    assert components["ami"] == {"ready": True, "message": ""}


async def test_a_queue_in_full(client: Client, world: World) -> None:
    """A queue shows who waits, in order, what each asks for now, agents by state and the service level with its formula."""
    world.queued("c1", 40_000)
    world.queued("c2", 20_000)
    world.queued("vip", 5_000, priority=60)
    world.agent("wang", "ready")
    world.agent("smith", "paused", reason="lunch")
    world.write(OfferMade("o1", 0, "1001"), contact="c1", agent="wang")

    body = await get(client, "/api/queues/billing")

    assert [(c["id"], c["position"], c["waited_ms"], c["state"], c["requirement"]) for c in body["contacts"]] == [
        ("vip", 1, 5_000, "waiting", "billing >= 4"),
        ("c1", 2, 40_000, "offered", "billing"),
        ("c2", 3, 20_000, "waiting", "billing >= 4"),
    ]
    assert (body["waiting"], body["longest_wait_ms"]) == (3, 40_000)
    assert {state: n for state, n in body["agents"].items() if n} == {"reserved": 1, "paused": 1}
    assert body["paused"] == {"break": 0, "not_ready": 1}
    assert body["contacts"][1]["offered_to"] == ["wang"]
    assert body["service_level"] == {
        "percent": None,
        "target_percent": 80,
        "formula": "offered",
        "definition": "answered within threshold / (offered - refused because closed - short abandons)",
        "threshold_ms": 20_000,
        "short_abandon_ms": 5_000,
        "window_ms": 1_800_000,
        "counts": dict.fromkeys(COUNTS, 0),
        "by_formula": dict.fromkeys(FORMULAS),
    }


async def test_an_answer_is_never_older_than_the_event_log(client: Client, world: World) -> None:
    """Whoever was told of an event finds it in every answer, and can act on it."""
    world.on_its_way = lambda: world.queued("c1", 1_000)
    assert [found["id"] for found in (await get(client, "/api/queues/billing"))["contacts"]] == ["c1"]
    world.on_its_way = lambda: world.queued("c2", 1_000)
    assert (await get(client, "/api/contacts/c2"))["id"] == "c2"
    world.on_its_way = lambda: world.queued("c3", 1_000)
    response = await client.post("/api/contacts/c3", json={"action": "withdraw"}, headers=bearer("supervisor"))
    assert response.status == 200
    world.on_its_way = lambda: world.agent("wang", "ready")
    assert (await get(client, "/api/agents/wang"))["state"] == "ready"


async def test_health_does_not_wait_for_the_event_log(client: Client, world: World) -> None:
    """Whether the process is well is told although Redis hangs."""
    waited: list[str] = []
    world.on_its_way = lambda: waited.append("for Redis")
    for path in ("/healthz", "/readyz", "/metrics"):
        await client.get(path)
    await client.get("/api/queues")  # without a token nobody makes Redis work
    assert waited == []


async def test_the_service_level_now(client: Client, world: World) -> None:
    """Answered in time counts for it, answered late and abandoned against it."""
    for contact, waited_ms in (("c1", 5_000), ("c2", 60_000)):
        world.queued(contact, waited_ms)
        world.write(ContactConnected(f"offer-{contact}", waited_ms), contact=contact, agent="wang")
    world.queued("c3", 9_000)
    world.write(ContactAbandoned(9_000), contact="c3")

    body = (await get(client, "/api/queues"))["queues"][0]

    assert body["service_level"]["percent"] == pytest.approx(100 / 3)
    assert body["totals"] == {"queued": 3, "answered": 2, "abandoned": 1}


async def test_callers_are_masked_and_what_they_keyed_is_not_shown(client: Client, world: World) -> None:
    """No answer holds a caller's whole number or a variable of the call."""
    world.queued("c1", 1_000)
    world.call("call-of-c1")
    world.write(OfferMade("o1", 0, "1001"), contact="c1", agent="wang")

    for path in ("/api/queues/billing", "/api/calls", "/api/agents"):
        text = await (await client.get(path, headers=bearer())).text()
        assert "13800138000" not in text
        assert "4711" not in text
        assert "12345678" not in text
        assert "8000" in text


async def test_an_agent_with_a_contact(client: Client, world: World) -> None:
    """An agent shows state, phone, skills and the contact they are offered."""
    world.agent("wang", "ready")
    world.queued("c1", 1_000)
    world.write(OfferMade("o1", 0, "1001"), NOW_MS - 500, contact="c1", agent="wang")

    body = await get(client, "/api/agents/wang")

    assert (body["state"], body["in_state_ms"], body["phone"], body["phone_state"]) == ("reserved", 500, "1001", "available")
    assert (body["name"], body["skills"], body["queues"]) == ("王芳", {"billing": 5}, ["billing"])
    assert (body["contact"]["id"], body["contact"]["queue"]) == ("c1", "billing")


async def test_live_calls(client: Client, world: World) -> None:
    """/api/calls shows where each caller is, at whichever server, the oldest call first."""
    world.call("call-2", server="node-2", duration_ms=90_000)
    world.call("call-1", server="node-1")

    other, call = (await get(client, "/api/calls"))["calls"]

    assert (other["id"], other["server"]) == ("call-2", "node-2")
    assert (call["id"], call["ani"], call["dnis"], call["language"]) == ("call-1", "+86*******8000", "4000", "zh")
    assert (call["stage"], call["flow"], call["node"]) == ("in_flow", "main", "welcome")
    assert (call["queue"], call["contact"], call["agent"]) == ("", "", "")
    assert (call["duration_ms"], call["started_at_ms"], call["server"]) == (60_000, NOW_MS - 60_000, "node-1")


async def test_a_call_that_waits_and_talks(client: Client, world: World) -> None:
    """A call names the contact that it makes now, and the queue in which that is by now; in a talk also the agent."""
    world.call("call-of-c1")
    world.queued("c1", 5_000)
    (call,) = (await get(client, "/api/calls"))["calls"]
    assert (call["stage"], call["contact"], call["queue"], call["agent"]) == ("waiting", "c1", "billing", "")

    world.write(ContactMoved("billing", "asked", 0), contact="c1", queue="sales")
    world.write(ContactConnected("o1", 5_000), contact="c1", agent="smith", queue="sales")
    (call,) = (await get(client, "/api/calls"))["calls"]
    assert (call["stage"], call["contact"], call["queue"], call["agent"]) == ("talking", "c1", "sales", "smith")

    world.write(ContactEnded("caller", 5_000, 0, 1_000), contact="c1", agent="smith", queue="sales")
    assert [call["stage"] for call in (await get(client, "/api/calls"))["calls"]] == ["in_flow"]
    world.write(ended(), contact="c1")
    assert (await get(client, "/api/calls"))["calls"] == []


async def test_what_the_flow_hands_the_agent_is_for_agents(client: Client, world: World) -> None:
    """The agent's current contact carries the flow's data, for tokens from the agent's on; a board on the wall sees none of it."""
    world.agent("wang", "ready")
    world.queued("c1", 1_000)
    world.write(OfferMade("o1", 0, "1001"), contact="c1", agent="wang")
    for role in ("agent", "supervisor"):
        agent = await (await client.get("/api/agents/wang", headers=bearer(role))).json()
        contact = await (await client.get("/api/contacts/c1", headers=bearer(role))).json()
        assert agent["contact"]["data"] == contact["data"] == {"account": "12345678"}
    assert "data" not in (await get(client, "/api/agents/wang"))["contact"]
    assert "data" not in await get(client, "/api/contacts/c1")


async def test_calls_that_were_lost_long_ago_are_not_shown(client: Client, world: World) -> None:
    """The list goes back twelve hours at every server, also at one that has run for longer."""
    lost = CallEnded("asterisk_restarted", 0, "orphan", "+8613800138000")
    for hours in (13, 11):
        world.write(lost, NOW_MS - hours * 3_600_000, contact=f"c{hours}")
    response = await client.get("/api/calls/lost", headers=bearer("supervisor"))
    assert [call["call"] for call in (await response.json())["calls"]] == ["call-of-c11"]


async def test_an_agents_state_is_changed(client: Client, world: World) -> None:
    """A pause with its reason goes to routing; the answer tells the state then."""
    response = await client.post("/api/agents/wang", json={"action": "pause", "reason": "lunch"}, headers=bearer("agent"))

    assert response.status == 200
    assert await response.json() == {"id": "wang", "action": "pause", "state": "paused"}
    assert world.routing_client.asked == [("wang", "pause", "lunch")]


async def test_what_the_table_refuses(client: Client, world: World) -> None:
    """A move that the table of agent states does not have is 409, with its sentence."""
    world.routing_client.reply = Reply("request-1", "ready", "an agent who is ready cannot resume; possible now: reserve, pause, log_out")

    response = await client.post("/api/agents/wang", json={"action": "resume"}, headers=bearer("agent"))

    error = await error_of(response, 409)
    assert error["code"] == "not_allowed"
    assert error["message"].startswith("An agent who is ready cannot resume")


async def test_nobody_routes(client: Client, world: World) -> None:
    """Without an answer from routing it is 503: it may still happen."""
    world.routing_client.reply = None

    response = await client.post("/api/agents/wang", json={"action": "resume"}, headers=bearer("agent"))

    assert (await error_of(response, 503))["code"] == "no_reply"
    assert response.headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("path", "code"), [("/api/queues/nope", "unknown_queue"), ("/api/agents/nope", "unknown_agent"), ("/nope", "not_found")]
)
async def test_what_is_not_there(client: Client, path: str, code: str) -> None:
    """Unknown things are 404, each with its own code."""
    assert (await error_of(await client.get(path, headers=bearer()), 404))["code"] == code


async def test_a_method_that_is_not_taken(client: Client) -> None:
    """405 names the methods that are."""
    response = await client.delete("/api/agents/wang", headers=bearer("admin"))

    assert (await error_of(response, 405))["code"] == "method_not_allowed"
    assert response.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ({"action": "log_in", "phone": "1020"}, ("1020",)),
        ({"action": "log_in", "phone": "1001"}, ("1001",)),
        ({"action": "extend_wrap_up"}, ()),
        ({"action": "end_wrap_up", "disposition": "1"}, ("1",)),
        ({"action": "dispose", "disposition": "0042"}, ("0042",)),
        ({"action": "end_wrap_up", "contact": "c1"}, ("c1",)),
        ({"action": "leave_queue", "queue": "billing"}, ("billing",)),
        ({"action": "join_queue", "queue": "billing"}, ("billing",)),
    ],
)
async def test_what_else_an_agent_may_want(client: Client, world: World, body: dict[str, str], more: tuple[str, ...]) -> None:
    """Each action reaches routing with what belongs to it."""
    response = await client.post("/api/agents/wang", json=body, headers=bearer("agent"))

    assert response.status == 200, await response.text()
    assert world.routing_client.asked == [("wang", body["action"], *more)]


async def test_what_an_agent_may_do_is_shown(client: Client, world: World) -> None:
    """Queues with the agent's part in them, those left for now, attributes, and after a contact how it may have gone."""
    agent = world.view.agents["smith"]
    agent.left_queues, agent.last_contact, agent.last_queue = ["billing"], "c1", "billing"

    body = await get(client, "/api/agents/smith")

    assert (body["left_queues"], body["attributes"]) == (["billing"], {"site": "berlin"})
    assert body["memberships"] == {
        "billing": {"tier": 1, "weight": 1.0, "level": 0},
        "sales": {"tier": 2, "weight": 1.0, "level": 0},
    }
    assert (body["last_contact"], body["dispositions"]) == ("c1", {"1": "solved"})
    assert (await get(client, "/api/queues/billing"))["dispositions"] == {"1": "solved"}
    assert (await get(client, "/api/agents/wang"))["dispositions"] == {}


async def test_a_contact(client: Client, world: World) -> None:
    """While it waits, and while it talks: the wait stands still then."""
    world.queued("c1", 40_000, priority=60)
    waiting = await get(client, "/api/contacts/c1")
    assert (waiting["queue"], waiting["position"], waiting["waited_ms"], waiting["priority"]) == ("billing", 1, 40_000, 60)
    assert waiting["expected_wait_ms"] is None
    assert (waiting["ani"], waiting["agent"], waiting["talk_ms"]) == ("+86*******8000", "", 0)

    world.write(ContactConnected("offer-1", 30_000), NOW_MS - 10_000, contact="c1", agent="wang")
    talking = await get(client, "/api/contacts/c1")
    assert (talking["state"], talking["agent"], talking["talk_ms"], talking["waited_ms"]) == ("connected", "wang", 10_000, 30_000)
    assert talking["position"] == 0


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"action": "prioritise", "priority": 120}, ("c1", "prioritise", 120)),
        ({"action": "prioritise", "priority": 0}, ("c1", "prioritise")),
        ({"action": "move", "queue": "sales"}, ("c1", "move", "sales")),
        ({"action": "withdraw"}, ("c1", "withdraw")),
    ],
)
async def test_a_waiting_contact_is_changed(client: Client, world: World, body: dict[str, Any], asked: tuple[Any, ...]) -> None:
    """By a supervisor; routing's answer is passed on, its refusal, too."""
    world.queued("c1", 1_000)
    world.routing_client.reply = Reply("request-1", "waiting")

    response = await client.post("/api/contacts/c1", json=body, headers=bearer("supervisor"))

    assert await response.json() == {"id": "c1", "action": body["action"], "state": "waiting"}
    assert world.routing_client.asked == [asked]
    world.routing_client.reply = Reply("request-2", "connected", "the contact talks already")
    refused = await client.post("/api/contacts/c1", json=body, headers=bearer("supervisor"))
    assert (await error_of(refused, 409))["message"] == "The contact talks already."


WRONG_REQUESTS = [
    ("/api/contacts/c1", {"action": "prioritise"}, 400, "bad_request", "prioritise needs the field priority."),
    ("/api/contacts/c1", {"action": "prioritise", "priority": "9"}, 400, "bad_request", "The priority must be a whole number of seconds"),
    ("/api/contacts/c1", {"action": "prioritise", "priority": True}, 400, "bad_request", "The priority must be a whole number"),
    ("/api/contacts/c1", {"action": "prioritise", "priority": 10**9}, 400, "bad_request", "The priority must be a whole number"),
    ("/api/contacts/c1", {"action": "move"}, 400, "bad_request", "move needs the field queue."),
    ("/api/contacts/c1", {"action": "move", "queue": "sale"}, 400, "unknown_queue", "There is no queue 'sale'"),
    ("/api/contacts/c1", {"action": "move", "queue": ["sales"]}, 400, "bad_request", "The queue must be text of one line"),
    ("/api/contacts/c1", {"action": "withdraw", "queue": "sales"}, 400, "bad_request", "The field queue belongs to move, not to withdraw."),
    ("/api/contacts/c1", {"action": "withdrawn"}, 400, "bad_request", "Unknown action 'withdrawn' - did you mean 'withdraw'?"),
    (
        "/api/contacts/c1",
        {"action": "withdraw", "agent": "li"},
        400,
        "bad_request",
        "Unknown field 'agent'; there are action, priority and",
    ),
    ("/api/contacts/c9", {"action": "withdraw"}, 404, "unknown_contact", "There is no contact 'c9' now"),
    ("/api/agents/wang", {"action": "log_in", "phone": "9999"}, 400, "unknown_phone", "There is no phone '9999'"),
    ("/api/agents/wang", {"action": "pause", "phone": "1020"}, 400, "bad_request", "The field phone belongs to log_in, not to pause."),
    ("/api/agents/wang", {"action": "join_queue"}, 400, "bad_request", "join_queue needs the field queue."),
    ("/api/agents/wang", {"action": "join_queue", "queue": "sale"}, 400, "unknown_queue", "There is no queue 'sale'"),
    ("/api/agents/wang", {"action": "dispose"}, 400, "bad_request", "dispose needs the field disposition."),
    ("/api/agents/wang", {"action": "dispose", "disposition": 1}, 400, "bad_request", "The disposition must be a code of 1 to 4 digits"),
    ("/api/agents/wang", {"action": "dispose", "disposition": "12345"}, 400, "bad_request", "The disposition must be a code"),
]


@pytest.mark.parametrize(("path", "body", "status", "code", "said"), WRONG_REQUESTS, ids=[f"{said[:40]}" for *_, said in WRONG_REQUESTS])
async def test_a_request_that_makes_no_sense(
    client: Client, world: World, path: str, body: dict[str, Any], status: int, code: str, said: str
) -> None:
    """What is wrong is said, and routing hears nothing."""
    world.queued("c1", 1_000)

    error = await error_of(await client.post(path, json=body, headers=bearer("supervisor")), status)

    assert error["code"] == code
    assert error["message"].startswith(said)
    assert world.routing_client.asked == []


BAD_BODIES: list[tuple[bytes, int, str]] = [
    (b"", 400, "malformed_json"),
    (b"{", 400, "malformed_json"),
    (b"\xff\xfe\x00", 400, "malformed_json"),
    (b"[" * 30_000, 400, "malformed_json"),
    (b"[]", 400, "bad_request"),
    (b'"pause"', 400, "bad_request"),
    (b"{}", 400, "bad_request"),
    (b'{"action": "log_inn"}', 400, "bad_request"),
    (b'{"action": ["pause"]}', 400, "bad_request"),
    (b'{"action": {"pause": 1}}', 400, "bad_request"),
    (b'{"action": "pause", "reason": 7}', 400, "bad_request"),
    (b'{"action": "pause", "reason": "a\\r\\nAction: Originate"}', 400, "bad_request"),
    (b'{"action": "pause", "reason": "' + b"x" * 81 + b'"}', 400, "bad_request"),
    (b'{"action": "resume", "reason": "lunch"}', 400, "bad_request"),
    (b'{"action": "pause", "agent": "smith"}', 400, "bad_request"),
    (b'{"action": "' + b"x" * (64 * 1024 - 14) + b'"}', 400, "bad_request"),  # as long as may be
    (b'{"action": "' + b"x" * (64 * 1024 - 13) + b'"}', 413, "too_large"),
    (b'{"action": "' + b"x" * 70_000 + b'"}', 413, "too_large"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD_BODIES, ids=[str(body[:30]) for body, _, _ in BAD_BODIES])
async def test_hostile_bodies(client: Client, world: World, body: bytes, status: int, code: str) -> None:
    """Whatever is sent, the answer is an error in the one shape, routing hears nothing, and the next request is served."""
    response = await client.post("/api/agents/wang", data=body, headers=bearer("agent"))

    assert (await error_of(response, status))["code"] == code
    assert world.routing_client.asked == []
    assert (await client.get("/healthz")).status == 200


async def test_a_misspelt_action_is_guessed(client: Client) -> None:
    """The sentence says what was probably meant."""
    response = await client.post("/api/agents/wang", json={"action": "log_inn"}, headers=bearer("agent"))

    assert "did you mean 'log_in'?" in (await error_of(response, 400))["message"]


async def test_every_problem_of_a_body_is_told(client: Client) -> None:
    """In one answer: as sentences for people, and field by field for programs."""
    response = await client.post("/api/agents/wang", json={"action": "pause", "reason": 7, "agent": "li"}, headers=bearer("agent"))

    error = await error_of(response, 400)
    assert [problem["field"] for problem in error["problems"]] == ["reason", "agent"]
    assert error["message"] == " ".join(problem["message"] for problem in error["problems"])


async def test_teams(client: Client) -> None:
    """Their names, their leaders, and who is in them at this moment; an agent shows the team, and a list may be of one."""
    assert await get(client, "/api/teams") == {
        "at_ms": NOW_MS,
        "teams": [
            {"name": "north", "names": {"zh": "北区班"}, "leaders": ["wang"], "agents": []},
            {"name": "south", "names": {}, "leaders": [], "agents": ["smith"]},
        ],
    }
    assert [agent["team"] for agent in (await get(client, "/api/agents"))["agents"]] == ["", "south"]
    for team, ids in (("south", ["smith"]), ("north", []), ("", ["wang"])):
        assert [agent["id"] for agent in (await get(client, f"/api/agents?team={team}"))["agents"]] == ids
    error = await error_of(await client.get("/api/agents?team=sauth", headers=bearer()), 400)
    assert (error["code"], error["message"]) == ("unknown_team", "There is no team 'sauth'; GET /api/teams lists them.")


async def test_parameters_that_an_address_does_not_take(client: Client) -> None:
    """A filter that does not exist is not answered with everything; health checks and metrics may send what they like."""
    error = await error_of(await client.get("/api/agents?skill=billing", headers=bearer()), 400)

    assert error["message"] == "Unknown parameter 'skill'; this address takes team."
    assert (await client.get("/healthz?nocache=1")).status == 200
    assert (await client.get("/api/agents?skill=billing")).status == 401


async def test_a_defect_of_ours(client: Client, world: World) -> None:
    """An exception is 500 with an id and without a word about what it was."""
    world.health.states = None  # type: ignore[assignment]

    response = await client.get("/readyz")

    error = await error_of(response, 500)
    assert (error["code"], error["id"]) == ("internal", "error-1")
    assert "error-1" in error["message"]
    assert "NoneType" not in str(error)


@pytest.mark.parametrize("path", ["/healthz", "/api/queues", "/nope", "/api/agents/nope"])
async def test_safe_headers(client: Client, path: str) -> None:
    """Nothing is kept by proxies or guessed by browsers, and nobody is told what this runs on; errors included."""
    response = await client.get(path)

    for name, value in SAFE_HEADERS.items():
        assert response.headers[name] == value


async def test_head_requests(client: Client) -> None:
    """HEAD is GET without a body, for those who only watch."""
    response = await client.head("/healthz")

    assert (response.status, await response.read()) == (200, b"")


async def test_metrics_from_this_machine_need_no_token(client: Client) -> None:
    """Prometheus on the same machine may ask without one; through a proxy it may not."""
    assert await (await client.get("/metrics")).read() == b"hotline_waiting 0\n"

    response = await client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})

    assert (await error_of(response, 401))["code"] == "unauthorized"


async def test_the_index_lists_every_route(client: Client) -> None:
    """/api tells a newcomer what there is."""
    routes = (await get(client, "/api"))["routes"]

    assert {"method": "POST", "path": "/api/agents/{id}", "role": "agent"}.items() <= routes[8].items()
    assert all(route["summary"].endswith((".", "}")) for route in routes)


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    b"GARBAGE\r\n\r\n",
    b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
    b"POST /api/agents/wang HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\nAuthorization: Bearer token-of-somebody\r\n\r\n",
    b"POST /api/agents/wang HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
]


@pytest.mark.parametrize("data", GARBAGE, ids=[str(data[:20]) for data in GARBAGE])
async def test_bytes_that_are_not_http(world: World, caplog: pytest.LogCaptureFixture, data: bytes) -> None:
    """They get an error in the one shape, cost one line of the log without what was sent, and the next request is served."""
    listener = Listener(make_api(world.services), "127.0.0.1", 0)
    await listener.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(data)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{listener.port}/healthz") as response:
            alive = response.status
    finally:
        await listener.stop()

    assert b" 400 Bad Request" in head.splitlines()[0]
    assert b"Server: Hotline" in head
    assert json.loads(body)["error"]["code"] == "malformed_request"
    assert alive == 200
    assert len(caplog.records) == 1
    assert "token-of-somebody" not in caplog.text


async def test_a_port_in_use(world: World) -> None:
    """Two servers on one port: the second says so in a sentence that tells what to do."""
    first = Listener(make_api(world.services), "127.0.0.1", 0)
    await first.start()
    second = Listener(make_api(world.services), "127.0.0.1", first.port)
    try:
        with pytest.raises(CannotListen, match=f"HTTP port {first.port} on 127.0.0.1 is in use by another program: end that one"):
            await second.start()
    finally:
        await second.stop()
        await first.stop()


async def test_an_address_that_is_not_ours(world: World) -> None:
    """Listening on an address of another machine is told as such."""
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1 is not an address of this machine"):
        await Listener(make_api(world.services), "192.0.2.1", 0).start()
