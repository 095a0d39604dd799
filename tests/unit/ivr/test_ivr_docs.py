"""The reference for flow authors shows flows that work and names every node type."""

import re
from pathlib import Path

import pytest

from ivr.flow.nodes import NODE_TYPES
from tests.unit.ivr.conftest import ProblemsOf

pytestmark = pytest.mark.unit

FLOWS = Path(__file__).resolve().parents[3] / "docs" / "flows.md"


def test_the_flow_that_the_reference_shows_has_no_problems(problems_of: ProblemsOf) -> None:
    shown = re.findall(r"```yaml\n(flow: .*?)```", FLOWS.read_text(encoding="utf-8"), re.S)
    assert [problems_of(text) for text in shown] == [[]]


def test_every_node_type_and_setting_is_in_the_reference() -> None:
    text = FLOWS.read_text(encoding="utf-8")
    for kind, node in NODE_TYPES.items():
        assert f"| `{kind}` |" in text
        assert [name for name in node.model_fields if f"`{name}" not in text] == [], kind
