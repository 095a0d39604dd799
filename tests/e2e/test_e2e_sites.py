"""A site as a whole: beside another one, started again, stopped with calls, and refusing to start with a reason."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from simulator.home import ROOT
from simulator.phone import answer_after, sine
from tests.e2e.e2e_house import AGENT_HZ, House, OwnSite, copy_site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _up(state: Path, config: Path, dialplans: Path) -> tuple[int, str]:
    """`up` that is expected to end by itself: its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "up", "--state", str(state), "--config", str(config), "--dialplans", str(dialplans)),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, said.decode()


async def test_two_sites_and_a_second_start(house: House, own_site: OwnSite, measured: list[str]) -> None:
    """Another site runs beside the first one, each with its own calls; started again it goes on where it was."""
    await own_site.start()
    assert all(own_site.ports[kind] != house.site.ports[kind] for kind in ("sip", "agi", "ami", "http"))
    async with House(own_site) as other:
        await other.agent("wang")
        here, there = await house.dial("4100"), await other.dial("4100")
        await there.event("contact_connected")
        await here.event("contact_queued")
        assert here.told("offer_made") == []
    assert await own_site.stop() == 0
    began = asyncio.get_running_loop().time()
    await own_site.start()
    measured.append(f"second start: {asyncio.get_running_loop().time() - began:.1f} s")
    await own_site.feed.wait_for("agent_logged_out", within=5, agent="wang")  # the log goes on where it was
    async with House(own_site) as again:
        assert (await (await again.dial("4000")).event("flow_started"))["flow"] == "main"


async def test_a_stop_lets_calls_finish(own_site: OwnSite) -> None:
    """SIGTERM: the running call goes on and ends as usual, a new one is not taken, and then everything ends with code 0."""
    await own_site.start()
    house = House(own_site)
    try:
        phone = await house.agent("wang", answer_after(0.1, say=sine(AGENT_HZ, 1.0)))
        guest = await house.dial("4100")
        connected = await guest.event("contact_connected")
        talk = await phone.next_call(1)
        own_site.send_signal(signal.SIGTERM)
        await guest.call.pause(1.0)
        start = len(guest.call.heard)
        late = await (await house.phone("caller2")).call("4000")
        with pytest.raises(TimeoutError):
            await house.feed.wait_for("call_arrived", within=2, after=house.feed.events.index(connected))
        await guest.call.hears(AGENT_HZ, 2, start=start)
        await late.hang_up()
        await talk.hang_up()
        assert (await guest.event("contact_ended"))["data"]["ended_by"] == "agent"
        await guest.over()
        assert await asyncio.wait_for(own_site.stop(), 15) == 0
    finally:
        await house.send_home()


async def test_mistakes_are_told_all_at_once(tmp_path: Path) -> None:
    """`up` with three mistakes in three files names each with file, line and column, and does not start."""
    copy_site(tmp_path, BACKEND_PORT=1, SILENT_PORT=2)
    for name, right, wrong in (
        ("config/queues.yaml", "ring_timeout: 3s", "ring_timeuot: 3s"),
        ("config/agents.yaml", "queues: [billing, technical]", "queues: [biling, technical]"),
        ("dialplans/main.yaml", "next: choices", "next: choises"),
    ):
        path = tmp_path / name
        path.write_text(path.read_text().replace(right, wrong, 1))
    code, said = await _up(tmp_path / "state", tmp_path / "config", tmp_path / "dialplans")
    assert code == 1
    lines = said.splitlines()
    for place, hint in (("queues.yaml:2:3:", "'ring_timeout'"), ("agents.yaml:7:", "'billing'"), ("main.yaml:12:", "'choices'")):
        assert any(place in line and f"did you mean {hint}" in line for line in lines), said
    assert "Traceback" not in said
    assert not (tmp_path / "state" / "run").exists()


async def test_a_port_in_use_is_one_sentence(house: House, tmp_path: Path) -> None:
    """A recorded port that another program has: one sentence that names the port and what to do."""
    copy_site(tmp_path, BACKEND_PORT=1, SILENT_PORT=2)
    taken = house.site.ports
    ports = {name: port + 1003 for name, port in taken.items()} | {"sip": taken["sip"]}
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "ports.json").write_text(json.dumps(ports))
    code, said = await _up(tmp_path / "state", tmp_path / "config", tmp_path / "dialplans")
    assert code == 1
    assert f"port {taken['sip']} (SIP) is in use" in said
    assert len(said.strip().splitlines()) == 2  # which site it is, and the sentence
    assert "Traceback" not in said


async def test_one_state_folder_runs_once(house: House) -> None:
    """A second start with the state folder of a running site: one sentence, and the first goes on."""
    site = house.site
    assert isinstance(site, OwnSite)
    code, said = await _up(site.state, site.folder / "config", site.folder / "dialplans")
    assert code == 1
    assert "running already" in said
    assert len(said.strip().splitlines()) == 2  # which site it is, and the sentence
    guest = await house.dial("4000")
    await guest.at_node("language")
