"""The command line as its user meets it: what is printed, where, and the exit code."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from aiohttp import web

from routing.domain.events.contacts import ContactTimedOut
from routing.domain.events.envelope import Event
from routing.store.redis import RedisStore
from server.cli.logs import Tail, readable
from server.cli.main import COMMANDS, main
from server.http.app import make_api
from server.processes.redis_process import RedisServer
from server.settings import pins
from server.state_folder.ports import Ports
from server.state_folder.secrets import secrets_for
from tests.free_ports import free_port
from tests.integration.http_house import NOW_MS, World
from tests.told import at_server

pytestmark = pytest.mark.integration
HOME = Path(__file__).resolve().parents[2]
FLOW = """\
flow: main
start: hello
nodes:
  hello:
    type: menu
    prompt: {zh: 账单请按 1。, en: For billing press 1.}
    options: {"1": wait}
    failure: hangup
  wait:
    type: queue
    queue: billing
    otherwise: hangup
"""
CONVERSATION = """\
- conversation: one for billing
  flow: main
  language: en
  steps:
    - hear: For billing
    - press: "1"
    - queue: {name: billing}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A small site in a folder of its own."""
    config, dialplans = tmp_path / "config", tmp_path / "dialplans"
    config.mkdir()
    (dialplans / "tests").mkdir(parents=True)
    (config / "hotline.yaml").write_text("site: small\n")
    (config / "numbers.yaml").write_text('numbers: {"4000": main}\n')
    (config / "queues.yaml").write_text("queues:\n  billing: {}\n")
    (config / "agents.yaml").write_text('agents:\n  wang: {name: 王芳, phone: "1001", skills: {billing: 5}, queues: [billing]}\n')
    (dialplans / "main.yaml").write_text(FLOW)
    (dialplans / "tests/main.yaml").write_text(CONVERSATION)
    return tmp_path


def command(site: Path, name: str, *arguments: str) -> list[str]:
    return [name, "--config", str(site / "config"), "--dialplans", str(site / "dialplans"), "--state", str(site / "state"), *arguments]


async def run_beside(arguments: Sequence[str]) -> int:
    """The command in a thread, while this loop serves."""
    return await asyncio.to_thread(main, arguments)


# -- help --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help works for each and begins with a sentence."""
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])

    assert end.value.code == 0
    assert "--state" in capsys.readouterr().out


def test_it_runs_as_the_front_door_calls_it(site: Path) -> None:
    """`python -P -m server` from any folder finds its code, and a wrong command is exit code 2."""
    environment = {**os.environ, "PYTHONPATH": str(HOME)}

    right = subprocess.run([sys.executable, "-P", "-m", "server", *command(site, "check")], cwd=site, env=environment, capture_output=True)
    wrong = subprocess.run([sys.executable, "-P", "-m", "server", "chek"], cwd=site, env=environment, capture_output=True)

    assert (right.returncode, right.stderr) == (0, b"")
    assert wrong.returncode == 2


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    """--version and pyproject.toml agree."""
    with pytest.raises(SystemExit):
        main(["--version"])

    assert capsys.readouterr().out.split() == ["Hotline", tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["version"]]


# -- check and try -----------------------------------------------------------------------------------------------------------


