"""What `up` does to calls, by an AMI connection of its own: it takes them from a server that is frozen, and it closes the site."""

import asyncio
import random
from contextlib import suppress

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError
from server.asterisk.dialplan_names import CLOSED
from server.cluster.rescue import put_in_list, take_calls_from
from server.node_settings import NodeSettings

CONNECT_S = 1.0
LOOK_EVERY_S = 0.25


class SiteCalls:
    """All that it does is done as far as Asterisk answers; nothing is raised."""

    def __init__(self, settings: NodeSettings) -> None:
        self._ami = AmiClient(*settings.ami_address, *settings.ami_login, rng=random.Random())
        self._ami.on_connect(self._connected)
        self._closed = False

    def start(self) -> None:
        self._ami.start()

    async def stop(self) -> None:
        await self._ami.stop()

    async def take_from(self, agi: str) -> int | None:
        """A server is frozen: no new calls go there where others live, and those that it has are taken up by the dialplan, with music.
        How many; None when Asterisk does not answer."""
        try:
            return await take_calls_from(self._ami, agi)
        except AmiError:
            return None

    async def give_back(self, agi: str) -> None:
        """It answers again: new calls may go there."""
        with suppress(AmiError):
            await put_in_list(self._ami, agi)

    async def set_closed(self, closed: bool) -> None:
        """While the site stops Asterisk refuses new calls (503), and nobody waits for a server any more."""
        self._closed = closed
        with suppress(AmiError):
            await self._ami.wait_connected(CONNECT_S)
            await self._set_closed()

    async def until_over(self, within_s: float) -> bool:
        """Wait until Asterisk has no call any more; False when it still has one after so many seconds."""
        with suppress(AmiError, TimeoutError):
            async with asyncio.timeout(within_s):
                while await self._ami.core_show_channels():  # noqa: ASYNC110  a Hangup comes before the channel is off the list
                    await asyncio.sleep(LOOK_EVERY_S)
                return True
        return False

    async def _connected(self) -> None:
        await self._ami.action("Events", EventMask="off")
        await self._set_closed()

    async def _set_closed(self) -> None:
        await self._ami.set_global(CLOSED, "1" if self._closed else "")
