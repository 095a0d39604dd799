"""`./hotline test`: runs the stages, two lanes side by side where all are wanted, and sums them up.

Stages that need programs (Asterisk, Redis, espeak-ng) see the PATH of a fresh machine: what Hotline fetches is what they run. Every stage
is run even when one before it failed.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests import coverage_gate
from tests.fresh_path import NotDebian, fresh_path

HOME = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent

USAGE = """Usage: ./hotline test [STAGE] [PYTEST OPTIONS]

  ./hotline test                 every stage; what continuous integration runs
  ./hotline test quick           static and unit: no Asterisk, no network
  ./hotline test static          ruff, format, mypy, import contracts, shellcheck
  ./hotline test unit -k NAME    one stage; what follows goes to pytest
  ./hotline test coverage        unit and integration, and whether they run enough of each package

Stages:
  static         checks of the source
  unit           unit and contract tests: virtual time, no Asterisk
  integration    real Redis, fake Asterisk
  fresh          what runs a program that Hotline fetches: espeak-ng, Asterisk, Redis, the demo
  coverage       lines and branches that unit and integration ran, judged per package
  e2e            real Asterisk, Redis and SIP

integration, fresh and e2e run on the PATH of a fresh machine: Debian's essential packages, python3 and apt.
"""

STATIC: dict[str, list[str]] = {
    "ruff check": [PYTHON, "-m", "ruff", "check", "."],
    "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "mypy": [PYTHON, "-m", "mypy"],
    "import-linter": [str(SCRIPTS / "lint-imports")],
    "shellcheck": [str(SCRIPTS / "shellcheck"), "hotline", ".ci/run"],
}
_WORKERS = ["-n", "2", "--dist", "loadfile"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the tests: pytest's arguments, none for what pytest does not run. `programs`: on the PATH of a fresh machine.

    `measured`: the stage `coverage` judges what it ran.
    """

    arguments: list[str] = field(default_factory=list)
    programs: bool = False
    measured: bool = False


STAGES: dict[str, Stage] = {
    "static": Stage(),
    "unit": Stage(["tests/unit", "tests/contract"], measured=True),
    "integration": Stage(["tests/integration", "-m", "not fresh"], programs=True, measured=True),
    "coverage": Stage(),
    "fresh": Stage(["tests/integration", "tests/e2e", "-m", "fresh"], programs=True),
    "e2e": Stage(["tests/e2e", "-m", "not fresh", *_WORKERS], programs=True),
}
QUICK = ("static", "unit")
# Stages of one lane follow one another. End-to-end tests mostly wait, so the others have the processors meanwhile.
LANES = (("static", "unit", "integration", "coverage"), ("fresh", "e2e"))
MEASURED = tuple(name for name, stage in STAGES.items() if stage.measured)


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


class Run:
    """One run of some stages. `plain` and `fresh`: the environments of a stage without and with programs.

    `measurements`: the folder for what measured stages ran; None measures nothing. `gather` reads it.
    """

    def __init__(
        self,
        options: list[str],
        plain: Mapping[str, str],
        fresh: Mapping[str, str],
        measurements: Path | None = None,
        gather: Callable[[Path], list[coverage_gate.MeasuredFile]] = coverage_gate.gathered,
    ) -> None:
        self._options = options
        self._plain, self._fresh = dict(plain), dict(fresh)
        self._measurements, self._gather = measurements, gather
        self._printing = threading.Lock()
        self.tallies: dict[str, Tally] = {}

    def here(self, name: str) -> None:
        """Run a stage in the foreground: its output is seen as it comes."""
        print(f"\n== {name} ==", flush=True)
        self._run(name, None)

    def lanes(self, wanted: Collection[str]) -> None:
        """Run `wanted`, the lanes side by side; a stage's output is shown in one piece when it has ended."""
        lanes = [threading.Thread(target=self._lane, args=([name for name in lane if name in wanted],)) for lane in LANES]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()

    def _lane(self, names: list[str]) -> None:
        for name in names:
            with tempfile.TemporaryFile("w+", errors="replace") as output:
                with self._printing:
                    print(f"-- {name} begins", flush=True)
                self._run(name, output)
                output.seek(0)
                with self._printing:
                    print(f"\n== {name} ==\n{output.read()}", flush=True)

    def _run(self, name: str, output: IO[str] | None) -> None:
        stage, started = STAGES[name], time.monotonic()
        environment = self._fresh if stage.programs else self._plain
        if stage.measured and self._measurements is not None:
            environment = coverage_gate.measured(environment, self._measurements)
        if name == "coverage":
            tally = self._coverage(output)
        else:
            tally = self._pytest(stage, environment, output) if stage.arguments else self._static(environment, output)
        tally.seconds = time.monotonic() - started
        self.tallies[name] = tally

    def _static(self, environment: Mapping[str, str], output: IO[str] | None) -> Tally:
        tally = Tally()
        for name, command in STATIC.items():
            print(f"-- {name}", file=output, flush=True)
            if _call(command, environment, output) == 0:
                tally.passed += 1
            else:
                print(f"FAILED {name}", file=output, flush=True)
                tally.failed += 1
        return tally

    def _coverage(self, output: IO[str] | None) -> Tally:
        """Judge what the measured stages ran, all of which have ended."""
        if self._measurements is None or not set(MEASURED) <= set(self.tallies):
            print(f"FAILED coverage: {' and '.join(MEASURED)} must be measured first", file=output, flush=True)
            return Tally(failed=1)
        try:
            verdicts = coverage_gate.judged(self._gather(self._measurements))
        except coverage_gate.NotMeasured as reason:
            print(f"FAILED {reason}", file=output, flush=True)
            return Tally(failed=1)
        print("\n".join(verdict.text() for verdict in verdicts), file=output, flush=True)
        held = sum(verdict.holds for verdict in verdicts)
        return Tally(passed=held, failed=len(verdicts) - held)

    def _pytest(self, stage: Stage, environment: Mapping[str, str], output: IO[str] | None) -> Tally:
        with tempfile.TemporaryDirectory(prefix="hotline-test-") as scratch:
            report = Path(scratch) / "report.xml"
            command = [PYTHON, "-m", "pytest", f"--junitxml={report}", *_instead(stage.arguments, self._options), *self._options]
            code = _call(command, environment, output)
            return read_report(report, code)


