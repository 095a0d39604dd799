"""Writes events when a talk is put on hold and resumed: by AMI's Hold and Unhold of the agent's channel, for this server's calls."""

import re

from agi.ami.events import EventSource, Hold, Unhold, listen
from routing.domain.events.calls import HoldEnded, HoldStarted
from server.calls.open_calls import Calls
from server.events.writer import EventLog

_ENDPOINT = re.compile(r"PJSIP/([A-Za-z0-9_-]{1,40})-[0-9a-f]{8}")


class OnHold:
    """Follows AMI. `phone` in the event is whose phone did it: the agent's, or the caller's account."""

    def __init__(self, ami: EventSource, calls: Calls, events: EventLog) -> None:
        self._calls = calls
        self._events = events
        listen(ami, Hold, self._put_on_hold)
        listen(ami, Unhold, self._taken_back)

    def _put_on_hold(self, event: Hold) -> None:
        if f"call-{event.linkedid}" in self._calls:
            self._events.write(HoldStarted(_phone(event.channel)), call=f"call-{event.linkedid}")

    def _taken_back(self, event: Unhold) -> None:
        if f"call-{event.linkedid}" in self._calls:
            self._events.write(HoldEnded(_phone(event.channel)), call=f"call-{event.linkedid}")


def _phone(channel: str) -> str:
    """The phone of a channel, "" when it is none of ours."""
    found = _ENDPOINT.fullmatch(channel)
    return found.group(1) if found else ""
