"""Who goes when many HTTP connections come: never one that is being answered, else the one that waits longest."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.http.crowd import Crowd

pytestmark = pytest.mark.unit


def test_who_waits_longest_goes_for_a_new_one() -> None:
    """A connection whose request has been answered waits from then on."""
    crowd: Crowd[str] = Crowd(3, 9)
    assert [crowd.enter(name, "::1") for name in "abc"] == [None] * 3
    crowd.begins("a")
    crowd.ends("a")
    assert crowd.enter("d", "::1") == "b"


def test_who_is_answered_stays() -> None:
    """When all are, the new one goes."""
    crowd: Crowd[str] = Crowd(2, 9)
    for name in "ab":
        crowd.enter(name, "127.0.0.1")
        crowd.begins(name)
    assert crowd.enter("c", "127.0.0.1") == "c"


def test_one_address_takes_no_places_of_others() -> None:
    """Of many from one address its own go; this machine's have no such limit, since a proxy may stand there."""
    crowd: Crowd[str] = Crowd(100, 2)
    assert crowd.enter("other", "192.0.2.9") is None
    assert [crowd.enter(name, "192.0.2.1") for name in "abc"] == [None, None, "a"]
    assert {crowd.enter(f"proxy {number}", "127.0.0.1") for number in range(50)} == {None}


@given(st.lists(st.tuples(st.sampled_from(["enter", "begins", "ends", "leave"]), st.integers(0, 9), st.integers(0, 3)), max_size=200))
def test_the_limits_hold_whatever_happens(steps: list[tuple[str, int, int]]) -> None:
    """Once the listener has closed who must go there are never more than the limits say, and never somebody who is being answered."""
    crowd: Crowd[int] = Crowd(5, 2)
    inside: dict[int, int] = {}
    answered: set[int] = set()
    for what, which, where in steps:
        if what == "enter" and which not in inside:
            inside[which] = where
            answered.discard(which)
            if (leaving := crowd.enter(which, f"192.0.2.{where}")) is not None:
                assert leaving not in answered
                crowd.leave(leaving)
                del inside[leaving]
        elif what == "begins" and which in inside:
            crowd.begins(which)
            answered.add(which)
        elif what == "ends":
            crowd.ends(which)
            answered.discard(which)
        elif what == "leave":
            crowd.leave(which)
            inside.pop(which, None)
            answered.discard(which)
        assert len(crowd) == len(inside) <= 5
        assert all(count <= 2 for count in _counts(inside))


def _counts(inside: dict[int, int]) -> Iterator[int]:
    return (list(inside.values()).count(where) for where in set(inside.values()))
