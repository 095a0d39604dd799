"""Rings an agent's phone for a caller whose AGI session we hold, connects them, and tells how it ended; takes an offer back; dials out.

Nothing is awaited between the request and `EXEC Dial` that the ring does not need: the time from a free agent to a ringing phone is short.
Asterisk goes on ringing and connecting by itself when this process dies.
"""

import asyncio
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from agi.ami.errors import AmiError, AmiRefused
from agi.ami.events import Event, EventSource, listen
from agi.ami.protocol import Message
from agi.dial_reply import RingChannel, dial_variables, talk_ms_by_dial
from agi.errors import AGIHangup
from agi.leg import LEG_EVENTS, EndedBy, RingOutcome, judge, judge_reply
from agi.live_calls import Watch
from agi.phones import PhoneStates
from agi.ring import Progress, Ring

log = structlog.get_logger("agi")

DialedOutcome = Literal["answered", "busy", "no_answer", "unreachable"]

SILENT_PHONE_MS = 2000  # a phone that is there rings within this time
STATE_LAG_MS = 250  # how long a phone may still look busy after its call ended
FIRST_EVENT_MS = 100  # AMI events may come a little later than AGI's reply
LAST_EVENT_MS = 1000
ANSWERED_ELSEWHERE = 26  # Q.850: no missed call on the phone

# Where an event may name a channel of a ring.
_WHO = ("uniqueid", "dest_uniqueid", "transferer_uniqueid", "orig_transferer_uniqueid", "second_transferer_uniqueid")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OFFER = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_OUTSIDE = re.compile(r"PJSIP/\+?[0-9]{1,32}@[A-Za-z0-9_-]{1,64}|PJSIP/[A-Za-z0-9_-]{1,64}")

DIALED_OUT: dict[str, DialedOutcome] = {"ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer"}
CALL_REJECTED = 21


class RingAmi(EventSource, Protocol):
    """The AMI client, as far as it is needed here."""

    @property
    def connected(self) -> bool: ...

    async def hangup(self, channel: str, cause: int = ...) -> bool: ...


class Clock(Protocol):
    """The time, in milliseconds since 1970-01-01 UTC."""

    def now_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RingResult:
    """How a ring ended. `ring_ms` until the answer or the end; with `answered`, how long they talked and who hung up first."""

    outcome: RingOutcome
    ring_ms: int = 0
    talk_ms: int = 0
    ended_by: EndedBy = ""


