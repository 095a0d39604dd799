"""The first start of somebody who has something not quite right: one sentence within seconds that says what to do."""

import asyncio
import errno
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.cli.up import up
from server.processes.child_process import ChildError, ChildProcess
from server.processes.supervisor import UpOptions
from server.state_folder.ports import Ports
from simulator.fake_ami import FakeAmi
from tests.free_ports import free_port
from tests.full_disk import full_disk
from tests.settings_house import SmallSite

pytestmark = pytest.mark.integration
WITHIN_S = 10.0  # a start that hangs, or that gives up only when its node does not come, is far beyond it


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSite:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return SmallSite(tmp_path)


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAmi]:
    made = FakeAmi(secret="another")
    await made.start()
    yield made
    await made.stop()


async def refusal(site: SmallSite, state: str = "state", listen: str = "127.0.0.1") -> str:
    """The one thing that `up` says, with exit code 1."""
    said: list[str] = []
    options = UpOptions(site.folder / state, site.folder / "config", site.folder / "dialplans", listen)
    async with asyncio.timeout(WITHIN_S):
        assert await up(options, said.append) == 1
    (sentence,) = said
    assert sentence.startswith("hotline: ")
    return sentence.replace(f"{site.folder}/", "")


def with_settings(site: SmallSite, lines: str) -> None:
    site.change("config/hotline.yaml", "country: CN", f"country: CN\n{lines}")


async def test_a_redis_that_is_not_there(site: SmallSite) -> None:
    """Its address without the password, and where that is written."""
    port = free_port()
    with_settings(site, f"redis: {{url: 'redis://me:hidden@127.0.0.1:{port}/0'}}")
    sentence = await refusal(site)
    assert f"127.0.0.1:{port}/0 does not answer" in sentence
    assert "redis.url" in sentence
    assert "config/hotline.yaml" in sentence
    assert "hidden" not in sentence


async def test_an_asterisk_of_ones_own_that_is_not_there(site: SmallSite) -> None:
    """The address of its AMI, and how to learn what it needs."""
    port = free_port()
    with_settings(site, f"asterisk: {{mode: external, ami_port: {port}}}")
    sentence = await refusal(site)
    assert f"no AMI connection to 127.0.0.1:{port}" in sentence
    assert "manager.conf" in sentence
    assert "./hotline asterisk-config" in sentence


async def test_an_ami_secret_that_is_wrong(site: SmallSite, asterisk: FakeAmi) -> None:
    """Told apart from an Asterisk that is away; the secret itself is not said."""
    site.write("config/ami.secret", "s3cret\n")
    with_settings(site, f"asterisk: {{mode: external, ami_port: {asterisk.port}, ami_secret_file: ami.secret}}")
    sentence = await refusal(site)
    assert f"the Asterisk at 127.0.0.1:{asterisk.port} refused our AMI login" in sentence
    assert "ami_secret_file" in sentence
    assert "s3cret" not in sentence


async def test_a_web_server_has_the_port(site: SmallSite) -> None:
    """Which port, and three ways out."""
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    free = {name: free_port() for name in ("agi", "sip", "ami", "asterisk_http")}
    site.write("state/ports.json", json.dumps({**free, "http": port, "rtp_first": Ports().rtp_first + 25_000}))
    assert f"port {port} (HTTP) is in use by another program" in await refusal(site)
    taken.close()
    await taken.wait_closed()


@pytest.mark.parametrize("state", ["file", "file/inside"])
async def test_a_state_folder_that_cannot_be_written(site: SmallSite, state: str) -> None:
    """Not a traceback."""
    site.write("file", "")
    sentence = await refusal(site, state)
    assert f"cannot write to the state folder {state}" in sentence
    assert "--state DIR" in sentence


async def test_a_disk_that_is_full(site: SmallSite) -> None:
    """The folder, and that space is needed there; nothing has been started."""
    with full_disk(10_000):
        sentence = await refusal(site)
    assert "cannot write to the state folder state (File too large)" in sentence


async def test_a_cache_on_a_disk_that_is_full(site: SmallSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The music and the prompts lie there: its folder is named, not the state folder."""

    async def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(site.folder / "cache/hotline/music-1/waiting.wav"))

    monkeypatch.setattr("server.processes.supervisor.Supervisor.start", no_room)
    assert await refusal(site) == (
        "hotline: cannot write to cache/hotline/music-1/waiting.wav (No space left on device): the disk is full: free space there"
    )


@pytest.mark.parametrize("address", ["192.0.2.1", "no.such.host.invalid", "2001:db8::1"])
async def test_an_address_of_another_machine(site: SmallSite, address: str) -> None:
    """Before Asterisk and Redis are started for nothing."""
    sentence = f"hotline: {address} is not an address of this machine: choose 127.0.0.1 or one of its own with --listen."
    assert await refusal(site, listen=address) == sentence


async def test_there_is_no_configuration(site: SmallSite) -> None:
    """The folder is named, not each of the files that it should hold."""
    (site.folder / "config").rename(site.folder / "elsewhere")
    assert await refusal(site) == "hotline: config:1:1: there is no such folder - name your site's with --config DIR"


async def test_yaml_that_is_none(site: SmallSite) -> None:
    """The place where the bracket was opened."""
    site.write("config/hotline.yaml", "site: demo\nlanguages: [zh\n")
    assert "config/hotline.yaml:2:12: this bracket [ is never closed" in await refusal(site)


@pytest.mark.parametrize("text", ['{"ami": ', "[]", '{"ami": "x", "sip": 1, "tokens": {}}'])
async def test_damaged_secrets(site: SmallSite, text: str) -> None:
    """They are not made anew behind anybody's back: phones have them."""
    site.write("state/secrets.json", text)
    assert "state/secrets.json cannot be read" in await refusal(site)
    assert (site.folder / "state/secrets.json").read_text() == text


async def test_the_last_words_of_a_server_are_words(tmp_path: Path) -> None:
    """Its log is JSON; what it said again and again is told once, and what an earlier start said is not told."""
    (tmp_path / "server.log").write_text("of yesterday\n")
    line = json.dumps({"reason": "Redis does not answer", "event": "event_log_unreachable", "level": "warning"})
    child = ChildProcess("the server", tmp_path / "server.log", tmp_path / "node.pid", "marks")

    async def never() -> bool:
        return False

    with pytest.raises(ChildError, match=r"last words: event_log_unreachable: Redis does not answer / Killed \[1, 2\]$"):
        await child.start(["printf", r"%s\n", line, line, "Killed [1, 2]"], never, WITHIN_S)
