"""The doorkeeper between Asterisk's logs and its access list, with an Asterisk that only notes what it is asked."""

from pathlib import Path

import pytest

from server.access.access_list import RELOAD, access_text, is_in
from server.access.bans import BanLimits
from server.access.doorkeeper import Doorkeeper, ask_to_lift, read_bans
from server.access.log_tail import LogTail
from server.access.rules import AccessRules, RulesFile, rules_of
from server.settings.access import AccessFile
from server.settings.trunks import Trunk

pytestmark = pytest.mark.unit

LIMITS = BanLimits(failures=2, requests=50, within_s=60, first_s=100, longest_s=1000)


class Door:
    """A doorkeeper in a state folder of its own; `asked` is what Asterisk was asked, `said` what people read."""

    def __init__(self, folder: Path, rules: AccessRules | None = None) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.said: list[str] = []
        self.new_rules: list[AccessRules] = []
        (folder / "log").mkdir(exist_ok=True)
        (folder / "log/asterisk.log").touch()
        changed = lambda: self.new_rules.pop() if self.new_rules else None  # noqa: E731
        self.keeper = Doorkeeper(folder, rules or AccessRules(limits=LIMITS), changed, self._command, self.said.append, lambda: 0.0)
        self.keeper.prepare()

    async def _command(self, text: str) -> str:
        self.asked.append(text)
        return "done"

    def fails(self, address: str, count: int = 3) -> None:
        line = f"Request 'INVITE' from '<sip:5@x>' failed for '{address}:1' (callid: 5) - Failed to authenticate\n"
        with (self.folder / "log/asterisk.log").open("a") as file:
            file.write(line * count)

    @property
    def list(self) -> str:
        return (self.folder / "etc/asterisk/hotline_access.conf").read_text()


async def test_an_address_that_fails_too_often_is_refused_by_asterisk(tmp_path: Path) -> None:
    """The list has it, Asterisk reads the list again, people are told, and it stands in bans.json."""
    door = Door(tmp_path)
    await door.keeper.look(0.0)
    door.asked.clear()
    door.fails("192.0.2.66")

    await door.keeper.look(10.0)

    assert "deny = 192.0.2.66/32\n" in door.list
    assert door.list.index("deny = 192.0.2.66/32") < door.list.index("permit = 127.0.0.1/32")
    assert door.asked == [RELOAD]
    assert door.said == ["192.0.2.66 is banned for 2 minutes: too many requests that failed, or too many at all"]
    assert read_bans(tmp_path)["192.0.2.66"].until_s == 110.0

    await door.keeper.look(110.0)
    assert "192.0.2.66" not in door.list
    assert read_bans(tmp_path) == {}


async def test_many_addresses_cost_one_reload_in_two_seconds(tmp_path: Path) -> None:
    """Asterisk reads its phones along with the list: however many attack, it is not kept busy with that."""
    door = Door(tmp_path)
    await door.keeper.look(0.0)
    door.asked.clear()
    for number in range(1, 9):
        door.fails(f"192.0.2.{number}")
        await door.keeper.look(10.0 + number / 2)

    await door.keeper.look(16.0)

    assert len(door.asked) == 3
    assert door.list.count("deny") == 8


async def test_bans_outlive_up(tmp_path: Path) -> None:
    """A new `up` that takes over a running Asterisk has the same bans, and has it read the list only when that differs."""
    first = Door(tmp_path)
    first.fails("192.0.2.66")
    await first.keeper.look(0.0)

    second = Door(tmp_path)
    await second.keeper.look(1.0)

    assert "192.0.2.66" in second.list
    assert second.asked == []


async def test_a_ban_is_lifted_on_demand(tmp_path: Path) -> None:
    """`./hotline bans --lift` leaves a note, which is taken at the next look."""
    door = Door(tmp_path)
    door.fails("2001:db8::1".replace("::", ":0:0:0:0:0:"))
    await door.keeper.look(0.0)
    assert "deny = 2001:db8::1/128" in door.list

    ask_to_lift(tmp_path, "2001:db8::1")
    await door.keeper.look(5.0)

    assert "2001:db8::1" not in door.list
    assert list((tmp_path / "lift").iterdir()) == []


async def test_rules_change_while_it_runs(tmp_path: Path) -> None:
    """A network that is refused, and an office that is let in though it is banned."""
    door = Door(tmp_path)
    door.fails("192.0.2.66")
    await door.keeper.look(0.0)
    door.new_rules = [AccessRules(allow=["192.0.2.64/28"], deny=["203.0.113.0/24"], limits=LIMITS)]

    await door.keeper.look(10.0)

    assert "deny = 203.0.113.0/24" in door.list
    assert "deny = 192.0.2.66" not in door.list
    assert "permit = 192.0.2.64/28" in door.list


def test_a_list_without_rules_refuses_nobody() -> None:
    """No rule at all is let through by Asterisk."""
    assert "deny" not in access_text([], [], [])
    assert "permit" not in access_text([], [], [])
    assert is_in("10.1.2.3", ["192.0.2.0/24", "10.0.0.0/8"])
    assert not is_in("2001:db8::1", ["192.0.2.0/24"])


def test_trunks_are_spared_by_their_addresses() -> None:
    """Whoever forges a carrier's address must not shut the carrier out. A host name has no address here."""
    trunks = {
        "a": Trunk(kind="ip", host="192.0.2.10:5080"),
        "b": Trunk(kind="ip", host="sip.example.com", match=["198.51.100.0/28"]),
        "c": Trunk(kind="ip", host="sip.example.com"),
    }
    assert list(rules_of(AccessFile(), trunks).trunks) == ["192.0.2.10/32", "198.51.100.0/28"]


def test_a_changed_file_is_read_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    """Mistakes are told with file, line and column."""
    said: list[str] = []
    rules = RulesFile(tmp_path, {}, said.append)
    assert rules.changed() is None

    (tmp_path / "access.yaml").write_text("deny: [203.0.113.0/24]\n")
    changed = rules.changed()
    assert changed is not None
    assert list(changed.deny) == ["203.0.113.0/24"]

    (tmp_path / "access.yaml").write_text("deny: [203.0.113.0/99]\nalow: []\n")
    assert rules.changed() is None
    assert any("access.yaml:1:8: expected an address or a network" in line for line in said)
    assert any("did you mean 'allow'" in line for line in said)
    assert rules.changed() is None


def test_a_log_is_followed_across_its_rotation(tmp_path: Path) -> None:
    """Half a line waits for its end; a file that was emptied or replaced is read from its beginning."""
    log = tmp_path / "asterisk.log"
    log.write_text("before\n")
    tail = LogTail(log)
    with log.open("a") as file:
        file.write("one\ntw")
    assert tail.new_lines() == ["one"]
    with log.open("a") as file:
        file.write("o\n")
    assert tail.new_lines() == ["two"]
    log.write_text("three\n")
    assert tail.new_lines() == ["three"]
    log.unlink()
    assert tail.new_lines() == []
    log.write_bytes(b"four \xff\n")
    assert tail.new_lines() == ["four �"]
