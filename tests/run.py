"""Runs the stages of `./hotline test` one after the other and sums them up; every stage is run even when one before it failed.

`run.py` runs all, `run.py quick` those that need no Asterisk and no Redis, `run.py STAGE [PYTEST OPTIONS]` one stage.
"""

import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent

STATIC: dict[str, list[str]] = {
    "ruff check": [PYTHON, "-m", "ruff", "check", "."],
    "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "mypy": [PYTHON, "-m", "mypy"],
    "import-linter": [str(SCRIPTS / "lint-imports")],
    "shellcheck": [str(SCRIPTS / "shellcheck"), "hotline", ".ci/run"],
}
STAGES: dict[str, list[str]] = {
    "static": [],
    "unit": ["tests/unit", "tests/contract"],
    "integration": ["tests/integration"],
    "e2e": ["tests/e2e"],
}
QUICK = ("static", "unit")
# These need programs that are fetched when the host lacks them: before the tests, whose time is limited.
WITH_PROGRAMS = ("integration", "e2e")


@dataclass
class Tally:
    """How a stage went; `failed` counts errors too."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0

    def text(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped} in {self.seconds:.1f} s"


def run_static() -> Tally:
    tally = Tally()
    for name, command in STATIC.items():
        print(f"-- {name}", flush=True)
        if subprocess.run(command, cwd=HOME, stdin=subprocess.DEVNULL).returncode == 0:
            tally.passed += 1
        else:
            print(f"FAILED {name}", flush=True)
            tally.failed += 1
    return tally


def run_pytest(folders: list[str], options: list[str]) -> Tally:
    present = [folder for folder in folders if (HOME / folder).is_dir()]
    if not present:
        print(f"FAILED: there is no folder {' or '.join(folders)}")
        return Tally(failed=1)
    with tempfile.TemporaryDirectory(prefix="hotline-test-") as scratch:
        report = Path(scratch) / "report.xml"
        command = [PYTHON, "-m", "pytest", f"--junitxml={report}", *present, *options]
        code = subprocess.run(command, cwd=HOME, stdin=subprocess.DEVNULL).returncode
        return read_report(report, code)


def read_report(report: Path, code: int) -> Tally:
    """The counts of a pytest run; a run that ended badly without a failed test (no test found, a crash) counts as one failure."""
    tally = Tally()
    if report.is_file():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0))
            tally.failed += failed
            tally.skipped += skipped
            tally.passed += int(suite.get("tests", 0)) - failed - skipped
    if code != 0 and tally.failed == 0:
        tally.failed = 1
    return tally


def main(arguments: list[str]) -> int:
    wanted, options = list(STAGES), arguments
    if arguments and not arguments[0].startswith("-"):
        word, options = arguments[0], arguments[1:]
        wanted = list(QUICK) if word == "quick" else [word]
        if word != "quick" and word not in STAGES:
            print(f"hotline test: there is no stage {word!r}; there are: quick {' '.join(STAGES)}", file=sys.stderr)
            return 2
    if set(wanted) & set(WITH_PROGRAMS):
        subprocess.run([PYTHON, "-m", "server.install"], cwd=HOME, stdin=subprocess.DEVNULL, check=False)
    tallies: dict[str, Tally] = {}
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        started = time.monotonic()
        tallies[name] = run_static() if name == "static" else run_pytest(STAGES[name], options)
        tallies[name].seconds = time.monotonic() - started
    total = Tally(*(sum(values) for values in zip(*((t.passed, t.failed, t.skipped, t.seconds) for t in tallies.values()), strict=True)))
    print("\n== summary ==")
    for name, tally in tallies.items():
        print(f"{'FAILED' if tally.failed else 'ok':6}  {name:12} {tally.text()}")
    print(total.text(), flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
