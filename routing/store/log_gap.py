"""The event of what a reader of the event log did not get to see."""

from routing.domain.events.envelope import Event
from routing.domain.events.servers import GapInLog


def log_gap(domain: str, at_ms: int, *, reader: str = "", server: str = "", after: str = "", until: str = "") -> Event:
    """A durable reader, or the view of a server, lost what was written behind one position and up to another one."""
    return Event(f"event-gap-{reader or server}-{until}", at_ms, GapInLog(reader, server, after, until), domain)
