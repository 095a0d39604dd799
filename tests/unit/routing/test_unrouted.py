"""Who is given up while nothing is routed."""

import pytest

from routing.client.unrouted import PATIENCE_LOOKS, Unrouted

pytestmark = pytest.mark.unit


def test_each_has_the_same_patience_and_it_begins_anew_when_routing_goes_on() -> None:
    """One who joins later is given up later; a single look in which all was well forgives everything."""
    unrouted = Unrouted()
    for _ in range(PATIENCE_LOOKS - 1):
        assert unrouted.look(["c1"]) == []
    assert unrouted.look(["c1", "c2"]) == []
    assert unrouted.look(["c1", "c2"]) == ["c1"]
    assert unrouted.look([]) == []
    assert unrouted.look(["c1", "c2"]) == []
