"""Mistakes in flows are found before a caller finds them: all at once, at their place, with a hint."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.flow.nodes import NODE_TYPES
from ivr.flow.texts import parse_prompt
from ivr.loading.loader import load_flows, load_prompts
from sources.problems import ProblemsFound
from tests.unit.ivr.conftest import Load, MakeSite, ProblemsOf

pytestmark = pytest.mark.unit


def flow(nodes: str, top: str = "", start: str = "a") -> str:
    lines = "".join(f"  {line}\n" for line in nodes.strip().splitlines())
    return f"flow: main\nstart: {start}\n{top}nodes:\n{lines}"


GOOD = flow("a: {type: menu, prompt: no_input, options: {1: b}, failure: b}\nb: {type: hangup}")


def test_a_good_flow_has_no_problems(load: Load, problems_of: ProblemsOf) -> None:
    assert problems_of(GOOD) == []
    loaded = load(GOOD)["main"]
    assert (loaded.languages, loaded.start, set(loaded.nodes)) == (("zh", "en"), "a", {"a", "b"})


def test_mistakes_of_every_kind_and_every_file_are_told_together(problems_of: ProblemsOf) -> None:
    """Also those inside nodes of a file whose top is wrong."""
    top_wrong = "flow: one\nstrat: a\nnodes:\n  a: {type: plya}\n  b: {type: play, prompt: x, nxt: b, next: b}\n  c: {prompt: x}\n"
    assert problems_of(top_wrong, "flow: two\nstart: [\n", GOOD.replace("options: {1: b}", "options: {1: c}")) == [
        "flow0.yaml:1:1: missing setting 'start'",
        "flow0.yaml:2:1: unknown setting 'strat' - did you mean 'start'?",
        "flow0.yaml:4:13: unknown node type 'plya' - did you mean 'play'?",
        "flow0.yaml:5:30: unknown setting 'nxt' - did you mean 'next'?",
        f"flow0.yaml:6:3: missing setting 'type' - possible: {', '.join(NODE_TYPES)}",
        "flow1.yaml:3:1: is not valid YAML: did not find expected node content (while parsing a flow node) - "
        "check indentation, brackets and quotes",
        "flow2.yaml:4:50: unknown node 'c' - possible: a, b, back, hangup, top",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (flow("a: {type: play, prompt: no_input, next: bb}\nbbb: {type: hangup}"), "4:43: unknown node 'bb' - did you mean 'bbb'?"),
        (flow("a: {type: hangup}", start="b"), "2:8: unknown node 'b'"),
        (flow("a: {type: hangup}", "on_error: b\n"), "3:11: unknown node 'b'"),
        (flow("a: {type: hangup}", 'keys: {"0": b}\n'), "3:13: unknown node 'b'"),
        (flow("a: {type: hangup}\nb: {type: hangup}"), "5:3: no way leads to the node 'b' - lead an exit to it, or remove it"),
        (
            flow("a: {type: menu, prompt: no_input, options: {1: a}, failure: a}"),
            "4:3: the call can never end from the node 'a' - add a way to a hangup",
        ),
        (
            flow("a: {type: set, values: {x: '1'}, next: b}\nb: {type: branch, cases: [{when: x == 1, then: hangup}], otherwise: a}"),
            "4:3: the nodes 'a', 'b' form a circle without any input - put a menu or a collect into it, or an exit",
        ),
        (flow("a: {type: hangup, prompt: bey}", "prompts: {bye: {zh: x, en: y}}\n"), "5:29: unknown prompt 'bey' - did you mean 'bye'?"),
        (flow("a: {type: hangup, prompt: [no_input, {zh: x}]}"), "4:40: this prompt has no text in en - add it"),
        (flow("a: {type: hangup}", "prompts: {bye: {en: y}}\n"), "3:11: the prompt 'bye' has no text in zh - add it"),
        (flow("a: {type: hangup, prompt: Hello you}"), "expected the name of a prompt, found 'Hello you': write text per language"),
        (flow("a: {type: hangup}", "languages: [zh, fr]\n"), "3:17: the site has no language 'fr' - possible: en, zh"),
        (flow("a: {type: hangup}", "languages: [zh, fr]\n"), "the built-in prompt 'no_match' has no text in fr"),
        (flow("a: {type: set, language: fr, next: hangup}"), "4:28: this flow has no language 'fr'"),
        (flow("a: {type: queue, queue: biling, otherwise: hangup}"), "4:27: unknown queue 'biling' - did you mean 'billing'?"),
        (flow("a: {type: hours, hours: ofice, open: hangup, closed: hangup}"), "4:27: unknown hours 'ofice' - did you mean 'office'?"),
        (
            flow("a: {type: queue, queue: billing, requirement: 'biling > 2 and lang_{language}', otherwise: hangup}"),
            "4:49: no agent has the skill 'biling' - did you mean 'billing'?",
        ),
        (
            flow("a: {type: queue, queue: billing, requirement: '{ani} > 2', otherwise: hangup}"),
            '4:49: only {language} may stand in a requirement by itself; write "{ani}", as in site = "{branch}"',
        ),
        (
            flow("a: {type: queue, queue: billing, steps: [{after: 1s, requirement: billing}], otherwise: hangup}"),
            "4:44: the first step applies from the beginning: leave its 'after' out",
        ),
        (
            flow("a: {type: transfer, to: '1001', otherwise: hangup}"),
            "4:27: the site does not allow transfers to '1001' - add a pattern under transfer.allow",
        ),
        (flow("a: {type: goto, flow: mian}"), "4:25: unknown flow 'mian' - did you mean 'main'?"),
        (flow("a: {type: goto}"), "4:3: give either 'node' or 'flow'"),
        (
            flow("a: {type: hangup, prompt: {zh: '{balanse}', en: x}}", "variables: {balance: ''}\n"),
            "5:34: unknown variable 'balanse' - did you",
        ),
        (
            flow("a: {type: branch, cases: [{when: anni == 1, then: hangup}], otherwise: hangup}"),
            "4:36: unknown variable 'anni' - did you mean 'ani'?",
        ),
        (flow("a: {type: branch, cases: [{when: a.b, then: hangup}], otherwise: hangup}"), "4:36: 'a.b' is not possible here"),
        (flow("a: {type: set, values: {ani: x}, next: hangup}"), "4:32: 'ani' is set by the call itself - choose another name"),
        (flow("a: {type: set, next: hangup}"), "4:3: sets nothing: give 'values' or 'language'"),
        (flow("hangup: {type: hangup}", start="hangup"), "4:3: a node cannot be called 'hangup'"),
        (flow('"a b": {type: hangup}', start="hangup"), "4:3: 'a b' is no name for a node"),
        (
            flow("a: {type: menu, prompt: no_input, options: {1: hangup}}"),
            "4:3: no exit for callers who give no valid answer: set 'failure', or 'then' under no_input and no_match",
        ),
        (
            flow("a: {type: menu, prompt: no_input, options: {1: hangup}, back: 1, failure: hangup}"),
            "4:65: the key '1' has two meanings in this menu",
        ),
        (
            flow("a: {type: collect, prompt: no_input, save: x, min_length: 9, max_length: 3, next: hangup, failure: hangup}"),
            "4:61: is greater than max_length (3)",
        ),
        (
            flow("a: {type: collect, prompt: no_input, save: x, valid: {pattern: '['}, next: hangup, failure: hangup}"),
            "4:66: is no regular expression",
        ),
        (flow("a: {type: lookup, url: 'ftp://x', found: hangup, failed: hangup}"), "4:26: expected an address that begins with http://"),
        (
            flow("a: {type: lookup, url: 'http://{ani}/', found: hangup, failed: hangup}"),
            "4:26: expected an address that begins with http://",
        ),
        (flow("a: {type: hangup}", "variables: {1a: x}\n"), "3:13: expected the name of a variable"),
    ],
)
def test_each_rule_tells_place_and_remedy(problems_of: ProblemsOf, text: str, said: str) -> None:
    problems = problems_of(text)
    assert any(said in problem for problem in problems), problems


def test_a_requirement_that_routing_cannot_read_is_told_with_routings_words(problems_of: ProblemsOf) -> None:
    text = flow("a: {type: queue, queue: billing, requirement: 'billing ?? lang_{language}', otherwise: hangup}")
    fault = problems_of(text, requirement_fault=lambda requirement: f"cannot read '{requirement}'", skills=None)
    assert fault == [
        "flow0.yaml:4:49: cannot read 'billing ?? lang_en'",
        "flow0.yaml:4:49: cannot read 'billing ?? lang_zh'",
    ]


def test_a_prompt_in_a_fixed_language_is_kept_and_its_language_checked(load: Load, problems_of: ProblemsOf) -> None:
    """ "For English, press 2" is English whatever the caller's language is."""
    text = flow(
        "a: {type: hangup, prompt: [offer, {say: 中文请按 1。, language: zh}]}",
        "prompts: {offer: {say: 'For English, press 2.', language: en}}\n",
    )
    assert load(text)["main"].prompts["offer"].spoken_in == "en"
    assert problems_of(text.replace("language: en", "language: fr")) == [
        "flow0.yaml:3:59: this flow has no language 'fr' - possible: en, zh"
    ]


