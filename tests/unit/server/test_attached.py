"""What is printed for an Asterisk that somebody else runs: all that is needed, and nothing that touches what is there."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from server.asterisk.modules import AMI_EVENTS, CHECK_MODULES, REQUIRED_MODULES
from server.external.attached import attached_plan, pieces, stamp
from server.processes.supervisor import programs_of
from server.settings import Site
from server.state_folder.folder import make_state_folder
from tests.settings_house import SmallSite

pytestmark = pytest.mark.unit

OFFICE = {
    "extensions.conf": """
[general]
static = yes
[globals]
OPERATOR = 2001
[trunks]
exten => 5550000,1,Goto(office,${OPERATOR},1)
[agents]
exten => s,1,Hangup(21)
[callers]
exten => s,1,Hangup(21)
[transfer]
exten => _X.,1,Goto(office,${EXTEN},1)
[served]
exten => s,1,Hangup(21)
[outbound]
exten => _9X.,1,Dial(PJSIP/${EXTEN:1}@carrier,60)
exten => 110,1,Dial(PJSIP/110@carrier)
[office]
exten => _10XX,1,Dial(PJSIP/${EXTEN},20)
include => outbound
""",
    "manager.conf": """
[general]
enabled = yes
[switchboard]
secret = theirs
read = all
""",
    "pjsip.conf": """
[udp]
type = transport
[phone](!)
type = endpoint
context = office
[1001](phone)
aors = 1001
[1001]
type = aor
[carrier]
type = endpoint
""",
    "features.conf": "[general]\n",
    "modules.conf": "[modules]\nautoload = yes\nnoload = chan_iax2.so\n",
}


def sections(text: str) -> dict[str, list[str]]:
    """As Asterisk reads a file: sections of one name are one, their lines in order; `(+)` adds to one that is there."""
    found: dict[str, list[str]] = defaultdict(list)
    name = ""
    for line in map(str.strip, text.splitlines()):
        head = re.match(r"\[([^]]+)\]", line)
        if head:
            name = head[1]
        elif line and not line.startswith(";"):
            found[name].append(line)
    return found


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    made = SmallSite(tmp_path)
    made.change("config/hotline.yaml", "country: CN", 'country: CN\nemergency: ["110", "119"]')
    made.write("config/trunks.yaml", "trunks:\n  carrier: {kind: ip, host: 192.0.2.1, outbound: true}\n")
    return made


def printed(site: Site, **wanted: bool) -> dict[str, str]:
    return pieces(
        attached_plan(site, ("192.0.2.5:4573",), "ami-secret", {"1001": "sip-secret"}), **{"phones": False, "trunks": False} | wanted
    )


def test_nothing_of_an_office_is_changed(site: SmallSite) -> None:
    """Pasted into files that have contexts, templates, phones and a line with the usual names, every section keeps exactly its lines."""
    ours = printed(site.load())
    for name, theirs in OFFICE.items():
        before, after = sections(theirs), sections(theirs + "\n" + ours[name])
        grown = {section: lines for section, lines in before.items() if after[section] != lines}
        assert set(grown) <= {"modules"}, name
        assert after["modules"][: len(before["modules"])] == before["modules"]


def test_no_number_of_the_office_leads_to_hotline_by_itself(site: SmallSite) -> None:
    """Neither emergency numbers nor phones nor the way out can be reached from what the office includes."""
    dialplan = sections(printed(site.load())["extensions.conf"])

    assert set(dialplan) == {
        f"hotline{name}"
        for name in (
            "",
            *(
                f"-{part}"
                for part in (
                    "trunks",
                    "agents",
                    "caller",
                    "transfer",
                    "passed-on",
                    "overtime",
                    "served",
                    "picked-up",
                    "offered",
                    "self-answering",
                    "outbound",
                    "check",
                )
            ),
        )
    }
    included = "\n".join(dialplan["hotline-agents"])
    assert re.findall(r"exten => ([^,]+),", included)[:2] == ["4000", "*40"]
    assert "include" not in included
    assert not re.search(r"exten => (110|119|1001),", included)
    assert "110" not in "\n".join(dialplan["hotline-outbound"])


def test_everything_that_is_needed_is_printed(site: SmallSite) -> None:
    """The AMI user with rights, address and events, the keys for transfers, and every module of the one list."""
    files = printed(site.load())

    for line in ("secret = ami-secret", "permit = 192.0.2.5/255.255.255.255", "read = call,dtmf,user", "write = call,originate,reporting"):
        assert line in files["manager.conf"]
    assert re.findall(r"eventfilter = Event: (\w+)", files["manager.conf"]) == list(AMI_EVENTS)
    assert sections(files["features.conf"]) == {"featuremap": ["blindxfer => ##", "atxfer => *2"]}
    assert re.findall(r"load = (\w+)\.so", files["modules.conf"]) == [*REQUIRED_MODULES, *CHECK_MODULES]
    assert "HOTLINE_SERVERS)=192.0.2.5:4573" in files["extensions.conf"]
    assert "rtp_timeout = 30" in files["pjsip.conf"]


@pytest.mark.parametrize(
    ("wanted", "there"),
    [({}, set()), ({"phones": True}, {"1001", "1002", "hotline-phone", "hotline-place"}), ({"trunks": True}, {"carrier"})],
)
def test_phones_and_lines_are_printed_when_asked_for(site: SmallSite, wanted: dict[str, bool], there: set[str]) -> None:
    """By default those that an office has are left alone."""
    assert set(sections(printed(site.load(), **wanted)["pjsip.conf"])) == there


def test_the_fallback_comes_when_the_settings_say(site: SmallSite) -> None:
    """`fallback.after` holds for an Asterisk of one's own as well: so many rounds over the servers."""
    site.change("config/hotline.yaml", "country: CN", 'country: CN\nasterisk: {mode: external, fallback: {dial: "1001", after: 60s}}')

    assert "$[${tries} < 122 * ${count}]" in printed(site.load())["extensions.conf"]


def test_the_stamp_tells_texts_apart_and_not_addresses(site: SmallSite) -> None:
    """Other servers are no other dialplan; another number is."""
    before = stamp(site.load())
    assert attached_plan(site.load(), ("10.0.0.1:4573", "10.0.0.1:4574"), "x", {}).stamp == before
    assert f" {before} " in printed(site.load())["extensions.conf"]

    site.change("config/numbers.yaml", '"4000": main', '"4000": main\n  "4001": main')

    assert stamp(site.load()) != before


@pytest.mark.parametrize(
    ("settings", "folders"),
    [
        ("", {"log", "etc", "spool", "redis"}),
        ("asterisk: {mode: external}", {"log", "redis"}),
        ("redis: {url: 'redis://127.0.0.1:1/0'}", {"log", "etc", "spool"}),
        ("asterisk: {mode: external}\nredis: {url: 'redis://127.0.0.1:1/0'}", {"log"}),
    ],
)
def test_a_site_makes_only_the_folders_that_it_uses(site: SmallSite, tmp_path: Path, settings: str, folders: set[str]) -> None:
    """An Asterisk or a Redis of one's own leaves no empty folder of ours behind."""
    site.change("config/hotline.yaml", "country: CN", f"country: CN\n{settings}")

    make_state_folder(tmp_path / "state", programs_of(site.load()))

    assert {path.name for path in (tmp_path / "state").iterdir()} == folders
