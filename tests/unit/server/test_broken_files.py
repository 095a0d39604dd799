"""A file that is no plain YAML: what is wrong beside that is told in the same run, and nothing that is not wrong."""

import re
import shutil
from pathlib import Path

import pytest

from server.settings import load_site
from sources.problems import ProblemsFound
from tests.settings_house import FILES, SmallSite

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
Changes = list[tuple[str, str]]


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path)


def test_eight_mistakes_of_config_and_flows_are_told_in_one_run(site: SmallSite) -> None:
    """Syntax, values, names and references of five files at once; each told once, and nothing else."""
    site.change("config/hotline.yaml", "country: CN", "country：CN")
    site.change("config/hotline.yaml", "Asia/Shanghai", "Asia/Beijing")
    site.change("config/queues.yaml", "wrap_up: 7s", "wrap_up:7s")
    site.change("config/queues.yaml", "wrap_up: 5s", "wrap_up: soon")
    site.change("config/agents.yaml", "queues: [billing, sales], wrap_up", "queues: [biling, sales], wrap_up")
    site.change("config/hours.yaml", "09:00-18:00", "9-18")
    site.change("dialplans/main.yaml", "queue: billing", "queue: sale")
    site.change("dialplans/main.yaml", "type: hangup", "type: hang_up")
    assert site.said() == [
        "config/agents.yaml:3:70: unknown queue 'biling' - did you mean 'billing'?",
        "config/hotline.yaml:2:8: full-width colon '：' - write ':'",
        "config/hotline.yaml:3:12: unknown time zone 'Asia/Beijing'; write it like Asia/Shanghai or UTC",
        "config/hours.yaml:3:21: '9-18' is not a range of times: expected from-to such as 09:00-18:00",
        "config/queues.yaml:2:11: a space is missing after the colon - write wrap_up: 7s",
        "config/queues.yaml:6:20: expected none, until_done or a duration such as 30s, 5m, 1h or 1d, found 'soon'",
        "dialplans/main.yaml:5:30: unknown queue 'sale' - did you mean 'sales'?",
        "dialplans/main.yaml:6:15: unknown node type 'hang_up' - did you mean 'hangup'?",
    ]


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        (
            "config/queues.yaml",
            [("{wrap_up: 5s, service_level: {target: 70}}", "{wrap_up: 5s"), ("wrap_up: 7s", "wrap_up: soon")],
            ["2:12: expected none, until_done", "6:10: this brace { is never closed"],
        ),
        (
            "config/agents.yaml",
            [("skills: {lang_zh: 5, billing: 4}", "skills: {lang_zh: 5, billing: 4"), ("lang_en: 5", "lang_en: 6")],
            ["2:9: this brace { is never closed", "3:57: expected at most 5, found '6'"],
        ),
        (
            "config/agents.yaml",
            [("name: 王芳", 'name: "王芳'), ("wrap_up: 20s", "wrap_up: 20")],
            ["2:29: is not valid YAML", "3:96: expected none, until_done or a duration"],
        ),
        (
            "config/hours.yaml",
            [("    holidays: CN", "   holidays: CN"), ("hours:\n", "hours:\n  night: {week: {mon-fry: closed}}\n  late: {weeks: {}}\n")],
            ["3:10: unknown setting 'weeks' - did you mean 'week'?", "6:4: is not valid YAML"],
        ),
        (
            "config/numbers.yaml",
            [('"4000": main', '"4000": main\n  "4000": other\n  "four": main')],
            ["3:3: '4000' is written twice; first at line 2 - remove one of them", "4:3: expected a telephone number, found 'four'"],
        ),
        (
            "config/queues.yaml",
            [("wrap_up: 5s", "wrap_up: *w"), ("threshold: 30s", "threshold: 30")],
            ["3:30: expected a duration", "6:20: aliases (*name) are not used here"],
        ),
        (
            "config/queues.yaml",
            [("{wrap_up: 5s, service_level: {target: 70}}", "{<<: *w, max_wait: 5}"), ("threshold: 30s", "threshold: 30")],
            ["3:30: expected a duration", "6:11: merge keys", "6:15: aliases", "6:29: expected a duration"],
        ),
        (
            "config/hotline.yaml",
            [("country: CN", "pause_reasons:\n  #: lunch\nbreak: {}"), ("Asia/Shanghai", "Shanghai")],
            [
                "3:3: YAML reads this # as the start of a comment",
                "4:1: unknown setting 'break' - did you mean 'breaks'?",
                "5:12: unknown time",
            ],
        ),
        (
            "dialplans/main.yaml",
            [("open: wait, closed: bye}", "open: wait, closed: bye"), ("otherwise: bye", "otherwise: bye, priority: high")],
            ["4:9: this brace { is never closed", "5:94: expected a whole number, found 'high'"],
        ),
        (
            "dialplans/main.yaml",
            [
                ("start: open", "start: open\nlanguage: [zh]"),
                ("  bye: {type: hangup, prompt: goodbye}", "  bye: {type: hangup, prompt: Menu: goodbye}"),
            ],
            ["3:1: unknown setting 'language' - did you mean 'languages'?", "7:35: is not valid YAML"],
        ),
        (
            "config/prompts.yaml",
            [("prompts:", "prompt: {}\nprompts:"), ("en: Goodbye.}", "en: Goodbye.")],
            ["1:1: unknown setting 'prompt' - did you mean 'prompts'?", "3:12: this brace { is never closed"],
        ),
    ],
)
def test_what_is_wrong_beside_a_mistake_of_syntax_is_told(
    site: SmallSite, file: str, changes: list[tuple[str, str]], said: list[str]
) -> None:
    """The values of the entries that can be read are judged, also behind the mistake; the others are not guessed at."""
    for found, instead in changes:
        site.change(file, found, instead)
    problems = site.said()
    assert len(problems) == len(said), problems
    for problem, begin in zip(problems, said, strict=True):
        assert problem.startswith(f"{file}:{begin}")


