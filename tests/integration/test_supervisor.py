"""`up` as far as it needs no Asterisk of its own: reasons not to start, in a sentence each, and a node kept alive as a process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from server.cli.up import up
from server.processes.node_process import NodeProcess
from server.processes.supervisor import Supervisor, UpOptions
from server.state_folder.ports import Ports
from tests.free_ports import free_port
from tests.integration.switchboard import Switchboard, verbs
from tests.private_redis import PrivateRedis
from tests.settings_house import SmallSite

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSite:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return SmallSite(tmp_path)


def options(site: SmallSite) -> UpOptions:
    return UpOptions(site.folder / "state", site.folder / "config", site.folder / "dialplans")


async def test_a_second_start_with_the_same_state_folder(site: SmallSite) -> None:
    """One sentence, exit code 1; the first one goes on, and its end frees the folder."""
    first = Supervisor(options(site), print)
    first.options.state.mkdir()
    first._take_lock()
    said: list[str] = []
    assert await up(options(site), said.append) == 1
    state = site.folder / "state"
    assert said == [f"hotline: a Hotline is running already with the state folder {state}: stop it, or start this one with --state DIR"]
    await first.stop()
    second = Supervisor(options(site), print)
    second._take_lock()
    await second.stop()


async def test_mistakes_in_the_configuration(site: SmallSite) -> None:
    """All of them, and nothing is started or written."""
    site.change("config/numbers.yaml", "default: main", "default: mein")
    site.change("config/queues.yaml", "wrap_up: 5s", "wrap_up: 5")
    said: list[str] = []
    assert await up(options(site), said.append) == 1
    (text,) = said
    assert [line.rpartition("/config/")[2].split(": ")[0] for line in text.splitlines()] == ["numbers.yaml:3:10", "queues.yaml:6:20"]
    assert not (site.folder / "state").exists()


async def test_a_port_that_is_taken(site: SmallSite) -> None:
    """Named, with what to do."""
    (site.folder / "state").mkdir()
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    fields = {
        "agi": port,
        "sip": free_port(),
        "ami": free_port(),
        "http": free_port(),
        "asterisk_http": free_port(),
        "rtp_first": 30000,
    }
    (site.folder / "state/ports.json").write_text(str(fields).replace("'", '"'))
    said: list[str] = []
    assert await up(options(site), said.append) == 1
    assert f"port {port} (FastAGI) is in use by another program" in said[0]
    taken.close()
    await taken.wait_closed()


# -- a node as a process ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def board() -> AsyncIterator[Switchboard]:
    made = Switchboard("1001", "1002")
    await made.ami.start()
    yield made
    await made.close()


@pytest.fixture
async def running(site: SmallSite, board: Switchboard, redis_server: PrivateRedis) -> AsyncIterator[Supervisor]:
    """The site with an Asterisk and a Redis of somebody else's, watched."""
    asterisk = f"asterisk: {{mode: external, ami_port: {board.ami.port}, ami_secret_file: ami.secret}}"
    site.write("config/ami.secret", "s3cret\n")
    site.change("dialplans/main.yaml", "closed: bye", "closed: wait")  # on a Sunday, too, the call is still there when its server is killed
    site.change(
        "config/hotline.yaml", "country: CN", f"country: CN\n{asterisk}\nredis: {{url: '{redis_server.url}'}}\nlimits: {{drain: 1s}}"
    )
    supervisor = Supervisor(options(site), lambda text: said.append(text))
    said: list[str] = []
    await supervisor.start()
    watching = asyncio.create_task(supervisor.watch())
    yield supervisor
    supervisor._stopping.set()
    await watching
    await supervisor.stop()
    assert said[-1] == "stopping the server"


def node_of(supervisor: Supervisor) -> NodeProcess:
    (part,) = [part for _, part in supervisor._parts]
    assert isinstance(part, NodeProcess)
    return part


async def eventually(condition: Callable[[], Awaitable[bool]], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


async def test_a_node_that_is_killed_is_started_again(running: Supervisor, board: Switchboard) -> None:
    """kill -9: the call that it held goes on at the node that comes after it, in the queue where it was."""
    ports: Ports = running.ports
    node = node_of(running)
    first = node.pid
    call = await board.call(("127.0.0.1", ports.agi))
    await call.until(lambda call: "EXEC ANSWER" in verbs(call))

    os.kill(first, signal.SIGKILL)
    await call.until_gone()
    assert "HOTLINE_DONE" not in call.variables

    async def back() -> bool:
        return node.pid not in (0, first) and await node._ready()

    await eventually(back)
    again = await board.call(("127.0.0.1", ports.agi), uniqueid=call.env["agi_uniqueid"])
    await again.until(lambda call: bool(call.commands))
    board.hang_up(again)
    await again.until_gone()


async def test_a_node_that_does_not_answer_is_ended_and_started_again(running: Supervisor) -> None:
    """Frozen is worse than dead: it keeps its callers. After some seconds of silence another one takes its place."""
    node = node_of(running)
    first = node.pid
    os.kill(first, signal.SIGSTOP)

    async def replaced() -> bool:
        return node.pid not in (0, first) and await node._ready()

    await eventually(replaced)
