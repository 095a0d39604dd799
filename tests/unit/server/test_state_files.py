"""What a state folder remembers: ports and secrets."""

import json
import stat
from pathlib import Path

import pytest

from server.state_folder.folder import make_state_folder
from server.state_folder.ports import PortError, Ports, ports_for, read_ports
from server.state_folder.secrets import ROLES, SecretsError, secrets_for
from server.state_folder.sockets import socket_folder
from server.state_folder.state_list import StateList

pytestmark = pytest.mark.unit


class Machine:
    """The ports of one machine. Each start on it has `claims` of its own; `taken` are other programs'."""

    def __init__(self, *taken: int) -> None:
        self.taken = set(taken)
        self.owners: dict[int, object] = {}

    def claims(self) -> "StartClaims":
        return StartClaims(self)


class StartClaims:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def take(self, kind: str, port: int) -> bool:
        return port not in self._machine.taken and self._machine.owners.setdefault(port, self) is self

    def give_back(self, kind: str, port: int) -> bool:
        del self._machine.owners[port]
        return False


def test_the_first_start_takes_the_usual_ports_and_later_ones_keep_them(tmp_path: Path) -> None:
    """ports.json is written once and read ever after."""
    assert read_ports(tmp_path) is None

    first = ports_for(tmp_path, Machine().claims())

    assert first == Ports() == ports_for(tmp_path, Machine().claims()) == read_ports(tmp_path)


def test_a_second_state_folder_gets_free_ports(tmp_path: Path) -> None:
    """Every port that another one has is moved on, ranges by whole ranges."""
    usual = Ports()

    ports = ports_for(tmp_path, Machine(usual.sip, usual.ami, usual.rtp_first).claims())

    assert ports == Ports(sip=5070, ami=5048, rtp_first=15000)


def test_two_starts_in_the_same_second_get_different_ports(tmp_path: Path) -> None:
    """Neither has bound anything yet. Of several nodes all ports are held, and none of a range that does not fit as a whole."""
    machine = Machine(8082)

    first = ports_for(tmp_path / "a", machine.claims())
    second = ports_for(tmp_path / "b", machine.claims(), nodes=3)
    third = ports_for(tmp_path / "c", machine.claims())

    assert first == Ports()
    assert second == Ports(agi=4583, sip=5070, ami=5048, http=8090, asterisk_http=8098, rtp_first=15000)
    assert third == Ports(agi=4593, sip=5080, ami=5058, http=8100, asterisk_http=8108, rtp_first=20000)
    assert set(machine.owners) == {
        *(4573, 5060, 5038, 8080, 8088, 10000),
        *(4583, 4584, 4585, 5070, 5048, 8090, 8091, 8092, 8098, 15000),
        *(4593, 5080, 5058, 8100, 8108, 20000),
    }


def test_a_first_start_leaves_the_ports_of_a_stopped_site_alone(tmp_path: Path) -> None:
    """A site that was stopped finds its recorded ports free again, whatever was started meanwhile; one that was deleted keeps none."""
    sites = StateList(tmp_path / "cache" / "sites")
    stopped, new = tmp_path / "stopped", tmp_path / "new"
    first = ports_for(stopped, Machine().claims(), reserved=sites.ports_of_others(stopped))
    sites.add(stopped)
    assert sites.ports_of_others(stopped) == frozenset()

    second = ports_for(new, Machine().claims(), reserved=sites.ports_of_others(new))
    assert second == Ports(agi=4583, sip=5070, ami=5048, http=8090, asterisk_http=8098, rtp_first=15000)
    assert ports_for(stopped, Machine().claims()) == first

    (stopped / "ports.json").unlink()
    assert sites.ports_of_others(new) == frozenset()
    assert list((tmp_path / "cache" / "sites").iterdir()) == []


def test_a_port_of_a_stopped_site_is_taken_when_no_other_is_left(tmp_path: Path) -> None:
    """There are eleven ranges for RTP: the twelfth site on a machine starts all the same."""
    ranges = range(10_000, 60_001, 5000)
    assert ports_for(tmp_path, Machine(*ranges[:5]).claims(), reserved=ranges).rtp_first == ranges[5]


def test_a_list_of_sites_that_cannot_be_kept_stops_no_start(tmp_path: Path) -> None:
    """The cache folder may be read-only, and an entry or a ports.json may be broken."""
    sites = StateList(tmp_path / "file" / "sites")
    (tmp_path / "file").write_text("")
    sites.add(tmp_path)
    assert sites.ports_of_others(tmp_path) == frozenset()

    sites = StateList(tmp_path / "sites")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ports.json").write_text("{")
    sites.add(tmp_path / "broken")
    assert sites.ports_of_others(tmp_path) == frozenset()


def test_a_recorded_port_that_is_taken_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """Ports never move silently: phones and scripts know them."""
    ports_for(tmp_path, Machine().claims())

    with pytest.raises(PortError, match=r"port 5060 \(SIP\) is in use by another program: end that program"):
        ports_for(tmp_path, Machine(5060).claims())


def test_a_wanted_port_rules_and_must_be_free(tmp_path: Path) -> None:
    """A port asked for on the command line is recorded."""
    with pytest.raises(PortError, match=r"port 9000 \(HTTP\)"):
        ports_for(tmp_path, Machine(9000).claims(), {"http": 9000})

    assert ports_for(tmp_path, Machine().claims(), {"http": 9001}).http == 9001
    assert ports_for(tmp_path, Machine().claims()).http == 9001


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"agi": "x"}', "\x00"])
def test_a_broken_ports_file_is_named(tmp_path: Path, text: str) -> None:
    """The message has the file's name."""
    (tmp_path / "ports.json").write_text(text)

    with pytest.raises(PortError, match=r"ports\.json cannot be read"):
        ports_for(tmp_path, Machine().claims())


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
