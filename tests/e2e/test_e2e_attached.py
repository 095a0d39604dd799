"""Hotline attached to the Asterisk and the Redis of an office: what is printed is pasted, calls go both ways, and each gap is named."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from server.installation import Installation
from server.processes.redis_process import find_program
from server.settings import load_site
from simulator.home import ROOT
from simulator.phone import answer_after, sine
from tests.e2e.e2e_house import AGENT_HZ, OwnSite
from tests.e2e.office import Office
from tests.free_ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "redis-of-the-office"


class Attached(OwnSite):
    """The test site, attached to an office and its Redis."""

    def __init__(self, office: Office, redis_port: int) -> None:
        super().__init__()
        self.folder.chmod(0o755)
        self.main = self.folder / "config/hotline.yaml"
        self.redis_password = self.folder / "config/redis.password"
        self.redis_password.write_text(PASSWORD + "\n")
        asterisk = f"asterisk: {{mode: external, ami_port: {office.ami}}}"
        redis = f"redis: {{url: 'redis://127.0.0.1:{redis_port}/0', password_file: redis.password}}"
        self.main.write_text(f"{self.main.read_text()}\n{asterisk}\n{redis}\n")

    async def command(self, *words: str) -> tuple[int, str]:
        """`./hotline` with the folders of the site: the exit code, and what it said."""
        folders = ["--state", str(self.state), "--config", str(self.folder / "config"), "--dialplans", str(self.folder / "dialplans")]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", *words, *folders),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, said.decode()

    async def readyz(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as client, client.get(f"{self.url}/readyz") as answer:
            return dict(await answer.json())

    async def metrics(self) -> str:
        async with aiohttp.ClientSession() as client, client.get(f"{self.url}/metrics") as answer:
            return await answer.text()


@dataclass(frozen=True, slots=True)
class Place:
    """An office with Hotline pasted in; `before` is what its dialplan was without, context by context."""

    office: Office
    site: Attached
    before: dict[str, str]


async def contexts(office: Office) -> dict[str, str]:
    return {name: await office.command(f"dialplan show {name}") for name in ("trunks", "agents", "transfer", "served", "outbound")}


def paste(office: Office, printed: str) -> None:
    """What `asterisk-config` says is to be done, step by step."""
    office.paste(printed)
    office.edit("manager.conf", "enabled = yes", "enabled = yes\nchannelvars = HOTLINE_OFFER")
    office.edit("extensions.conf", "include => outbound", "include => outbound\ninclude => hotline-agents")
    office.edit("pjsip.conf", "direct_media = no", "direct_media = no\nrtp_timeout = 30\nrtp_timeout_hold = 14400\nallow_transfer = yes")
    office.edit("extensions.conf", "Goto(office,4000,1)", "Goto(hotline,4000,1)")


@pytest.fixture(scope="module")
def redis_port() -> Iterator[int]:
    """A Redis that wants a password."""
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="hl-redis-"))
    options = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--dir", str(folder), "--save", ""]
    process = subprocess.Popen([str(find_program()), *options], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    yield port
    process.kill()
    process.wait()
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(redis_port: int) -> AsyncIterator[Place]:
    """The office runs, everything is pasted as told, Hotline does not run."""
    office = Office(sip=free_port(), ami=free_port(), rtp=30_000)
    site = Attached(office, redis_port)
    try:
        await office.start()
        before = await contexts(office)
        code, said = await site.command("asterisk-config", "--secret")
        assert code == 0
        code, unknown = await site.command("asterisk-check")
        assert (code, "refused our AMI login" in unknown) == (1, True)
        paste(office, said)
        await office.command("core reload")
        yield Place(office, site, before)
    finally:
        await site.stop()
        await office.close()
        site.clean()


async def test_pasted_as_told_it_has_everything(place: Place) -> None:
    """The check finds nothing missing after the steps that are printed, and nothing that the office had is changed."""
    code, said = await place.site.command("asterisk-check")

    assert (code, said.strip().splitlines()[1:]) == (0, [])
    assert "it has everything" in said
    after = await contexts(place.office)
    assert after.pop("trunks") != place.before["trunks"]  # that is where the calls are sent to Hotline
    assert after == {name: text for name, text in place.before.items() if name != "trunks"}
    assert "'110'" not in await place.office.command("dialplan show hotline-agents")


@dataclass(frozen=True, slots=True)
class Lack:
    """Something taken away from one file, how it takes effect, and the words that name it."""

    file: str
    before: str
    after: str
    effect: str
    words: tuple[str, ...]
    dangerous: bool = True


RELOAD = "manager reload"
LACKS = {
    "read = call": Lack("manager.conf", "read = call,dtmf,user", "read = dtmf,user", RELOAD, ("lacks read = call", "ready agents")),
    "read = dtmf": Lack("manager.conf", "read = call,dtmf,user", "read = call,user", RELOAD, ("lacks read = dtmf",)),
    "read = user": Lack("manager.conf", "read = call,dtmf,user", "read = call,dtmf", RELOAD, ("lacks read = user",)),
    "write = reporting only": Lack(
        "manager.conf", "write = call,originate,reporting", "write = reporting", RELOAD, ("lacks write = call", "lacks write = originate")
    ),
    "no reporting": Lack("manager.conf", "write = call,originate,reporting", "write = call,originate", RELOAD, ("write = reporting",)),
    "channelvars": Lack(
        "manager.conf", "channelvars = HOTLINE_OFFER", "channelvars = OTHER", RELOAD, ("channelvars = hotline_offer",), False
    ),
    "devicestate": Lack("", "", "", "res_manager_devicestate", ("res_manager_devicestate.so is not loaded",)),
    "app_stack": Lack("", "", "", "app_stack", ("app_stack.so is not loaded",)),
    "context": Lack("extensions.conf", "[hotline-transfer]", "[hotline-gone]", "dialplan reload", ("no context hotline-transfer",)),
    "check": Lack("extensions.conf", "[hotline-check]", "[hotline-gone]", "dialplan reload", ("the check call brought no answer",)),
    "version": Lack(
        "extensions.conf",
        "Set(HOTLINE_CHECK_FOUND=${EXTEN} ",
        "Set(HOTLINE_CHECK_FOUND=${EXTEN} old",
        "dialplan reload",
        ("another version",),
        False,
    ),
    "features": Lack("features.conf", "blindxfer => ##", "", "module reload features", ("a single #",), False),
    "music": Lack("musiconhold.conf", "[default]", "[other]", "moh reload", ("no music",), False),
    "rtp_timeout": Lack("pjsip.conf", "rtp_timeout = 30", "rtp_timeout = 0", "module reload res_pjsip.so", ("have no rtp_timeout",), False),
    "phone": Lack("extensions.conf", "include => hotline-agents", "", "dialplan reload", ("does not know *40",), False),
}


@pytest.mark.parametrize("name", LACKS)
async def test_each_gap_is_named(place: Place, name: str) -> None:
    """What is taken away is named in words with what to do, and named no more when it is back."""
    lack, office = LACKS[name], place.office
    if lack.file:
        office.edit(lack.file, lack.before, lack.after) if lack.after else office.edit(lack.file, lack.before + "\n", "\n")
        await office.command(lack.effect)
    else:
        await office.command(f"module unload -f {lack.effect}.so")
    code, said = await place.site.command("asterisk-check")
    if lack.file:
        office.restore(lack.file)
        await office.command(lack.effect)
    else:
        await office.command(f"module load {lack.effect}.so")
    again, mended = await place.site.command("asterisk-check")

    assert [words for words in lack.words if words not in said.lower()] == [], said
    assert code == (1 if lack.dangerous else 0), said
    assert (again, "it has everything" in mended) == (0, True), mended


async def test_prompts_that_asterisk_cannot_read(place: Place) -> None:
    """Asterisk reads a file of the prompts' folder itself: what only Hotline can read is named with the folder."""
    tone = Path(
        Installation(place.site.state).sounds(load_site(place.site.folder / "config", place.site.folder / "dialplans")).tone() + ".wav"
    )
    tone.chmod(0)
    try:
        code, said = await place.site.command("asterisk-check")
    finally:
        tone.chmod(0o644)

    assert (code, f"cannot read the prompts in {tone.parent}" in said) == (1, True), said


