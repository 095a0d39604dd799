"""The coverage gate: what is judged, what it says, and that it fails `./hotline test`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.coverage_gate import BOUNDS, MeasuredFile, NotMeasured, files, judged, spans
from tests.run import LANES, MEASURED, STAGES, Run, Tally, stages, summary

pytestmark = pytest.mark.unit

GOOD = [MeasuredFile(f"{package}/all.py", 1000, 1000) for package in BOUNDS]
BELOW = [MeasuredFile("routing/a.py", 100, 89, (3, 7, 8)), MeasuredFile("routing/b.py", 100, 99, (1,)), *GOOD[1:]]


def judging(tmp_path: Path, gather: Callable[[Path], list[MeasuredFile]]) -> Run:
    """A run in which the measured stages have passed and `coverage` is judged of what `gather` returns."""
    this = Run([], {}, {}, tmp_path, gather)
    this.tallies = {name: Tally(passed=1) for name in MEASURED}
    this.here("coverage")
    return this


def test_a_package_below_its_bound_fails_the_whole_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The stage fails in the tally although every test has passed; it names package, figures and the worst files with their lines."""
    this = judging(tmp_path, lambda folder: BELOW)
    assert (this.tallies["coverage"].passed, this.tallies["coverage"].failed) == (len(BOUNDS) - 1, 1)
    assert summary([*MEASURED, "coverage"], this.tallies) == 1
    said = capsys.readouterr().out
    assert "FAILED routing: 94.0 % of lines and branches, wanted 95.0 %" in said
    assert said.index("routing/a.py: 89.0 %, 11 missed, lines 3, 7-8") < said.index("routing/b.py: 99.0 %, 1 missed, lines 1")
    assert "FAILED  coverage" in said


def test_packages_at_their_bounds_pass(tmp_path: Path) -> None:
    this = judging(tmp_path, lambda folder: [MeasuredFile(f"{name}/x.py", 100, int(bound)) for name, bound in BOUNDS.items()])
    assert summary([*MEASURED, "coverage"], this.tallies) == 0


def test_what_cannot_be_read_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A gate that has nothing to judge is not passed."""

    def broken(folder: Path) -> list[MeasuredFile]:
        raise NotMeasured("coverage combine: No data to combine")

    assert judging(tmp_path, broken).tallies["coverage"].failed == 1
    assert "No data to combine" in capsys.readouterr().out


def test_nothing_is_judged_before_all_stages_are_measured(tmp_path: Path) -> None:
    """Half of the tests would be below every bound, or above it by chance."""
    for measurements, ran in ((tmp_path, MEASURED[:1]), (None, MEASURED)):
        this = Run([], {}, {}, measurements, lambda folder: GOOD)
        this.tallies = {name: Tally(passed=1) for name in ran}
        this.here("coverage")
        assert this.tallies["coverage"].failed == 1


def test_a_package_of_which_nothing_was_measured_is_at_nothing() -> None:
    [verdict] = judged([], {"routing": 95.0})
    assert not verdict.holds
    assert "routing: 0.0 %" in verdict.text()


def test_a_figure_is_never_rounded_up_to_its_bound() -> None:
    [verdict] = judged([MeasuredFile("agi/a.py", 10_000, 8_999)], {"agi": 90.0})
    assert not verdict.holds
    assert "agi: 89.9 %" in verdict.text()


def test_a_package_is_its_folder_and_no_other_that_begins_alike() -> None:
    [verdict] = judged([MeasuredFile("agi/a.py", 10, 10), MeasuredFile("agile/b.py", 10, 0)], {"agi": 90.0})
    assert verdict.found == 100.0


def test_branches_count_like_lines() -> None:
    """Of coverage's own report: statements and branches, and what of each was run."""
    summary = {"num_statements": 10, "covered_lines": 9, "num_branches": 4, "covered_branches": 2}
    report = {"files": {"agi/a.py": {"summary": summary, "missing_lines": [5]}}}
    assert files(report) == [MeasuredFile("agi/a.py", 14, 11, (5,))]


@pytest.mark.parametrize(("numbers", "text"), [((), ""), ((4,), "4"), ((3, 7, 8, 9), "3, 7-9"), ((2, 1), "1-2")])
def test_lines_are_told_as_spans(numbers: tuple[int, ...], text: str) -> None:
    assert spans(numbers) == text


def test_coverage_is_judged_of_whole_stages_only() -> None:
    """By itself it runs what it judges; with options, which choose tests, it is left out or refused."""
    assert stages([]) == (list(STAGES), [])
    assert stages(["coverage"]) == (["unit", "integration", "coverage"], [])
    wanted, options = stages(["-k", "menu"])
    assert "coverage" not in wanted
    assert options == ["-k", "menu"]
    with pytest.raises(ValueError, match="takes no options"):
        stages(["coverage", "-k", "menu"])


def test_coverage_comes_after_what_it_judges() -> None:
    """In the one lane that has them all: stages of two lanes run side by side."""
    [lane] = [lane for lane in LANES if "coverage" in lane]
    assert max(lane.index(name) for name in MEASURED) < lane.index("coverage")
    assert sorted(name for lane in LANES for name in lane) == sorted(STAGES)
