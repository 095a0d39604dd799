"""Rings agents' phones for a caller whose AGI session we hold, connects them, and tells how it ended; takes an offer back; dials out.

Nothing is awaited between the request and `EXEC Dial` that the ring does not need: the time from a free agent to a ringing phone is short.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal, Protocol

from agi.ami.events import Event, EventSource, listen
from agi.ami.protocol import Message
from agi.dial_reply import RingChannel, dial_variables
from agi.dial_string import check, check_outside, seconds
from agi.dialling import Clock, DialAmi, Dialling
from agi.leg import LEG_EVENTS
from agi.live_calls import Watch
from agi.phones import PhoneStates
from agi.ring import Called, Progress, Ring, RingResult

__all__ = ["DIALED_OUT", "Called", "DialedOutcome", "Progress", "RingResult", "Ringer"]

DialedOutcome = Literal["answered", "busy", "no_answer", "unreachable"]

STATE_LAG_MS = 250  # how long a phone may still look busy after its call ended

# Where an event may name a channel of a ring.
_WHO = ("uniqueid", "dest_uniqueid", "transferer_uniqueid", "orig_transferer_uniqueid", "second_transferer_uniqueid")

DIALED_OUT: dict[str, DialedOutcome] = {"ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer"}
CALL_REJECTED = 21


class RingAmi(EventSource, DialAmi, Protocol):
    """The AMI client, as far as it is needed here."""


class Ringer:
    """Rings agents. Its owner runs `reconcile` whenever AMI has connected, and `lost` when it is lost."""

    def __init__(self, ami: RingAmi, phones: PhoneStates, clock: Clock) -> None:
        self._ami = ami
        self._phones = phones
        self._clock = clock
        self._by_uniqueid: dict[str, Dialling] = {}  # of the caller and, once known, of the agents' legs
        self._by_offer: dict[str, tuple[Ring, Dialling | None]] = {}
        self._tasks: dict[Dialling, asyncio.Task[None]] = {}
        for kind in LEG_EVENTS:
            listen(ami, kind, self._take)

    async def ring(
        self, channel: RingChannel, caller: Watch, called: Called, *, music_class: str, progress: Callable[[Progress], None]
    ) -> RingResult:
        """Ring a phone and connect; returns after the talk, or when the ring failed, also when the caller left meanwhile.

        Phones asked for while others ring for the same caller ring beside them; those asked for in the same moment are rung by one Dial.
        Raises ValueError for a name that may not go into a Dial, and what `channel` raises when the session was over beforehand.
        """
        check(called, music_class)
        uniqueid = caller.uniqueid  # another one when an attended transfer puts another caller into the session
        ring = Ring(uniqueid, called, progress, self._clock.now_ms())
        self._by_offer[called.offer] = (ring, None)
        dialling: Dialling | None = None
        try:
            # Asterisk rings a phone that is talking; and its state comes a moment after the end of a call.
            if self._ami.connected and not called.outside and not await self._phones.is_free(called.endpoint, STATE_LAG_MS):
                return RingResult("busy")
            if ring.leg.facts.withdrawn:
                return RingResult("withdrawn")
            dialling = self._by_uniqueid.get(uniqueid) or self._begin(channel, uniqueid, music_class)
            self._by_offer[called.offer] = (ring, dialling)
            dialling.join(ring)
            return await asyncio.shield(ring.result)
        finally:
            del self._by_offer[called.offer]
            if dialling and not ring.over:  # whoever asked for it has gone
                await self._abandon(dialling, ring)

    def _begin(self, channel: RingChannel, uniqueid: str, music_class: str) -> Dialling:
        """A Dial for this caller: it goes out when all that is asked for in this moment has joined."""
        dialling = self._by_uniqueid[uniqueid] = Dialling(self._ami, self._clock, channel, uniqueid, music_class)
        self._tasks[dialling] = asyncio.create_task(self._run(dialling))
        return dialling

    async def _run(self, dialling: Dialling) -> None:
        try:
            await dialling.run()
        finally:  # at once: the next ring for this caller must not join one that is over
            self._tasks.pop(dialling, None)
            for uniqueid in dialling.known:
                if self._by_uniqueid.get(uniqueid) is dialling:
                    del self._by_uniqueid[uniqueid]

    async def _abandon(self, dialling: Dialling, ring: Ring) -> None:
        ring.result.cancel()
        task = self._tasks.get(dialling)
        if task and all(other.over for other in dialling.rings):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def withdraw(self, offer_id: str) -> bool:
        """Stop ringing for that offer; its `ring` then returns withdrawn. False when it is too late: answered, or over, or never begun."""
        ring, dialling = self._by_offer.get(offer_id, (None, None))
        if ring is None:
            return False
        if dialling:
            return dialling.withdraw(ring)
        ring.leg.facts.withdrawn = True
        return True

    async def dial_out(self, channel: RingChannel, dial_string: str, timeout_ms: int) -> DialedOutcome:
        """Connect the caller to `PJSIP/<number>@<trunk>` or `PJSIP/<endpoint>`; returns when that call is over or did not come about.

        Whether the number is allowed is the caller's question. Raises ValueError for anything else, and what `channel` raises.
        """
        check_outside(dial_string)
        await channel.appexec("Dial", f"{dial_string},{seconds(timeout_ms)},g")
        status, cause = await dial_variables(channel)
        if cause == CALL_REJECTED and status != "ANSWER":
            return "busy"
        return DIALED_OUT.get(status, "unreachable")

    def lost(self) -> None:
        """AMI is lost: what the rings under way have seen is no longer the whole."""
        for ring, _ in self._by_offer.values():
            ring.leg.cut = True
            ring.leg_when_lost = ring.leg.uniqueid
            ring.wake()

    def reconcile(self, channels: Iterable[Message]) -> None:
        """After each connect, with the rows of CoreShowChannels: find the legs that began, answered or ended unseen."""
        rows = {row.get("Uniqueid"): row for row in channels}
        for ring, dialling in self._by_offer.values():
            leg = ring.leg
            if dialling is None or not ring.dialled:
                continue
            linked = rows[leg.caller].get("Linkedid") if leg.caller in rows else leg.caller
            row = rows.get(leg.uniqueid) if leg.uniqueid else self._find_leg(rows.values(), linked, ring.called)
            if row is not None:
                bridged = bool(row.get("BridgeId"))
                leg.adopt(row.get("Uniqueid"), row.get("Channel"), row.get("ChannelStateDesc"), self._clock.now_ms(), bridged=bridged)
                self._by_uniqueid[leg.uniqueid] = dialling
                dialling.known.add(leg.uniqueid)
            elif leg.uniqueid and leg.uniqueid == ring.leg_when_lost:  # another one may have begun after the rows were taken
                leg.end_unseen()
            ring.wake()

    def _find_leg(self, rows: Iterable[Message], linked: str, called: Called) -> Message | None:
        beginning = f"PJSIP/{called.endpoint.rpartition('@')[2]}-"
        free = (row for row in rows if row.get("Linkedid") == linked and row.get("Uniqueid") not in self._by_uniqueid)
        return next((row for row in free if row.get("Channel").startswith(beginning)), None)

    def _take(self, event: Event) -> None:
        """An attended transfer may concern two callers: one whose agent transfers, and one who becomes another."""
        known = {getattr(event, field, ""): None for field in _WHO}
        for dialling in dict.fromkeys(found for uniqueid in known if (found := self._by_uniqueid.get(uniqueid)) is not None):
            caller = dialling.caller
            dialling.take(event)
            if dialling.caller != caller and self._by_uniqueid.get(caller) is dialling:
                del self._by_uniqueid[caller]
                dialling.known.discard(caller)
            for uniqueid in dialling.known:
                self._by_uniqueid[uniqueid] = dialling