class Ringer:
    """Rings agents. Its owner runs `reconcile` whenever AMI has connected, and `lost` when it is lost."""

    def __init__(self, ami: RingAmi, phones: PhoneStates, clock: Clock) -> None:
        self._ami = ami
        self._phones = phones
        self._clock = clock
        self._by_uniqueid: dict[str, Ring] = {}  # of the caller and, once known, of the agent's leg
        self._by_offer: dict[str, Ring] = {}
        for kind in LEG_EVENTS:
            listen(ami, kind, self._take)

    async def ring(
        self,
        channel: RingChannel,
        caller: Watch,
        *,
        offer_id: str,
        endpoint: str,
        ring_timeout_ms: int,
        music_class: str,
        progress: Callable[[Progress], None],
    ) -> RingResult:
        """Ring `PJSIP/<endpoint>` and connect; returns after the talk, or when the ring failed, also when the caller left meanwhile.

        Raises ValueError for a name that may not go into a Dial, and what `channel` raises when the session was over beforehand.
        """
        _check("endpoint", _NAME, endpoint)
        _check("music class", _NAME, music_class)
        _check("offer", _OFFER, offer_id)
        uniqueid = caller.uniqueid  # another one when an attended transfer puts another caller into the session
        if uniqueid in self._by_uniqueid:
            raise ValueError(f"a phone is being rung for call {uniqueid} already; one at a time")
        ring = Ring(uniqueid, offer_id, endpoint, max(1000, ring_timeout_ms), progress)
        self._by_uniqueid[uniqueid] = self._by_offer[offer_id] = ring
        try:
            # Asterisk rings a phone that is talking; and its state comes a moment after the end of a call.
            if self._ami.connected and not await self._phones.is_free(endpoint, STATE_LAG_MS):
                return RingResult("busy")
            await channel.set_variable("__HOTLINE_OFFER", offer_id)
            if ring.leg.facts.withdrawn:
                return RingResult("withdrawn")
            return await self._dial(channel, ring, f"m({music_class})gt")
        finally:
            del self._by_offer[offer_id]
            for known in (ring.leg.caller, ring.leg.uniqueid):
                self._forget(known, ring)

    async def withdraw(self, offer_id: str) -> bool:
        """Stop ringing for that offer; `ring` then returns withdrawn. False when it is too late: answered, or over, or never begun."""
        ring = self._by_offer.get(offer_id)
        if ring is None or ring.finished or ring.leg.answered:
            return False
        ring.leg.facts.withdrawn = True
        ring.wake()
        return True

    async def dial_out(self, channel: RingChannel, dial_string: str, timeout_ms: int) -> DialedOutcome:
        """Connect the caller to `PJSIP/<number>@<trunk>` or `PJSIP/<endpoint>`; returns when that call is over or did not come about.

        Whether the number is allowed is the caller's question. Raises ValueError for anything else, and what `channel` raises.
        """
        _check("dial string", _OUTSIDE, dial_string)
        await channel.appexec("Dial", f"{dial_string},{_seconds(timeout_ms)},g")
        status, cause = await dial_variables(channel)
        if cause == CALL_REJECTED and status != "ANSWER":
            return "busy"
        return DIALED_OUT.get(status, "unreachable")

    def lost(self) -> None:
        """AMI is lost: what the rings under way have seen is no longer the whole."""
        for ring in self._by_offer.values():
            ring.leg.cut = True
            ring.leg_when_lost = ring.leg.uniqueid
            ring.wake()

    def reconcile(self, channels: Iterable[Message]) -> None:
        """After each connect, with the rows of CoreShowChannels: find the legs that began, answered or ended unseen."""
        rows = {row.get("Uniqueid"): row for row in channels}
        for ring in self._by_offer.values():
            leg = ring.leg
            linked = rows[leg.caller].get("Linkedid") if leg.caller in rows else leg.caller
            row = rows.get(leg.uniqueid) if leg.uniqueid else _find_leg(rows.values(), linked, ring.endpoint)
            if row is not None:
                leg.adopt(row.get("Uniqueid"), row.get("Channel"), row.get("ChannelStateDesc"), self._clock.now_ms())
                self._by_uniqueid[leg.uniqueid] = ring
            elif leg.uniqueid and leg.uniqueid == ring.leg_when_lost:  # another one may have begun after the rows were taken
                leg.end_unseen()
            ring.wake()

    async def _dial(self, channel: RingChannel, ring: Ring, options: str) -> RingResult:
        started_ms = self._clock.now_ms()
        guard = asyncio.create_task(self._guard(ring))
        rung_out_s = (ring.ring_timeout_ms + 2 * LAST_EVENT_MS) / 1000
        unseen = asyncio.get_running_loop().call_later(rung_out_s, self._answered_unseen, ring)
        try:
            await channel.appexec("Dial", f"PJSIP/{ring.endpoint},{_seconds(ring.ring_timeout_ms)},{options}")
        except AGIHangup:
            pass  # proves nothing about the call: the leg's events tell
        finally:
            ring.finished = True
            unseen.cancel()
            guard.cancel()
            await asyncio.gather(guard, return_exceptions=True)
        over_ms = self._clock.now_ms()
        await self._await_last_events(ring)
        now_ms = self._clock.now_ms()
        leg = ring.leg
        outcome = judge(leg.facts) if leg.complete else await self._ask_channel(channel, ring, now_ms - started_ms)
        rang_until_ms = leg.answered_ms if leg.answered_ms is not None else now_ms
        talk_ms = leg.talk_ms(now_ms)
        if outcome == "answered" and (leg.answered_unseen or not leg.answered):
            talk_ms = await talk_ms_by_dial(channel) or talk_ms
            rang_until_ms = over_ms - talk_ms
        return RingResult(outcome, rang_until_ms - started_ms, talk_ms, leg.ended_by)

    def _answered_unseen(self, ring: Ring) -> None:
        """AMI is or was away: a Dial that lasts longer than its ring time connects two people."""
        if (ring.leg.cut or not self._ami.connected) and not ring.leg.answered:
            ring.leg.answer_unseen(self._clock.now_ms())
            ring.wake()

    async def _ask_channel(self, channel: RingChannel, ring: Ring, lasted_ms: int) -> RingOutcome:
        """The outcome of a Dial that AMI did not see as a whole, by what the caller's session knows."""
        try:
            return judge_reply(*await dial_variables(channel), withdrawn=ring.leg.facts.withdrawn)
        except AGIHangup:  # Dial lasts longer than the ring time only when somebody answered
            return "answered" if lasted_ms > ring.ring_timeout_ms + 2 * LAST_EVENT_MS else "withdrawn"

    async def _guard(self, ring: Ring) -> None:
        """Hangs the agent's leg up when the offer is taken back, or when the phone does not ring in time."""
        leg, facts = ring.leg, ring.leg.facts
        await ring.until(lambda: facts.began)
        try:
            async with asyncio.timeout(SILENT_PHONE_MS / 1000):
                await ring.until(lambda: facts.rang or facts.withdrawn or leg.answered)
        except TimeoutError:
            # Were we held up, what the phone said may lie unread still; and with AMI away it may have rung unseen.
            await self._seen(ring, lambda: facts.rang or leg.answered, FIRST_EVENT_MS)
            facts.given_up = not (leg.cut or facts.rang or leg.answered)
        while not leg.answered:
            await ring.until(lambda: leg.answered or (self._ami.connected and (facts.withdrawn or facts.given_up)))
            if leg.answered:
                return
            try:
                await self._ami.hangup(leg.channel, ANSWERED_ELSEWHERE)
                return
            except AmiRefused as problem:
                log.error("offer_not_withdrawn", offer=ring.offer, reason=str(problem))
                return
            except AmiError as problem:
                log.warning("offer_withdrawal_tried_again", offer=ring.offer, reason=str(problem))

    async def _await_last_events(self, ring: Ring) -> None:
        """AGI's reply and AMI's events come on two connections, in any order."""
        if await self._seen(ring, lambda: ring.leg.facts.began, FIRST_EVENT_MS):
            await self._seen(ring, lambda: ring.leg.over, LAST_EVENT_MS)

    async def _seen(self, ring: Ring, condition: Callable[[], bool], within_ms: int) -> bool:
        try:
            async with asyncio.timeout(within_ms / 1000):
                await ring.until(lambda: condition() or not self._ami.connected)
        except TimeoutError:
            return False
        return condition()

    def _take(self, event: Event) -> None:
        """An attended transfer may concern two rings: one whose agent transfers, and one whose caller becomes another."""
        known = {getattr(event, field, ""): None for field in _WHO}
        rings = {id(ring): ring for uniqueid in known if (ring := self._by_uniqueid.get(uniqueid)) is not None}
        for ring in rings.values():
            leg, caller = ring.leg, ring.leg.caller
            leg.take(event, self._clock.now_ms())
            if leg.caller != caller:
                self._forget(caller, ring)
                self._by_uniqueid[leg.caller] = ring
            if leg.uniqueid:
                self._by_uniqueid[leg.uniqueid] = ring
            ring.wake()

    def _forget(self, uniqueid: str, ring: Ring) -> None:
        if self._by_uniqueid.get(uniqueid) is ring:
            del self._by_uniqueid[uniqueid]


def _find_leg(rows: Iterable[Message], linked: str, endpoint: str) -> Message | None:
    return next((row for row in rows if row.get("Linkedid") == linked and row.get("Channel").startswith(f"PJSIP/{endpoint}-")), None)


def _seconds(timeout_ms: int) -> int:
    return max(1, math.ceil(timeout_ms / 1000))


def _check(what: str, pattern: re.Pattern[str], value: str) -> None:
    if not pattern.fullmatch(value):
        raise ValueError(f"{what} {value!r} may not go into a Dial: expected {pattern.pattern}")
