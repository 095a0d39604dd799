"""Signs of a Chinese input method or a word processor, and what else keeps a text from being YAML: named at its own place."""

from pathlib import Path

import pytest

from sources.problems import ProblemsFound
from sources.signs import SIGNS, plain_text
from sources.source import parse_source
from tests.settings_house import SmallSite


def said(text: str) -> list[str]:
    try:
        parse_source(text, "f")
    except ProblemsFound as found:
        return [str(problem) for problem in found.problems]
    return []


COLON = "full-width colon '：' - write ':'"
SPACE = "a space is missing after the colon - write max_wait: 40s"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a: 1\nmax_wait：40s\nb: 2\n", [f"f:2:9: {COLON}"]),
        ("q:\n  max_wait：40s\n  b: 2\n", [f"f:2:11: {COLON}"]),
        ("a: 1\nmax_wait：40s", [f"f:2:9: {COLON}"]),
        ("a: {type：menu}\n", [f"f:1:9: {COLON}"]),
        ("a: {type：menu, b: 2}\nc: {d：1}\n", [f"f:1:9: {COLON}", f"f:2:6: {COLON}"]),
        ("a: {type: menu，prompt: x}\n", ["f:1:15: full-width comma '，' - write ','"]),
        ("a: {type: menu、prompt: x}\n", ["f:1:15: Chinese enumeration comma '、' - write ','"]),
        ("a: “x: y”\n", ["f:1:4: curly quote '“' - write '\"'", "f:1:9: curly quote '”' - write '\"'"]),
        ("“4000”: main\n", ["f:1:1: curly quote '“' - write '\"'"]),
        ("a: ｛b: 1｝\n", ["f:1:4: full-width brace '｛' - write '{'", "f:1:9: full-width brace '｝' - write '}'"]),
        ("a:\n\u3000\u3000b: 1\n", ["f:2:1: full-width space U+3000 - write a space"]),
        ("a:\n\u00a0 b: 1\n\u00a0 c: 2\n", [f"f:{line}:1: non-breaking space U+00A0 - write a space" for line in (2, 3)]),
        ("＃: x\n", ["f:1:1: full-width number sign '＃' - write \"#\""]),
        ("a:\n  ＊: x\n", ["f:2:3: full-width asterisk '＊' - write \"*\""]),
        ("ｍenu: x\n", ["f:1:1: full-width letter 'ｍ' - write 'm'"]),
        ("a\u200b: 1\n", ["f:1:2: zero-width space (U+200B), which nobody sees - remove it"]),
        ("a: 1\n\ufeffb: 2\n", ["f:2:1: byte order mark (U+FEFF), which nobody sees - remove it"]),
        ("a: 1\nmax_wait:40s\nb: 2\n", [f"f:2:10: {SPACE}"]),
        ("q:\n  max_wait:40s\n  b: 2\n", [f"f:2:12: {SPACE}"]),
        ("a: {type:menu}\n", ["f:1:10: a space is missing after the colon - write type: menu"]),
        (
            "prompt: Menu: press 1\n",
            ["f:1:13: a ': ' stands where none is expected - quote the text, or check the indentation of this line"],
        ),
        ("a: {b: 1\nc: 2\n", ["f:1:4: this brace { is never closed - write } behind it"]),
        ('x: 1\na: "y\nb: 2\n', ['f:2:4: this quote " is never closed - write " behind it']),
    ],
)
def test_the_sign_that_is_wrong_is_named_at_its_own_place(text: str, problems: list[str]) -> None:
    """A wrong sign in the structure is one problem at the line and column where it stands, with what to write."""
    assert said(text) == problems


def test_what_is_wrong_behind_a_sign_is_told_in_the_same_run() -> None:
    """A wrong sign hides no other mistake, and moves none."""
    assert said("a：{b: 1, b: 2}\nc: &x 1\n") == [
        f"f:1:2: {COLON}",
        "f:1:10: 'b' is written twice; first at line 1 - remove one of them",
        "f:2:4: anchors (&x) are not used here - write the value out where it is needed",
    ]


@pytest.mark.parametrize("sign", sorted(SIGNS - {"\u2028"}))
def test_no_sign_in_a_text_is_ever_complained_about(sign: str) -> None:
    """Between letters of a prompt each of the signs is right: as it stands, in quotes, in braces and in a block."""
    texts = [f"a: 您好{sign}世界\n", f'a: "您好{sign}: x"\n', f"a: {{b: 您好{sign}世界, c: x{sign}y}}\n", f"a: |\n  注意{sign} x\nb: 1\n"]
    assert [said(text) for text in texts] == [[], [], [], []]


@pytest.mark.parametrize("sign", sorted(SIGNS))
def test_each_sign_in_a_key_is_named_with_its_place(sign: str) -> None:
    """No key has one of these signs, wherever in the key it stands."""
    problems = said(f"ab{sign}c: 1\n")
    assert len(problems) == 1
    assert problems[0].startswith("f:1:3: ")
    assert sign in problems[0] or f"U+{ord(sign):04X}" in problems[0]
    assert plain_text(sign).isascii()


def test_a_bomb_is_one_line() -> None:
    """Anchors and aliases by the dozen are one mistake."""
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    assert said(bomb) == ["f:1:5: anchors (&a0) are not used here, and 90 more like it - write the value out where it is needed"]


@pytest.mark.parametrize(
    ("file", "found", "instead", "problem"),
    [
        ("config/queues.yaml", "wrap_up: 5s", "wrap_up: ５s", "config/queues.yaml:6:20: full-width digit '５' - write '5'"),
        ("config/hours.yaml", '"09:00-18:00"', '"09：00-18:00"', "config/hours.yaml:3:24: full-width colon '：' - write ':'"),
        ("config/agents.yaml", '"1001"', '"１001"', "config/agents.yaml:2:28: full-width digit '１' - write '1'"),
        (
            "config/agents.yaml",
            "queues: [billing, sales]",
            "queues: [billing，sales]",
            "config/agents.yaml:3:77: full-width comma '，' - write ','",
        ),
        ("config/numbers.yaml", '"4000": main', "“4000”: main", "config/numbers.yaml:2:3: curly quote '“' - write '\"'"),
        ("config/queues.yaml", "{wrap_up: 5s,", "{wrap_up：5s,", "config/queues.yaml:6:18: full-width colon '：' - write ':'"),
        ("dialplans/main.yaml", '"billing >= 3"', '"billing ≥ 3"', None),
        ("dialplans/main.yaml", "queue: billing", "queue: “billing”", "dialplans/main.yaml:5:30: curly quote '“' - write '\"'"),
    ],
)
def test_a_sign_in_a_value_is_named_at_its_place(tmp_path: Path, file: str, found: str, instead: str, problem: str | None) -> None:
    """A time, a duration, a number, a name: where the value is refused for a sign of another keyboard, the sign is what is told."""
    site = SmallSite(tmp_path)
    site.change(file, found, instead)
    problems = site.said()
    if problem is None:  # a sign that no keyboard puts in place of another keeps the ordinary sentence
        assert len(problems) == 1
        assert "≥" in problems[0]
    else:
        assert problems == [problem]


def test_full_width_signs_in_names_and_prompts_of_a_site_are_right(tmp_path: Path) -> None:
    """Names and prompts say what they say."""
    site = SmallSite(tmp_path)
    site.change("config/prompts.yaml", "再见。", "再见，感谢来电：“您好”（２４小时）！")
    site.change("config/queues.yaml", "zh: 账单,", "zh: 账单（一）：水费,")
    site.change("config/agents.yaml", "name: 王芳", "name: 王芳（班长）")
    assert site.said() == []
