"""Percentiles and processor time are what they are called."""

import math
import os

import pytest

from simulator.bench.figures import Spread, percentile, spread
from simulator.bench.process_figures import TICKS, seconds_in

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)])
def test_a_percentile_is_the_smallest_value_that_so_many_percent_do_not_exceed(percent: float, value: int) -> None:
    """Nearest rank, whatever the order of the samples."""
    assert percentile([*range(51, 101), *range(1, 51)], percent) == value


def test_the_only_sample_is_every_percentile() -> None:
    assert [percentile([7.5], percent) for percent in (1, 50, 99, 100)] == [7.5] * 4


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_there_is_no_percentile_of_nothing_nor_outside_of_a_hundred(values: list[float], percent: float) -> None:
    with pytest.raises(ValueError, match=r"percentile"):
        percentile(values, percent)


def test_a_spread_says_how_many_and_how_bad() -> None:
    assert spread([3.0, 1.0, 2.0], missed=1) == Spread(3, 2.0, 3.0, 3.0, 1)


def test_a_measurement_that_saw_nothing_meets_no_target() -> None:
    """Infinity is above every limit."""
    assert spread([], missed=4) == Spread(0, math.inf, math.inf, math.inf, 4)


def test_processor_time_is_read_behind_a_name_with_brackets_and_blanks() -> None:
    """The name of a process is its own choice."""
    fields = ["S", *["0"] * 10, "250", "50", *["0"] * 30]

    assert seconds_in(f"4711 (a) b (c) {' '.join(fields)}") == 300 / TICKS
    assert os.sysconf("SC_CLK_TCK") == TICKS
