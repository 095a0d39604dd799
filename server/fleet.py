"""The servers of one Asterisk, as its dialplan sees them: HOTLINE_SERVERS, a global variable with their addresses. The leader's server
keeps it true; one that ends takes itself out and moves its calls to the others.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError
from routing.identifiers import Ids
from server.calls import Calls, LiveCall

log = structlog.get_logger(__name__)
SERVERS = "HOTLINE_SERVERS"
RUN = "HOTLINE_RUN"  # told apart by it: an Asterisk that was started again does not have it any more
RESUME = ("hotline", "resume")  # context and label where a call is taken up again
LOOK_EVERY_S = 0.5
TRUST_AFTER_S = 2.0  # a router that has just taken over has not heard of every server yet
MOVE_EVERY_S = 0.2
MOVE_AGAIN_S = 3.0


class Fleet:
    """`addresses` gives those that take calls while our router leads, None while it does not."""

    def __init__(self, ami: AmiClient, ids: Ids, addresses: Callable[[], Mapping[str, str] | None]) -> None:
        self._ami = ami
        self._ids = ids
        self._addresses = addresses
        self._run = ""

    async def run(self) -> None:
        """Keep the list until cancelled."""
        leading_since: float | None = None
        kept: tuple[int, list[str]] = (-1, [])
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            found = self._addresses()
            if found is None:
                leading_since, kept = None, (-1, [])
                continue
            leading_since = leading_since or now()
            wanted = (self._ami.epoch, sorted(set(found.values())))
            if wanted[1] and wanted != kept and now() - leading_since > TRUST_AFTER_S and await self._set(wanted[1]):
                kept = wanted

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


async def move_calls(calls: Calls, ami: AmiClient) -> None:
    """Hand every call over to another server as soon as it is neither talking nor being connected. Runs until cancelled."""
    moved: dict[str, float] = {}
    now = asyncio.get_running_loop().time
    while True:
        for call in calls:
            if is_movable(call) and now() - moved.get(call.id, -MOVE_AGAIN_S) >= MOVE_AGAIN_S:
                moved[call.id] = now()
                await pull(ami, call.channel, call.dnis)
        await asyncio.sleep(MOVE_EVERY_S)


def is_movable(call: LiveCall) -> bool:
    """A call in a bridge is never moved: the agent would lose the caller."""
    return call.stage in ("in_flow", "waiting") and not call.in_dial and not call.done


async def pull(ami: AmiClient, channel: str, dnis: str) -> None:
    """Have the dialplan take a call up again, at a server of the list."""
    context, label = RESUME
    try:
        await ami.redirect(channel, context, dnis, label)
    except AmiError as error:
        log.warning("call_not_moved", channel=channel, reason=str(error))
