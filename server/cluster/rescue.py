"""Takes the calls of a frozen server from it: new ones go to another server, where there is one, and the dialplan takes up those it has."""

from collections.abc import Sequence

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiRefused
from agi.ami.protocol import Message
from server.asterisk.dialplan_names import AT, SERVERS
from server.cluster.stranded import Stranded, after_an_application, stranded

log = structlog.get_logger(__name__)


async def take_calls_from(ami: AmiClient, agi: str) -> int:
    """`agi` is where Asterisk reaches the server. Gives the number of calls that were moved; they hear music. Raises AmiError."""
    await put_in_list(ami, agi, listed=False)
    return sum([await move(ami, one) for one in await stranded_at(ami, agi, await ami.core_show_channels())])


async def stranded_at(ami: AmiClient, agi: str, rows: Sequence[Message]) -> list[Stranded]:
    """Of the channels in `rows` (of CoreShowChannels) those at that server that may be moved. Raises AmiError."""
    at = {}
    for channel in after_an_application(rows):
        try:
            at[channel] = await ami.get_variable(channel, AT)
        except AmiRefused:  # it is gone
            continue
    return stranded(rows, agi, at)


async def move(ami: AmiClient, one: Stranded) -> bool:
    """Have the dialplan take it up again. False when it is gone meanwhile. Raises AmiError."""
    try:
        await ami.redirect(one.channel, one.context, one.extension, one.label)
    except AmiRefused as refusal:
        log.info("call_not_moved", channel=one.channel, reason=str(refusal))
        return False
    return True


async def put_in_list(ami: AmiClient, agi: str, *, listed: bool = True) -> None:
    """Asterisk's list of servers with or without this one; the last one stays in it. Raises AmiError."""
    before = [address for address in (await ami.get_global(SERVERS)).split("&") if address]
    now = sorted({*before, agi} if listed else set(before) - {agi})
    if now and now != before:
        await ami.set_global(SERVERS, "&".join(now))
