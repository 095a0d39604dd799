"""The story of a call on the screen: what the caller does and hears, and what the server reports, with the seconds in one column."""

import asyncio
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
COLUMNS = {"caller": "caller ", "hotline": "hotline", "agent": "agent  "}


class Timeline:
    """Prints lines with the seconds since `begin`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began: float | None = None

    def begin(self) -> None:
        self._began = asyncio.get_running_loop().time()

    def say(self, who: str, what: str) -> None:
        """One line: who does it, and what."""
        now = asyncio.get_running_loop().time()
        seconds = now - (self._began if self._began is not None else now)
        self._say(f"  {seconds:6.2f} s  {COLUMNS.get(who, who)}  {what}")

    def follow(self, call: Callable[[], str]) -> Callable[[Event], None]:
        """A listener for the event log that prints the events of the call whose id `call()` gives."""

        def listen(event: Event) -> None:
            words = sentence(event)
            if words and event["call"] == call():
                self.say("hotline", words)

        return listen


def sentence(event: Event) -> str:
    """An event in words; "" for those that a reader can do without."""
    teller = _SENTENCES.get(event["type"])
    return teller(event, event["data"]) if teller else ""


def _s(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"


def _why(data: dict[str, Any]) -> str:
    return f" ({data['reason'].replace('_', ' ')})" if data.get("reason") else ""


_SENTENCES: dict[str, Callable[[Event, dict[str, Any]], str]] = {
    "call_arrived": lambda event, data: f"call from {data['ani']} on number {data['dnis']}",
    "node_entered": lambda event, data: f"flow {event['flow']}: {event['node']}",
    "lookup_answered": lambda event, data: f"look-up: {data['outcome']} (HTTP {data['status']})",
    "contact_queued": lambda event, data: (
        f"joins queue {event['queue']}, wants: {' / '.join(text for _, text in data['steps']) or 'anybody'}"
    ),
    "offer_made": lambda event, data: f"offered to {event['agent']} (phone {data['phone']}) after waiting {_s(data['waited_ms'])}",
    "offer_ringing": lambda event, data: f"the phone of {event['agent']} rings",
    "contact_connected": lambda event, data: f"connected to {event['agent']}, waited {_s(data['waited_ms'])}",
    "contact_ended": lambda event, data: (
        f"talk with {event['agent']} is over: {_s(data['talk_ms'])}, ended by {data['ended_by'] or 'nobody'}{_why(data)}"
    ),
    "contact_abandoned": lambda event, data: f"the caller gave up after {_s(data['waited_ms'])}",
    "call_ended": lambda event, data: f"call over after {_s(data['duration_ms'])}, ended by {data['ended_by']}{_why(data)}",
}
