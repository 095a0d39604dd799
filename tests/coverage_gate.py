"""How much of each package the tests must run, branches included, and whether they do.

Processes are measured by their environment: with `measured` of it, coverage starts in every Python process of a stage, those that tests
start as well, and each writes a data file of its own. The tracer is coverage's choice: `sys.monitoring` where it tells branches (Python
3.14), else the tracer in C. Tests marked `unmeasured` are paused by `tests/conftest.py`.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[1]
CONFIGURATION = HOME / "pyproject.toml"
# Package -> at least so many percent of its lines and branches, by unit, contract and integration tests together.
BOUNDS = {"routing": 95.0, "ivr": 95.0, "agi": 90.0, "server": 80.0}
DATA = "data"  # of processes: with a suffix each
WORST = 5  # files that a verdict names


class NotMeasured(Exception):
    """There is no report; the message says why."""


@dataclass(frozen=True, slots=True)
class MeasuredFile:
    """A file's lines and branches: `there` in all, `run` of them by tests; `missing` are the numbers of lines that no test runs."""

    path: str
    there: int
    run: int
    missing: tuple[int, ...] = ()

    def text(self) -> str:
        lines = f", lines {spans(self.missing)}" if self.missing else ""
        return f"    {self.path}: {_share(self.run, self.there):.1f} %, {self.there - self.run} missed{lines}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a package beside what is wanted, both in percent; `files`: those that miss most, the worst first."""

    package: str
    found: float
    wanted: float
    files: tuple[MeasuredFile, ...]

    @property
    def holds(self) -> bool:
        return self.found >= self.wanted

    def text(self) -> str:
        """One line, and the files to look at when the package is below its bound. Rounded down: 94.99 is not 95.0."""
        line = f"{self.package}: {int(self.found * 10) / 10:.1f} % of lines and branches, wanted {self.wanted:.1f} %"
        if self.holds:
            return line
        return "\n".join([f"FAILED {line}; the files that miss most:", *(file.text() for file in self.files)])


def measured(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment in which every Python process writes what it ran into `folder`."""
    return {**environment, "COVERAGE_PROCESS_START": str(CONFIGURATION), "COVERAGE_FILE": str(folder / DATA)}


def gathered(folder: Path) -> list[MeasuredFile]:
    """What all processes together ran. Data files of processes that were killed while they wrote are left out."""
    report = folder / "report.json"
    _coverage("combine", folder, str(folder))
    _coverage("json", folder, "-o", str(report))
    return files(json.loads(report.read_text(encoding="utf-8")))


def files(report: Mapping[str, Any]) -> list[MeasuredFile]:
    """The files of a report that `coverage json` has written."""
    found = []
    for path, file in report["files"].items():
        summary = file["summary"]
        there, run = summary["num_statements"] + summary["num_branches"], summary["covered_lines"] + summary["covered_branches"]
        found.append(MeasuredFile(Path(path).as_posix(), there, run, tuple(file["missing_lines"])))
    return found


def judged(found: Iterable[MeasuredFile], bounds: Mapping[str, float] = BOUNDS) -> list[Verdict]:
    """A verdict for each package with a bound; a package of which nothing was measured is at 0 %."""
    verdicts = []
    everything = list(found)
    for package, wanted in bounds.items():
        own = [file for file in everything if file.path.startswith(f"{package}/")]
        worst = sorted(own, key=lambda file: (file.run - file.there, file.path))[:WORST]
        share = _share(sum(file.run for file in own), sum(file.there for file in own)) if own else 0.0
        verdicts.append(Verdict(package, share, wanted, tuple(file for file in worst if file.run < file.there)))
    return verdicts


def spans(numbers: Iterable[int]) -> str:
    """`3, 7-9` for 3, 7, 8 and 9."""
    ends: list[list[int]] = []
    for number in sorted(numbers):
        if ends and ends[-1][1] == number - 1:
            ends[-1][1] = number
        else:
            ends.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ends)


def _share(run: int, there: int) -> float:
    """Percent; a file without a statement has all of it run."""
    return 100.0 * run / there if there else 100.0


def _coverage(command: str, folder: Path, *arguments: str) -> None:
    options = ["--quiet", f"--rcfile={CONFIGURATION}", f"--data-file={folder / DATA}"]
    whole = [sys.executable, "-m", "coverage", command, *options, *arguments]
    done = subprocess.run(whole, cwd=HOME, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotMeasured(f"coverage {command}: {(done.stdout + done.stderr).strip()}")
