"""Rings agents' phones for a caller whose AGI session is here, connects them and returns the result; withdraws an offer; dials out.

Between the request and `EXEC Dial` nothing is awaited that the call does not need: the time from a free agent to a ringing phone is short.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal, Protocol

from agi.ami.events import Event, EventSource, listen
from agi.ami.protocol import Message
from agi.dial_reply import DialChannel, dial_variables
from agi.dial_string import check, check_outside, outside_arguments
from agi.dialled_phone import DialledPhone, DialResult, DialTarget, Progress
from agi.dialling import Clock, DialAmi, Dialling
from agi.leg import LEG_EVENTS
from agi.live_calls import Watch
from agi.phones import PhoneStates

__all__ = ["DIALED_OUT", "DialResult", "DialTarget", "DialedOutcome", "Progress", "Ringer"]

DialedOutcome = Literal["answered", "busy", "no_answer", "unreachable"]

STATE_LAG_MS = 250  # how long a phone may still look busy after its call ended

# The fields in which an event may name the caller's channel or a leg.
_WHO = ("uniqueid", "dest_uniqueid", "transferer_uniqueid", "orig_transferer_uniqueid", "second_transferer_uniqueid")

DIALED_OUT: dict[str, DialedOutcome] = {"ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer"}
CALL_REJECTED = 21


class RingerAmi(EventSource, DialAmi, Protocol):
    """The AMI client, as far as it is needed here."""


class Ringer:
    """Rings agents' phones. Its owner calls `reconcile` whenever AMI has connected, and `lost` when it is lost."""

    def __init__(self, ami: RingerAmi, phones: PhoneStates, clock: Clock) -> None:
        self._ami = ami
        self._phones = phones
        self._clock = clock
        self._by_uniqueid: dict[str, Dialling] = {}  # of the caller and, once known, of the agents' legs
        self._by_offer: dict[str, tuple[DialledPhone, Dialling | None]] = {}
        self._tasks: dict[Dialling, asyncio.Task[None]] = {}
        for kind in LEG_EVENTS:
            listen(ami, kind, self._take)

    async def ring(
        self, channel: DialChannel, caller: Watch, target: DialTarget, *, music_class: str, progress: Callable[[Progress], None]
    ) -> DialResult:
        """Ring a phone and connect; returns after the talk, or when nobody answered, also when the caller left meanwhile.

        Phones asked for while others ring for the same caller ring beside them; those asked for in the same moment are rung by one Dial.
        Raises ValueError for a name that may not go into a Dial, and what `channel` raises when the session was over beforehand.
        """
        check(target, music_class)
        uniqueid = caller.uniqueid  # another one when an attended transfer puts another caller into the session
        phone = DialledPhone(uniqueid, target, progress, self._clock.now_ms())
        self._by_offer[target.offer] = (phone, None)
        dialling: Dialling | None = None
        try:
            # Asterisk rings a phone that is talking; and its state comes a moment after the end of a call.
            if self._ami.connected and not target.outside and not await self._phones.is_free(target.endpoint, STATE_LAG_MS):
                return DialResult("busy")
            if phone.leg.facts.withdrawn:
                return DialResult("withdrawn")
            dialling = self._by_uniqueid.get(uniqueid) or self._begin(channel, uniqueid, music_class)
            self._by_offer[target.offer] = (phone, dialling)
            dialling.join(phone)
            return await asyncio.shield(phone.result)
        finally:
            del self._by_offer[target.offer]
            if dialling and not phone.over:  # whoever asked for it has gone
                await self._abandon(dialling, phone)

    def _begin(self, channel: DialChannel, uniqueid: str, music_class: str) -> Dialling:
        """A Dial for this caller: it goes out when all that is asked for in this moment has joined."""
        dialling = self._by_uniqueid[uniqueid] = Dialling(self._ami, self._clock, channel, uniqueid, music_class)
        self._tasks[dialling] = asyncio.create_task(self._run(dialling))
        return dialling

    async def _run(self, dialling: Dialling) -> None:
        try:
            await dialling.run()
        finally:  # at once: the next phone for this caller must not join a dialling that is over
            self._tasks.pop(dialling, None)
            for uniqueid in dialling.known:
                if self._by_uniqueid.get(uniqueid) is dialling:
                    del self._by_uniqueid[uniqueid]

    async def _abandon(self, dialling: Dialling, phone: DialledPhone) -> None:
        phone.result.cancel()
        task = self._tasks.get(dialling)
        if task and all(other.over for other in dialling.phones):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def withdraw(self, offer_id: str) -> bool:
        """Stop ringing for that offer; its `ring` then returns withdrawn, also where it was answered a moment ago. False when it is too
        late: answered for longer, or over, or never begun."""
        phone, dialling = self._by_offer.get(offer_id, (None, None))
        if phone is None:
            return False
        if dialling:
            return dialling.withdraw(phone)
        phone.leg.facts.withdrawn = True
        return True

    async def dial_out(self, channel: DialChannel, dial_string: str, timeout_ms: int) -> DialedOutcome:
        """Connect the caller to `PJSIP/<number>@<trunk>` or `PJSIP/<endpoint>`; returns when that call is over or did not come about.

        Whether the number is allowed is the caller's question. Raises ValueError for anything else, and what `channel` raises.
        """
        check_outside(dial_string)
        await channel.appexec("Dial", outside_arguments(dial_string, timeout_ms))
        status, cause = await dial_variables(channel)
        if cause == CALL_REJECTED and status != "ANSWER":
            return "busy"
        return DIALED_OUT.get(status, "unreachable")

    def lost(self) -> None:
        """AMI is lost: the phones that ring may miss events from now on."""
        for phone, _ in self._by_offer.values():
            phone.leg.cut = True
            phone.leg_when_lost = phone.leg.uniqueid
            phone.wake()

    def reconcile(self, channels: Iterable[Message]) -> None:
        """After each connect, with the rows of CoreShowChannels: find the legs that began, answered or ended unseen."""
        rows = {row.get("Uniqueid"): row for row in channels}
        for phone, dialling in self._by_offer.values():
            leg = phone.leg
            if dialling is None or not phone.dialled:
                continue
            linked = rows[leg.caller].get("Linkedid") if leg.caller in rows else leg.caller
            row = rows.get(leg.uniqueid) if leg.uniqueid else self._find_leg(rows.values(), linked, phone.target)
            if row is not None:
                bridged = bool(row.get("BridgeId"))
                leg.adopt(row.get("Uniqueid"), row.get("Channel"), row.get("ChannelStateDesc"), self._clock.now_ms(), bridged=bridged)
                self._by_uniqueid[leg.uniqueid] = dialling
                dialling.known.add(leg.uniqueid)
            elif leg.uniqueid and leg.uniqueid == phone.leg_when_lost:  # another one may have begun after the rows were taken
                leg.end_unseen()
            phone.wake()

    def _find_leg(self, rows: Iterable[Message], linked: str, target: DialTarget) -> Message | None:
        beginning = f"PJSIP/{target.endpoint.rpartition('@')[2]}-"
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
