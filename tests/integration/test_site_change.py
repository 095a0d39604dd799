"""Another site while a whole server node serves: a real Redis, a fake Asterisk. Everything on the node follows, and no call is hurt."""

import gc
import types
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from routing.board.redefinition import ChangeRefused
from routing.domain.events.contacts import ContactEnded, ContactMoved
from server.http import answers
from simulator.fake_asterisk import FakeCall
from tests.integration.switchboard import NodeHouse, verbs
from tests.private_redis import PrivateRedis
from tests.told import fact

pytestmark = pytest.mark.integration

AGENTS = """\
agents:
  smith: {name: Alice, phone: "1002", skills: {lang_en: 5}, queues: [billing, support], wrap_up: 0}
  jones: {name: Jo, phone: "1003", skills: {lang_en: 3}, queues: [billing, support], wrap_up: 0}
"""
QUEUES = "queues:\n  billing: {wrap_up: 0, announce_position: {first: 0, every: 0}}\n  support: {wrap_up: 0}\n"


@pytest.fixture
async def house(tmp_path: Path, redis_server: PrivateRedis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NodeHouse]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = NodeHouse(tmp_path, redis_server.url)
    made.board.phones["1003"] = "NOT_INUSE"  # registered, and nobody's yet
    await made.start()
    yield made
    await made.stop()


async def in_queue(house: NodeHouse, number: int) -> FakeCall:
    call = await house.call(uniqueid=f"17000000{number}.1", channel=f"PJSIP/trunk-0000000{number}")
    id = f"call-{call.env['agi_uniqueid']}"
    await house.until("node_entered", call=id, node="hello")
    await call.until(lambda call: "STREAM FILE" in verbs(call))
    house.board.press(call, "1")
    await house.until("contact_queued", call=id)
    return call


async def test_agents_and_queues_change_under_running_calls(house: NodeHouse) -> None:
    """The agent who is removed finishes the talk; the new one, whose phone is registered already, takes the next caller; what HTTP and
    metrics say follows, and so do the headers of look-ups and the limit of calls."""
    node = house.node
    await house.work_begins("wang")
    await in_queue(house, 1)
    await house.until("offer_ringing", agent="wang")
    house.board.does("1001", "answers")
    await house.until("contact_connected", agent="wang")
    house.site.write("config/agents.yaml", AGENTS)
    house.site.write("config/queues.yaml", QUEUES)
    main = (house.site.folder / "config/hotline.yaml").read_text()
    house.site.write("config/hotline.yaml", main + "lookup_headers: {X-Key: new}\nlimits: {calls: 77}\n")
    site = house.site.load()
    await node.change_site(site)

    assert (node.site, node.routing.view.directory, node.telephony.agi.max_sessions) == (site, site.directory, 77)
    assert node.telephony.lookup._headers() == {"X-Key": "new"}
    assert set(node.routing.view.agents) == {"smith", "jones"}
    assert 'hotline_waiting{queue="support"} 0.0' in node.metrics.render().decode()
    assert answers.queue(node.routing.view, "support", node.routing.clock.now_ms())["agents"]["logged_out"] == 2

    assert (await node.routing.client.ask("jones", "log_in")).error == ""
    assert "there is no agent 'wang'" in (await node.routing.client.ask("wang", "pause")).error
    await in_queue(house, 2)
    await house.until("offer_ringing", agent="jones")
    house.board.does("1003", "answers")
    await house.until("contact_connected", agent="jones")
    house.board.does("1001", "hangs up")
    await house.until("agent_removed", agent="wang")
    ended = await house.until("contact_ended", agent="wang")
    assert fact(ended, ContactEnded).ended_by == "agent"


async def test_a_queue_with_callers_moves_them_or_stays(house: NodeHouse) -> None:
    """The refusal changes nothing on the node; with a queue that takes them the callers wait there, and old flows lead there, too."""
    node, before = house.node, house.node.site
    await in_queue(house, 1)
    house.site.write("config/queues.yaml", QUEUES.replace("  billing:", "  accounts:"))
    house.site.write("config/agents.yaml", AGENTS.replace("billing", "accounts"))
    flow = house.site.folder / "dialplans/main.yaml"
    flow.write_text(flow.read_text().replace("queue: billing", "queue: accounts"))
    site = house.site.load()
    with pytest.raises(ChangeRefused, match="1 caller waits in 'billing'"):
        await node.change_site(site)
    assert (node.site, node.routing.view.directory) == (before, before.directory)

    late = await house.call(uniqueid="1700000009.1", channel="PJSIP/trunk-00000009")  # walks the old flow
    await late.until(lambda call: "STREAM FILE" in verbs(call))
    await node.change_site(site, {"billing": "accounts"})
    moved = await house.until("contact_moved", queue="accounts")
    assert fact(moved, ContactMoved).reason == "queue_removed"
    house.board.press(late, "1")
    await house.until("contact_queued", call="call-1700000009.1", queue="accounts")
    await house.work_begins("smith")
    await house.until("offer_ringing", agent="smith", contact=moved.contact)


async def test_nothing_keeps_the_old_directory(house: NodeHouse) -> None:
    """Behind a change no object of the node leads to the site's directory of before: one holder has the new one."""
    node, before = house.node, house.node.site.directory
    await house.work_begins("wang", "smith")
    house.site.write("config/agents.yaml", AGENTS.replace("[billing, support]", "[billing]"))
    site = house.site.load()
    await node.change_site(site)
    own = "test_nothing_keeps_the_old_directory"
    assert set(holders(site.directory, node)) >= {"CurrentDirectory", "Site"}
    assert [kind for kind in holders(before, node) if kind != own] == []


def holders(wanted: object, root: object) -> list[str]:
    """The kinds of objects that hold `wanted` directly, as far as `root` leads to them; coroutines by name."""
    found, seen, ahead = list[str](), {id(root)}, [root]
    while ahead:
        one = ahead.pop()
        for other in gc.get_referents(one):
            if other is wanted:
                found.append(_kind(one))
            elif id(other) not in seen and not isinstance(other, type | types.ModuleType | types.FrameType):
                seen.add(id(other))
                if not (isinstance(other, types.FunctionType) and other.__closure__ is None):
                    ahead.append(other)
    return found


def _kind(one: Any) -> str:
    return one.cr_code.co_name if isinstance(one, types.CoroutineType) else type(one).__name__
