"""The outcome of ringing a phone: from the facts of the agent's leg, or from the caller's own variables. Pure.

The caller's variables (DIALSTATUS, HANGUPCAUSE) mix up cases that matter, so they are read only when AMI was away at the time.
"""

from dataclasses import dataclass
from typing import Literal

LegOutcome = Literal["answered", "declined", "busy", "rang_out", "unreachable", "withdrawn", "failed"]
Refusal = Literal["redirected", "no_audio", ""]  # what more is known of an outcome that is no answer

# What the phone itself said. 480 is "do not disturb" on many phones: the person's choice, so it counts like the decline key.
BY_SIP_STATUS: dict[int, LegOutcome] = {
    480: "declined",
    603: "declined",
    486: "busy",
    600: "busy",
    404: "unreachable",
    408: "unreachable",
    410: "unreachable",
    503: "unreachable",
}
CANCELLED = 487  # the phone's word for our own cancelling: says nothing

# The same by Q.850 cause, for an Asterisk that gives no SIP status. 26 is missing: Asterisk also gives it to legs that rang out.
BY_CAUSE: dict[int, LegOutcome] = {
    17: "busy",
    21: "declined",
    19: "declined",
    1: "unreachable",
    3: "unreachable",
    34: "unreachable",
    38: "failed",
    58: "failed",
}

USER_BUSY = 17

# The caller's DIALSTATUS, for a leg that AMI did not see; BY_CAUSE goes before it.
BY_DIALSTATUS: dict[str, LegOutcome] = {
    "ANSWER": "answered",
    "BUSY": "busy",
    "NOANSWER": "rang_out",
    "CANCEL": "withdrawn",
    "CHANUNAVAIL": "unreachable",
    "CONGESTION": "unreachable",
}


@dataclass(slots=True)
class LegFacts:
    """What is known of the leg. From `withdrawn` on it is our own doing, before that Asterisk's word."""

    began: bool = False  # DialBegin
    rang: bool = False  # DialState RINGING, or PROGRESS
    picked_up: bool = False  # a screened leg: the agent hears the whisper, the caller music
    connected: bool = False  # caller and agent are in one bridge
    dial_status: str = ""  # of DialEnd
    cause: int = 0  # Q.850, of the leg's Hangup
    sip_status: int = 0  # of the leg's Hangup, 0 when unknown
    caller_left: bool = False  # the caller hung up before the answer
    withdrawn: bool = False  # we took the offer back
    given_up: bool = False  # we hung up because the phone did not ring
    timed_out: bool = False  # we hung up because its ring time was over, while others ring on
    recalled: bool = False  # we hung up to ring it again, beside others
    outside: bool = False  # an external number: the end of its ring time without a RINGING does not mean that nobody is there
    screened: bool = False  # an answer connects nobody yet: the dialplan has something to say or to ask first
    redirected: bool = False  # the phone named another number (SIP 302), which nobody has called
    redirected_to: str = ""  # that number, "" where it is none that could be written down
    no_audio: bool = False  # picked up without saying where its audio goes, so the dialplan connected nobody

    @property
    def refusal(self) -> Refusal:
        """What more is known of its outcome."""
        if self.redirected and judge(self) == "declined":
            return "redirected"
        return "no_audio" if self.no_audio and judge(self) == "failed" else ""


def judge(facts: LegFacts) -> LegOutcome:
    """The outcome of a leg that AMI saw from its beginning to its end."""
    if facts.dial_status == "ANSWER" and not facts.withdrawn and (facts.connected or not facts.screened):
        return "answered"
    if facts.withdrawn or facts.caller_left or (facts.dial_status == "CANCEL" and not facts.redirected):
        return "withdrawn"
    if facts.no_audio:
        return "failed"
    if facts.redirected:
        return "declined"
    if facts.picked_up or facts.dial_status == "ANSWER":
        return "declined"
    if facts.timed_out:
        return _rung_out(facts)
    if facts.given_up or not facts.began:
        return "unreachable"
    if facts.sip_status >= 400 and facts.sip_status != CANCELLED:
        return BY_SIP_STATUS.get(facts.sip_status, "failed")
    if facts.cause in BY_CAUSE:
        return BY_CAUSE[facts.cause]
    if facts.dial_status == "NOANSWER":
        return _rung_out(facts)
    return BY_DIALSTATUS.get(facts.dial_status, "failed")


def _rung_out(facts: LegFacts) -> LegOutcome:
    return "rang_out" if facts.rang or facts.outside else "unreachable"


def judge_reply(dialstatus: str, hangupcause: int, *, withdrawn: bool) -> LegOutcome:
    """The outcome by the caller's own variables. Cannot distinguish a dead phone from one that rang out."""
    if dialstatus == "ANSWER":
        return "answered"
    if withdrawn:
        return "withdrawn"
    if dialstatus == "BUSY" and hangupcause != USER_BUSY:
        return "declined"  # by the dialplan, for the agent: a phone that is busy says 17
    if dialstatus in ("NOANSWER", "CHANUNAVAIL", "CONGESTION") and hangupcause in BY_CAUSE:
        return BY_CAUSE[hangupcause]
    return BY_DIALSTATUS.get(dialstatus, "failed")
