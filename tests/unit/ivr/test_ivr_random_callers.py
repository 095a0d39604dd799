"""Whatever a caller presses, whatever queues and systems answer: a flow ends, raises nothing, and reveals no PIN."""

import asyncio
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.call import CallContext
from ivr.hours import Hours, parse_week
from ivr.interpreter import Interpreter
from ivr.loading.draft import SiteFacts
from ivr.loading.loader import load_flows
from ivr.ports import LookupReply, QueueOutcome, QueueResult
from ivr.testing import CallerGone, RecordedEvents, ScriptedLookup, ScriptedPhone, ScriptedQueues

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).resolve().parents[3] / "dialplans" / "examples"
FACTS = SiteFacts(queues=("billing", "technical"), hours=("office",), transfer_allowed=lambda number: True)
FLOWS = load_flows(EXAMPLES, FACTS)

_json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["balance", "owner", "name"]), inner, max_size=3),
    max_leaves=5,
)
_results = st.builds(QueueResult, st.sampled_from(get_args(QueueOutcome)), st.sampled_from(["", "1", "9"]))


@settings(max_examples=200, deadline=None)
@given(
    flow=st.sampled_from(sorted(FLOWS)),
    keys=st.lists(st.sampled_from(["", "", *"0123456789*#"]), max_size=60),
    early=st.text(alphabet="0123456789*#", max_size=4),
    results=st.lists(_results, max_size=5),
    reply=st.builds(LookupReply, st.sampled_from([0, 200, 204, 404, 500]), _json),
    ani=st.text(max_size=8),
    language=st.sampled_from(["zh", "en", "", "xx"]),
)
def test_a_flow_always_ends_and_never_raises(
    flow: str, keys: list[str], early: str, results: list[QueueResult], reply: LookupReply, ani: str, language: str
) -> None:
    phone, events = ScriptedPhone(keys, early=early), RecordedEvents()
    call = CallContext("c", ani=ani, language=language)
    interpreter = Interpreter(
        FLOWS,
        phone,
        ScriptedQueues(*results),
        ScriptedLookup({"": reply}),
        events,
        phone.clock,
        hours={"office": Hours(week=parse_week({"mon-sun": "00:00-24:00"}))},
        time_zone="Asia/Shanghai",
        gone=(CallerGone,),
    )
    try:
        ended = asyncio.run(interpreter.run(call, flow))
        assert ended.reason == "hung_up"
        assert phone.hung_up
    except CallerGone:
        assert not phone.keys
    assert events.of("flow_failed") == []
    assert len(events.of("node_entered")) == len(events.of("node_left"))
    assert len(events.of("flow_ended")) == 1
    pin = call.variables.get("pin")
    shown = [data["keys"] for data in events.of("input_received") if data["node"] == "pin" and data["keys"]]
    assert pin is None or set(shown) <= {"****"}
