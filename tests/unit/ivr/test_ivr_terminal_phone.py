"""A flow walked at a keyboard."""

import pytest

from ivr.interpreter import Ended
from ivr.ports import LookupReply
from ivr.premises import Premises
from ivr.terminal_phone import HungUp, try_flow
from ivr.testing import ScriptedLookup, VirtualClock
from tests.unit.ivr.conftest import Load

pytestmark = pytest.mark.unit

ANYWHERE = Premises({})
FLOW = """
flow: f
languages: [en]
start: m
prompts: {hello: {en: Hello}}
nodes:
  m: {type: menu, prompt: hello, options: {1: ask, 12: ask, 2: out}, failure: bye}
  ask: {type: collect, prompt: {en: Account}, save: x, next: find, failure: bye}
  find: {type: lookup, url: "http://crm/{x}", found: wait, failed: bye}
  wait: {type: queue, queue: billing, requirement: billing >= 2, data: {x: "{x}"}, exit_keys: {7: out}, otherwise: bye}
  out: {type: transfer, to: "1000", busy: m, otherwise: bye}
  bye: {type: hangup, prompt: {en: Bye}}
"""


async def run(load: Load, lines: list[str], premises: Premises = ANYWHERE) -> tuple[Ended | None, str, ScriptedLookup]:
    written: list[str] = []

    async def read_line(prompt: str) -> str:
        written.append(prompt)
        if not lines:
            raise HungUp
        return lines.pop(0)

    lookup = ScriptedLookup({"crm": LookupReply(200, {})})
    call = premises.call("try", "13800138000", "4000")
    ended = await try_flow(load(FLOW), "f", lookup, VirtualClock(), premises, call, read_line=read_line, write=written.append)
    return ended, "\n".join(written), lookup


async def test_prompts_appear_and_lines_are_entries(load: Load) -> None:
    """The end of a line ends an entry; queue and transfer ask how it went."""
    ended, screen, lookup = await run(load, ["abc", "1", "1234", "exit_key", "7", "busy", "", "2", "nonsense", ""])
    assert ended is not None
    assert ended.reason == "hung_up"
    assert "  en  Hello  [hello]" in screen
    assert "A telephone has the keys" in screen
    assert lookup.requests[0].url == "http://crm/1234"
    assert "-> queue billing, priority 0" in screen
    assert "   after 0 s: billing >= 2" in screen
    assert "   the agent sees x: 1234" in screen
    assert "-> transfer to 1000" in screen
    assert "f/nodes/wait: node_left exit=exit_key:7" in screen


async def test_keys_typed_in_one_line_go_on_into_the_next_menu(load: Load) -> None:
    _, _, lookup = await run(load, ["1#1234#"])
    assert lookup.requests[0].url == "http://crm/1234"


async def test_q_hangs_up_and_the_way_is_still_told(load: Load) -> None:
    ended, screen, _ = await run(load, ["q"])
    assert ended is None
    assert "f/nodes/m: node_left exit=caller_gone" in screen


async def test_what_a_real_call_would_not_get_is_not_asked_about(load: Load) -> None:
    """A queue that is closed at this hour, and a number that the site never dials: told with the reason, and the flow goes on there."""
    closed = Premises({}, is_open=lambda queue, now_ms: queue != "billing")
    _, screen, _ = await run(load, ["1", "1234"], closed)
    assert "closed: the hours of the queue say so" in screen
    assert "f/nodes/wait: node_left exit=closed" in screen
    _, screen, _ = await run(load, ["2"], Premises({}, may_dial=lambda number: number != "1000"))
    assert "f/nodes/out: node_left exit=not_allowed" in screen
