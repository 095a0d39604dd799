"""What the other node types do."""

import asyncio

import pytest

from ivr.call import CallContext
from ivr.ports import DialOutcome, LookupReply, LookupRequest, QueueResult
from ivr.testing import ScriptedLookup, ScriptedPhone, ScriptedQueues, VirtualClock
from tests.unit.ivr.conftest import Walker

pytestmark = pytest.mark.unit


def flow(*nodes: str, extra: str = "") -> str:
    return "\n".join(["flow: f", "languages: [en, zh]", "start: a", extra, "nodes:", *(f"  {node}" for node in nodes)]) + "\n"


END = "z: {type: hangup, prompt: {'': bye}}"
ENDS = ["y: {type: hangup, prompt: {'': other}}", END]


async def test_play_passes_an_early_key_on_unless_it_is_flushed(walk: Walker) -> None:
    """A key stops the prompt and counts in the menu that follows; a legal notice is heard out."""
    menu = "m: {type: menu, prompt: {'': menu}, options: {1: z}, failure: z}"
    walked = await walk(flow("a: {type: play, prompt: {'': hi}, next: m}", menu, END), "1")
    assert walked.phone.said == ["hi", "bye"]
    flushed = await walk(flow("a: {type: play, prompt: {'': hi}, next: m, type_ahead: flush}", menu, END), "1")
    assert flushed.ended is None
    notice = await walk(flow("a: {type: play, prompt: {'': hi}, next: m, barge_in: no}", menu, END), "1")
    assert notice.phone.said == ["hi", "menu", "bye"]


async def test_say_reads_values_by_kind_and_language(walk: Walker) -> None:
    text = flow(
        "a: {type: say, kind: digits, value: '12{n}', before: {'': before}, after: {'': after}, next: z}", END, extra="variables: {n: '3'}"
    )
    english, chinese = await walk(text), await walk(text, call=CallContext("c", language="zh"))
    assert english.phone.said[0] == chinese.phone.said[0] == "before"
    assert english.phone.said[1] != chinese.phone.said[1]
    assert english.phone.said[2:] == ["after", "bye"]
    unsayable = await walk(text.replace("kind: digits", "kind: date"))
    assert unsayable.phone.said[1] == "123"


async def test_a_key_pressed_early_skips_what_is_said_before_a_menu(walk: Walker) -> None:
    """Experienced callers are not made to listen, whatever kind of node speaks."""
    nodes = ["a: {type: play, prompt: {'': hi}, next: s}", "s: {type: say, kind: text, value: long, after: {'': after}, next: m}"]
    walked = await walk(flow(*nodes, "m: {type: menu, prompt: {'': menu}, options: {1: z}, failure: z}", END), "1")
    assert walked.phone.said == ["hi", "bye"]


async def test_set_writes_variables_in_turn_and_the_language(walk: Walker) -> None:
    walked = await walk(
        flow(
            "a: {type: set, values: {x: '1{ani}', y: '= len(x) * 2', w: '= y > 3'}, language: zh, next: b}",
            "b: {type: hangup, prompt: apology}",
        )
    )
    assert walked.call.variables == {"x": "1+8613812345678", "y": "30", "w": "true"}
    assert walked.phone.said[0].startswith("非常抱歉")


async def test_branch_takes_the_first_case_that_holds(walk: Walker) -> None:
    cases = "a: {type: branch, cases: [{when: n > 5, then: y}, {when: n > 1, then: z}], otherwise: b}"
    for number, node in (("9", "y"), ("3", "z"), ("0", "b"), ("abc", "b")):
        walked = await walk(flow(cases, "b: {type: hangup}", *ENDS, extra=f"variables: {{n: '{number}'}}"))
        assert walked.visited[-1] == node


async def test_hours_tell_open_from_closed_by_the_clock_that_was_handed_in(walk: Walker) -> None:
    text = flow("a: {type: hours, hours: office, open: y, closed: z}", *ENDS)
    monday_ten_in_shanghai = 1_795_399_200_000
    for moment, node in ((monday_ten_in_shanghai, "y"), (monday_ten_in_shanghai + 9 * 3_600_000, "z")):
        walked = await walk(text, phone=ScriptedPhone(clock=VirtualClock(moment)))
        assert walked.visited[-1] == node


LOOKUP = [
    "a: {type: lookup, url: 'http://crm/{ani}?q={n}', save: {x: d.0.v, w: m?}, comfort: {'': wait}, found: y, not_found: z, failed: b}",
    "b: {type: hangup, prompt: {'': failed}}",
]


@pytest.mark.parametrize(
    ("reply", "node", "variables"),
    [
        (LookupReply(200, {"d": [{"v": 12.5}], "m": True}), "y", {"x": "12.5", "w": "true"}),
        (LookupReply(200, {"d": [{"v": "中\n文"}]}), "y", {"x": "中 文", "w": ""}),
        (LookupReply(404), "z", {}),
        (LookupReply(200, {}), "z", {}),
        (LookupReply(200, {"d": []}), "b", {}),
        (LookupReply(200, {"d": [{"v": {"a": 1}}]}), "b", {}),
        (LookupReply(200, {"d": [{"v": None}]}), "b", {}),
        (LookupReply(200, "text"), "b", {}),
        (LookupReply(500, {"d": [{"v": 1}]}), "b", {}),
        (LookupReply(0, failure="timed out"), "b", {}),
    ],
)
async def test_a_lookup_has_an_exit_for_every_answer(walk: Walker, reply: LookupReply, node: str, variables: dict[str, str]) -> None:
    """Found only with every wanted value; anything unexpected is failed, and the caller hears music meanwhile."""
    walked = await walk(flow(*LOOKUP, *ENDS, extra="variables: {n: 'a b&c=/../'}"), lookup=ScriptedLookup({"": reply}))
    assert walked.visited[-1] == node
    assert {name: value for name, value in walked.call.variables.items() if name != "n"} == variables
    assert walked.lookup.requests[0].url == "http://crm/%2B8613812345678?q=a%20b%26c%3D%2F..%2F"
    assert walked.phone.said[0] == "wait"
    assert not walked.phone.music_on


