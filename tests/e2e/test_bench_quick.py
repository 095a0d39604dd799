"""Each benchmark runs on real parts, small: it counts rightly and writes what it promises. Times are judged in `./hotline bench` alone."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]

ROOT = Path(__file__).resolve().parents[2]


async def bench(kind: str, state: Path, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Its last line and its JSON file; the exit code must be the one that goes with them."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "bench", kind, "--quick", "--state", str(state), *options),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    said, _ = await process.communicate()
    text = said.decode()
    assert process.returncode in (0, 1), text
    line = json.loads(text.splitlines()[-1])
    assert line["met"] is (process.returncode == 0), text
    picture = state / "bench" / f"{kind}.png"
    assert picture.read_bytes().startswith(b"\x89PNG"), text
    return line, json.loads((state / "bench" / f"{kind}.json").read_text())


async def test_bench_offer_measures_both_systems_without_losing_an_offer(tmp_path: Path) -> None:
    """Same Asterisk, same phones; every offer that was waited for came."""
    line, found = await bench("offer", tmp_path)

    assert {"hotline_p50_ms", "hotline_p99_ms", "app_queue_p50_ms", "app_queue_p99_ms"} <= line.keys()
    counts = {(row["system"], row["what"]): (row["offers"], row["missed"]) for row in found["rows"]}
    assert counts == {
        ("hotline", "arrival"): (3, 0),
        ("hotline", "free"): (5, 0),
        ("app_queue", "arrival"): (3, 0),
        ("app_queue", "free"): (3, 0),
    }


async def test_bench_agi_measures_every_library(tmp_path: Path) -> None:
    """All four take the load, on the same fake Asterisk."""
    _, found = await bench("agi", tmp_path)

    assert [run["server"] for run in found["runs"]] == ["hotline", "panoramisk", "aioagi-ik", "pystrix"]
    assert [run["failure"] for run in found["runs"]] == [""] * 4
    assert all(run["per_s"] > 0 and run["cpu_us"] >= 0 for run in found["runs"])


async def test_bench_calls_loses_no_call_and_agrees_with_the_event_log(tmp_path: Path) -> None:
    """As many calls as were placed have arrived, were connected and have ended."""
    line, found = await bench("calls", tmp_path)

    assert line["failed"] == 0, found["failures"]
    assert line["calls"] > 4
    assert set(found["event_log"].values()) == {line["calls"]}
    assert found["levels"][0]["complete"] > 0
    assert min(found["levels"][0]["cores"].values()) >= 0


async def test_bench_router_routes_on_a_real_redis(tmp_path: Path) -> None:
    """Decisions, load and memory are measured; no message or deadline broke the board."""
    line, found = await bench("router", tmp_path)

    assert {"decision_p99_ms", "growth", "contacts_per_s", "router_bytes", "redis_bytes"} <= line.keys()
    assert min(line["contacts_per_s"], line["router_bytes"], line["redis_bytes"], found["redis_trips"]) > 0
    assert [row["size"] for row in found["decisions"]] == [100, 300]
    assert found["skipped"] == 0


async def test_bench_faults_counts_what_callers_notice(tmp_path: Path) -> None:
    """Two callers in each stage of a call, whose server is killed: nobody is lost, mistaken for another, left in silence or stuck."""
    line, found = await bench("faults", tmp_path, "--only", "server killed (one server)")

    assert (line["faults"], line["callers"]) == (1, 8)
    assert found["misses"] == []


async def test_bench_edge_attacks_a_site_whose_talks_go_on(tmp_path: Path) -> None:
    """Every attack is carried out, no talk is cut, the server lives, and nothing is left behind. Gaps are judged in the bench."""
    line, found = await bench("edge", tmp_path)

    rows = {row["attack"]: row for row in found["attacks"]}
    assert {"none", "malformed messages", "INVITE flood", "calls that are never acknowledged", "slow AGI connections"} <= rows.keys()
    assert all((row["calls_lost"], row["server_lives"], row["ready"]) == (0, True, True) for row in rows.values())
    assert all(sum(row["counts"].values()) > 0 for attack, row in rows.items() if not attack.startswith("none"))
    assert line["messages"] > 1000
    assert [miss for miss in found["misses"] if "a gap of" not in miss] == []