def test_a_site_that_is_fine(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check sums up what was read."""
    assert main(command(site, "check")) == 0

    out = capsys.readouterr().out
    assert "site 'small' is fine" in out
    assert "4000 -> main" in out


def test_the_site_that_you_are_in(site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with `config/` is the site; elsewhere it is the one beside the program. The first line says which."""
    monkeypatch.chdir(site)
    assert main(["check"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [f"checking the site in {site}: config/ and dialplans/", "site 'small' is fine"]
    monkeypatch.chdir(site / "dialplans")
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"checking the site in {HOME}: config/ and dialplans/\n")


def test_folders_that_are_named(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first line says both."""
    (site / "dialplans").rename(site / "flows")
    arguments = ["check", "--config", str(site / "config"), "--dialplans", str(site / "flows"), "--state", str(site / "state")]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith(f"checking the site in {site / 'config'}, with the flows in {site / 'flows'}\n")


def test_warnings_keep_nothing_from_being_used(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are told and counted, and the exit code is 0."""
    (site / "config/queues.yaml").write_text("queues:\n  billing: {}\n  empty: {}\n")
    assert main(command(site, "check")) == 0
    out = capsys.readouterr().out
    assert "config/queues.yaml:3:3: warning: nobody serves the queue 'empty'" in out
    assert "site 'small' is fine, with 1 warning" in out


def test_all_problems_at_once(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Mistakes in several files are all told, each with file:line:column and what was probably meant; the exit code is 1."""
    (site / "config/queues.yaml").write_text("queues:\n  billing: {}\n  sales: {stratgy: linear, ring_timeout: soon}\n")
    (site / "config/agents.yaml").write_text('agents:\n  wang: {name: W, phone: "1001", queues: [biling]}\n')
    (site / "config/numbers.yaml").write_text('numbers: {"4000": mian}\n')

    assert main(command(site, "check")) == 1

    told = capsys.readouterr()
    assert "queues.yaml:3:11: unknown setting 'stratgy' - did you mean 'strategy'?" in told.out
    assert "queues.yaml:3:42: " in told.out
    assert "agents.yaml:2:43: unknown queue 'biling' - did you mean 'billing'?" in told.out
    assert "numbers.yaml:1:19: unknown flow 'mian' - did you mean 'main'?" in told.out
    assert told.err == "hotline: 4 problems\n"


@pytest.mark.parametrize(
    "text", ["queues: [", "queues: {billing: {max_wait: -5m}}", "- just\n- a list", "\x00", "a: &a [*a]", "queues:\n\tbilling: {}", ""]
)
def test_yaml_that_is_none(site: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Whatever stands in a file, it is told with its place, never a traceback."""
    (site / "config/queues.yaml").write_text(text)

    assert main(command(site, "check")) == 1

    out = capsys.readouterr().out
    assert ".yaml:" in out
    assert "Traceback" not in out


def test_missing_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A site that is not there is told in one line for each folder."""
    assert main(command(tmp_path, "check")) == 1

    assert "config:1:1: there is no such folder - name your site's with --config DIR" in capsys.readouterr().out


def test_conversations(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check --test runs those of the site; one that goes otherwise is told with its place."""
    assert main(command(site, "check", "--test")) == 0
    assert "1 conversation went as written" in capsys.readouterr().out

    (site / "dialplans/tests/main.yaml").write_text(CONVERSATION.replace("{name: billing}", "{name: sales}"))
    assert main(command(site, "check", "--test")) == 1
    told = capsys.readouterr()
    assert "FAILED  one for billing" in told.out
    assert "main.yaml:7:7" in told.out
    assert told.err == "hotline: 1 of 1 conversation failed\n"


def test_no_conversations(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to run is not success."""
    shutil.rmtree(site / "dialplans/tests")

    assert main(command(site, "check", "--test")) == 1
    assert "there is no conversation to run" in capsys.readouterr().err


def test_a_flow_in_the_terminal(site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """try prints prompts, takes keys and shows the way taken."""
    typed = iter(["1", ""])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))

    assert main(command(site, "try", "--language", "en")) == 0

    out = capsys.readouterr().out
    assert "For billing press 1." in out
    assert "-> queue billing" in out


def test_a_flow_at_another_hour(site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`--now` is when the call comes, in the site's time: a queue that is closed then is closed for the one at the keyboard."""
    (site / "config/hours.yaml").write_text('hours: {office: {week: {mon-fri: "09:00-18:00"}}}\n')
    (site / "config/queues.yaml").write_text("queues:\n  billing: {hours: office}\n")
    for now, closed in (("2026-11-23 10:00", False), ("2026-11-23 18:00", True), ("2026-11-22T10:00", True)):
        typed = iter(["1", ""])
        monkeypatch.setattr("builtins.input", lambda prompt, typed=typed: next(typed))
        assert main(command(site, "try", "--language", "en", "--now", now)) == 0
        assert ("closed: the hours of the queue" in capsys.readouterr().out) is closed

    assert main(command(site, "try", "--now", "ten o'clock")) == 1
    assert "'ten o'clock' is no time - write it like 2026-11-23 10:00" in capsys.readouterr().err


def test_a_flow_that_is_not_there(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """try names the flow that was probably meant."""
    assert main(command(site, "try", "mian")) == 1
    assert capsys.readouterr().err == "hotline: there is no flow 'mian' - did you mean 'main'?\n"


# -- what runs ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["status", "events", "logs"])
def test_nothing_has_ever_run(site: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Commands that ask a running Hotline say in one sentence how to start it, and leave no folder behind."""
    assert main(command(site, name)) == 1

    err = capsys.readouterr().err
    assert "./hotline up" in err
    assert err.count("\n") == 1
    assert not (site / "state").exists()


@pytest.fixture
async def running(site: Path) -> AsyncIterator[World]:
    """The HTTP interface of a server, with its ports and tokens in the site's state folder."""
    state, world = site / "state", World()
    state.mkdir()
    ports = Ports(http=free_port())
    (state / "ports.json").write_text(json.dumps(asdict(ports)))
    runner = web.AppRunner(make_api(replace(world.services, tokens=secrets_for(state, ()).tokens)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", ports.http).start()
    yield world
    await runner.cleanup()


async def test_status_of_a_running_server(
    site: Path, running: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """status shows health, queues, agents and calls in tables."""
    monkeypatch.setenv("COLUMNS", "160")  # a terminal that is wide enough to break no column
    running.queued("c1", 95_000)
    running.agent("wang", "ready")
    running.agent("smith", "paused", reason="lunch")
    running.call("call-1")
    running.view.agents["smith"].left_queues = ["sales"]
    running.view.agents["smith"].presence_until_ms = NOW_MS + 90_000

    assert await run_beside(command(site, "status")) == 0

    out = capsys.readouterr().out
    assert "billing, (sales)" in out
    assert all(
        words in out for words in ("billing", "1:35", "1 of 2", "王芳", "paused (lunch, 1:30 left)", "+86*******8000", "main/welcome")
    )


async def test_status_into_a_pipe(site: Path, running: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for one thing, for grep and for mails: no column breaks because a terminal might have been narrow."""
    monkeypatch.delenv("COLUMNS", raising=False)
    node = "n" * 100
    running.call("call-1", node=node)

    assert await run_beside(command(site, "status")) == 0

    lines = capsys.readouterr().out.splitlines()
    assert any("+86*******8000" in line and f"main/{node}" in line for line in lines)
    assert any("Alice Smith" in line and "south" in line for line in lines)  # there is room for the team


async def test_status_when_not_ready(site: Path, running: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not ready is told in words, and the exit code is 1."""
    running.health.states["ami"] = "no AMI connection to 127.0.0.1:5038"

    assert await run_beside(command(site, "status")) == 1
    assert "no AMI connection to 127.0.0.1:5038" in capsys.readouterr().out


async def test_status_for_programs(site: Path, running: World, capsys: pytest.CaptureFixture[str]) -> None:
    """--json is what the server answered."""
    assert await run_beside(command(site, "status", "--json")) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"health", "queues", "agents", "calls"}


async def test_status_with_a_wrong_token(
    site: Path, running: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's sentence is passed on."""
    monkeypatch.setenv("HOTLINE_TOKEN", "wrong")

    assert await run_beside(command(site, "status")) == 1
    assert "401: Send 'Authorization: Bearer TOKEN'" in capsys.readouterr().err


def test_status_of_a_stopped_server(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A state folder without a server behind it is one sentence."""
    (site / "state").mkdir()
    (site / "state/ports.json").write_text(json.dumps(asdict(Ports(http=free_port()))))
    secrets_for(site / "state", ())

    assert main(command(site, "status")) == 1
    err = capsys.readouterr().err
    assert "Hotline is not running" in err
    assert err.count("\n") == 1


def test_try_in_a_language_that_the_flow_does_not_speak(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not another language in silence."""
    assert main(command(site, "try", "main", "--language", "fr")) == 1
    assert "flow 'main' does not speak 'fr' - possible: " in capsys.readouterr().err


# -- events and logs ---------------------------------------------------------------------------------------------------------


async def test_the_event_log(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """events prints what is in the log, of one call when asked, for people or as JSON; nothing in it is a command to the terminal."""
    redis = RedisServer(site / "state")
    await redis.start()
    try:
        (site / "state/ports.json").write_text(json.dumps(asdict(Ports())))
        secrets_for(site / "state", ())
        store = RedisStore(redis.url)
        await store.append(
            Event("e1", 1_790_000_000_000, at_server(ani="+86\x1b[31m"), call="call-1"),
            Event("e2", 1_790_000_001_000, at_server(), call="call-2"),
            Event("e3", 1_790_000_002_500, ContactTimedOut(60_000), call="call-1", contact="contact-1", queue="billing"),
        )
        await store.close()

        assert await run_beside(command(site, "events", "--call", "call-1")) == 0
        first, second = capsys.readouterr().out.splitlines()
        assert await run_beside(command(site, "events", "--json", "-n", "1")) == 0
        (last,) = capsys.readouterr().out.splitlines()
    finally:
        await redis.stop()

    assert "call_arrived" in first
    assert "dnis=4000" in first
    assert "\x1b" not in first
    assert second.split()[1:] == [
        "contact_timed_out",
        "call=call-1",
        "contact=contact-1",
        "queue=billing",
        "waited_ms=60000",
        "outcome=timed_out",
    ]
    assert json.loads(last)["id"] == "e3"


def test_logs(site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """logs shows the last lines of each file, the server's JSON lines readable in local time, control characters harmless."""
    monkeypatch.setenv("TZ", "CST-8")
    time.tzset()
    log = site / "state/log"
    log.mkdir(parents=True)
    line = {"timestamp": "2026-11-22T10:00:00.123456Z", "level": "warning", "event": "store_unreachable", "reason": "away", "logger": "x"}
    (log / "server.log").write_text(f"first\n{json.dumps(line)}\n[] not json\x1b[2J\n")
    (log / "redis.log").write_bytes(b"ready \xff\n")

    assert main(command(site, "logs", "-n", "2")) == 0
    assert capsys.readouterr().out.splitlines() == [
        "server   | 18:00:00.123 warning  store_unreachable reason=away",
        "server   | [] not json�[2J",
        "redis    | ready �",
    ]

    assert main(command(site, "logs", "redis")) == 0
    assert capsys.readouterr().out == "ready \ufffd\n"
    monkeypatch.undo()
    time.tzset()


def test_a_log_that_grows_and_is_replaced(tmp_path: Path) -> None:
    """Following gives whole lines once each, waits for the end of half a line, and begins anew with a new or shortened file."""
    path = tmp_path / "server.log"
    tail = Tail("server", path)
    assert tail.last(5) == []

    path.write_text("one\ntwo\nhal")
    assert tail.new() == ["one", "two"]
    path.write_text("one\ntwo\nhalf\n")
    assert tail.new() == ["half"]
    path.write_text("new\n")
    assert tail.new() == ["new"]
    (tmp_path / "next").write_text("replaced by another\n")
    (tmp_path / "next").replace(path)
    assert tail.new() == ["replaced by another"]
    path.unlink()
    assert tail.new() == []


def test_a_traceback_is_readable() -> None:
    """The lines of a traceback stand below their event."""
    line = json.dumps({"event": "failed", "level": "error", "exception": "Traceback:\n  File x\nValueError: y"})

    assert readable(line) == " error    failed\n    Traceback:\n      File x\n    ValueError: y"


# -- an Asterisk of one's own ----------------------------------------------------------------------------------------------------


def test_pieces_for_an_asterisk_of_ones_own(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """asterisk-config prints dialplan, AMI user and, where asked to, SIP accounts; secrets only where asked to, and before any start."""
    assert main(command(site, "asterisk-config", "--phones", "--agi", "10.0.0.5:4573")) == 0
    out = capsys.readouterr().out
    assert not (site / "state").exists()
    assert main(command(site, "asterisk-config", "--phones", "--secret")) == 0
    with_secrets = capsys.readouterr().out
    secret = secrets_for(site / "state", ())

    assert all(words in out for words in ("[hotline]", "=10.0.0.5:4573", "eventfilter = Event: Hangup", "[1001](hotline-phone)"))
    assert "[general]\n" not in out
    assert secret.ami not in out
    assert secret.ami in with_secrets
    assert secret.sip["1001"] in with_secrets


def test_an_address_that_would_become_configuration(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is given on the command line cannot add lines to Asterisk's files."""
    assert main(command(site, "asterisk-config", "--agi", "10.0.0.5:4573\nexec = x")) == 1
    assert "is not an address" in capsys.readouterr().err


# -- pin ---------------------------------------------------------------------------------------------------------------------


def answers(monkeypatch: pytest.MonkeyPatch, *typed: str) -> None:
    """What is typed at the questions, one after the other."""
    given = iter(typed)
    monkeypatch.setattr("getpass.getpass", lambda question: next(given))


def test_a_pin_is_printed_as_a_hash_that_agents_yaml_takes(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line fits into the file as it is printed, and the PIN itself is nowhere."""
    answers(monkeypatch, "258047", "258047")
    assert main(command(site, "pin")) == 0
    out = capsys.readouterr().out
    assert "258047" not in out
    line = out.splitlines()[-1].strip()
    (site / "config/agents.yaml").write_text(f'agents:\n  wang:\n    name: W\n    phone: "1001"\n    skills: {{billing: 5}}\n    {line}\n')
    assert main(command(site, "check")) == 0
    assert pins.fits("258047", line.partition('"')[2].rstrip('"'))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("12ab",), "a PIN has digits only"),
        (("1234",), "among the first"),
        (("2580", "2581"), "two different PINs"),
        (("25",), "4 to 12 digits"),
    ],
)
def test_a_pin_that_will_not_do(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: tuple[str, ...], said: str
) -> None:
    """Nothing is printed, and why is said."""
    answers(monkeypatch, *typed)
    assert main(command(site, "pin")) == 1
    told = capsys.readouterr()
    assert (told.out, said in told.err) == ("", True)


def test_a_result_that_cannot_be_written() -> None:
    """Into a file on a full disk: a sentence and exit code 1, not a traceback."""
    words = [sys.executable, "-m", "server", "check", "--config", str(HOME / "config"), "--dialplans", str(HOME / "dialplans")]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, cwd=HOME, stdout=full, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(HOME)})
    assert done.returncode == 1
    assert done.stderr == "hotline: cannot write (No space left on device): the disk is full: free space there\n"