async def test_a_lookup_posts_its_body_and_headers_cannot_be_injected(walk: Walker) -> None:
    node = (
        "a: {type: lookup, url: 'http://crm/', method: POST, body: {n: '{n}'}, headers: {X-N: '{n}'}, timeout: 1s, "
        "music: no, found: z, failed: z}"
    )
    walked = await walk(flow(node, END, extra='variables: {n: "a\\r\\nEvil: 1"}'), lookup=ScriptedLookup({"crm": LookupReply(204)}))
    request = walked.lookup.requests[0]
    assert (request.method, request.timeout_ms, request.body) == ("POST", 1000, {"n": "a\r\nEvil: 1"})
    assert request.headers == {"X-N": "aEvil: 1"}


async def test_a_caller_who_hangs_up_takes_the_lookup_along(walk: Walker) -> None:
    """The question is cancelled, not left running."""

    class Hanging(ScriptedLookup):
        cancelled = False

        async def fetch(self, request: LookupRequest) -> LookupReply:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
            return LookupReply(0)

    class Leaving(ScriptedPhone):
        async def music(self, on: bool) -> None:
            await asyncio.sleep(0)
            await self.wait_key(0)

    lookup = Hanging()
    walked = await walk(flow(*LOOKUP, *ENDS, extra="variables: {n: x}"), phone=Leaving(), lookup=lookup)
    assert walked.ended is None
    assert lookup.cancelled


QUEUE = [
    "a: {type: queue, queue: billing, steps: [{requirement: 'billing >= 2 and lang_{language}'}, {after: 20s, requirement: billing}], "
    "priority: 60, preferred_agent: '{n}', exit_keys: {1: y}, data: {caller: '{ani}'}, answered: thanks, full: y, otherwise: z}",
    "thanks: {type: hangup, prompt: {'': 'thanks {agent}'}}",
]


async def test_a_queue_is_asked_with_requirement_priority_and_data(walk: Walker) -> None:
    walked = await walk(flow(*QUEUE, *ENDS, extra="variables: {n: wang}"), phone=ScriptedPhone("", early="1"))
    request = walked.queues.requests[0]
    assert request.steps == ((0, "billing >= 2 and lang_en"), (20_000, "billing"))
    assert (request.queue, request.priority, request.exit_keys, request.preferred) == ("billing", 60, "1", ("wang",))
    assert request.data == {"caller": "+8613812345678"}
    assert walked.phone.said == ["thanks smith"]
    assert walked.phone.early == []


@pytest.mark.parametrize(
    ("result", "node"),
    [
        (QueueResult("full"), "y"),
        (QueueResult("exit_key", key="1"), "y"),
        (QueueResult("exit_key", key="7"), "z"),
        (QueueResult("closed"), "z"),
        (QueueResult("overflowed"), "z"),
        (QueueResult("withdrawn"), "z"),
        (QueueResult("no_agents"), "z"),
        (QueueResult("timed_out"), "z"),
        (QueueResult("failed"), "z"),
    ],
)
async def test_every_outcome_of_a_queue_leads_somewhere(walk: Walker, result: QueueResult, node: str) -> None:
    walked = await walk(flow(*QUEUE, *ENDS, extra="variables: {n: wang}"), queues=ScriptedQueues(result))
    assert walked.visited[-1] == node


async def test_one_requirement_holds_from_the_beginning(walk: Walker) -> None:
    walked = await walk(flow("a: {type: queue, queue: billing, requirement: 'billing >= 2', otherwise: z}", END))
    assert walked.queues.requests[0].steps == ((0, "billing >= 2"),)
    assert (await walk(flow("a: {type: queue, queue: billing, otherwise: z}", END))).queues.requests[0].steps == ((0, ""),)


async def test_after_a_talk_the_call_ends_unless_the_flow_says_more(walk: Walker) -> None:
    walked = await walk(flow("a: {type: queue, queue: billing, otherwise: z}", END))
    assert walked.visited == ["a"]
    assert walked.phone.hung_up


@pytest.mark.parametrize(("outcome", "node"), [("answered", "a"), ("busy", "y"), ("no_answer", "z"), ("not_allowed", "z")])
async def test_a_transfer_branches_on_how_it_ended(walk: Walker, outcome: DialOutcome, node: str) -> None:
    phone = ScriptedPhone()
    phone.dial_outcome = outcome
    walked = await walk(flow("a: {type: transfer, to: '1000', busy: y, otherwise: z}", *ENDS), phone=phone)
    assert walked.phone.dialled == ["1000"]
    assert walked.visited[-1] == node


async def test_goto_leads_to_a_node_or_to_another_flow_with_its_variables(walk: Walker) -> None:
    """Variables and language stay; first values of the other flow do not overwrite."""
    first = flow("a: {type: goto, node: b}", "b: {type: goto, flow: g}", extra="variables: {n: mine}")
    second = "flow: g\nlanguages: [en]\nstart: s\nvariables: {n: yours, k: new}\nnodes:\n  s: {type: hangup, prompt: {en: '{n} {k}'}}\n"
    walked = await walk(first, "", second)
    assert walked.visited == ["a", "b", "s"]
    assert walked.phone.said == ["mine new"]
    assert walked.ended is not None
    assert walked.ended.flow == "g"
