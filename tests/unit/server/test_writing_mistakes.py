"""How admins write YAML, times and numbers: what is right stays right, what is wrong is one problem with line, column and words."""

from pathlib import Path

import pytest

from tests.settings_house import SmallSite

pytestmark = pytest.mark.unit


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path)


HOURS, OFFICE = "config/hours.yaml", '"09:00-18:00"'
KEYS = ("config/hotline.yaml", "country: CN")
WAIT = ("config/queues.yaml", "wrap_up: 5s")
ZONE = ("config/hotline.yaml", "Asia/Shanghai")
AGENT = ("config/agents.yaml", 'phone: "1001"')
QUOTE = 'YAML reads this # as the start of a comment - quote the key: "#"'
RANGE = "is not a range of times: expected"
LONG = "expected a duration such as 30s, 5m, 1h or 1d, found"
ZONES = "write it like Asia/Shanghai or UTC"


@pytest.mark.parametrize(
    ("file", "found", "instead", "place", "said"),
    [
        ("config/queues.yaml", "  billing: {name", "\tbilling: {name", "5:1", "a tab stands here - indent with spaces"),
        (*WAIT, "wrap_up: 5s, wrap_up: 6s", "6:24", "'wrap_up' is written twice; first at line 6 - remove one of them"),
        ("config/queues.yaml", "  sales: {", "  billing: {", "6:3", "'billing' is written twice; first at line 5 - remove one of them"),
        (*KEYS, "country: CN\npause_reasons: {#: lunch}", "3:17", QUOTE),
        (*KEYS, "country: CN\npause_reasons:\n  #: lunch", "4:3", QUOTE),
        (*KEYS, "country: CN\npause_reasons: {*: lunch}", "3:17", 'a star must be quoted - write "*"'),
        (*KEYS, "country: CN\npause_reasons:\n  *: lunch", "4:3", 'a star must be quoted - write "*"'),
        (*WAIT, "wrap_up: &w 5s", "6:20", "anchors (&w) are not used here - write the value out where it is needed"),
        (*WAIT, "wrap_up: *w", "6:20", 'aliases (*name) are not used here - write the value out, or quote a star key: "*"'),
        (*WAIT, "<<: {wrap_up: 5s}", "6:11", "merge keys (<<) are not used here - write the settings out"),
        (*WAIT, "wrap_up: !env W", "6:20", "tags (!env) are not used here - write the plain value, in quotes if it begins with '!'"),
        (*AGENT, 'phone: "1001", accept: ja', "2:43", "expected yes or no, found 'ja'"),
        (*WAIT, "max_wait: 5 min", "6:21", f"{LONG} '5 min'"),
        (*WAIT, "max_wait: 5M", "6:21", f"{LONG} '5M'"),
        (*WAIT, "max_wait: 1h30m", "6:21", f"{LONG} '1h30m'"),
        (*WAIT, "max_wait: 300", "6:21", f"{LONG} '300' - a number needs its unit, as in 300s"),
        (*WAIT, "max_wait: 5分钟", "6:21", f"{LONG} '5分钟'"),
        (HOURS, OFFICE, "22:30", "3:21", f"'22:30' {RANGE} from-to such as 09:00-18:00"),
        (HOURS, OFFICE, "9-18", "3:21", f"'9-18' {RANGE} from-to such as 09:00-18:00"),
        (HOURS, OFFICE, '"22:00-25:00"', "3:21", f"'22:00-25:00' {RANGE} hours from 00:00 to 23:59 (24:00 at the end)"),
        (HOURS, OFFICE, '"24:00-08:00"', "3:21", f"'24:00-08:00' {RANGE} hours from 00:00 to 23:59 (24:00 at the end)"),
        (HOURS, OFFICE, '"09:00-12:60"', "3:21", f"'09:00-12:60' {RANGE} hours from 00:00 to 23:59 (24:00 at the end)"),
        (HOURS, OFFICE, '"18:00-18:00"', "3:21", "'18:00-18:00' opens and closes at the same minute: write 00:00-24:00 for the whole day"),
        (*ZONE, "Asia/Beijing", "3:12", f"unknown time zone 'Asia/Beijing'; {ZONES}"),
        (*ZONE, "GMT+8", "3:12", f"unknown time zone 'GMT+8'; {ZONES}"),
        ("config/numbers.yaml", '"4000"', '"02112345": main\n  "+862112345"', "3:3", "the number +862112345 is written twice: 02112345"),
    ],
)
def test_a_slip_is_one_problem_at_its_place(site: SmallSite, file: str, found: str, instead: str, place: str, said: str) -> None:
    """Line and column of the sign that is wrong, and what to write."""
    site.change(file, found, instead)
    (problem,) = site.said()
    assert problem.startswith(f"{file}:{place}: {said}")


