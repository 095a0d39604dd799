"""Reports: what is printed and written, how it is judged, for each of the benchmarks."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from simulator.bench.agi import AgiOptions, Results, Run
from simulator.bench.agi import report as agi_report
from simulator.bench.calls_report import Level
from simulator.bench.calls_report import report as calls_report
from simulator.bench.figures import Spread
from simulator.bench.offer_report import Row, Size, medians
from simulator.bench.offer_report import report as offer_report
from simulator.bench.report import Report, Table, publish

pytestmark = pytest.mark.unit

GOOD, SLOW = Spread(100, 5.0, 20.0, 30.0), Spread(100, 500.0, 990.0, 1000.0)
SMALL, LARGE = Size(1, 1), Size(200, 100)


def published(report: Report, folder: Path) -> tuple[int, list[str], list[tuple[object, Path]]]:
    """Exit code, what was printed as lines, and what was drawn."""
    drawn: list[tuple[object, Path]] = []
    text = io.StringIO()
    code = publish(report, folder, lambda charts, path: drawn.append((charts, path)), Console(file=text, width=140))
    return code, text.getvalue().splitlines(), drawn


def test_the_last_line_is_one_json_object_and_the_exit_code_says_whether_targets_are_met(tmp_path: Path) -> None:
    report = Report("offer", [Table("a table", ["what", "ms"], [["free", "4.2"]])], line={"hotline_p50_ms": 4.2})

    code, lines, drawn = published(report, tmp_path / "bench")

    assert code == 0
    assert json.loads(lines[-1]) == {"bench": "offer", "met": True, "hotline_p50_ms": 4.2}
    assert any("free" in line and "4.2" in line for line in lines)
    assert drawn == [(report.charts, tmp_path / "bench" / "offer.png")]


def test_a_missed_target_is_told_in_words_and_by_the_exit_code(tmp_path: Path) -> None:
    code, lines, _ = published(Report("agi", misses=["too slow [by far]"]), tmp_path)

    assert code == 1
    assert "missed: too slow [by far]" in lines
    assert json.loads(lines[-1])["met"] is False
    assert json.loads((tmp_path / "agi.json").read_text())["misses"] == ["too slow [by far]"]


def test_what_is_written_is_json_also_where_a_figure_is_missing(tmp_path: Path) -> None:
    """JSON has neither infinity nor NaN."""
    published(Report("agi", line={"p99_ms": math.inf}, figures={"runs": [{"kib": math.nan, "per_s": 1.23456}]}), tmp_path)

    found = json.loads((tmp_path / "agi.json").read_text())
    assert found["p99_ms"] is None
    assert found["runs"] == [{"kib": None, "per_s": 1.235}]


def offers(**changed: Spread) -> list[Row]:
    """A good measurement of both systems at two sizes, but for what is `changed`."""
    found = {("hotline", SMALL): GOOD, ("hotline", LARGE): GOOD, ("app_queue", SMALL): SLOW, ("app_queue", LARGE): SLOW}
    return [Row(system, size, "free", changed.get(f"{system}_{size.waiting}", spread)) for (system, size), spread in found.items()]


def test_offers_are_judged_at_every_size_and_told_for_the_largest() -> None:
    report = offer_report(offers(), [SMALL, LARGE])

    assert report.misses == []
    assert report.line == {"hotline_p50_ms": 5.0, "hotline_p99_ms": 20.0, "app_queue_p50_ms": 500.0, "app_queue_p99_ms": 990.0}


@pytest.mark.parametrize(
    ("spread", "word"),
    [
        (Spread(100, 10.1, 20.0, 30.0), "p50"),
        (Spread(100, 5.0, 50.1, 60.0), "p99"),
        (Spread(99, 5.0, 20.0, 30.0, missed=1), "never came"),
    ],
)
def test_one_slow_size_is_enough_to_miss(spread: Spread, word: str) -> None:
    """Targets are p50 of 10 ms, p99 of 50 ms, and no offer lost, at every size."""
    misses = offer_report(offers(hotline_1=spread), [SMALL, LARGE]).misses

    assert len(misses) == 1
    assert word in misses[0]
    assert misses[0].startswith("1/1")


def test_how_slow_the_other_queue_is_is_no_miss_of_ours() -> None:
    assert offer_report(offers(app_queue_1=Spread(0, math.inf, math.inf, math.inf, 5)), [SMALL, LARGE]).met


def agi_results(**ours: float) -> Results:
    run = {"per_s": 100.0, "p50_ms": 1.0, "p99_ms": 2.0, "kib_per_session": 4.0, "cpu_us": 8.0, "load_busy": 0.5}
    results = Results()
    for name, figures in (("hotline", run | ours), *((other, run | {"per_s": 90.0}) for other in ("panoramisk", "aioagi-ik", "pystrix"))):
        results.add(name, 1000, Run(**figures))
    return results


OPTIONS = AgiOptions([1000], 1, 1.0)


def test_the_transport_has_to_be_ahead_of_all_others() -> None:
    assert agi_report(OPTIONS, agi_results()).met
    assert "best other one has 90" in agi_report(OPTIONS, agi_results(per_s=90.0)).misses[0]


def test_an_idle_session_may_take_ten_kib() -> None:
    assert agi_report(OPTIONS, agi_results(kib_per_session=10.0)).met
    assert "KiB" in agi_report(OPTIONS, agi_results(kib_per_session=10.1)).misses[0]


def test_a_library_that_fails_under_load_is_shown_so_and_one_of_ours_misses() -> None:
    results = agi_results()
    results.failures["pystrix", 1000] = "no threads left"
    report = agi_report(OPTIONS, results)

    assert report.met
    assert next(run for run in report.figures["runs"] if run["server"] == "pystrix")["failure"] == "no threads left"

    results.failures["hotline", 1000] = "it ended"
    assert "it ended" in agi_report(OPTIONS, results).misses[0]


def test_the_median_of_rounds_counts_figure_by_figure() -> None:
    results = Results()
    for per_s, p99_ms in ((10.0, 9.0), (30.0, 1.0), (20.0, 5.0)):
        results.add("hotline", 100, Run(per_s, 1.0, p99_ms, 4.0, 8.0, 0.5))

    middle = results.middle("hotline", 100)
    assert middle is not None
    assert (middle.per_s, middle.p99_ms) == (20.0, 5.0)


def level(**changed: Any) -> Level:
    cores = {"asterisk": 0.2, "server": 0.1, "redis": 0.02, "phones": 0.3}
    return replace(Level(calls=10, talk_s=10.0, agents=6, per_s=2.0, complete=40, failed=0, cores=cores), **changed)


LOG = {"call_arrived": 50, "contact_connected": 50, "call_ended": 50}


def test_whole_calls_and_a_server_below_asterisk_meet_the_target() -> None:
    report = calls_report([level()], 50, [], LOG)

    assert report.met
    assert report.line["failed"] == 0
    assert report.figures["levels"][0]["ms_per_call"]["server"] == 50.0


@pytest.mark.parametrize(
    ("levels", "failures", "log", "word"),
    [
        ([level()], ["CallOver: by them"], LOG, "1 of 50 calls failed"),
        ([level(complete=0, per_s=0.0)], [], LOG, "none came to its end"),
        ([level(cores={"asterisk": 0.1, "server": 0.1, "redis": 0, "phones": 0})], [], LOG, "the server takes"),
        ([level()], [], LOG | {"call_ended": 49}, "49 call_ended for 50"),
        ([level()], [], {}, "0 call_arrived"),
    ],
)
def test_a_lost_call_a_dear_server_or_a_log_that_disagrees_is_a_miss(
    levels: list[Level], failures: list[str], log: dict[str, int], word: str
) -> None:
    assert word in calls_report(levels, 50, failures, log).misses[0]


def test_of_several_runs_the_median_of_each_figure_counts() -> None:
    rows = [Row("hotline", SMALL, "free", Spread(10, p50, p99, p99 + 1)) for p50, p99 in ((5, 9), (4, 99), (6, 8))]

    (row,) = medians(rows)

    assert row.found == Spread(30, 5, 9, 100)


def test_another_version_is_what_ours_is_compared_with() -> None:
    """Its own figures are shown and not judged; ours may take at most 0.8 of its time, as the median of all rows."""
    for ours, met in ((5.0, True), (6.0, False)):
        rows = [Row("hotline", SMALL, "free", replace(GOOD, p50=ours)), Row("before", SMALL, "free", replace(GOOD, p50=7.0, p99=80.0))]
        report = offer_report(rows, [SMALL])

        assert (report.met, report.line["of_before"]) == (met, ours / 7)
        assert report.line["before_p50_ms"] == 7.0


def test_an_arrival_is_judged_more_strictly_than_an_agent_who_becomes_free() -> None:
    rows = [Row("hotline", SMALL, what, replace(GOOD, p99=40.0)) for what in ("free", "arrival")]

    assert offer_report(rows, [SMALL]).misses == ["1/1, a caller arrives, agents are ready: p99 40.0 ms; at most 30 ms are allowed"]
