"""The servers of one Asterisk, as its dialplan sees them: HOTLINE_SERVERS, a global variable with their addresses.

The router writes which servers are alive (`servers_listed`); each server keeps the variable of its own Asterisk true. One that ends takes
itself out and moves its calls to the others. Several Asterisks may share a Redis: each has a name of its own, which stands in the ids of
its calls.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError
from routing.domain.events.envelope import Event
from routing.domain.events.servers import ServersListed
from routing.domain.identifiers import Ids, asterisk_of
from server.asterisk.dialplan_names import CALLS, CLOSED, MOVED, RUN, SERVERS
from server.calls.open_calls import Calls, LiveCall

log = structlog.get_logger(__name__)
NAME = "SYSTEMNAME"  # `systemname` of asterisk.conf
AGAIN_S = 0.5
MOVE_EVERY_S = 0.2
MOVE_AGAIN_S = 3.0


class ServerList:
    """`server` is the name of ours. `asterisk` is the name of our Asterisk once AMI has reported it, None before; many have none: ""."""

    def __init__(self, ami: AmiClient, ids: Ids, server: str) -> None:
        self._ami = ami
        self._ids = ids
        self._server = server
        self._lists: dict[str, Mapping[str, str]] = {}  # Asterisk -> its servers and their addresses, as the router wrote it last
        self._ever: dict[str, dict[str, str]] = {}  # the same of all that were ever listed
        self._news = asyncio.Event()
        self._run = ""
        self.asterisk: str | None = None

    @property
    def listed(self) -> list[str]:
        """The servers of every Asterisk that took calls at the last report."""
        return [server for addresses in self._lists.values() for server in addresses]

    def has(self, call: str) -> bool:
        """Whether a call is at our Asterisk, which alone knows how it is with it."""
        return asterisk_of(call) == self.asterisk

    def lives(self, server: str) -> bool:
        """Whether a server takes the calls of our Asterisk, as far as is known: one that has just died does for some seconds."""
        return server in self._lists.get(self.asterisk or "", {})

    def is_first_without(self, lost: str) -> bool:
        """Whether it falls to us to look after the calls of a lost server: of those left at our Asterisk one does."""
        left = self._lists.get(self.asterisk or "", {}).keys() - {lost}
        return self._server == min(left, default=self._server)

    @property
    def next_one(self) -> str:
        """Where our Asterisk reaches the server that follows ours by name, of those that take its calls; "" when there is no other."""
        addresses = self._lists.get(self.asterisk or "", {})
        others = sorted(addresses.keys() - {self._server})
        following = [server for server in others if server > self._server] + others
        return addresses[following[0]] if following else ""

    def address_of(self, lost: str) -> str:
        """Where our Asterisk reached a server that is lost; "" when it was another's, or its place has been taken since."""
        agi = self._ever.get(self.asterisk or "", {}).get(lost, "")
        taken = any(address == agi and server != lost for server, address in self._lists.get(self.asterisk or "", {}).items())
        return "" if taken else agi

    def on_event(self, event: Event) -> None:
        """Follows the event log."""
        match event.data:
            case ServersListed(asterisk=asterisk, addresses=addresses):
                self._lists[asterisk] = addresses
                self._ever.setdefault(asterisk, {}).update(addresses)
                self._news.set()

    async def run(self) -> None:
        """Keep the list until cancelled; whoever runs it again begins with what is known."""
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            if not await self._keep() and self._ami.connected:
                await asyncio.sleep(AGAIN_S)
                self._news.set()

    async def _keep(self) -> bool:
        """False when Asterisk could not be reached; after AMI was away that is done again."""
        addresses = sorted(set(self._lists.get(self.asterisk or "", {}).values()))
        if not addresses or self.asterisk is None:
            return True
        try:
            if await self._ami.get_global(SERVERS) == "&".join(addresses):
                return True
        except AmiError:
            return False
        return await self._set(addresses)

    async def join(self, agi: str) -> None:
        """Put our address into the list; the leader would do so a moment later."""
        try:
            listed = [address for address in (await self._ami.get_global(SERVERS)).split("&") if address]
        except AmiError as problem:
            log.warning("servers_not_known", reason=str(problem))
            return
        if agi and agi not in listed:
            await self._set(sorted([*listed, agi]))

    async def remove(self, agi: str) -> list[str]:
        """Take an address out of the list; gives the others: nobody, when it is the only one or Asterisk does not answer."""
        try:
            listed = (await self._ami.get_global(SERVERS)).split("&")
        except AmiError as problem:
            log.warning("servers_not_known", reason=str(problem))
            return []
        others = [address for address in listed if address and address != agi]
        return others if others and await self._set(others) else []

    async def is_closed(self) -> bool:
        """Whether the site stops, not this server alone."""
        try:
            return await self._ami.get_global(CLOSED) == "1"
        except AmiError:
            return False

    async def close(self, *, closed: bool = True) -> bool:
        """Have Asterisk refuse new calls, or take them again. False when it does not answer."""
        try:
            await self._ami.set_global(CLOSED, "1" if closed else "")
        except AmiError as problem:
            log.warning("asterisk_not_told", reason=str(problem))
            return False
        return True

    async def meet(self) -> None:
        """After each AMI connect: learn which Asterisk it is, and set the list there again. Raises AmiError."""
        self.asterisk = await self._ami.get_global(NAME)
        self._news.set()

    async def meets_new_asterisk(self) -> bool:
        """After each AMI connect: whether Asterisk was started anew since it was last met. All calls of the one before are over then."""
        found = await self._ami.get_global(RUN)
        anew = not found or (self._run != "" and found != self._run)
        if not found:
            found = self._ids.new("run")
            await self._ami.set_global(RUN, found)
        self._run = found
        return anew

    async def _set(self, addresses: list[str]) -> bool:
        try:
            await self._ami.set_global(SERVERS, "&".join(addresses))
        except AmiError as problem:
            log.warning("servers_not_told", reason=str(problem))
            return False
        log.info("servers_told", servers=addresses)
        return True


async def move_calls(calls: Calls, ami: AmiClient, is_over: Callable[[], Awaitable[bool]]) -> None:
    """Hand every call over to another server as soon as it is neither talking nor being connected, until there is none any more."""
    moved: dict[str, float] = {}
    now = asyncio.get_running_loop().time
    while not await is_over():
        for call in calls:
            if is_movable(call) and now() - moved.get(call.id, -MOVE_AGAIN_S) >= MOVE_AGAIN_S:
                moved[call.id] = now()
                with contextlib.suppress(AmiError):  # then the next server takes it for one that was interrupted
                    await ami.set_variable(call.channel, MOVED, "1")
                await pull(ami, call.channel, call.dnis)
        await asyncio.sleep(MOVE_EVERY_S)


def is_movable(call: LiveCall) -> bool:
    """A call in a bridge is never moved: the agent would lose the caller; nor one whose caller is keying an answer."""
    return call.stage in ("in_flow", "waiting") and not call.in_dial and not call.done and not call.keyed


async def pull(ami: AmiClient, channel: str, dnis: str) -> None:
    """Have the dialplan take a call up again, at a server of the list."""
    context, label = CALLS
    try:
        await ami.redirect(channel, context, dnis, label)
    except AmiError as error:
        log.warning("call_not_moved", channel=channel, reason=str(error))