def _call(command: list[str], environment: Mapping[str, str], output: IO[str] | None) -> int:
    streams = {} if output is None else {"stdout": output, "stderr": subprocess.STDOUT}
    return subprocess.run(command, cwd=HOME, stdin=subprocess.DEVNULL, env=environment, **streams).returncode  # type: ignore[call-overload,no-any-return]


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


def _instead(arguments: list[str], options: list[str]) -> list[str]:
    """A stage's arguments without its folders where files or folders are given."""
    given = any(option.startswith("tests/") and (HOME / option.partition("::")[0]).exists() for option in options)
    return [argument for argument in arguments if not (given and argument.startswith("tests/"))]


def run(wanted: list[str], options: list[str], scratch: Path) -> int:
    """Run the stages `wanted`, those of both lanes side by side; print the sum. `scratch` is an empty folder. Returns the exit code."""
    links, measurements = scratch / "path", scratch / "coverage"
    links.mkdir()
    measurements.mkdir()
    plain = dict(os.environ)
    fresh = plain
    if any(STAGES[name].programs for name in wanted):
        fresh = {**plain, "PATH": fresh_path(links)}
        # Programs are fetched before the tests, whose time is limited.
        subprocess.run([PYTHON, "-m", "server.install"], cwd=HOME, stdin=subprocess.DEVNULL, env=fresh, check=False)
    this = Run(options, plain, fresh, measurements if "coverage" in wanted else None)
    if all(set(lane) & set(wanted) for lane in LANES):
        this.lanes(wanted)
    else:
        for name in wanted:
            this.here(name)
    return summary(wanted, this.tallies)


def summary(wanted: list[str], tallies: Mapping[str, Tally]) -> int:
    """Print how each stage went and the sum. Returns the exit code."""
    print("\n== summary ==")
    for name in wanted:
        print(f"{'FAILED' if tallies[name].failed else 'ok':6}  {name:12} {tallies[name].text()}")
    counted = [tallies[name] for name in wanted]
    passed, failed, skipped = (sum(getattr(tally, kind) for tally in counted) for kind in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


def stages(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The stages that are asked for, in order, and the options for pytest. ValueError says what was wrong.

    Coverage is judged of whole stages only: not with options, which choose tests.
    """
    if not arguments or arguments[0].startswith("-"):
        return [name for name in STAGES if name != "coverage" or not arguments], arguments
    word, options = arguments[0], arguments[1:]
    if word == "quick":
        return list(QUICK), options
    if word == "coverage":
        if options:
            raise ValueError("coverage takes no options: it is judged of all tests of " + " and ".join(MEASURED))
        return [*MEASURED, word], options
    if word not in STAGES:
        raise ValueError(f"there is no stage {word!r}; there are: quick {' '.join(STAGES)}")
    return [word], options


def main(arguments: list[str]) -> int:
    """The command; what it prints names a stage that does not exist."""
    if {"-h", "--help", "help"} & set(arguments):
        print(USAGE, end="")
        return 0
    try:
        wanted, options = stages(arguments)
    except ValueError as wrong:
        print(f"hotline test: {wrong}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="hotline-test-") as scratch:
        try:
            return run(wanted, options, Path(scratch))
        except NotDebian as reason:
            print(f"hotline test: {reason}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
