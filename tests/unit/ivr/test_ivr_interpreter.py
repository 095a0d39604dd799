"""The walk itself: events, errors that never leave dead air, the guard against circles, and versions."""

from collections.abc import Sequence

import pytest

from ivr.call import CallContext
from ivr.interpreter import Interpreter
from ivr.ports import QueueRequest, QueueResult, Speech
from ivr.testing import RecordedEvents, ScriptedLookup, ScriptedPhone, ScriptedQueues
from ivr.trace import Trace
from sources.problems import ProblemsFound
from tests.unit.ivr.conftest import Load, Walker

pytestmark = pytest.mark.unit

FLOW = """
flow: f
languages: [en]
start: wait
nodes:
  wait: {type: queue, queue: billing, answered: bye, otherwise: bye}
  bye: {type: hangup, prompt: {en: bye}}
"""


class BrokenDesk(ScriptedQueues):
    async def wait(self, request: QueueRequest) -> QueueResult:
        raise RuntimeError("the desk broke")


async def test_every_node_is_told_with_flow_version_and_exit(walk: Walker) -> None:
    walked = await walk(FLOW)
    assert [name for name, _ in walked.events.all] == [
        "flow_started",
        "node_entered",
        "node_left",
        "node_entered",
        "node_left",
        "flow_ended",
    ]
    assert walked.exits == ["answered", "hangup"]
    entered = walked.events.of("node_entered")[0]
    assert (entered["flow"], entered["node"], entered["node_type"]) == ("f", "wait", "queue")
    assert len(entered["flow_version"]) == 8
    assert walked.phone.answered
    assert [data["reason"] for data in walked.events.of("flow_ended")] == ["hung_up"]
    assert walked.phone.hung_up


async def test_an_error_inside_a_node_apologises_and_hangs_up(walk: Walker) -> None:
    """Never dead air, never an exception."""
    walked = await walk(FLOW, queues=BrokenDesk())
    assert walked.phone.said == ["We are sorry, something went wrong. Please call again later. Goodbye."]
    assert walked.phone.hung_up
    assert walked.ended is not None
    assert walked.ended.reason == "failed"
    assert walked.events.of("flow_failed")[0]["message"] == "the desk broke"
    assert walked.exits == ["failed"]


async def test_an_error_takes_the_flows_on_error_once(walk: Walker) -> None:
    """A second error does not go round in a circle."""
    text = FLOW.replace("start: wait", "start: wait\non_error: sorry") + "  sorry: {type: play, prompt: {en: sorry}, next: wait}\n"
    walked = await walk(text, queues=BrokenDesk())
    assert walked.visited == ["wait", "sorry", "wait"]
    assert walked.phone.said[0] == "sorry"
    assert walked.phone.hung_up


async def test_a_phone_that_breaks_even_in_the_apology_still_ends(walk: Walker) -> None:
    class BrokenPhone(ScriptedPhone):
        async def play(self, speech: Sequence[Speech], *, keys: str = "") -> str:
            raise RuntimeError("no sound")

    walked = await walk(FLOW, phone=BrokenPhone())
    assert walked.ended is not None
    assert walked.ended.reason == "failed"
    assert walked.phone.hung_up


async def test_a_call_that_cannot_be_taken_is_told_and_ended(walk: Walker) -> None:
    class Deaf(ScriptedPhone):
        async def answer(self) -> None:
            raise RuntimeError("no answer")

    walked = await walk(FLOW, phone=Deaf())
    assert walked.ended is not None
    assert walked.ended.reason == "failed"
    assert walked.visited == []


async def test_a_caller_who_hangs_up_passes_through_and_is_told(walk: Walker) -> None:
    """The node is left and the flow ended, whatever the node was doing."""
    walked = await walk(
        "flow: f\nlanguages: [en]\nstart: m\nnodes:\n  m: {type: menu, prompt: no_input, options: {1: hangup}, failure: hangup}\n"
    )
    assert walked.ended is None
    assert walked.exits == ["caller_gone"]
    assert walked.events.of("flow_ended")[0]["reason"] == "caller_gone"
    assert walked.events.of("flow_failed") == []
    assert not walked.phone.hung_up


async def test_a_flow_that_goes_round_and_round_is_stopped(walk: Walker) -> None:
    """The queue and the play may each be fine; two thousand steps are not."""
    text = """
flow: f
languages: [en]
start: wait
nodes:
  wait: {type: queue, queue: billing, answered: again, otherwise: hangup}
  again: {type: play, prompt: {en: again}, next: wait}
"""
    walked = await walk(text)
    assert walked.ended is not None
    assert walked.ended.reason == "failed"
    assert "more than 2000 steps" in walked.events.of("flow_failed")[0]["message"]
    assert walked.phone.hung_up


async def test_a_menu_that_is_only_repeated_is_stopped_too(walk: Walker) -> None:
    menu = "m: {type: menu, prompt: no_input, options: {1: hangup}, repeat: 2, failure: hangup}"
    text = f"flow: f\nlanguages: [en]\nstart: m\nnodes:\n  {menu}\n"
    walked = await walk(text, "2" * 5000)
    assert walked.ended is not None
    assert walked.ended.reason == "failed"


async def test_a_running_call_keeps_the_version_it_started_with(load: Load) -> None:
    """New flows are a new mapping with another version; the old one is not touched."""
    old = load(FLOW)
    events = RecordedEvents()

    class Publishing(ScriptedQueues):
        async def wait(self, request: QueueRequest) -> QueueResult:
            new = load(FLOW.replace("{en: bye}", "{en: new}"))
            assert new["f"].version != old["f"].version
            return QueueResult("answered")

    phone = ScriptedPhone()
    await Interpreter(old, phone, Publishing(), ScriptedLookup(), events, phone.clock).run(CallContext("c"), "f")
    assert phone.said == ["bye"]
    assert load(FLOW)["f"].version == old["f"].version


async def test_a_call_can_go_on_at_a_node(load: Load) -> None:
    """A call that another server takes over starts where it was."""
    phone, events = ScriptedPhone(), RecordedEvents()
    await Interpreter(load(FLOW), phone, ScriptedQueues(), ScriptedLookup(), events, phone.clock).run(CallContext("c"), "f", start="bye")
    assert [data["node"] for data in events.of("node_entered")] == ["bye"]


async def test_an_unknown_language_falls_back_to_the_flows_first(walk: Walker) -> None:
    walked = await walk(FLOW, call=CallContext("c", language="fr"))
    assert walked.call.language == "en"


async def test_a_trace_tells_the_steps_by_their_place_in_the_file(load: Load) -> None:
    """For the author of a flow: path, what happened, the exit."""
    phone = ScriptedPhone()
    trace = Trace(phone.clock)
    await Interpreter(load(FLOW), phone, ScriptedQueues(), ScriptedLookup(), trace, phone.clock).run(CallContext("c"), "f")
    assert trace.visited() == ["wait", "bye"]
    assert [str(step) for step in trace.steps][1:3] == [
        "f/nodes/wait: node_entered node_type=queue",
        "f/nodes/wait: node_left exit=answered",
    ]


def test_an_unreadable_flow_is_not_published(load: Load) -> None:
    """All or nothing."""
    with pytest.raises(ProblemsFound):
        load(FLOW, FLOW.replace("flow: f", "flow: g").replace("bye}", "by}"))
