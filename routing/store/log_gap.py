"""The event that tells what a reader of the event log did not get to see."""

from routing.domain.events import Event


def log_gap(domain: str, at_ms: int, *, reader: str = "", server: str = "", after: str = "", until: str = "") -> Event:
    """A durable reader, or the view of a server, lost what was told behind one position and up to another one."""
    data = {"reader": reader, "server": server, "from": after, "to": until}
    return Event(f"event-gap-{reader or server}-{until}", "log_gap", at_ms, domain, data=data)
