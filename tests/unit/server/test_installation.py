"""From a site to the plan of its Asterisk: every agent's phone, the trial phones, times in seconds, and no name that could do harm."""

from pathlib import Path

import pytest

from server.install.asterisk import AsteriskProgram
from server.installation import TRIAL_PHONES, Installation, asterisk_plan
from server.state_folder.ports import Ports
from server.state_folder.secrets import secrets_for
from tests.settings_house import SmallSite

pytestmark = pytest.mark.unit


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSite:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    music = tmp_path / "cache/hotline/music-1/waiting.wav"
    music.parent.mkdir(parents=True)
    music.write_bytes(b"RIFF")  # what is there is not made again
    return SmallSite(tmp_path)


def test_the_plan_of_a_site(site: SmallSite, tmp_path: Path) -> None:
    """Phones with their own secrets and contexts; what config/ says, in Asterisk's units."""
    site.change("config/hotline.yaml", "country: CN", 'country: CN\nasterisk: {max_call_length: 2h, rtp_timeout: 45s}\nemergency: ["110"]')
    site.change("config/agents.yaml", "name: Alice", 'name: "Ali;ce \\"$Bob\\\\"')
    loaded = site.load()
    installation = Installation(tmp_path / "state", "192.0.2.7")
    secrets = secrets_for(tmp_path / "state", installation.accounts(loaded))
    program = AsteriskProgram(tmp_path / "asterisk", "22.10.0", tmp_path, tmp_path)

    plan = asterisk_plan(loaded, installation, program, Ports(agi=4583), secrets)

    phones = {phone.name: phone for phone in plan.phones}
    assert set(phones) == {"1001", "1002", *TRIAL_PHONES}
    assert {phone.context for phone in plan.phones if phone.name in TRIAL_PHONES} == {"callers"}
    assert len({phone.secret for phone in plan.phones}) == len(plan.phones)
    assert (phones["1001"].caller_name, phones["1002"].caller_name) == ("王芳", "Alice Bob")
    assert (plan.max_call, plan.rtp_timeout, plan.emergency, plan.outbound) == (7200, 45, ("110",), ("1XXX",))
    assert (plan.agi_servers, plan.listen, plan.numbers, plan.any_number) == (("127.0.0.1:4583",), "192.0.2.7", ("4000",), True)


def test_a_site_without_speech_has_no_apology(site: SmallSite, tmp_path: Path) -> None:
    """A prompt that cannot be rendered is no reason not to start."""
    loaded = site.load()
    installation = Installation(tmp_path / "state")
    program = AsteriskProgram(tmp_path / "asterisk", "22.10.0", tmp_path, tmp_path)
    secrets = secrets_for(tmp_path / "state", installation.accounts(loaded))
    assert asterisk_plan(loaded, installation, program, Ports(), secrets).apologies == ()


def test_the_apology_promises_no_more_than_there_is(site: SmallSite, tmp_path: Path) -> None:
    """With a fallback the caller is asked to hold on, without one to call again."""
    spoken = tmp_path / "spoken"
    speech = f"speech: {{zh: 'sh -c \"echo $1 >> {spoken}; exit 1\" {{out}} {{text}}'}}"
    program = AsteriskProgram(tmp_path / "asterisk", "22.10.0", tmp_path, tmp_path)
    site.change("config/hotline.yaml", "country: CN", f"country: CN\n{speech}")
    said = []
    for fallback in ("", 'asterisk: {fallback: {dial: "1001"}}\n'):
        spoken.unlink(missing_ok=True)
        site.change("config/hotline.yaml", "country: CN\n", f"country: CN\n{fallback}")
        loaded = site.load()
        installation = Installation(tmp_path / "state")
        asterisk_plan(loaded, installation, program, Ports(), secrets_for(tmp_path / "state", installation.accounts(loaded)))
        said.append(spoken.read_text().strip())
    assert said == ["非常抱歉，系统暂时无法为您服务，请您稍后再拨。再见。", "非常抱歉，系统暂时无法为您服务，正在为您转接。请稍候。"]
