"""States of the agents' phones, as Asterisk reports them: live from DeviceStateChange, and from a snapshot after each connect."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog

from agi.ami.events import DeviceStateChange, EventSource, listen
from agi.ami.protocol import Message

log = structlog.get_logger("agi")

PhoneState = Literal["available", "ringing", "busy", "unavailable"]

PHONE_STATES: dict[str, PhoneState] = {
    "NOT_INUSE": "available",
    "RINGING": "ringing",
    "INUSE": "busy",
    "BUSY": "busy",
    "ONHOLD": "busy",
    "RINGINUSE": "busy",
    "UNAVAILABLE": "unavailable",
    "INVALID": "unavailable",
    "UNKNOWN": "unavailable",
}
_TECHNOLOGY = "PJSIP/"


class PhoneStates:
    """The state of every PJSIP endpoint. `on_change(endpoint, state)` is called for each real change, endpoint as in `PJSIP/<endpoint>`."""

    def __init__(self, on_change: Callable[[str, PhoneState], None] | None = None) -> None:
        self._states: dict[str, PhoneState] = {}
        self._on_change = on_change
        self._news = asyncio.Event()
        self._changed: set[str] = set()  # endpoints that changed while a snapshot was on its way

    def attach(self, source: EventSource) -> None:
        """Follow the events of `source`."""
        listen(source, DeviceStateChange, self.take)

    def state(self, endpoint: str) -> PhoneState:
        """What is known of that phone; one that Asterisk never spoke of is unavailable."""
        return self._states.get(endpoint, "unavailable")

    def take(self, event: DeviceStateChange) -> None:
        """A device changed; devices that are no PJSIP endpoints are ignored."""
        endpoint = event.device.removeprefix(_TECHNOLOGY)
        if event.device.startswith(_TECHNOLOGY) and endpoint:
            self._changed.add(endpoint)
            self._set(endpoint, PHONE_STATES.get(event.state, "unavailable"))

    async def is_free(self, endpoint: str, within_ms: int) -> bool:
        """False when the phone rings or talks and still does after `within_ms`: the state lags some milliseconds behind a call's end."""
        try:
            async with asyncio.timeout(within_ms / 1000):
                while self.state(endpoint) in ("busy", "ringing"):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def refresh(self, device_states: Callable[[], Awaitable[list[Message]]]) -> None:
        """Take a snapshot, with AmiClient.device_states; a phone missing in it is unavailable. Raises what `device_states` raises."""
        self._changed.clear()
        rows = [DeviceStateChange.of(row) for row in await device_states()]
        listed = {row.device.removeprefix(_TECHNOLOGY): row.state for row in rows if row.device.startswith(_TECHNOLOGY)}
        for endpoint in (listed.keys() | self._states.keys()) - self._changed:  # what changed meanwhile is newer than the snapshot
            self._set(endpoint, PHONE_STATES.get(listed.get(endpoint, ""), "unavailable"))

    def _set(self, endpoint: str, state: PhoneState) -> None:
        before = self._states.get(endpoint)
        self._states[endpoint] = state
        self._news.set()
        if before != state and self._on_change is not None:
            try:
                self._on_change(endpoint, state)
            except Exception:
                log.exception("phone_state_receiver_failed", endpoint=endpoint)
