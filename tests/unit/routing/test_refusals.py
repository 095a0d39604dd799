"""When it is told that Redis takes no writes, and when that is over."""

from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from routing.store.refusals import LOG_AGAIN_S, LONGEST_S, STEADY_S, Writes

pytestmark = pytest.mark.unit


def test_a_refusal_that_lasts_is_told_less_and_less_often() -> None:
    """At once, after a minute, then after twice that; an hour at most. It is changed once, however often it is told."""
    now = [0.0]
    changes: list[str] = []
    writes = Writes("here", lambda: now[0])
    writes.on_change = changes.append
    told: list[float] = []
    with capture_logs() as lines:
        for second in range(30_000):
            now[0] = float(second)
            writes.refuse("full")
            told += [now[0]] * (len(lines) - len(told))
    pauses = [later - earlier for earlier, later in pairwise(told)]
    assert pauses[:3] == [LOG_AGAIN_S, 2 * LOG_AGAIN_S, 4 * LOG_AGAIN_S]
    assert max(pauses) == LONGEST_S
    assert len(changes) == 1


def test_a_redis_on_its_limit_is_not_told_of_again_and_again() -> None:
    """It takes one write and refuses the next, many times a second; it takes writes again when it has refused none for a while."""
    now = [0.0]
    changes: list[Any] = []
    writes = Writes("here", lambda: now[0])
    writes.on_change = changes.append
    for tenth in range(100):
        now[0] = tenth / 10
        writes.refuse("full") if tenth % 2 else writes.taken()
    assert len(changes) == 1
    now[0] += STEADY_S
    writes.taken()
    assert (changes[1:], writes.refused) == ([""], "")
