"""The caller's telephone on an AGI channel: says things, collects keys, plays music, dials, hangs up. Fits `ivr.ports.Phone`.

Keys come from AMI while it is connected, since AGI does not see a key that is pressed between two commands; then an escape digit only
stops the prompt, and one that AMI has reported before is an echo: the prompt goes on. Without AMI the keys that AGI reports serve. Either
way a key that nobody has asked for yet is kept, in order, for whoever asks next.
Not here: which file says what (`Sounds`), how keys arrive (`KeySource`), whether a number may be dialled (`dial`).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Literal, Protocol

import structlog

from agi import commands
from agi.ami.errors import AmiError
from agi.channel import Channel
from agi.errors import ChannelHungUp, SoundMissing
from agi.protocol import Reply

log = structlog.get_logger("agi")

ALL_KEYS = "0123456789*#"
MOST_KEPT = 32
# AMI reports a key when it is released, AGI when it is pressed or released: so long may a key that stopped a prompt be on its way.
AMI_LAG_MS = 500
# AMI has this long to report a key that may as well be the echo of one before; what it reports later stops the prompt again.
ECHO_LAG_MS = 50
# So long may AGI take to stop a prompt by itself, before AMI is asked to.
STOP_GRACE_S = 0.1

DialOutcome = Literal["answered", "busy", "no_answer", "unreachable", "not_allowed"]
Dial = Callable[[str, int], Awaitable[DialOutcome]]


class Spoken(Protocol):
    """Something to say: `text` in `language`, or the recording of that name."""

    @property
    def language(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def recording(self) -> str: ...


class Sounds(Protocol):
    """Where sound files come from."""

    async def files(self, speech: Sequence[Spoken]) -> Sequence[str]:
        """Absolute paths without suffix, in the order to be played, one clip each."""


class KeySource(Protocol):
    """The caller's keys as AMI reports them. `connected` is False while AMI is away."""

    @property
    def connected(self) -> bool: ...

    async def next(self, timeout_ms: int | None) -> str:
        """The next key, taken; "" when none came in time (None: no limit) or AMI is away. A cancelled call takes no key."""

    def take(self) -> str:
        """The next key that is waiting, or ""."""

    def clear(self) -> None: ...

    def drop_run(self) -> None:
        """Drop the keys that are waiting and those that follow closely."""

    def is_echo(self, key: str) -> bool:
        """Whether a key that AGI returned may be one that AMI has reported before."""

    def counted(self, key: str) -> None:
        """A key is counted because AGI returned it: AMI's word on it, before or after, is no key."""


