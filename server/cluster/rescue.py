"""Takes the calls of a frozen server from it: new ones go elsewhere, where there is another, and the dialplan takes up those it has."""

from agi.ami.client import AmiClient
from server.asterisk.dialplan_names import AT, SERVERS
from server.cluster.stranded import behind_a_dial, stranded


async def take_calls_from(ami: AmiClient, agi: str) -> int:
    """`agi` is where Asterisk reaches the server. Gives the number of calls that were moved; they hear music. Raises AmiError."""
    await put_in_list(ami, agi, listed=False)
    rows = await ami.core_show_channels()
    at = {channel: await ami.get_variable(channel, AT) for channel in behind_a_dial(rows)}
    channels = stranded(rows, agi, at)
    for one in channels:
        await ami.redirect(one.channel, one.context, one.extension, one.label)
    return len(channels)


async def put_in_list(ami: AmiClient, agi: str, *, listed: bool = True) -> None:
    """Asterisk's list of servers with or without this one; the last one stays in it. Raises AmiError."""
    before = [address for address in (await ami.get_global(SERVERS)).split("&") if address]
    now = sorted({*before, agi} if listed else set(before) - {agi})
    if now and now != before:
        await ami.set_global(SERVERS, "&".join(now))
