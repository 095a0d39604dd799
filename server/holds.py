"""Tells when a talk is put on hold and taken back: by AMI's Hold and Unhold of the agent's channel, for the calls that this server has."""

import re

from agi.ami.events import EventSource, Hold, Unhold, listen
from server.calls import Calls
from server.event_log import EventLog

_ENDPOINT = re.compile(r"PJSIP/([A-Za-z0-9_-]{1,40})-[0-9a-f]{8}")


class Holds:
    """Follows AMI. `phone` in the event is whose phone did it: the agent's, or the caller's account."""

    def __init__(self, ami: EventSource, calls: Calls, events: EventLog) -> None:
        self._calls = calls
        self._events = events
        listen(ami, Hold, lambda event: self._tell("hold_started", event))
        listen(ami, Unhold, lambda event: self._tell("hold_ended", event))

    def _tell(self, type: str, event: Hold | Unhold) -> None:
        call = f"call-{event.linkedid}"
        found = _ENDPOINT.fullmatch(event.channel)
        if call in self._calls:
            self._events.tell(type, call=call, phone=found.group(1) if found else "")
