"""The agent's leg: what its own AMI events say. Pure; ringing.py rings and hangs up, outcome.py says what follows."""

import re
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
from agi.outcome import LegFacts

EndedBy = Literal["caller", "agent", "system", "transfer", ""]
EndReason = Literal["no_audio_from_caller", "no_audio_from_agent", ""]

PICKED_UP = "HotlinePickedUp"  # the dialplan's event when an agent has picked up and is not connected yet
NO_AUDIO = "HotlineNoAudio"  # and when the phone that was picked up has not said where its audio goes
_NUMBER = re.compile(r"[A-Za-z0-9+*#_-]{1,64}")

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


def diallable(text: str) -> str:
    """The number that a phone named: text from outside, of which only what could be dialled is kept; else ""."""
    return text if _NUMBER.fullmatch(text) else ""


class Leg:
    """Records the events of the caller with Uniqueid `caller`, and of the leg that Dial makes for the phone.

    Where Dial makes several, `dial_string` says which is this one ("" takes the first). A `screened` leg has answered when the two are
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
        self.answered_unseen = False  # concluded, not reported by an event: the answer was earlier than `answered_ms`
        self._talk_from_ms: int | None = None
        self._talk_to_ms: int | None = None
        self._bridges: dict[str, str] = {}  # uniqueid -> bridge
        self._first_to_hang_up: EndedBy = ""
        self._transferred = False
        self._no_audio: EndReason = ""
        self.caller_over = False  # the caller's Hangup was seen

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
        if self._transferred or self._first_to_hang_up:
            return "transfer" if self._transferred else self._first_to_hang_up
        return "" if self.answered_unseen and not self._no_audio else "system"

    @property
    def end_reason(self) -> EndReason:
        """Why the system ended the talk, where that is known: no RTP came from one of the two."""
        return self._no_audio if self.ended_by == "system" else ""

    @property
    def end_known(self) -> bool:
        """Whether there is nothing more to learn about the end of the talk from the caller's Hangup."""
        return self.caller_over or self.ended_by not in ("system", "") or bool(self._no_audio)

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
                self._take_dial_end(event.dial_status, now_ms, event.forward)
            case BridgeEnter() | BridgeLeave():
                self._take_bridge(event, now_ms)
            case HangupRequest():
                self._take_hangup_request(event.uniqueid)
            case Hangup(uniqueid=self.uniqueid):
                self._take_hangup(event, now_ms)
            case Hangup(uniqueid=self.caller):
                self.caller_over = True
                self._take_silence(event, "no_audio_from_caller")
            case BlindTransfer(transferer_uniqueid=self.uniqueid):
                self._transferred |= event.result == "Success"
            case UserEvent(uniqueid=self.uniqueid):
                self.facts.picked_up |= self.facts.screened and event.user_event == PICKED_UP
                self.facts.no_audio |= event.user_event == NO_AUDIO
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
        """They talk, as Dial lasts longer than its ring time; no event has said so."""
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

    def _take_dial_end(self, status: str, now_ms: int, forward: str = "") -> None:
        if self.answered:
            return
        self.facts.dial_status = status
        if forward:
            self.facts.redirected, self.facts.redirected_to = True, diallable(forward)
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
        self._take_silence(event, "no_audio_from_agent")
        self._end_talk(now_ms)

    def _take_silence(self, event: Hangup, reason: EndReason) -> None:
        """The first one counts: what ended the talk."""
        if event.no_audio and not self._first_to_hang_up:
            self._no_audio = self._no_audio or reason

    def _end_talk(self, now_ms: int) -> None:
        if self._talk_from_ms is not None and self._talk_to_ms is None:
            self._talk_to_ms = now_ms
