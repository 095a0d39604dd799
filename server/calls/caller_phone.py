"""A caller's telephone on this server: its end is the end of the call, and what was keyed at a server that died is no answer here."""

import contextlib
from collections.abc import Callable
from typing import Any

from agi.channel import Channel
from agi.errors import ChannelHungUp
from agi.phone import AsteriskPhone
from server.calls.open_calls import LiveCall

DONE = "HOTLINE_DONE"


class HotlinePhone(AsteriskPhone):
    """An Asterisk phone whose end is the end of the call for the dialplan, too; before it speaks, the channel learns where the call is."""

    def __init__(self, channel: Channel, save_checkpoint: Callable[[], Any], call: LiveCall, **rest: Any) -> None:
        super().__init__(channel, **rest)
        self._line = channel
        self._call = call
        self._save_checkpoint = save_checkpoint
        self._interrupted = False

    def interrupted(self, yes: bool) -> None:
        """Whether the server before died in the middle of something: the caller's next answer begins with the next question.

        What was keyed before it, and the rest of it that follows closely, would be taken for a complete answer.
        """
        self._interrupted = yes

    async def play(self, speech: Any, *, keys: str = "") -> str:
        await self._save_checkpoint()
        self._begin_anew()
        return self._keyed(await super().play(speech, keys=keys))

    async def wait_key(self, timeout_ms: int) -> str:
        self._begin_anew()
        return self._keyed(await super().wait_key(timeout_ms))

    def _begin_anew(self) -> None:
        if self._interrupted:
            self._interrupted = False
            self.forget_keys()
            self._keys.drop_run()

    def _keyed(self, key: str) -> str:
        self._call.keyed = self._call.keyed or bool(key)
        return key

    async def hang_up(self) -> None:
        if self._line.hung_up:
            raise ChannelHungUp("the session was over before the flow was; the call may go on at another server")
        self._call.done = True
        await mark_done(self._line)
        await super().hang_up()


async def mark_done(channel: Channel) -> None:
    """Mark on the channel that this call needs no other server."""
    with contextlib.suppress(ChannelHungUp):
        await channel.set_variable(DONE, "1")
