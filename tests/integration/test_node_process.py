"""Whether a server node serves: only the word of the very process that was started counts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from server.processes.node_process import NodeProcess
from server.state_folder.ports import Ports

pytestmark = pytest.mark.integration

CHILD = 4711


@dataclass(frozen=True)
class Folders:
    state: Path
    config: Path
    dialplans: Path
    listen: str = "127.0.0.1"


class OnThePort:
    """Whatever answers on the node's HTTP port."""

    port = 0
    says: object = None


@pytest.fixture
async def there() -> AsyncIterator[OnThePort]:
    there = OnThePort()

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(there.says)

    app = web.Application()
    app.router.add_get("/{path}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    there.port = runner.addresses[0][1]
    yield there
    await runner.cleanup()


@pytest.mark.parametrize(
    ("says", "believed"),
    [({"ready": True, "pid": CHILD}, True), ({"ready": True, "pid": CHILD + 1}, False), ({"ready": True}, False), ("ready", False)],
)
async def test_only_the_childs_own_word_counts(
    there: OnThePort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: object, believed: bool
) -> None:
    """A program that has the port, or a node that was left over, answers 200 and is not believed."""
    monkeypatch.setattr(NodeProcess, "pid", CHILD)
    there.says = says
    node = NodeProcess(Folders(tmp_path, tmp_path, tmp_path), Ports(http=there.port), 1.0)

    assert await node._ready() is believed