@pytest.mark.parametrize(
    ("file", "found", "instead"),
    [
        ("config/numbers.yaml", '"4000": main', "0501: main"),
        (*AGENT, "phone: 0501"),
        (*AGENT, 'phone: "1001", accept: yes'),
        (*AGENT, 'phone: "1001", accept: no'),
        (*WAIT, "wrap_up: 5 s"),
        (HOURS, OFFICE, "22:30-24:00"),
        (HOURS, OFFICE, '"22:00-02:00"'),
        (HOURS, OFFICE, '"9:00-18:00"'),
        (*KEYS, 'country: CN\npause_reasons: {"1": lunch}'),
    ],
)
def test_what_yaml_itself_reads_otherwise_is_right_here(site: SmallSite, file: str, found: str, instead: str) -> None:
    """Leading zeros, yes and no, times without quotes, hours over midnight."""
    site.change(file, found, instead)
    assert site.said() == []
    if instead.endswith("0501: main"):
        assert site.load().flow_for("0501") == "main"


@pytest.mark.parametrize(("encoding", "ends"), [("utf-8-sig", "\n"), ("utf-8", "\r\n"), ("utf-8-sig", "\r\n")])
def test_files_of_an_editor_on_windows_are_right(site: SmallSite, encoding: str, ends: str) -> None:
    """A byte order mark and CRLF change nothing, nor do they move the places of mistakes."""

    def save() -> None:
        for path in site.folder.rglob("*.yaml"):
            path.write_bytes(path.read_text(encoding="utf-8-sig").replace("\n", ends).encode(encoding))

    save()
    assert site.said() == []
    site.change("config/queues.yaml", "wrap_up: 5s", "wrap_up: soon")
    save()
    (problem,) = site.said()
    assert problem.startswith("config/queues.yaml:6:20: expected none, until_done or a duration")


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("gbk", "2:16: is not UTF-8 text here but looks like GBK"),
        ("latin-1", "2:16: is not UTF-8 text here"),
        ("utf-16", "1:1: is UTF-16 text"),
        ("utf-16-le", "1:1: is UTF-16 text"),
        ("utf-16-be", "1:1: is UTF-16 text"),
    ],
)
def test_another_encoding_is_named(site: SmallSite, encoding: str, said: str) -> None:
    """With the first place that is not UTF-8, in characters."""
    if encoding == "latin-1":
        site.change("config/agents.yaml", "王芳", "Müller")
        said = said.replace("2:16", "2:17")
    path = site.folder / "config/agents.yaml"
    path.write_bytes(path.read_text().encode(encoding))
    assert site.said() == [f"config/agents.yaml:{said} - save the file as UTF-8"]


def test_a_column_behind_chinese_text_counts_characters(site: SmallSite) -> None:
    """As an editor counts."""
    path = site.folder / "config/agents.yaml"
    path.write_bytes("agents: # 中文\n  王芳".encode() + b"\xff\n")
    assert site.said()[0].startswith("config/agents.yaml:2:5: is not UTF-8 text here")
