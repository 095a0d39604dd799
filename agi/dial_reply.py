"""What Dial left on the caller's channel: its own word on how it went, for when AMI has not seen it."""

from typing import Protocol

from agi.errors import AGIHangup
from agi.outcome import LegOutcome, judge_reply

OFFER = "HOTLINE_OFFER"


class DialChannel(Protocol):
    """The caller's AGI session. Each may raise AGIHangup when the session is over."""

    async def appexec(self, application: str, options: str = "") -> object: ...

    async def get_variable(self, name: str) -> str: ...


async def dial_variables(channel: DialChannel) -> tuple[str, int]:
    """DIALSTATUS and HANGUPCAUSE."""
    status = await channel.get_variable("DIALSTATUS")
    cause = await channel.get_variable("HANGUPCAUSE")
    return status, int(cause) if cause.isdecimal() else 0


async def talk_ms_by_dial(channel: DialChannel) -> int:
    """How long they talked by the word of Dial, which knows when AMI was away; 0 when the session is over."""
    try:
        said = await channel.get_variable("ANSWEREDTIME_MS")
    except AGIHangup:
        return 0
    return int(said) if said.isdecimal() else 0


def offer_of(text: str, called: str) -> str:
    """Which of the offers in HOTLINE_OFFER is that of DIALEDPEERNUMBER; "" when that is unknown."""
    if "=" not in text:
        return text
    pairs = (part.partition("=") for part in text.split("&"))
    return next((offer for offer, _, whose in pairs if whose == called), "")


async def last_offer(channel: DialChannel) -> tuple[str, LegOutcome]:
    """The offer that this caller was in last, "" when there was none or nobody picked up any of several, and how it ended."""
    text = await channel.get_variable(OFFER)
    status, cause = await dial_variables(channel)
    offer = offer_of(text, await channel.get_variable("DIALEDPEERNUMBER")) if "=" in text and status in ("ANSWER", "BUSY") else text
    return "" if "=" in offer else offer, judge_reply(status, cause, withdrawn=not status)