@pytest.mark.parametrize(
    ("encoding", "column"), [("gbk", "2:16: is not UTF-8 text here but looks like GBK"), ("utf-16", "1:1: is UTF-16 text")]
)
def test_a_file_in_another_encoding_is_judged_all_the_same(site: SmallSite, encoding: str, column: str) -> None:
    """The encoding is named, and so are the mistakes inside of the file."""
    site.change("config/agents.yaml", "queues: [billing, sales]", "queues: [biling, sales]")
    path = site.folder / "config/agents.yaml"
    path.write_bytes(path.read_text().encode(encoding))
    assert site.said() == [
        f"config/agents.yaml:{column} - save the file as UTF-8",
        "config/agents.yaml:3:70: unknown queue 'biling' - did you mean 'billing'?",
    ]


_OF_SYNTAX = re.compile(
    "never closed|valid YAML|is expected|none is expected|a tab stands|space is missing|written twice|start of a comment"
    "|must be quoted|full-width|curly quote|control character|anchors|aliases|tags|must be text|one document a file"
)
_DAMAGES = ("open brace", "open bracket", "open quote", "indent less", "indent more", "colon", "tab", "drop sign", "twice", "alias", "hash")


def _damaged(line: str, damage: str) -> str:
    """A line with one mistake of syntax."""
    bare = line.lstrip(" ")
    key, colon, value = bare.partition(": ")
    indent = line[: len(line) - len(bare)]
    return {
        "open brace": f"{line} {{",
        "open bracket": f"{indent}{key}: [{value}" if colon else f"{indent}{bare} [",
        "open quote": f'{indent}{key}: "{value}' if colon else f'{indent}"{bare}',
        "indent less": line[1:] if indent else f" {line}",
        "indent more": f" {line}",
        "colon": line.replace(": ", "：", 1),
        "tab": f"\t{bare}",
        "drop sign": re.sub(r"[\]}\"]([^\]}\"]*)$", r"\1", line),
        "twice": f"{line}\n{line}",
        "alias": f"{indent}{key}: *x" if colon else line,
        "hash": f"{indent}#: {value}\n{line}",
    }[damage]


@pytest.mark.parametrize("damage", _DAMAGES)
@pytest.mark.parametrize("name", ["shipped", "small"])
def test_one_mistake_of_syntax_never_brings_up_others(tmp_path: Path, name: str, damage: str) -> None:
    """On every line of every file of a small site and some of a large one: all that is told is of syntax, and of that file."""
    if name == "shipped":
        for folder in ("config", "dialplans"):
            shutil.copytree(ROOT / folder, tmp_path / folder)
        files, step = ["config/queues.yaml", "config/agents.yaml", "config/hotline.yaml", "dialplans/main.yaml"], 29
    else:
        SmallSite(tmp_path)
        files, step = list(FILES), 1
    for file in files:
        good = (tmp_path / file).read_text()
        lines = good.splitlines()
        for number, line in list(enumerate(lines))[::step]:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            (tmp_path / file).write_text("\n".join([*lines[:number], _damaged(line, damage), *lines[number + 1 :]]) + "\n")
            told = _told(tmp_path)
            if any(map(_OF_SYNTAX.search, told)):
                false = [said for said in told if not _OF_SYNTAX.search(said) or not said.startswith(file)]
                assert not false, f"{file}:{number + 1} {damage}: {told}"
        (tmp_path / file).write_text(good)


def _told(folder: Path) -> list[str]:
    try:
        load_site(folder / "config", folder / "dialplans")
    except ProblemsFound as found:
        return [str(problem).replace(f"{folder}/", "") for problem in found.problems]
    return []
