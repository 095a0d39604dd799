"""A queue node's place that a caller has again, the agents it names, and its exits."""

from typing import Any

import pytest

from ivr.call import CallContext, Place
from ivr.ports import QueueOutcome, QueueResult
from ivr.testing import ScriptedPhone, ScriptedQueues, VirtualClock

pytestmark = pytest.mark.unit

LEFT = QueueResult("exit_key", key="1")


def flow(queue: str, *, again: str = "queue: billing") -> str:
    """A queue that is left with 1 for a menu, where 1 leads back."""
    return f"""\
flow: f
languages: [en]
start: a
nodes:
  a: {{type: queue, queue: billing, exit_keys: {{1: m}}, {queue} otherwise: z}}
  m: {{type: menu, prompt: {{'': menu}}, options: {{1: b}}, timeout: 60s, no_input: {{attempts: 9}}, failure: z}}
  b: {{type: queue, {again}, exit_keys: {{1: m}}, {queue} otherwise: z}}
  z: {{type: hangup}}
"""


class SlowDesk(ScriptedQueues):
    """Each wait takes 30 s."""

    def __init__(self, clock: VirtualClock, *results: QueueResult) -> None:
        super().__init__(*results)
        self._clock = clock

    async def wait(self, request: Any) -> QueueResult:
        result = await super().wait(request)
        self._clock.advance(30_000)
        return result


async def places(walk: Any, text: str, keys: list[str], *results: QueueResult) -> tuple[list[int], CallContext]:
    """Since when the caller has a place at each joining, in seconds after the call's beginning (0: a new one)."""
    clock = VirtualClock(1_000_000)
    walked = await walk(text, phone=ScriptedPhone(keys, clock=clock), queues=SlowDesk(clock, *results))
    return [request.place_from_ms and request.place_from_ms - 999_000 for request in walked.queues.requests], walked.call


async def test_who_comes_back_in_time_has_the_old_place(walk: Any) -> None:
    """The place is that of the first joining, however often the caller leaves; a talk ends it."""
    found, call = await places(walk, flow(""), ["", "1", "1"], LEFT, LEFT)
    assert found == [0, 1_000, 1_000]
    assert call.places == {}


@pytest.mark.parametrize(
    ("queue", "again"),
    [("keep_place: 30s,", "queue: billing"), ("keep_place: 0,", "queue: billing"), ("", "queue: technical")],
    ids=["too late", "never", "another queue"],
)
async def test_who_comes_too_late_or_elsewhere_joins_anew(walk: Any, queue: str, again: str) -> None:
    """A minute in the menu."""
    found, _ = await places(walk, flow(queue, again=again), ["", "1"], LEFT)
    assert found == [0, 0]


@pytest.mark.parametrize("outcome", ["timed_out", "withdrawn", "overflowed", "closed"])
async def test_only_a_key_keeps_the_place(walk: Any, outcome: QueueOutcome) -> None:
    """Whose wait has ended otherwise has none to come back to."""
    text = flow("timed_out: m, withdrawn: m, overflowed: m, closed: m,")
    found, _ = await places(walk, text, ["1"], QueueResult(outcome))
    assert found == [0, 0]


async def test_the_server_that_takes_the_call_over_knows_the_place(walk: Any) -> None:
    """It enters the node again, long after the caller came back to the queue."""
    clock = VirtualClock(100_000_000)
    call = CallContext("call-1", language="en", places={"billing": Place(5_000)})
    walked = await walk(flow("keep_place: 1s,"), phone=ScriptedPhone("", clock=clock), call=call)
    assert [request.place_from_ms for request in walked.queues.requests] == [5_000]


async def test_agents_by_name_and_by_variable(walk: Any) -> None:
    """Each is there once; a variable without a value names nobody."""
    call = CallContext("call-1", language="en", variables={"owner": "wang", "last": ""})
    named = "preferred_agent: wang, preferred_agents: ['{owner}', smith, '{last}'], preferred_for: 40s, exclude_agents: ['{owner}'],"
    (request,) = (await walk(flow(named) + "variables: {owner: '', last: ''}\n", call=call)).queues.requests
    assert (request.preferred, request.preferred_ms, request.exclude) == (("wang", "smith"), 40_000, ("wang",))


@pytest.mark.parametrize("outcome", ["overflowed", "withdrawn", "closed"])
async def test_new_outcomes_have_exits_of_their_own(walk: Any, outcome: QueueOutcome) -> None:
    walked = await walk(flow(f"{outcome}: hangup,"), queues=ScriptedQueues(QueueResult(outcome)))
    assert (walked.visited, walked.exits) == (["a"], [outcome])


def test_agents_that_the_site_does_not_have(problems_of: Any) -> None:
    """Only those that are written out can be judged, and only where agents are known."""
    text = flow("exclude_agents: ['{agent}'],").replace("exclude_agents", "preferred_agents: [smth], exclude_agents", 1)
    assert problems_of(text, agents=("smith", "wang")) == ["flow0.yaml:5:74: unknown agent 'smth' - did you mean 'smith'?"]
    assert problems_of(text) == []


async def test_the_callers_list_is_a_variable(walk: Any, problems_of: Any) -> None:
    """A flow can branch on it, and cannot write it."""
    text = """\
flow: f
languages: [en]
start: a
nodes:
  a: {type: branch, cases: [{when: caller_list == 'vip', then: v}], otherwise: z}
  v: {type: hangup}
  z: {type: hangup}
"""
    for caller_list, last in (("vip", "v"), ("", "z")):
        assert (await walk(text, call=CallContext("c", language="en", caller_list=caller_list))).visited == ["a", last]
    wrong = text.replace("v: {type: hangup}", "v: {type: set, values: {caller_list: gold}, next: z}")
    assert "'caller_list' is set by the call itself" in problems_of(wrong)[0]


@pytest.mark.parametrize(
    ("branch", "asked"),
    [("north", 'billing = "north"'), ('" or lang_en or billing = "', 'billing = " or lang_en or billing = "'), ("", 'billing = ""')],
    ids=["plain", "injection", "empty"],
)
async def test_a_variable_between_quotes_is_a_value_and_nothing_else(walk: Any, branch: str, asked: str) -> None:
    """What a system answered or a caller keyed can choose an attribute's value, but not change what is asked."""
    call = CallContext("call-1", language="en", variables={"branch": branch})
    text = flow("requirement: 'billing = \"{branch}\"',").replace("start: a", "variables: {branch: ''}\nstart: a")
    walked = await walk(text, phone=ScriptedPhone(""), call=call)
    assert [request.steps for request in walked.queues.requests] == [((0, asked),)]


async def test_what_one_queue_shows_the_agent_the_next_one_shows_too(walk: Any) -> None:
    """The data stays with the call, also when the call comes to another queue; what the later queue says counts."""
    call = CallContext("call-1", language="en", data={"order": "7", "account": "1"})
    text = flow("data: {account: '{ani}'},", again="queue: technical")
    queues = ScriptedQueues(QueueResult("timed_out"))
    await walk(text, queues=queues, call=call)
    assert [request.data for request in queues.requests] == [{"order": "7", "account": ""}]
    assert call.data == {"order": "7", "account": ""}
