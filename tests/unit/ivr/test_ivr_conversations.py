"""Conversations prove the example flows, and a conversation that goes wrong says where."""

from pathlib import Path

import pytest

from ivr.conversations import Place, run_conversations
from ivr.hours import Hours, parse_week
from ivr.loading.loader import load_flows
from ivr.loading.problems import ProblemsFound

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
PLACE = Place({"office": Hours(week=parse_week({"mon-fri": "09:00-18:00"}))})


@pytest.fixture
def examples(site):
    return load_flows(ROOT / "dialplans" / "examples", site(queues=("billing", "technical"), skills=("billing", "lang_zh", "lang_en")))


async def test_every_example_does_what_its_conversations_say(examples):
    """And every node of every example is visited by some conversation."""
    results = await run_conversations([ROOT / "tests" / "flows" / "examples.yaml"], examples, PLACE)
    assert [str(result.problem) for result in results if result.problem] == []
    visited = {place for result in results for place in result.visited}
    assert {(flow.name, node) for flow in examples.values() for node in flow.nodes} - visited == set()


async def test_the_failing_step_is_told_with_its_place(examples, tmp_path: Path):
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
    told = [str(result.problem).removeprefix(f"{tmp_path}/") for result in await run_conversations([path], examples, PLACE)]
    assert told[0].startswith("c.yaml:6:7: wrong words: expected to hear 'Good night', heard ['Goodbye.']; then the flow ended")
    assert told[1] == "c.yaml:9:25: too short: the flow waits for a key, but the conversation is over"
    assert "another queue: the flow comes to the queue 'billing' with the requirement 'billing >= 3 and lang_zh'" in told[2]
    assert told[3].startswith("c.yaml:15:11: another end: the flow ended (hung_up), expected ended failed")
    assert "expected to hear 'Your balance'" in told[4]


async def test_a_file_with_mistakes_is_told_like_any_other(examples, tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_text("- conversation: x\n  flow: helo\n  steps: [{hear: a, press: b}, {hera: a}]\n- {flow: hello}\n", encoding="utf-8")
    with pytest.raises(ProblemsFound) as found:
        await run_conversations([path], examples, PLACE)
    text = str(found.value)
    assert "expected keys such as 0" in text
    assert "unknown setting 'hera' - did you mean 'hear'?" in text
    assert "missing setting 'conversation'" in text
    path.write_text("conversation: x\n", encoding="utf-8")
    with pytest.raises(ProblemsFound, match="expected a list of conversations"):
        await run_conversations([path], examples, PLACE)