class AsteriskPhone:
    """One caller's telephone. `stop_playback` is AMI's ControlPlayback stop for this channel; it may fail, the prompt then ends by itself.

    Every method raises `ChannelHungUp` when the session is over; `play` raises `SoundMissing` for a file that Asterisk cannot play.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        sounds: Sounds,
        keys: KeySource,
        dial: Dial,
        stop_playback: Callable[[], Awaitable[object]],
        music_class: str = "default",
    ) -> None:
        self._channel = channel
        self._sounds = sounds
        self._keys = keys
        self._dial = dial
        self._stop_playback = stop_playback
        self._music_class = music_class
        self._kept: deque[str] = deque(maxlen=MOST_KEPT)

    async def answer(self) -> None:
        """Answer the call, without Asterisk's wait of up to 0.5 s for the caller's first audio."""
        reply = await self._channel.appexec("Answer", ",i")
        if reply.failed:
            raise ChannelHungUp("the caller was gone before the call was answered")

    async def play(self, speech: Sequence[Spoken], *, keys: str = "") -> str:
        """Say all of it; stop at the first of `keys` and return that key, else "". Keys pressed earlier and not yet taken count at once.

        Other keys do not stop it; they are gone when one of `keys` comes behind them and stay for `wait_key` when none does.
        """
        for file in await self._sounds.files(speech):
            key = self._take(keys) or await (self._clip_with_ami(file, keys) if self._keys.connected else self._clip_alone(file, keys))
            if key:
                return key
        return self._take(keys)

    async def wait_key(self, timeout_ms: int) -> str:
        """The next key, or "" when none came in time. The caller hears nothing meanwhile, unless music was started."""
        while True:
            self._collect()
            if self._kept:
                return self._kept.popleft()
            if self._keys.connected:
                key = await self._while_here(self._keys.next(timeout_ms))
                if key or self._keys.connected:
                    return key
            key = await self._channel.wait_for_digit(max(0, timeout_ms))
            if not (key and self._keys.is_echo(key)):  # else AMI is back and has reported it: what AMI has reported comes first
                self._count(key)
                return key

    def forget_keys(self) -> None:
        """Drop keys that were pressed and not yet taken."""
        self._kept.clear()
        self._keys.clear()

    async def music(self, on: bool, music_class: str = "") -> None:
        """Music until the next prompt or dialling. After a prompt the caller hears nothing until this is called."""
        await self._channel.set_music(on, music_class or self._music_class)

    async def dial(self, target: str, timeout_ms: int) -> DialOutcome:
        """Connect the caller to an allowed number; returns when that call is over or did not come about."""
        return await self._dial(target, timeout_ms)

    async def hang_up(self) -> None:
        """End the call; harmless when the caller was faster."""
        with contextlib.suppress(ChannelHungUp):
            await self._channel.hangup()

    # ------------------------------------------------------------------ keys

    def _collect(self) -> None:
        while len(self._kept) < MOST_KEPT and (key := self._keys.take()):
            self._kept.append(key)

    def _take(self, expected: str) -> str:
        """The first of the expected keys so far, or "". Keys pressed before it are gone then; without one all stay."""
        self._collect()
        key = next((key for key in self._kept if key in expected), "")
        while key and self._kept.popleft() != key:
            pass
        return key

    def _count(self, key: str) -> None:
        """A key that only AGI has reported so far."""
        if key and self._keys.connected:
            self._keys.counted(key)

    # ------------------------------------------------------------------ playing

    async def _clip_with_ami(self, file: str, keys: str) -> str:
        offset = 0
        while (reply := await self._watched(file, keys, offset)).key and not await self._is_pressed(reply.key, keys):
            offset = reply.endpos
        return self._take(keys)

    async def _watched(self, file: str, keys: str, offset: int) -> Reply:
        watch = asyncio.create_task(self._stop_at(keys)) if keys else None
        try:
            return await self._stream(file, keys, offset)
        finally:
            if watch is not None:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)

    async def _is_pressed(self, key: str, expected: str) -> bool:
        """Whether an expected key stopped a clip; it is kept then. False for the end that Asterisk plays of a key that AMI has reported."""
        echo = False
        while not any(kept in expected for kept in self._kept):
            reported = self._keys.take()
            echo = echo or (not reported and self._keys.is_echo(key))
            reported = reported or await self._keys.next(ECHO_LAG_MS if echo else AMI_LAG_MS)
            if echo and not reported:
                return False
            self._kept.append(reported or key)
            if not reported:
                self._count(key)
        return True

    async def _stop_at(self, keys: str) -> None:
        """Stop the clip for a key that AGI missed because it was pressed just before the clip began."""
        while key := await self._keys.next(None):
            self._kept.append(key)
            if key in keys:
                await asyncio.sleep(STOP_GRACE_S)
                try:
                    await self._stop_playback()
                except AmiError as error:
                    log.warning("prompt_not_stopped", call=self._channel.unique_id, reason=str(error))
                return

    async def _clip_alone(self, file: str, keys: str) -> str:
        """Without AMI: any key stops the clip; one that is not expected now is kept, and the clip goes on where it stopped."""
        offset = 0
        while (reply := await self._stream(file, ALL_KEYS, offset)).key:
            offset = reply.endpos
            if self._keys.is_echo(reply.key):
                continue
            self._kept.append(reply.key)
            self._count(reply.key)
            if reply.key in keys:
                break
        return self._take(keys)

    async def _stream(self, file: str, keys: str, offset: int = 0) -> Reply:
        reply = await self._channel.send(commands.stream_file(file, keys, offset))
        if reply.failed:
            if not self._channel.hung_up:
                await self._channel.channel_status()  # raises ChannelHungUp if that is the reason
                log.error("sound_missing", call=self._channel.unique_id, file=file)
                raise SoundMissing(f"Asterisk cannot play {file}: there must be a file of that name with a suffix it knows, readable by it")
            raise ChannelHungUp("the AGI session ended during a prompt; the call may go on at another server")
        return reply

    async def _while_here(self, waiting: Coroutine[Any, Any, str]) -> str:
        """The result, unless the session ends first."""
        result, gone = asyncio.ensure_future(waiting), asyncio.ensure_future(self._channel.wait_closed())
        try:
            await asyncio.wait((result, gone), return_when=asyncio.FIRST_COMPLETED)
            if not result.done():
                raise ChannelHungUp("the AGI session ended while a key was awaited; the call may go on at another server")
            return result.result()
        finally:
            result.cancel()
            gone.cancel()
            await asyncio.gather(result, gone, return_exceptions=True)
