"""What a state folder remembers: ports and secrets."""

import json
import stat
from pathlib import Path

import pytest

from server.port_numbers import PortError, Ports, ports_for, read_ports
from server.secrets_file import ROLES, SecretsError, secrets_for
from server.socket_folder import socket_folder
from server.state_folder import make_state_folder

pytestmark = pytest.mark.unit


def test_the_first_start_takes_the_usual_ports_and_later_ones_keep_them(tmp_path: Path) -> None:
    """ports.json is written once and read ever after."""
    assert read_ports(tmp_path) is None

    first = ports_for(tmp_path, free=lambda kind, port: True)

    assert first == Ports() == ports_for(tmp_path, free=lambda kind, port: True) == read_ports(tmp_path)


def test_a_second_state_folder_gets_free_ports(tmp_path: Path) -> None:
    """Every port that another one has is moved on, ranges by whole ranges."""
    usual = Ports()
    taken = {usual.sip, usual.ami, usual.rtp_first}

    ports = ports_for(tmp_path, free=lambda kind, port: port not in taken)

    assert ports == Ports(sip=5070, ami=5048, rtp_first=15000)


def test_a_recorded_port_that_is_taken_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """Ports never move silently: phones and scripts know them."""
    ports_for(tmp_path, free=lambda kind, port: True)

    with pytest.raises(PortError, match=r"port 5060 \(SIP\) is in use by another program: end that program"):
        ports_for(tmp_path, free=lambda kind, port: port != 5060)


def test_a_wanted_port_rules_and_must_be_free(tmp_path: Path) -> None:
    """A port asked for on the command line is recorded."""
    with pytest.raises(PortError, match=r"port 9000 \(HTTP\)"):
        ports_for(tmp_path, {"http": 9000}, free=lambda kind, port: port != 9000)

    assert ports_for(tmp_path, {"http": 9001}, free=lambda kind, port: True).http == 9001
    assert ports_for(tmp_path, free=lambda kind, port: True).http == 9001


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"agi": "x"}', "\x00"])
def test_a_broken_ports_file_is_named(tmp_path: Path, text: str) -> None:
    """The message has the file's name."""
    (tmp_path / "ports.json").write_text(text)

    with pytest.raises(PortError, match=r"ports\.json cannot be read"):
        ports_for(tmp_path, free=lambda kind, port: True)


def test_secrets_are_made_once_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    """No default, no two alike, mode 0600; a new phone gets its own and the others keep theirs."""
    first = secrets_for(tmp_path, ["1001"])
    second = secrets_for(tmp_path, ["1001", "1002"])

    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert set(first.tokens) == set(ROLES)
    assert len({first.ami, *first.tokens.values(), *second.sip.values()}) == len(ROLES) + 3
    assert second.sip["1001"] == first.sip["1001"]
    assert (second.ami, second.tokens) == (first.ami, first.tokens)


def test_a_secrets_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    """A copy with wider rights does not stay so."""
    first = secrets_for(tmp_path, [])
    (tmp_path / "secrets.json").chmod(0o644)

    assert secrets_for(tmp_path, []) == first
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_broken_secrets_file_is_never_overwritten(tmp_path: Path) -> None:
    """A half-edited file may still hold what someone needs."""
    (tmp_path / "secrets.json").write_text(json.dumps({"ami": "x"}))

    with pytest.raises(SecretsError, match=r"secrets\.json cannot be read"):
        secrets_for(tmp_path, [])
    assert json.loads((tmp_path / "secrets.json").read_text()) == {"ami": "x"}


def test_a_long_state_folder_has_its_sockets_elsewhere(tmp_path: Path) -> None:
    """Unix sockets end at 108 bytes; the folder is the same at each start and closed to others."""
    long = tmp_path / ("x" * 100)

    folder = socket_folder(long)

    try:
        assert len(str(folder / "asterisk.ctl")) < 108
        assert folder == socket_folder(long)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        folder.rmdir()


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "one of an earlier start"])
def test_only_its_owner_may_look_into_a_state_folder(tmp_path: Path, there: str) -> None:
    """Logs, records and what callers said are nobody else's, also in a folder that was open before."""
    state = tmp_path / "state"
    if there != "nothing":
        state.mkdir(mode=0o755)
    if there == "one of an earlier start":
        (state / "log").mkdir(mode=0o755)
        for name in ("ports.json", "secrets.json"):
            (state / name).write_text("{}")

    make_state_folder(state)

    folders = [state, *(path for path in state.iterdir() if path.is_dir())]
    assert {folder.name: oct(stat.S_IMODE(folder.stat().st_mode)) for folder in folders} == {
        name: "0o700" for name in ("state", "etc", "log", "redis", "spool")
    }


def test_a_folder_that_others_use_keeps_its_mode(tmp_path: Path) -> None:
    """`--state /tmp` must not lock everybody out of it; what we make in it is closed all the same."""
    state = tmp_path / "shared"
    state.mkdir()
    state.chmod(0o777)
    (state / "theirs").write_text("")

    make_state_folder(state)

    assert (stat.S_IMODE(state.stat().st_mode), stat.S_IMODE((state / "log").stat().st_mode)) == (0o777, 0o700)
