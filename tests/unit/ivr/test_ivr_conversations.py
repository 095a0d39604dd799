"""Conversations prove the example flows, and a conversation that goes wrong says where."""

from pathlib import Path

import pytest

from ivr.conversations import run_conversations
from ivr.flow.model import Flows
from ivr.hours import Hours, parse_week
from ivr.loading.loader import load_flows
from ivr.premises import Premises
from sources.problems import ProblemsFound
from tests.unit.ivr.conftest import Load, MakeSite

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
PREMISES = Premises({"office": Hours(week=parse_week({"mon-fri": "09:00-18:00"}))})


@pytest.fixture
def examples(site: MakeSite) -> Flows:
    return load_flows(ROOT / "dialplans" / "examples", site(queues=("billing", "technical"), skills=("billing", "lang_zh", "lang_en")))


async def test_every_example_does_what_its_conversations_say(examples: Flows) -> None:
    """And every node of every example is visited by some conversation."""
    results = await run_conversations([ROOT / "tests" / "flows" / "examples.yaml"], examples, PREMISES)
    assert [str(result.problem) for result in results if result.problem] == []
    visited = {place for result in results for place in result.visited}
    assert {(flow.name, node) for flow in examples.values() for node in flow.nodes} - visited == set()


async def test_the_failing_step_is_told_with_its_place(examples: Flows, tmp_path: Path) -> None:
    """What was expected and what happened instead."""
    path = tmp_path / "c.yaml"
    path.write_text(
        """- conversation: wrong words
  flow: hello
  language: en
  steps:
    - hear: Hello
    - hear: Good night
- conversation: too short
  flow: menus
  steps: [{press: "1"}, {hear: 账单}]
- conversation: another queue
  flow: queue
  steps: [{queue: {name: sales}}]
- conversation: another end
  flow: hello
  steps: [{ended: failed}]
- conversation: a lookup that nobody wrote
  flow: lookup
  language: en
  steps: [{press: "1234#"}, {hear: Your balance}]
""",
        encoding="utf-8",
    )
    told = [str(result.problem).removeprefix(f"{tmp_path}/") for result in await run_conversations([path], examples, PREMISES)]
    assert told[0].startswith("c.yaml:6:7: wrong words: expected to hear 'Good night', heard ['Goodbye.']; then the flow ended")
    assert told[1] == "c.yaml:9:25: too short: the flow waits for a key, but the conversation is over"
    assert "another queue: the flow comes to the queue 'billing' with the requirement 'billing >= 3 and lang_zh'" in told[2]
    assert told[3].startswith("c.yaml:15:11: another end: the flow ended (hung_up), expected ended failed")
    assert "expected to hear 'Your balance'" in told[4]


async def test_a_file_with_mistakes_is_told_like_any_other(examples: Flows, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("- conversation: x\n  flow: helo\n  steps: [{hear: a, press: b}, {hera: a}]\n- {flow: hello}\n", encoding="utf-8")
    with pytest.raises(ProblemsFound) as found:
        await run_conversations([path], examples, PREMISES)
    text = str(found.value)
    assert "expected keys such as 0" in text
    assert "unknown setting 'hera' - did you mean 'hear'?" in text
    assert "missing setting 'conversation'" in text
    path.write_text("conversation: x\n", encoding="utf-8")
    with pytest.raises(ProblemsFound, match="expected a list of conversations"):
        await run_conversations([path], examples, PREMISES)


KNOWN = """flow: known
languages: [en, zh]
start: who
nodes:
  who: {type: branch, cases: [{when: "caller_list == 'vip'", then: vip}], otherwise: other}
  vip: {type: play, prompt: {zh: "贵宾 {ani}", en: "VIP {ani}"}, next: hangup}
  other: {type: transfer, to: "1000", otherwise: wait}
  wait: {type: queue, queue: billing, otherwise: hangup}
"""


async def test_a_conversation_goes_as_a_real_call_would(load: Load, tmp_path: Path) -> None:
    """The number is stored and looked up in the caller lists as that of a real call, which begins in the site's first language; a list that
    is written down counts instead. Nobody is connected where the site forbids it, nor waits where the queue is closed.
    """
    premises = Premises(
        {},
        language="zh",
        caller_list=lambda number: "vip" if number == "+8613800138000" else "",
        may_dial=lambda number: False,
        is_open=lambda queue, now_ms: False,
    )
    path = tmp_path / "c.yaml"
    path.write_text(
        """- {conversation: known, flow: known, ani: 138 0013 8000, steps: [{hear: 贵宾 +8613800138000}]}
- {conversation: named, flow: known, caller_list: vip, steps: [{hear: 贵宾}]}
- conversation: unlisted
  flow: known
  ani: "13800138000"
  caller_list: ""
  steps: [{dial: {to: "1000", outcome: not_allowed}}, {queue: {name: billing, outcome: closed}}]
- {conversation: forbidden, flow: known, steps: [{dial: {to: "1000"}}]}
- {conversation: shut, flow: known, steps: [{dial: {to: "1000", outcome: not_allowed}}, {queue: {name: billing}}]}
""",
        encoding="utf-8",
    )
    results = await run_conversations([path], load(KNOWN), premises)
    assert [str(result.problem) for result in results[:3]] == ["None"] * 3
    assert "which the site does not allow (outcome: not_allowed)" in str(results[3].problem)
    assert "the queue 'billing' is closed at this time (outcome: closed)" in str(results[4].problem)
