"""One program running under us: started in a session of its own (Ctrl-C does not reach it), its output in a log file, ended by its id.

It outlives us when we are killed; whoever comes after us finds it by its pid file and adopts it.
"""

import asyncio
import json
import os
import select
import signal
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from server.disk import is_full, write_over
from server.processes.adopted_process import AdoptedProcess

Ready = Callable[[], Awaitable[bool]]
LOOK_EVERY_S = 0.02
STOP_S = 10.0
RECORD_AGAIN_S = 5.0


class ChildError(Exception):
    """The program did not start or did not become ready; the message has the last lines that it wrote."""


def left_running(run: Path) -> set[str]:
    """The names of the pid files in `run` (without their ending) whose programs an earlier start left running: it was killed."""
    return {pid_file.stem for pid_file in run.glob("*.pid") if _recorded(pid_file)}


def end_left_over(run: Path, keep: Collection[str] = ()) -> None:
    """Ends what an earlier start left running, by the pid files in `run`, but for those that are to be adopted. Blocks."""
    for pid_file in sorted(run.glob("*.pid")):
        if pid_file.stem not in keep:
            _end(pid_file)


class ChildProcess:
    """`marks` distinguish the program's command line from others': one left over from a start that was killed is adopted, or ended before a
    new start."""

    def __init__(self, name: str, log: Path, pid_file: Path, marks: str) -> None:
        self.name = name
        self.log = log
        self._pid_file = pid_file
        self._marks = marks
        self._process: asyncio.subprocess.Process | AdoptedProcess | None = None
        self._spare: asyncio.subprocess.Process | None = None
        self._recording: asyncio.Task[None] | None = None  # the pid file, as soon as it can be written
        self._log_before = 0  # bytes that earlier starts have written

    @property
    def pid(self) -> int:
        """The process id; 0 when it does not run."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    @property
    def adopted(self) -> bool:
        """Whether an earlier start has started what runs now."""
        return isinstance(self._process, AdoptedProcess)

    @property
    def command(self) -> list[str]:
        """How the system says that it was started; empty when it does not run."""
        return _command_of(self.pid)

    async def adopt(self, ready: Ready, within: float) -> bool:
        """Take over what an earlier start left running. False when nothing is there, or it does not become ready within so many seconds:
        a start ends that."""
        pid = await asyncio.to_thread(_recorded, self._pid_file)
        if not pid:
            return False
        try:
            self._process = AdoptedProcess(pid)
        except ProcessLookupError:
            return False
        self._log_before = self.log.stat().st_size if self.log.exists() else 0
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self.pid and not await ready():  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_EVERY_S)
                return bool(self.pid)
        return False

    async def start(self, command: list[str], ready: Ready, within: float, environment: Mapping[str, str] | None = None) -> None:
        """Starts and waits until `ready` says so, at most `within` seconds. ChildError says why it could not be."""
        self._stop_recording()
        await asyncio.to_thread(_end, self._pid_file)
        self._log_before = self.log.stat().st_size if self.log.exists() else 0
        self._process = self._take_spare() or await self._launch(command, environment, asyncio.subprocess.DEVNULL)
        if not self._record():
            self._recording = asyncio.create_task(self._record_later())
        try:
            async with asyncio.timeout(within):
                while not await ready():
                    if self._process.returncode is not None:
                        raise ChildError(
                            f"{self.name} ended at once with code {self._process.returncode}; its last words: {self.last_words()}"
                        )
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            await self.stop()
            raise ChildError(f"{self.name} was not ready after {within:.0f} s; its last words: {self.last_words()}") from None
        except BaseException:
            await self.stop()
            raise

    async def prepare(self, command: list[str], environment: Mapping[str, str] | None = None) -> None:
        """Starts the next one ahead, in place of one that was: it loads its program, waits for a line, and ends when we do.

        The next `start` sends that line, so `command` must come to the same as the one given there.
        """
        await self.drop_spare()
        self._spare = await self._launch(command, environment, asyncio.subprocess.PIPE)

    async def drop_spare(self) -> None:
        """Ends the one that waits, if there is one."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.returncode is None:
            with suppress(ProcessLookupError):
                spare.kill()  # it has nothing yet that it could leave behind
            await spare.wait()

    async def wait(self) -> int:
        """Returns its exit code when it has ended."""
        return await self._process.wait() if self._process is not None else 0

    def kill(self) -> None:
        """End it at once; harmless when it has ended."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self, within: float = STOP_S) -> None:
        """Asks it to end and insists after `within` seconds; harmless when it has ended."""
        if self._process is None:
            return
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), within)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        self._stop_recording()
        with suppress(OSError):  # it says whose process it was, and that has ended
            self._pid_file.unlink(missing_ok=True)

    def _record(self) -> bool:
        """Write the pid file; False where that is not possible now. Without it the next one cannot find the program, and that is all."""
        try:
            self._pid_file.parent.mkdir(parents=True, exist_ok=True)
            write_over(self._pid_file, f"{self.pid}\n{self._marks}\n")
        except OSError:
            return False
        return True

    async def _record_later(self) -> None:
        while self.pid:
            await asyncio.sleep(RECORD_AGAIN_S)
            if not self.pid or self._record():
                return

    def _stop_recording(self) -> None:
        if self._recording:
            self._recording.cancel()
            self._recording = None

    def _take_spare(self) -> asyncio.subprocess.Process | None:
        spare, self._spare = self._spare, None
        if spare is None or spare.returncode is not None or spare.stdin is None:
            return None
        spare.stdin.write(b"\n")
        spare.stdin.close()
        return spare

    async def _launch(self, command: list[str], environment: Mapping[str, str] | None, stdin: int) -> asyncio.subprocess.Process:
        with self._open_log() as output:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=stdin,
                stdout=output,
                stderr=output,
                start_new_session=True,
                restore_signals=False,  # a file that may not grow beyond a limit is an error of its write, not the end of the program
                env=dict(environment or os.environ),
            )

    def _open_log(self) -> BinaryIO:
        """Where there is no room for a log the program runs without."""
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            return self.log.open("ab")
        except OSError as error:
            if not is_full(error):
                raise
            return open(os.devnull, "ab")

    def last_words(self, lines: int = 4) -> str:
        text = self.log.read_bytes()[self._log_before :].decode(errors="replace") if self.log.is_file() else ""
        words = dict.fromkeys(map(_in_words, text.strip().splitlines()[-lines:]))  # what is said again and again is said once
        return " / ".join(words) or f"none (see {self.log.parent})"


def _in_words(line: str) -> str:
    """What a line of a log says, also when it is JSON of ours."""
    try:
        facts = json.loads(line)
        said = [facts["event"], facts.get("reason", ""), *facts.get("exception", "").splitlines()[-1:]]
        return ": ".join(str(part) for part in said if part)
    except (ValueError, KeyError, TypeError, AttributeError):
        return line


def _end(pid_file: Path) -> None:
    try:
        pid, marks = _read(pid_file)
        process = os.pidfd_open(pid)
    except (OSError, ValueError):
        return  # it has ended, or this is a program's own pid file
    try:
        for number, patience_s in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            if not _is_ours(pid, marks):
                return
            signal.pidfd_send_signal(process, number)
            if select.select([process], [], [], patience_s)[0]:
                return
    except ProcessLookupError:
        return
    finally:
        os.close(process)


def _recorded(pid_file: Path) -> int:
    """The process of a pid file; 0 when it has ended, or the file is a program's own."""
    try:
        pid, marks = _read(pid_file)
    except (OSError, ValueError):
        return 0
    return pid if _is_ours(pid, marks) else 0


def _read(pid_file: Path) -> tuple[int, str]:
    first, marks = pid_file.read_text().splitlines()
    return int(first), marks


def _is_ours(pid: int, marks: str) -> bool:
    """Whether the process is that program still: an id is soon given to another one."""
    return marks in " ".join(_command_of(pid))


def _command_of(pid: int) -> list[str]:
    """Empty when there is no such process, or it has ended and nobody has asked how."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes() if pid else b""
    except OSError:
        return []
    return [os.fsdecode(word) for word in words.split(b"\0")[:-1]]
