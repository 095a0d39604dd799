"""Runs a site's speech command: text in, a file that Asterisk can play out. Knows nothing of caches or calls.

The text may come from anywhere (a look-up, a caller's name): it reaches the program as one argument, never through a shell,
and never looks like an option.
"""

import asyncio
import os
import re
import shlex
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ivr.speech.values import read_text
from server.disk import sentence
from server.sounds import audio

_LONGEST_TEXT = 4000
_REST_S = 30.0


class CannotRender(RuntimeError):
    """A text did not become sound: the sentence names the command and what it said. The call goes on without it."""


class Renderer:
    """Speech commands by language, as in hotline.yaml: `espeak-ng -v en-us -w {out} {text}`.

    `program_paths` says where a program is when it is not on PATH; `env` is added to its environment (a private ESPEAK_DATA_PATH).
    After a command ran into its time limit the language rests for half a minute, so that calls do not wait for it prompt by prompt.
    Raises ValueError for a command without {out} or {text}.
    """

    def __init__(
        self,
        commands: Mapping[str, str],
        *,
        program_paths: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        at_once: int = 2,
        time_limit_s: float = 5.0,
    ) -> None:
        self.commands = dict(commands)
        self._arguments = {language: _split(language, command) for language, command in commands.items()}
        self._program_paths = dict(program_paths or {})
        self._env = {**os.environ, **(env or {})}
        self._places = asyncio.Semaphore(at_once)
        self._time_limit_s = time_limit_s
        self._resting: set[str] = set()

    async def render(self, language: str, text: str, target: Path) -> None:
        """Says `text` into `target` (`.wav`), complete or not at all. Raises CannotRender."""
        if language not in self._arguments:
            raise CannotRender(f"no speech command for the language {language!r}: add one under speech: in hotline.yaml")
        if len(text) > _LONGEST_TEXT:
            raise CannotRender(f"a text of {len(text)} characters is too long to say: expected at most {_LONGEST_TEXT}")
        async with self._places:
            if language in self._resting:
                raise CannotRender(f"{self._name(language)} took too long a moment ago and is left alone for {_REST_S:.0f} s")
            try:
                with tempfile.TemporaryDirectory(prefix="hotline-speech-", ignore_cleanup_errors=True) as folder:
                    out = Path(folder) / "out.wav"
                    await self._run(language, self._filled(language, text, out))
                    await asyncio.to_thread(_convert, out, target)
            except audio.BadSound as problem:
                raise CannotRender(f"{self._name(language)} made no usable sound: {problem}") from None
            except OSError as problem:
                raise CannotRender(f"what {self._name(language)} says is lost: {sentence(problem, target.parent)}") from None

    def _filled(self, language: str, text: str, out: Path) -> list[str]:
        values = {"{text}": clean(text), "{out}": str(out)}
        filled = []
        for argument in self._arguments[language]:
            value = re.sub(r"\{text\}|\{out\}", lambda found: values[found[0]], argument)
            filled.append(f" {value}" if value.startswith("-") and argument.startswith("{") else value)
        program, *rest = filled
        return [self._program_paths.get(program, program), *rest]

    async def _run(self, language: str, arguments: list[str]) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=self._env,
                start_new_session=True,
            )
        except OSError as problem:
            raise CannotRender(f"{self._name(language)} cannot be started: {problem.strerror}: install {arguments[0]}") from None
        try:
            async with asyncio.timeout(self._time_limit_s):
                _, said = await process.communicate()
        except TimeoutError:
            self._resting.add(language)
            asyncio.get_running_loop().call_later(_REST_S, self._resting.discard, language)
            raise CannotRender(f"{self._name(language)} took longer than {self._time_limit_s:g} s") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            words = " ".join(said.decode("utf-8", "replace").split())[-300:]
            raise CannotRender(f"{self._name(language)} failed with exit code {process.returncode}: {words or 'it said nothing'}")

    def _name(self, language: str) -> str:
        return f"the speech command for {language} ({self.commands[language]})"


def clean(text: str) -> str:
    """One line of text that any program can take as an argument."""
    return read_text(text.encode("utf-8", "replace").decode("utf-8"))


def _split(language: str, command: str) -> list[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as problem:
        raise ValueError(f"the speech command for {language} cannot be read: {problem}: {command!r}") from None
    for needed in ("{text}", "{out}"):
        if not any(needed in argument for argument in arguments[1:]):
            raise ValueError(
                f"the speech command for {language} lacks {needed}: {command!r}; expected such as espeak-ng -w {{out}} {{text}}"
            )
    return arguments


def _convert(source: Path, target: Path) -> None:
    rate, samples = audio.read_wav(source)
    audio.write_wav(target, audio.speech(audio.resample(samples, rate)))
