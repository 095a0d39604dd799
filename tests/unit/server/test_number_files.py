"""CSV files of callers: what is read of them, and what is said of a file that is none."""

from pathlib import Path

import pytest

from tests.settings_house import SmallSite

pytestmark = pytest.mark.unit

SAVE = "save it as CSV UTF-8 (comma delimited)"
ROWS = "number,name\n13800138001,王芳\n13800138002,李明\n"


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    site = SmallSite(tmp_path)
    site.write("config/callers.yaml", "lists:\n  vip: {file: vip.csv}\n")
    return site


def said(site: SmallSite, content: bytes | str) -> list[str]:
    (site.folder / "config/vip.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return [problem.removeprefix("config/vip.csv:") for problem in site.said()]


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        ROWS.replace("number,name\n", ""),
        "\ufeff" + ROWS,
        ROWS.replace("\n", "\r\n"),
        "电话,姓名\n13800138001\n\n13800138002,\n,\n",
        '"13800138001","Wang, ""A"""\n+86 138 0013 8002\n',
    ],
)
def test_every_usual_file_is_read_whole(site: SmallSite, content: str) -> None:
    """With a title row and without, so that no first number is lost; a byte order mark, CRLF, empty lines and quotes change nothing."""
    assert said(site, content) == []
    assert set(site.load().callers.members) == {"+8613800138001", "+8613800138002"}


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (ROWS.encode("gbk"), [f"2:13: is not UTF-8 text here but looks like GBK - {SAVE}"]),
        (ROWS.encode("utf-16"), [f"1:1: is UTF-16 text - {SAVE}"]),
        (ROWS.encode("utf-16-le"), [f"1:1: is UTF-16 text - {SAVE}"]),
        (b"13800138001,\xff\xff\n", [f"1:13: is not UTF-8 text here - {SAVE}"]),
        (b"PK\x03\x04\x14\0\6\0\x08" + b"\0" * 900, [f"1:1: is an Excel workbook (XLSX), not a CSV file - {SAVE}"]),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 900, [f"1:1: is an Excel workbook (XLS), not a CSV file - {SAVE}"]),
        (b"%PDF-1.7\n", [f"1:1: is a PDF file, not a CSV file - {SAVE}"]),
        (b"13800138001\n1380\x00138002\n", [f"1:1: is no text - {SAVE}"]),
        (ROWS.replace(",", ";"), [f"2:1: the columns are separated by semicolons, not by commas - {SAVE}"]),
        (ROWS.replace(",", "\t"), [f"2:1: the columns are separated by tabs, not by commas - {SAVE}"]),
        (ROWS.replace(",", "，"), [f"2:1: the columns are separated by full-width commas, not by commas - {SAVE}"]),
        (
            "name,city,number\n王芳,北京,13800138001\n李明,上海,13800138002\n",
            ["2:1: there are no telephone numbers in the first column, but in column 3 - put the numbers first"],
        ),
        (
            "1,13800138001\n2,13800138002\n",
            ["1:1: there are no telephone numbers in the first column, but in column 2 - put the numbers first"],
        ),
        (
            "13800138001\n1.38E+10\n",
            ["2:1: '1.38E+10' is a number that a spreadsheet has cut short - format the column as text there, and fill it anew"],
        ),
        (
            "13800138001\n+8613800138001\n13800138001\n",
            ["2:1: +8613800138001 is in this list already, as 13800138001 - remove one of them"],
        ),
        ('13800138001,"Wang\n13800138002,Li\n', ['1:1: a quote " is opened here and never closed - close or remove it']),
        (
            '13800138003\n13800138001,"Wang\n' + "13800138002,Li\n" * 20_000,
            ['2:1: a quote " is opened here and never closed - close or remove it'],
        ),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named_once(site: SmallSite, content: bytes | str, wanted: list[str]) -> None:
    """By its line, with what to do; its numbers are not complained about one by one for that."""
    assert said(site, content) == wanted


def test_numbers_of_a_file_in_gbk_are_judged_all_the_same(site: SmallSite) -> None:
    """The encoding hides no wrong number."""
    assert len(said(site, (ROWS + "nobody,王\n").encode("gbk"))) == 2


def test_a_number_in_two_spellings_in_the_settings(site: SmallSite) -> None:
    """At its own place, also against a file."""
    site.write("config/callers.yaml", 'lists:\n  vip: {numbers: ["+8613800138001", "138 0013 8001"]}\n')
    assert site.said() == ["config/callers.yaml:2:37: 138 0013 8001 is in this list already, as +8613800138001 - remove one of them"]