@pytest.mark.parametrize(("password", "words"), [("", "wants a password"), ("wrong", "refused the password")])
async def test_a_redis_that_refuses_us(place: Place, password: str, words: str) -> None:
    """`up` ends with one sentence that says why, and where the password belongs."""
    place.site.redis_password.write_text(password)
    if not password:
        place.site.main.write_text(place.site.main.read_text().replace(", password_file: redis.password", ""))
    code, said = await place.site.command("up")
    place.site.redis_password.write_text(PASSWORD)
    if not password:
        place.site.main.write_text(place.site.main.read_text().replace("/0'}", "/0', password_file: redis.password}"))

    assert (code, words in said, "redis.password_file" in said, "Traceback" in said) == (1, True, True, False), said


async def test_calls_both_sides_and_a_gap_while_it_runs(place: Place) -> None:
    """An office phone calls the hotline, an agent at another one logs in by *40 and is rung; a right that is taken away makes the server
    not ready and is told, and so is its return."""
    office, site = place.office, place.site
    await site.start()
    assert not any((site.state / name).exists() for name in ("etc", "spool", "redis"))
    agent, guest = office.phone("1001"), office.phone("2001")
    agent.on_invite = answer_after(0.1, say=sine(AGENT_HZ, 2.0))
    await agent.register()
    await guest.register()
    code_call = await agent.call("*40")
    await site.feed.wait_for("agent_logged_in", within=10, agent="wang")
    await code_call.hang_up()
    call = await guest.call("4100")
    await site.feed.wait_for("contact_connected", within=15, agent="wang")
    await call.hears(AGENT_HZ, 6)
    await call.hang_up()
    await site.feed.wait_for("call_ended", within=10)

    emergency = await guest.call("110")
    await emergency.answered(6)
    await emergency.hang_up()

    office.edit("manager.conf", "read = call,dtmf,user", "read = dtmf,user")
    await office.restart()
    found = await site.feed.wait_for("asterisk_gap_found", within=60)
    assert (found["data"]["about"], found["data"]["dangerous"]) == ("rights", True)
    told = await site.readyz()
    assert told["ready"] is False
    assert "lacks read = call" in told["components"]["asterisk"]["message"]
    assert 'hotline_asterisk_gaps{about="rights",dangerous="yes"} 1.0' in await site.metrics()
    office.restore("manager.conf")
    await office.command("manager reload")
    await site.feed.wait_for("asterisk_gap_mended", within=60)
    async with asyncio.timeout(30):
        while not (await site.readyz())["ready"]:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.1)
    assert await site.stop() == 0


async def test_a_start_with_a_gap(place: Place) -> None:
    """`up` names it and serves; when it is mended the server becomes ready by itself, without a new start."""
    office, site = place.office, place.site
    await office.command("module unload -f res_manager_devicestate.so")
    await site.start()
    try:
        assert [line for line in site.words if "res_manager_devicestate.so is not loaded" in line]
        assert [line for line in site.words if line.startswith("ready") and "not ready yet" in line]
        await site.feed.wait_for("asterisk_gap_found", within=60, about="modules")
        assert "res_manager_devicestate.so" in (await site.readyz())["components"]["asterisk"]["message"]
        await office.command("module load res_manager_devicestate.so")
        await site.feed.wait_for("asterisk_gap_mended", within=60, about="modules")
        async with asyncio.timeout(30):
            while not (await site.readyz())["ready"]:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0.1)
    finally:
        await site.stop()
