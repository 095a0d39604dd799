"""The server's clock and ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.clock import SystemClock
from routing.domain.identifiers import Ids

pytestmark = pytest.mark.unit


class Hands:
    """Two clocks that a test turns."""

    def __init__(self) -> None:
        self.monotonic, self.wall = 100.0, 1_790_000_000.0

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.monotonic, lambda: self.wall)


def test_a_clock_set_by_hand_moves_nothing() -> None:
    """After the start only the monotonic clock counts."""
    hands = Hands()
    clock = hands.clock()
    hands.wall += 3600
    hands.monotonic += 1.5

    assert clock.now_ms() == 1_790_000_001_500


def test_it_is_steered_slowly() -> None:
    """A difference of 50 ms is worked in at 1 ms in 100, and no further."""
    hands = Hands()
    clock = hands.clock()
    clock.steer(1_790_000_000_050)
    hands.monotonic += 1

    assert clock.now_ms() == 1_790_000_001_010
    hands.monotonic += 99
    assert clock.now_ms() == 1_790_000_100_050


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(-5000, 5000)), max_size=20))
def test_it_never_goes_back(moves: list[tuple[int, int]]) -> None:
    """However often it is steered, and towards whatever, time does not go back."""
    hands = Hands()
    clock = hands.clock()
    last = clock.now_ms()
    for passed_ms, difference_ms in moves:
        hands.monotonic += passed_ms / 1000
        assert clock.now_ms() >= last
        last = clock.now_ms()
        clock.steer(last + difference_ms)


def test_a_jump_is_ignored() -> None:
    """A reference that is more than 5 s away is a fault, not drift."""
    hands = Hands()
    clock = hands.clock()
    clock.steer(1_790_000_000_000 + 5_001)
    hands.monotonic += 1000

    assert clock.now_ms() == 1_790_001_000_000


def test_ids_are_unique_and_short() -> None:
    """Two servers, 2,000 ids each: no id twice, the kind in front, at most 20 characters behind it."""
    servers = [Ids(), Ids()]
    made = [server.new("contact") for server in servers for _ in range(2000)]

    assert len(set(made)) == 4000
    assert all(id.startswith("contact-") and len(id) <= 28 and id.isascii() for id in made)


def test_a_jump_that_stays_is_followed() -> None:
    """A machine that slept, or whose clock was set late, comes right at the third look; one odd answer changes nothing."""
    time = {"monotonic": 100.0, "wall": 1_790_000_000.0}
    clock = SystemClock(lambda: time["monotonic"], lambda: time["wall"])
    right_ms = clock.now_ms() + 3_600_000
    clock.steer(right_ms)
    clock.steer(right_ms)
    assert clock.now_ms() == right_ms - 3_600_000
    clock.steer(right_ms)
    assert clock.now_ms() == right_ms
