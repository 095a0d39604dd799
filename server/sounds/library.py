"""Finds or makes the sound file for every speech: the site's recording, else the cache, else rendered once. Plays nothing.

The cache is content-addressed, so several servers may share a folder; what was not used for longest goes when it grows over its limit.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from ivr.ports import Speech
from server.disk import sentence
from server.sounds import audio, tones
from server.sounds.recordings import Recordings
from server.sounds.render import CannotRender, Renderer, clean

log = structlog.get_logger(__name__)
_FORMAT = 1  # changes when the same text shall sound different
_SWEEP_EVERY = 500  # new files
_EMPTY_WAV = 44  # bytes


class SoundLibrary:
    """Sound files as absolute paths without suffix, the way Asterisk wants them. `recordings_dir` is that of `Recordings`.

    `cache_dir` must have no space or `&` in its path. Call `close` at the end.
    """

    def __init__(self, cache_dir: Path, renderer: Renderer, recordings_dir: Path | None = None, *, most_bytes: int = 300_000_000) -> None:
        self._cache = cache_dir.absolute()
        self._cache.mkdir(parents=True, exist_ok=True)
        self._renderer = renderer
        self._recordings = Recordings(recordings_dir) if recordings_dir else None
        self._most_bytes = most_bytes
        self._under_way: dict[Path, asyncio.Task[None]] = {}
        self._made = 0

    def use(self, renderer: Renderer, recordings_dir: Path | None) -> None:
        """The site has other speech commands or recordings; what is under way is finished as it was begun."""
        self._renderer = renderer
        self._recordings = Recordings(recordings_dir) if recordings_dir else None

    async def files(self, speech: Sequence[Speech]) -> list[str]:
        """One file for each speech that has something to say, in order. Raises CannotRender."""
        return [name for name in [await self._file(each) for each in speech] if name]

    async def prepare(self, speech: Sequence[Speech]) -> list[CannotRender]:
        """Makes what is missing, one after another so that running calls come first; returns the different failures instead of raising."""
        failures: dict[str, CannotRender] = {}
        for each in dict.fromkeys(speech):
            try:
                await self._file(each)
            except CannotRender as problem:
                failures.setdefault(str(problem), problem)
        await asyncio.to_thread(sweep, self._cache, self._most_bytes)
        return list(failures.values())

    def tone(self) -> str:
        """A short beep, for the caller to hear something when a prompt cannot be rendered; one that cannot be written is a name alone."""
        path = self._cache / f"tone-{_FORMAT}.wav"
        if not _touch(path):
            try:
                audio.write_wav(path, tones.beep())
            except OSError as problem:
                log.warning("tone_not_written", reason=sentence(problem))
        return str(path.with_suffix(""))

    async def close(self) -> None:
        """Stops what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _file(self, speech: Speech) -> str:
        recording = self._recordings.find(speech) if self._recordings else None
        if recording:
            return await self._playable(recording)
        text = clean(speech.text)
        if not any(sign.isalnum() for sign in text):
            return ""
        command = self._renderer.commands.get(speech.language, "")
        path = self._path(f"{command}\0{text}")
        return await self._once(path, lambda: self._renderer.render(speech.language, text, path))

    async def _playable(self, recording: Path) -> str:
        """The recording itself, or its copy in the shape that Asterisk plays."""
        if audio.is_playable(recording):
            return str(recording.with_suffix(""))
        state = os.stat(recording)
        path = self._path(f"{recording}\0{state.st_mtime_ns}\0{state.st_size}")
        return await self._once(path, lambda: asyncio.to_thread(_copy, recording, path))

    def _path(self, content: str) -> Path:
        return self._cache / (hashlib.sha256(f"{_FORMAT}\0{content}".encode()).hexdigest() + ".wav")

    async def _once(self, path: Path, make: Callable[[], Awaitable[None]]) -> str:
        """The file at `path`, made when missing; who asks meanwhile waits for the same work, which goes on when the first to ask leaves."""
        if not _touch(path):
            task = self._under_way.get(path)
            if task is None:
                task = self._under_way[path] = asyncio.create_task(self._make(path, make))
                task.add_done_callback(_seen)
            await asyncio.shield(task)
        return str(path.with_suffix(""))

    async def _make(self, path: Path, make: Callable[[], Awaitable[None]]) -> None:
        try:
            await make()
            self._made += 1
            if self._made % _SWEEP_EVERY == 0:
                await asyncio.to_thread(sweep, self._cache, self._most_bytes)
        finally:
            del self._under_way[path]


def sweep(folder: Path, most_bytes: int) -> None:
    """Removes the files unused for longest until the others fit."""
    files = []
    for entry in os.scandir(folder):
        with suppress(OSError):  # another server may have removed it
            if entry.is_file(follow_symlinks=False):
                state = entry.stat(follow_symlinks=False)
                files.append((state.st_mtime_ns, state.st_size, Path(entry.path)))
    size = sum(length for _, length, _ in files)
    for _, length, path in sorted(files):
        if size <= most_bytes:
            return
        with suppress(OSError):  # a cache that we may only read stays as it is
            path.unlink(missing_ok=True)
            size -= length


def _touch(path: Path) -> bool:
    """Marks a file as used; False when there is none."""
    try:
        if path.stat().st_size <= _EMPTY_WAV:
            return False
    except OSError:
        return False
    with suppress(OSError):  # in a cache that we may only read
        os.utime(path)
    return True


def _copy(recording: Path, path: Path) -> None:
    try:
        rate, samples = audio.read_wav(recording)
        audio.write_wav(path, audio.resample(samples, rate))
    except (audio.BadSound, OSError) as problem:
        raise CannotRender(f"the recording {recording} cannot be used: {problem}") from None


def _seen(task: asyncio.Task[None]) -> None:
    """A failure that nobody waits for any more is no news."""
    if not task.cancelled():
        task.exception()
