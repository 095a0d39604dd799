"""The calls of this server, by Uniqueid, kept true by AMI: their keys, and the one fact that ends a call, Asterisk's Hangup of its channel.

The end of an AGI session is not here: a call outlives it when it is transferred or taken over by another server.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Literal

from agi.ami.events import AttendedTransfer, DTMFBegin, DTMFEnd, EventSource, Hangup, HangupRequest, listen
from agi.ami.protocol import Message
from agi.keys import KeySource

REMEMBERED_HANGUPS = 4096  # an AGI connection may be served after AMI has reported the end of its call

CallEndedBy = Literal["caller", "system", "transfer", ""]


class Watch:
    """One call. `gone` is done when the call is over; `ended_by` then says whether the caller hung up ("" while it lives)."""

    def __init__(self, uniqueid: str, channel: str, *, connected: bool) -> None:
        self.uniqueid = uniqueid
        self.channel = channel
        self.keys = KeySource(connected=connected)
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended_by: CallEndedBy = ""
        self.caller_hung_up = False
        self.no_audio = False  # Asterisk ended it: no RTP came from the caller any more
        self.ended_unseen = False  # it was over when AMI came back: who ended it is not known

    async def gone_or(self, timeout_ms: int) -> bool:
        """Waits for the end of the call, not longer than `timeout_ms`; returns whether it is over."""
        await asyncio.wait([self.gone], timeout=timeout_ms / 1000)
        return self.gone.done()

    def end(self) -> None:
        """The call is over; harmless when that is known already."""
        if not self.gone.done():
            self.ended_by = "caller" if self.caller_hung_up else "system"
            self.gone.set_result(None)


class LiveCalls:
    """The registry. Its owner runs `reconcile` whenever AMI has connected, and `set_connected(False)` when it is lost."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}
        self._hung_up: OrderedDict[str, None] = OrderedDict()
        self._connected = False

    def __len__(self) -> int:
        return len(self._watches)

    def attach(self, source: EventSource) -> None:
        """Follow the events of `source`."""
        listen(source, DTMFBegin, self._take_key_down)
        listen(source, DTMFEnd, self._take_key)
        listen(source, HangupRequest, self._take_hangup_request)
        listen(source, Hangup, self._take_hangup)
        listen(source, AttendedTransfer, self._take_attended_transfer)

    def watch(self, uniqueid: str, channel: str) -> Watch:
        """Follow that call; the same Watch as before when it is followed already. A call that has just ended gives one that is gone."""
        watch = self._watches.get(uniqueid)
        if watch is None:
            watch = Watch(uniqueid, channel, connected=self._connected)
            if uniqueid in self._hung_up:
                watch.end()
            else:
                self._watches[uniqueid] = watch
        return watch

    def forget(self, uniqueid: str) -> None:
        """Follow that call no longer, because another server has it; those who wait for its end learn nothing."""
        self._watches.pop(uniqueid, None)

    async def reconcile(self, core_show_channels: Callable[[], Awaitable[list[Message]]]) -> list[Message]:
        """After each connect, with AmiClient.core_show_channels: calls that ended unseen are gone.

        Gives the rows; raises what `core_show_channels` raises."""
        self.set_connected(True)
        watched = list(self._watches)  # one that comes while we ask may be missing in the answer, and lives
        rows = await core_show_channels()
        living = {row.get("Uniqueid") for row in rows}
        for uniqueid in watched:
            if uniqueid not in living and uniqueid in self._watches:
                self._watches[uniqueid].ended_unseen = True
                self._end(uniqueid)
        return rows

    def set_connected(self, connected: bool) -> None:
        """AMI came or went: inform the key sources. Calls live on."""
        self._connected = connected
        for watch in self._watches.values():
            watch.keys.set_connected(connected)

    def _take_key_down(self, event: DTMFBegin) -> None:
        watch = self._watches.get(event.uniqueid)
        if watch is not None and event.direction == "Received":
            watch.keys.began(event.digit)

    def _take_key(self, event: DTMFEnd) -> None:
        watch = self._watches.get(event.uniqueid)
        if watch is not None and event.direction == "Received":
            watch.keys.ended(event.digit, int(event.duration_ms) if event.duration_ms.isdecimal() else 0)

    def _take_hangup_request(self, event: HangupRequest) -> None:
        watch = self._watches.get(event.uniqueid)
        if watch is not None:
            watch.caller_hung_up = True

    def _take_hangup(self, event: Hangup) -> None:
        self._hung_up[event.uniqueid] = None
        if len(self._hung_up) > REMEMBERED_HANGUPS:
            self._hung_up.popitem(last=False)
        watch = self._watches.get(event.uniqueid)
        if watch is not None:
            watch.no_audio = event.no_audio and not watch.caller_hung_up
        self._end(event.uniqueid)

    def _take_attended_transfer(self, event: AttendedTransfer) -> None:
        """An agent who consulted a call of ours (a queue, say) connected a caller to it: Asterisk puts the caller's channel into the
        consulted session. So that watch follows the caller from now on, and the watch of the caller's own session is over."""
        consulted = self._watches.pop(event.second_transferer_uniqueid, None)
        if consulted is None or event.result != "Success" or event.dest_type != "App":
            if consulted is not None:
                self._watches[event.second_transferer_uniqueid] = consulted
            return
        before = self._watches.pop(event.transferee_uniqueid, None)
        if before is not None and not before.gone.done():
            before.ended_by = "transfer"
            before.gone.set_result(None)
            # Asterisk swaps the two ids as well; whoever forgets this watch must not forget the one that follows the caller now.
            before.uniqueid, before.channel = consulted.uniqueid, consulted.channel
        consulted.uniqueid, consulted.channel, consulted.caller_hung_up = event.transferee_uniqueid, event.transferee_channel, False
        self._watches[event.transferee_uniqueid] = consulted

    def _end(self, uniqueid: str) -> None:
        watch = self._watches.pop(uniqueid, None)
        if watch is not None:
            watch.end()
