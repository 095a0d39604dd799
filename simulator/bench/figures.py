"""Numbers of a measurement made from its samples: percentiles and medians. Pure; where samples come from is others' business."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Spread", "median", "percentile", "spread"]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed (nearest rank). ValueError when there are none."""
    if not values:
        raise ValueError("no samples, so no percentile: the measurement saw nothing")
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile is above 0 and at most 100, not {percent:g}")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@dataclass(frozen=True, slots=True)
class Spread:
    """How samples are spread, in their unit; `missed` are those that never came."""

    count: int
    p50: float
    p99: float
    worst: float
    missed: int = 0


def spread(values: Sequence[float], missed: int = 0) -> Spread:
    """The spread of some samples; without any all figures are infinite, which meets no target."""
    if not values:
        return Spread(0, math.inf, math.inf, math.inf, missed)
    return Spread(len(values), percentile(values, 50), percentile(values, 99), max(values), missed)
