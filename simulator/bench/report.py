"""What a benchmark has to say: tables for people, figures for programs, a picture, and which targets were missed.

`publish` is the only place that prints and writes; it decides nothing that `Report` does not have.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells that are text already; all but the first column are set to the right."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Groups of bars: `series` maps what is compared to one value per place on the x axis, NaN where there is none."""

    title: str
    unit: str
    places: Sequence[str]
    series: Mapping[str, Sequence[float]]
    target: float = math.nan  # a line across, where there is one
    logarithmic: bool = False


@dataclass(slots=True)
class Report:
    """`line` is what the last printed line says; `misses` are sentences, none of them means that every target is met."""

    name: str
    tables: list[Table] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    line: dict[str, Any] = field(default_factory=dict)
    misses: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        return not self.misses


Draw = Callable[[Sequence[Chart], Path], None]


def publish(report: Report, folder: Path, draw: Draw, console: Console | None = None) -> int:
    """Print the tables, write NAME.json and NAME.png into `folder`, print the one line of JSON; returns the exit code."""
    console = console or Console(width=140, highlight=False)
    for table in report.tables:
        console.print(f"\n{table.title}", markup=False)
        console.print(_rich(table))
    for miss in report.misses:
        console.print(f"missed: {miss}", markup=False)
    folder.mkdir(parents=True, exist_ok=True)
    data, picture = folder / f"{report.name}.json", folder / f"{report.name}.png"
    line = {"bench": report.name, "met": report.met, **report.line}
    data.write_text(json.dumps(_finite({**line, "misses": report.misses, **report.figures}), indent=1, ensure_ascii=False) + "\n")
    draw(report.charts, picture)
    console.print(f"written: {data} {picture}", markup=False, soft_wrap=True)
    console.print(json.dumps(_finite(line), ensure_ascii=False), markup=False, soft_wrap=True)
    return 0 if report.met else 1


def number(value: float, digits: int = 1) -> str:
    """A figure in a cell; - where there is none."""
    return f"{value:,.{digits}f}" if math.isfinite(value) else "-"


def _rich(table: Table) -> RichTable:
    shown = RichTable()
    for place, column in enumerate(table.columns):
        shown.add_column(column, justify="right" if place else "left")
    for row in table.rows:
        shown.add_row(*row)
    return shown


def _finite(value: Any) -> Any:
    """The same without infinities and NaN, which JSON does not know: null."""
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
