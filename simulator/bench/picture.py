"""Draws the charts of a report into one PNG, one below the other. matplotlib is a development requirement and is loaded here alone."""

import math
from collections.abc import Sequence
from pathlib import Path

from simulator.bench.report import Chart

COLOURS = ("#1f6f8b", "#d1603d", "#7a9e4e", "#8a6bb1", "#b59a3c", "#666666")


def draw(charts: Sequence[Chart], path: Path) -> None:
    """Write the picture. Raises OSError."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6 * max(1, len(charts))), layout="constrained")
    for place, chart in enumerate(charts):
        _bars(figure.add_subplot(len(charts), 1, place + 1), chart)
    figure.savefig(path, dpi=110)


def _bars(axes, chart: Chart) -> None:  # type: ignore[no-untyped-def]
    width = 0.8 / max(1, len(chart.series))
    for place, (name, values) in enumerate(chart.series.items()):
        shift = (place - (len(chart.series) - 1) / 2) * width
        heights = [value if math.isfinite(value) else 0 for value in values]
        bars = axes.bar([at + shift for at in range(len(values))], heights, width, label=name, color=COLOURS[place % len(COLOURS)])
        axes.bar_label(bars, [_short(value) for value in values], fontsize=7)
    if math.isfinite(chart.target):
        axes.axhline(chart.target, color="#444444", linestyle="--", linewidth=1)
        axes.annotate("target", (1, chart.target), xycoords=("axes fraction", "data"), fontsize=7)
    if chart.logarithmic:
        axes.set_yscale("log")
    axes.set_title(chart.title, loc="left", fontsize=10)
    axes.set_ylabel(chart.unit)
    axes.set_xticks(range(len(chart.places)), chart.places)
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _short(value: float) -> str:
    """Three digits, and thousands as they are."""
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
