"""What Dial left on the caller's channel: its own word on how it went, for when AMI has not seen it."""

from typing import Protocol

from agi.errors import AGIHangup


class RingChannel(Protocol):
    """The caller's AGI session. Each may raise AGIHangup when the session is over."""

    async def appexec(self, application: str, options: str = "") -> object: ...

    async def set_variable(self, name: str, value: str) -> object: ...

    async def get_variable(self, name: str) -> str: ...


async def dial_variables(channel: RingChannel) -> tuple[str, int]:
    """DIALSTATUS and HANGUPCAUSE."""
    status = await channel.get_variable("DIALSTATUS")
    cause = await channel.get_variable("HANGUPCAUSE")
    return status, int(cause) if cause.isdecimal() else 0


async def talk_ms_by_dial(channel: RingChannel) -> int:
    """How long they talked by the word of Dial, which knows when AMI was away; 0 when the session is over."""
    try:
        said = await channel.get_variable("ANSWEREDTIME_MS")
    except AGIHangup:
        return 0
    return int(said) if said.isdecimal() else 0
