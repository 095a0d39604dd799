"""The calls that a server holds, as people see them."""

import pytest

from ivr.numbers import normalise
from ivr.ports import FlowPlace
from server.calls.open_calls import Calls, LiveCall

pytestmark = pytest.mark.unit


def call(id: str = "call-1") -> LiveCall:
    return LiveCall(id, normalise("13800138000", "CN"), "4000", 0)


def test_a_call_is_held_until_it_is_let_go() -> None:
    """Letting go twice is harmless."""
    calls = Calls()
    let_go = calls.add(call())
    assert (len(calls), "call-1" in calls, [held.id for held in calls]) == (1, True, ["call-1"])
    let_go()
    let_go()
    assert (len(calls), "call-1" in calls) == (0, False)


def test_a_later_session_of_a_call_is_not_let_go_by_the_one_before() -> None:
    """A call that comes back (transferred, say) while its first session still ends stays held."""
    calls = Calls()
    first, second = call(), call()
    let_first_go = calls.add(first)
    calls.add(second)
    let_first_go()
    assert list(calls) == [second]


def test_calls_may_end_while_somebody_looks() -> None:
    """Going through them is safe."""
    calls = Calls()
    let_go = [calls.add(call(f"call-{number}")) for number in range(3)]
    for _ in calls:
        let_go.pop()()
    assert len(calls) == 0


def test_a_callers_number_is_shown_masked() -> None:
    """Whoever looks at live calls sees no whole number."""
    assert "13800138000" not in call().ani
    assert call().ani.endswith("8000")


def test_the_place_in_the_flow_is_where_the_caller_entered_last() -> None:
    """Until then the call has arrived and is nowhere."""
    held = call()
    assert (held.stage, held.node) == ("arrived", "")
    held.enter(FlowPlace("main", "ab12", "hello"))
    assert (held.stage, held.flow, held.node) == ("in_flow", "main", "hello")
