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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.fresh_path import NotDebian, fresh_path

HOME = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent

USAGE = """Usage: ./hotline test [STAGE] [PYTEST OPTIONS]

  ./hotline test                 every stage; what continuous integration runs
  ./hotline test quick           static and unit: no Asterisk, no network
  ./hotline test static          ruff, format, mypy, import contracts, shellcheck
  ./hotline test unit -k NAME    one stage; what follows goes to pytest

Stages:
  static         checks of the source
  unit           unit and contract tests: virtual time, no Asterisk
  integration    real Redis, fake Asterisk
  fresh          what runs a program that Hotline fetches: espeak-ng, Asterisk, Redis, the demo
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
    """A part of the tests: pytest's arguments, none for the static checks. `programs`: on the PATH of a fresh machine."""

    arguments: list[str] = field(default_factory=list)
    programs: bool = False


STAGES: dict[str, Stage] = {
    "static": Stage(),
    "unit": Stage(["tests/unit", "tests/contract"]),
    "integration": Stage(["tests/integration", "-m", "not fresh"], programs=True),
    "fresh": Stage(["tests/integration", "tests/e2e", "-m", "fresh"], programs=True),
    "e2e": Stage(["tests/e2e", "-m", "not fresh", *_WORKERS], programs=True),
}
QUICK = ("static", "unit")
# Stages of one lane follow one another. End-to-end tests mostly wait, so the others have the processors meanwhile.
LANES = (("static", "unit", "integration"), ("fresh", "e2e"))


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
    """One run of some stages. `environments`: those of a stage without and with programs."""

    def __init__(self, options: list[str], plain: Mapping[str, str], fresh: Mapping[str, str]) -> None:
        self._options = options
        self._plain, self._fresh = dict(plain), dict(fresh)
        self._printing = threading.Lock()
        self.tallies: dict[str, Tally] = {}

    def here(self, name: str) -> None:
        """Run a stage in the foreground: its output is seen as it comes."""
        print(f"\n== {name} ==", flush=True)
        self._run(name, None)

    def lanes(self) -> None:
        """Run all stages, the lanes side by side; a stage's output is shown in one piece when it has ended."""
        lanes = [threading.Thread(target=self._lane, args=(lane,)) for lane in LANES]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()

    def _lane(self, names: tuple[str, ...]) -> None:
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


def run(wanted: list[str], options: list[str], links: Path) -> int:
    """Run the stages `wanted`, all of them side by side; print the sum. Returns the exit code."""
    plain = dict(os.environ)
    fresh = plain
    if any(STAGES[name].programs for name in wanted):
        fresh = {**plain, "PATH": fresh_path(links)}
        # Programs are fetched before the tests, whose time is limited.
        subprocess.run([PYTHON, "-m", "server.install"], cwd=HOME, stdin=subprocess.DEVNULL, env=fresh, check=False)
    this = Run(options, plain, fresh)
    if len(wanted) == len(STAGES):
        this.lanes()
    else:
        for name in wanted:
            this.here(name)
    print("\n== summary ==")
    for name in wanted:
        tally = this.tallies[name]
        print(f"{'FAILED' if tally.failed else 'ok':6}  {name:12} {tally.text()}")
    tallies = [this.tallies[name] for name in wanted]
    print(
        f"{sum(t.passed for t in tallies)} passed, {sum(t.failed for t in tallies)} failed, {sum(t.skipped for t in tallies)} skipped",
        flush=True,
    )
    return 1 if any(tally.failed for tally in tallies) else 0


def main(arguments: list[str]) -> int:
    """The command; what it prints names a stage that does not exist."""
    if {"-h", "--help", "help"} & set(arguments):
        print(USAGE, end="")
        return 0
    wanted, options = list(STAGES), arguments
    if arguments and not arguments[0].startswith("-"):
        word, options = arguments[0], arguments[1:]
        wanted = list(QUICK) if word == "quick" else [word]
        if word != "quick" and word not in STAGES:
            print(f"hotline test: there is no stage {word!r}; there are: quick {' '.join(STAGES)}", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="hotline-path-") as links:
        try:
            return run(wanted, options, Path(links))
        except NotDebian as reason:
            print(f"hotline test: {reason}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
