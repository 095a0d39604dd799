"""The agent's leg of one ring: what its own AMI events tell, and what follows from that. Pure; who rings and hangs up is elsewhere.

The caller's variables (DIALSTATUS, HANGUPCAUSE) mix up cases that matter, so they are read only when AMI was away at the time.
"""

import re
from dataclasses import dataclass
from typing import Literal

from agi.ami.events import (
    AttendedTransfer,
    BlindTransfer,
    BridgeEnter,
    BridgeLeave,
    DialBegin,
    DialEnd,
    DialState,
    Event,
    Hangup,
    HangupRequest,
    UserEvent,
)

RingOutcome = Literal["answered", "declined", "busy", "rang_out", "unreachable", "withdrawn", "failed"]
EndedBy = Literal["caller", "agent", "system", "transfer", ""]

# What the phone itself said. 480 is "do not disturb" on many phones: the person's choice, so it counts like the decline key.
BY_SIP_STATUS: dict[int, RingOutcome] = {
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
BY_CAUSE: dict[int, RingOutcome] = {
    17: "busy",
    21: "declined",
    19: "declined",
    1: "unreachable",
    3: "unreachable",
    34: "unreachable",
    38: "failed",
    58: "failed",
}

PICKED_UP = "HotlinePickedUp"  # the dialplan's event when an agent has picked up and is not connected yet
USER_BUSY = 17

# The caller's DIALSTATUS, for a ring that AMI did not see; BY_CAUSE goes before it.
BY_DIALSTATUS: dict[str, RingOutcome] = {
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
    sip_status: int = 0  # of the leg's Hangup, 0 when not told
    caller_left: bool = False  # the caller hung up before the answer
    withdrawn: bool = False  # we took the offer back
    given_up: bool = False  # we hung up because the phone did not ring
    timed_out: bool = False  # we hung up because its ring time was over, while others ring on
    recalled: bool = False  # we hung up to ring it again, beside others
    outside: bool = False  # a line outside: the end of its ring time without a RINGING does not mean that nobody is there
    screened: bool = False  # an answer connects nobody yet: the dialplan has something to say or to ask first


def judge(facts: LegFacts) -> RingOutcome:
    """The outcome of a ring that AMI saw from its beginning to its end."""
    if facts.dial_status == "ANSWER" and (facts.connected or not facts.screened):
        return "answered"
    if facts.withdrawn or facts.caller_left or facts.dial_status == "CANCEL":
        return "withdrawn"
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


def _rung_out(facts: LegFacts) -> RingOutcome:
    return "rang_out" if facts.rang or facts.outside else "unreachable"


def judge_reply(dialstatus: str, hangupcause: int, *, withdrawn: bool) -> RingOutcome:
    """The outcome by the caller's own variables. Cannot tell a dead phone from one that rang out."""
    if dialstatus == "ANSWER":
        return "answered"
    if withdrawn:
        return "withdrawn"
    if dialstatus == "BUSY" and hangupcause != USER_BUSY:
        return "declined"  # by the dialplan, for the agent: a phone that is busy says 17
    if dialstatus in ("NOANSWER", "CHANUNAVAIL", "CONGESTION") and hangupcause in BY_CAUSE:
        return BY_CAUSE[hangupcause]
    return BY_DIALSTATUS.get(dialstatus, "failed")


LEG_EVENTS: tuple[type[Event], ...] = (
    DialBegin,
    DialState,
    DialEnd,
    BridgeEnter,
    BridgeLeave,
    HangupRequest,
    Hangup,
    BlindTransfer,
    AttendedTransfer,
    UserEvent,
)


class Leg:
    """Records the events of one ring: those of the caller with Uniqueid `caller`, and of the leg that Dial makes for it.

    Where Dial makes several, `dial_string` tells which is this one ("" takes the first). A `screened` leg has answered when the two are
    connected, not when the agent picks up. `caller` becomes another one when an agent who called us connects somebody to this call.
    """

    def __init__(self, caller: str, dial_string: str = "", *, screened: bool = False, outside: bool = False) -> None:
        self.caller = caller
        self.dial_string = dial_string
        self.uniqueid = ""
        self.channel = ""
        self.facts = LegFacts(screened=screened, outside=outside)
        self.over = False  # the leg's Hangup was seen
        self.cut = False  # AMI was away at some time: events are missing
        self.answered_ms: int | None = None
        self.answered_unseen = False  # concluded, not told by an event: the answer was earlier than `answered_ms`
        self._talk_from_ms: int | None = None
        self._talk_to_ms: int | None = None
        self._bridges: dict[str, str] = {}  # uniqueid -> bridge
        self._first_to_hang_up: EndedBy = ""
        self._transferred = False

    @property
    def answered(self) -> bool:
        return self.answered_ms is not None

    @property
    def transferred(self) -> bool:
        """Whether the agent connected the caller to somebody else and is out of the talk."""
        return self._transferred

    @property
    def complete(self) -> bool:
        """Whether the facts suffice for `judge`."""
        return self.answered or (self.facts.began and self.over and not self.cut)

    @property
    def ended_by(self) -> EndedBy:
        """Who ended the talk; before an answer only "caller" or ""."""
        if not self.answered:
            return "caller" if self.facts.caller_left else ""
        return "transfer" if self._transferred else self._first_to_hang_up or ("" if self.answered_unseen else "system")

    def talk_ms(self, now_ms: int) -> int:
        """Milliseconds between the bridge's two ends, 0 without a talk; a talk whose end was not seen lasted until `now_ms`."""
        if self._talk_from_ms is None:
            return 0
        return (self._talk_to_ms if self._talk_to_ms is not None else now_ms) - self._talk_from_ms

    def take(self, event: Event, now_ms: int) -> None:
        """One event, of this caller or of this leg; events of others are ignored."""
        match event:
            case DialBegin(uniqueid=self.caller) if not self.uniqueid and self._is_ours(event):
                self.facts.began = True
                self.uniqueid, self.channel = event.dest_uniqueid, event.dest_channel
            case DialState(dest_uniqueid=self.uniqueid):
                self.facts.rang |= event.dial_status in ("RINGING", "PROGRESS")
            case DialEnd(dest_uniqueid=self.uniqueid):
                self._take_dial_end(event.dial_status, now_ms)
            case BridgeEnter() | BridgeLeave():
                self._take_bridge(event, now_ms)
            case HangupRequest():
                self._take_hangup_request(event.uniqueid)
            case Hangup(uniqueid=self.uniqueid):
                self._take_hangup(event, now_ms)
            case BlindTransfer(transferer_uniqueid=self.uniqueid):
                self._transferred |= event.result == "Success"
            case UserEvent(uniqueid=self.uniqueid):
                self.facts.picked_up |= self.facts.screened and event.user_event == PICKED_UP
            case AttendedTransfer() if self.uniqueid and self.uniqueid in (
                event.orig_transferer_uniqueid,
                event.second_transferer_uniqueid,
            ):
                self._transferred |= event.result == "Success"
            case AttendedTransfer(second_transferer_uniqueid=self.caller, dest_type="App", result="Success"):
                self._follow(event.transferee_uniqueid)

    def _is_ours(self, event: DialBegin) -> bool:
        if not self.dial_string or event.dial_string:
            return event.dial_string == self.dial_string or not self.dial_string
        return event.dest_channel.startswith(f"PJSIP/{self.dial_string.rpartition('@')[2]}-")

    def adopt(self, uniqueid: str, channel: str, channel_state: str, now_ms: int, *, bridged: bool = True) -> None:
        """After a reconnect: this row of CoreShowChannels is the leg; `channel_state` is its ChannelStateDesc."""
        self.uniqueid, self.channel = uniqueid, channel
        self.facts.began = True
        self.facts.rang |= channel_state == "Ringing"
        if channel_state == "Up" and self.facts.screened and not bridged:
            self.facts.picked_up = True
        elif channel_state == "Up" and not self.answered:
            self._connect(now_ms)

    def answer_unseen(self, now_ms: int) -> None:
        """They talk, as Dial lasts longer than it rings; no event has told it."""
        self._connect(now_ms)
        self.answered_unseen = True

    def end_unseen(self) -> None:
        """After a reconnect: the leg is no longer there."""
        self.over = True

    def _follow(self, caller: str) -> None:
        """Whoever called was an agent who asked us for somebody else: that one is the caller from now on."""
        self._bridges.pop(self.caller, None)
        self.caller = caller
        self.facts.caller_left = False
        if self._first_to_hang_up == "caller":
            self._first_to_hang_up = ""

    def _take_dial_end(self, status: str, now_ms: int) -> None:
        if self.answered:
            return
        self.facts.dial_status = status
        if status == "ANSWER" and (self.facts.connected or not self.facts.screened):
            self.answered_ms = now_ms

    def _connect(self, now_ms: int) -> None:
        self.facts.connected = True
        self._take_dial_end("ANSWER", now_ms)
        self._talk_from_ms = now_ms

    def _take_bridge(self, event: BridgeEnter | BridgeLeave, now_ms: int) -> None:
        if not self.uniqueid or event.uniqueid not in (self.caller, self.uniqueid):
            return
        if isinstance(event, BridgeEnter):
            self._bridges[event.uniqueid] = event.bridge_uniqueid
            together = len(self._bridges) == 2 and len(set(self._bridges.values())) == 1
            if together and self._talk_from_ms is None:
                self._connect(now_ms)
        else:
            self._bridges.pop(event.uniqueid, None)
            self._end_talk(now_ms)

    def _take_hangup_request(self, uniqueid: str) -> None:
        if uniqueid == self.caller:
            self.facts.caller_left |= not self.answered
            self._first_to_hang_up = self._first_to_hang_up or "caller"
        elif self.uniqueid and uniqueid == self.uniqueid:
            self._first_to_hang_up = self._first_to_hang_up or "agent"

    def _take_hangup(self, event: Hangup, now_ms: int) -> None:
        self.over = True
        self.facts.cause = int(event.cause) if event.cause.isdecimal() else 0
        status = re.search(r"\b[3-6]\d\d\b", event.tech_cause)
        self.facts.sip_status = int(status[0]) if status else 0
        self._end_talk(now_ms)

    def _end_talk(self, now_ms: int) -> None:
        if self._talk_from_ms is not None and self._talk_to_ms is None:
            self._talk_to_ms = now_ms
