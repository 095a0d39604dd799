"""The rings of one caller: all phones that ring for the same caller are rung by one Dial, the first to answer gets the caller.

A phone that joins while others ring ends that Dial, and the next one rings all of them. What has become of a phone is told at once
while the others ring on. Asterisk goes on ringing and connecting by itself when this process dies.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from agi.ami.errors import AmiError, AmiRefused
from agi.ami.events import Event
from agi.dial_reply import RingChannel, dial_variables, talk_ms_by_dial
from agi.dial_string import dial_arguments
from agi.errors import AGIHangup
from agi.outcome import RingOutcome, judge, judge_reply
from agi.protocol import Reply
from agi.ring import Ring, RingResult

log = structlog.get_logger("agi")

FIRST_EVENT_MS = 100  # AMI events may come a little later than AGI's reply
LAST_EVENT_MS = 1000
NEVER_BEGAN_MS = 500  # of several phones, one that is not registered is left out by Dial without a word
MOMENT = 2  # turns of the event loop in which all rings that were asked for together have joined
SCREENING_MS = 30_000  # a whisper and its question take less
ANSWERED_ELSEWHERE = 26  # Q.850: no missed call on the phone
NORMAL = 16


class DialAmi(Protocol):
    """The AMI client, as far as it is needed here."""

    @property
    def connected(self) -> bool: ...

    async def hangup(self, channel: str, cause: int = ...) -> bool: ...


class Clock(Protocol):
    """The time, in milliseconds since 1970-01-01 UTC."""

    def now_ms(self) -> int: ...


class Dialling:
    """One caller's dials, on the caller's AGI session. `run` returns when every ring has come to its end."""

    def __init__(self, ami: DialAmi, clock: Clock, channel: RingChannel, caller: str, music_class: str) -> None:
        self.caller = caller
        self.known = {caller}  # Uniqueids of the caller and of every leg so far
        self.rings: list[Ring] = []
        self._ami = ami
        self._clock = clock
        self._channel = channel
        self._music_class = music_class

    def join(self, ring: Ring) -> None:
        """Ring this one, too: at once, unless somebody has picked up already."""
        if not any(other.leg.facts.picked_up or other.leg.answered for other in self.rings):
            for other in self.rings:
                other.leg.facts.recalled = other.dialled
                other.wake()
        self.rings.append(ring)
        self._settle()

    def withdraw(self, ring: Ring) -> bool:
        """Take one back; False when it is too late."""
        if ring.over or ring.finished or ring.leg.answered:
            return False
        ring.leg.facts.withdrawn = True
        ring.wake()
        if not ring.dialled:
            ring.end(RingResult("withdrawn"))
        return True

    def take(self, event: Event) -> None:
        """An event of the caller's channel or of a leg."""
        now_ms = self._clock.now_ms()
        for ring in self.rings:
            ring.leg.take(event, now_ms)
            self.caller = ring.leg.caller
            self.known |= {ring.leg.caller, ring.leg.uniqueid} - {""}
        for ring in self.rings:
            ring.wake()
        self._settle()

    async def run(self) -> None:
        """Dial, as often as it takes. Whatever ends it ends every ring."""
        try:
            while rings := await self._gathered():
                await self._dial(rings)
        except Exception as fault:
            for ring in self.rings:
                ring.break_off(fault)
        finally:
            for ring in self.rings:
                ring.result.cancel()

    async def _gathered(self) -> list[Ring]:
        """Those to be rung now, with all that are asked for in this moment: one that joins later ends the Dial."""
        rings = self._waiting()
        while rings:
            for _ in range(MOMENT):
                await asyncio.sleep(0)
            before, rings = rings, self._waiting()
            if rings == before:
                break
        return rings

    def _waiting(self) -> list[Ring]:
        """Those to be rung now."""
        now_ms = self._clock.now_ms()
        for ring in self.rings:
            if ring.leg.facts.withdrawn:
                ring.end(RingResult("withdrawn", now_ms - ring.started_ms))
            elif ring.left_ms(now_ms) <= 0:
                ring.end(RingResult("rang_out", now_ms - ring.started_ms))
        self.rings = [ring for ring in self.rings if not ring.over]
        return list(self.rings)

    async def _dial(self, rings: list[Ring]) -> None:
        started_ms = self._clock.now_ms()
        longest_ms = max(ring.left_ms(started_ms) for ring in rings)
        for ring in rings:
            ring.begin(self.caller)
        loop = asyncio.get_running_loop()
        timers = [
            loop.call_later(ring.left_ms(started_ms) / 1000, ring.time_out) for ring in rings if ring.left_ms(started_ms) < longest_ms
        ]
        timers += [loop.call_later(_unseen_after_s(rings[0], longest_ms), self._answered_unseen, rings[0])] if len(rings) == 1 else []
        guards = [asyncio.create_task(self._guard(ring, alone=len(rings) == 1)) for ring in rings]
        left = False  # whether the caller is gone
        try:
            reply = await self._channel.appexec("Dial", dial_arguments([ring.called for ring in rings], longest_ms, self._music_class))
            left = isinstance(reply, Reply) and reply.failed  # HANGUP follows
        except AGIHangup:  # proves nothing about the call: the leg's events tell
            left = True
        finally:
            for ring in rings:
                ring.finished = True
            for timer in timers:
                timer.cancel()
            for guard in guards:
                guard.cancel()
            await asyncio.gather(*guards, return_exceptions=True)
        over_ms = self._clock.now_ms()
        for ring in rings:
            if not ring.over:
                await self._conclude(ring, started_ms, over_ms, alone=len(rings) == 1, left=left)

    async def _conclude(self, ring: Ring, dialled_ms: int, over_ms: int, *, alone: bool, left: bool) -> None:
        """The Dial is over: what has become of this one, unless it is to be rung again. `left`: the caller is gone."""
        await self._await_last_events(ring, left=left)
        now_ms, leg = self._clock.now_ms(), ring.leg
        outcome = judge(leg.facts) if leg.complete else await self._ask_channel(ring, now_ms - dialled_ms, alone=alone)
        ring.dialled = False
        if leg.facts.recalled and outcome != "answered" and not leg.facts.picked_up and not leg.facts.caller_left:
            return
        rang_until_ms = leg.answered_ms if leg.answered_ms is not None else now_ms
        talk_ms = leg.talk_ms(now_ms)
        if outcome == "answered" and (leg.answered_unseen or not leg.answered):
            talk_ms = await talk_ms_by_dial(self._channel) or talk_ms
            rang_until_ms = over_ms - talk_ms
        ring.end(RingResult(outcome, rang_until_ms - ring.started_ms, talk_ms, leg.ended_by, leg.end_reason))

    def _settle(self) -> None:
        """Ends the rings that are decided while Dial goes on with another."""
        now_ms = self._clock.now_ms()
        winner = next((ring for ring in self.rings if ring.leg.answered), None)
        picked_up = winner is not None or any(ring.leg.facts.picked_up for ring in self.rings)
        for ring in self.rings:
            if ring.over or ring is winner:
                continue
            leg = ring.leg
            decided = leg.complete and not leg.facts.recalled and any(other.dialled and not other.leg.over for other in self.rings)
            outcome: RingOutcome = judge(leg.facts) if decided else "withdrawn"
            lost = outcome == "withdrawn" and not leg.facts.withdrawn  # told behind the answer that it lost to
            if winner or (decided and (picked_up or not lost)):
                ring.end(RingResult(outcome, now_ms - ring.started_ms))

    def _answered_unseen(self, ring: Ring) -> None:
        """AMI is or was away: a Dial that lasts longer than its ring time connects two people."""
        if (ring.leg.cut or not self._ami.connected) and not ring.leg.answered:
            ring.leg.answer_unseen(self._clock.now_ms())
            ring.wake()
            self._settle()

    async def _ask_channel(self, ring: Ring, lasted_ms: int, *, alone: bool) -> RingOutcome:
        """The outcome of a Dial that AMI did not see as a whole, by what the caller's session knows."""
        try:
            status, cause = await dial_variables(self._channel)
            if not alone and status in ("ANSWER", "BUSY") and await self._channel.get_variable("DIALEDPEERNUMBER") != ring.called.endpoint:
                return "withdrawn"
            return judge_reply(status, cause, withdrawn=ring.leg.facts.withdrawn)
        except AGIHangup:  # Dial lasts longer than the ring time only when somebody answered
            return "answered" if alone and lasted_ms > 1000 * _unseen_after_s(ring, ring.called.ring_timeout_ms) else "withdrawn"

    async def _guard(self, ring: Ring, *, alone: bool) -> None:
        """Hangs the agent's leg up when the offer is taken back, or when the phone does not ring in time."""
        leg, facts = ring.leg, ring.leg.facts
        if not alone and not await self._seen(ring, lambda: facts.began, NEVER_BEGAN_MS) and self._is_left_out(ring):
            ring.end(RingResult("unreachable", self._clock.now_ms() - ring.started_ms))
            return
        await ring.until(lambda: facts.began)
        try:
            async with asyncio.timeout(ring.patience_ms / 1000):
                await ring.until(lambda: facts.rang or facts.picked_up or leg.answered or ring.unwanted)
        except TimeoutError:
            # Were we held up, what the phone said may lie unread still; and with AMI away it may have rung unseen.
            await self._seen(ring, lambda: facts.rang or facts.picked_up or leg.answered, FIRST_EVENT_MS)
            facts.given_up = not (leg.cut or facts.rang or facts.picked_up or leg.answered)
        while not leg.answered:
            await ring.until(lambda: leg.answered or (self._ami.connected and ring.unwanted))
            if leg.answered or await self._hang_up(ring):
                return

    def _is_left_out(self, ring: Ring) -> bool:
        """Whether Dial rings the others and not this one."""
        return not ring.leg.cut and not ring.leg.facts.recalled and any(other.leg.facts.began for other in self.rings)

    async def _hang_up(self, ring: Ring) -> bool:
        """End the agent's leg; False when it may be tried again."""
        try:
            await self._ami.hangup(ring.leg.channel, NORMAL if ring.leg.facts.timed_out else ANSWERED_ELSEWHERE)
        except AmiRefused as problem:
            log.error("offer_not_withdrawn", offer=ring.called.offer, reason=str(problem))
        except AmiError as problem:
            log.warning("offer_withdrawal_tried_again", offer=ring.called.offer, reason=str(problem))
            return False
        return True

    async def _await_last_events(self, ring: Ring, *, left: bool) -> None:
        """AGI's reply and AMI's events come on two connections, in any order. Why a talk ended that nobody hung up, the Hangup of the
        caller's channel may tell: it comes a moment after the session's end."""
        if await self._seen(ring, lambda: ring.leg.facts.began, FIRST_EVENT_MS):
            over = await self._seen(ring, lambda: ring.leg.over, LAST_EVENT_MS)
            if over and left and ring.leg.answered:
                await self._seen(ring, lambda: ring.leg.end_known, LAST_EVENT_MS)

    async def _seen(self, ring: Ring, condition: Callable[[], bool], within_ms: int) -> bool:
        try:
            async with asyncio.timeout(within_ms / 1000):
                await ring.until(lambda: condition() or not self._ami.connected)
        except TimeoutError:
            return False
        return condition()


def _unseen_after_s(ring: Ring, ring_ms: int) -> float:
    """So long after its beginning a Dial has certainly connected somebody."""
    return (max(1000, ring_ms) + 2 * LAST_EVENT_MS + (SCREENING_MS if ring.called.screened else 0)) / 1000
