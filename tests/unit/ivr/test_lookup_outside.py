"""What a caller keyed, or another system answered, in a look-up: text in the address, in the headers, and in the flow's variables."""

import json
import re
from urllib.parse import unquote

import pytest

from ivr.flow.nodes.lookup import MAX_VALUE, Lookup
from ivr.ports import LookupReply
from tests.outside_text import OUTSIDE

pytestmark = pytest.mark.unit
every_text = pytest.mark.parametrize("text", OUTSIDE.values(), ids=OUTSIDE)


@every_text
def test_in_an_address(text: str) -> None:
    """Percent-encoded: nothing of it ends the address's part that it stands in."""
    sent = Lookup.in_address(text)
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]*", sent)
    assert unquote(sent) == text.encode("utf-8", "replace").decode()


@every_text
def test_in_a_header(text: str) -> None:
    """One line that can be sent."""
    sent = Lookup.in_header(text)
    assert not re.search(r"[\x00-\x1f\x7f]", sent)
    sent.encode()


@every_text
def test_in_an_answer(text: str) -> None:
    """A value without control characters, bounded, that can be stored and said."""
    node = Lookup.model_validate({"url": "http://x/", "save": {"name": "name"}, "found": "hangup", "failed": "hangup"})
    exit, values, _ = node.understand(LookupReply(200, json.loads(json.dumps({"name": text}))))
    assert exit == "found"
    assert len(values["name"]) <= MAX_VALUE
    assert not re.search(r"[\x00-\x1f\x7f]", values["name"])
    values["name"].encode()