def test_variables_of_other_flows_are_known(problems_of: ProblemsOf) -> None:
    """They stay set after a goto."""
    other = "flow: other\nstart: s\nvariables: {x: '1'}\nnodes:\n  s: {type: goto, flow: main}\n"
    assert problems_of(flow("a: {type: hangup, prompt: {zh: '{x}', en: '{x}'}}"), other) == []


def test_two_flows_of_one_name_are_refused(problems_of: ProblemsOf) -> None:
    problem = problems_of(GOOD, GOOD)[0]
    assert problem.endswith("flow0.yaml:1:7 - give one of them another name") or "exists already" in problem


def test_shared_prompts_serve_every_flow_and_change_its_version(load: Load, tmp_path: Path) -> None:
    (tmp_path / "prompts.yaml").write_text("prompts:\n  hi: {zh: 你好, en: hi}\n  no_input: 嗯\n", encoding="utf-8")
    prompts = load_prompts(tmp_path / "prompts.yaml")
    text = flow("a: {type: hangup, prompt: [hi, no_input]}")
    first = load(text, prompts=prompts)["main"]
    second = load(text, prompts={**prompts, "hi": parse_prompt("hi!", "hi")})["main"]
    assert first.version != second.version
    with pytest.raises(ProblemsFound, match="unknown prompt 'hi'"):
        load(text)
    with pytest.raises(ProblemsFound, match="the shared prompt 'hi' has no text in zh"):
        load(text, prompts={"hi": parse_prompt({"en": "hi"}, "hi")})


def test_a_folder_without_flows_is_a_problem(tmp_path: Path, site: MakeSite) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ProblemsFound, match="there is no flow"):
            load_flows(folder, site())


EXAMPLES = [
    path.read_text(encoding="utf-8") for path in sorted((Path(__file__).resolve().parents[3] / "dialplans" / "examples").glob("*.yaml"))
]


@settings(max_examples=300)
@given(st.sampled_from(EXAMPLES), st.integers(0, 3000), st.integers(0, 12), st.text(alphabet="ab:#-[]{},\"' \n10{}|.~x中", max_size=6))
def test_a_damaged_file_is_problems_or_a_flow(load: Load, text: str, at: int, cut: int, instead: str) -> None:
    """Whatever the damage: never another exception."""
    at %= len(text)
    with contextlib.suppress(ProblemsFound):
        assert load(text[:at] + instead + text[at + cut :])
