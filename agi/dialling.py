"""Dials phones for one caller: one Asterisk Dial rings all of them, and the first to answer gets the caller.

A phone that joins while others ring ends that Dial, and the next Dial rings all of them. The result of each phone is reported at once
while the others ring on. Asterisk goes on ringing and connecting by itself when this process dies.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from agi.ami.errors import AmiError, AmiRefused
from agi.ami.events import Event
from agi.dial_reply import DialChannel, dial_variables, talk_ms_by_dial
from agi.dial_string import dial_arguments
from agi.dialled_phone import DialledPhone, DialResult
from agi.errors import AGIHangup
from agi.outcome import LegOutcome, judge, judge_reply
from agi.protocol import Reply

log = structlog.get_logger("agi")

FIRST_EVENT_MS = 100  # AMI events may come a little later than AGI's reply
LAST_EVENT_MS = 1000
NEVER_BEGAN_MS = 500  # of several phones, one that is not registered is left out by Dial silently
MOMENT = 2  # turns of the event loop in which all phones that were asked for together have joined
CROSSING_MS = 1_000  # an offer may be taken back for so long after the answer: the two crossed on their way
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
    """The Dials of one caller, one after another, on the caller's AGI session. `run` returns when every phone has its result."""

    def __init__(self, ami: DialAmi, clock: Clock, channel: DialChannel, caller: str, music_class: str) -> None:
        self.caller = caller
        self.known = {caller}  # Uniqueids of the caller and of every leg so far
        self.phones: list[DialledPhone] = []
        self._ami = ami
        self._clock = clock
        self._channel = channel
        self._music_class = music_class

    def join(self, phone: DialledPhone) -> None:
        """Ring this phone, too: at once, unless somebody has picked up already."""
        if not any(other.leg.facts.picked_up or other.leg.answered for other in self.phones):
            for other in self.phones:
                other.leg.facts.recalled = other.dialled
                other.wake()
        self.phones.append(phone)
        self._settle()

    def withdraw(self, phone: DialledPhone) -> bool:
        """Take one back; False when it is too late. One that was answered in this moment ends, too, if AMI is there to end it."""
        answered_ms = phone.leg.answered_ms
        is_talk = answered_ms is not None and (phone.leg.answered_unseen or self._clock.now_ms() - answered_ms > CROSSING_MS)
        if phone.over or phone.finished or is_talk or (phone.leg.answered and not self._ami.connected):
            return False
        phone.leg.facts.withdrawn = True
        phone.wake()
        if not phone.dialled:
            phone.end(DialResult("withdrawn"))
        return True

    def take(self, event: Event) -> None:
        """An event of the caller's channel or of a leg."""
        now_ms = self._clock.now_ms()
        for phone in self.phones:
            phone.leg.take(event, now_ms)
            self.caller = phone.leg.caller
            self.known |= {phone.leg.caller, phone.leg.uniqueid} - {""}
        for phone in self.phones:
            phone.wake()
        self._settle()

    async def run(self) -> None:
        """Dial as often as needed. Whatever ends this ends every phone's dialling."""
        try:
            while phones := await self._gathered():
                await self._dial(phones)
        except Exception as fault:
            for phone in self.phones:
                phone.break_off(fault)
        finally:
            for phone in self.phones:
                phone.result.cancel()

    async def _gathered(self) -> list[DialledPhone]:
        """Those to be rung now, with all that are asked for in this moment: one that joins later ends the Dial."""
        phones = self._waiting()
        while phones:
            for _ in range(MOMENT):
                await asyncio.sleep(0)
            before, phones = phones, self._waiting()
            if phones == before:
                break
        return phones

    def _waiting(self) -> list[DialledPhone]:
        """The phones to ring now."""
        now_ms = self._clock.now_ms()
        for phone in self.phones:
            if phone.leg.facts.withdrawn:
                phone.end(DialResult("withdrawn", now_ms - phone.started_ms))
            elif phone.left_ms(now_ms) <= 0:
                phone.end(DialResult("rang_out", now_ms - phone.started_ms))
        self.phones = [phone for phone in self.phones if not phone.over]
        return list(self.phones)

    async def _dial(self, phones: list[DialledPhone]) -> None:
        started_ms = self._clock.now_ms()
        longest_ms = max(phone.left_ms(started_ms) for phone in phones)
        for phone in phones:
            phone.begin(self.caller)
        loop = asyncio.get_running_loop()
        timers = [
            loop.call_later(phone.left_ms(started_ms) / 1000, phone.time_out) for phone in phones if phone.left_ms(started_ms) < longest_ms
        ]
        timers += [loop.call_later(_unseen_after_s(phones[0], longest_ms), self._answered_unseen, phones[0])] if len(phones) == 1 else []
        guards = [asyncio.create_task(self._guard(phone, alone=len(phones) == 1)) for phone in phones]
        left = False  # whether the caller is gone
        try:
            reply = await self._channel.appexec("Dial", dial_arguments([phone.target for phone in phones], longest_ms, self._music_class))
            left = isinstance(reply, Reply) and reply.failed  # HANGUP follows
        except AGIHangup:  # proves nothing about the call: the leg's events do
            left = True
        finally:
            for phone in phones:
                phone.finished = True
            for timer in timers:
                timer.cancel()
            for guard in guards:
                guard.cancel()
            await asyncio.gather(*guards, return_exceptions=True)
        over_ms = self._clock.now_ms()
        for phone in phones:
            if not phone.over:
                await self._conclude(phone, started_ms, over_ms, alone=len(phones) == 1, left=left)

    async def _conclude(self, phone: DialledPhone, dialled_ms: int, over_ms: int, *, alone: bool, left: bool) -> None:
        """The Dial is over: set the result of this phone, unless it is to ring again. `left`: the caller is gone."""
        await self._await_last_events(phone, left=left)
        now_ms, leg = self._clock.now_ms(), phone.leg
        leg.facts.withdrawn &= leg.talk_ms(now_ms) <= CROSSING_MS  # else it has become a talk
        outcome = judge(leg.facts) if leg.complete else await self._ask_channel(phone, now_ms - dialled_ms, alone=alone)
        phone.dialled = False
        if leg.facts.recalled and outcome != "answered" and not leg.facts.picked_up and not leg.facts.caller_left:
            return
        rang_until_ms = leg.answered_ms if leg.answered_ms is not None else now_ms
        talk_ms = leg.talk_ms(now_ms)
        if outcome == "answered" and (leg.answered_unseen or not leg.answered):
            talk_ms = await talk_ms_by_dial(self._channel) or talk_ms
            rang_until_ms = over_ms - talk_ms
        if outcome == "answered":
            phone.end(DialResult(outcome, rang_until_ms - phone.started_ms, talk_ms, leg.ended_by, leg.end_reason))
        else:
            phone.end(phone.refused(outcome, now_ms))

    def _settle(self) -> None:
        """Set the results that are decided while Dial goes on with another phone."""
        now_ms = self._clock.now_ms()
        winner = next((phone for phone in self.phones if phone.leg.answered and not phone.leg.facts.withdrawn), None)
        picked_up = winner is not None or any(phone.leg.facts.picked_up for phone in self.phones)
        for phone in self.phones:
            if phone.over or phone is winner:
                continue
            leg = phone.leg
            decided = leg.complete and not leg.facts.recalled and any(other.dialled and not other.leg.over for other in self.phones)
            outcome: LegOutcome = judge(leg.facts) if decided else "withdrawn"
            lost = outcome == "withdrawn" and not leg.facts.withdrawn  # reported after the answer that it lost to
            if winner or (decided and (picked_up or not lost)):
                phone.end(phone.refused(outcome, now_ms))

    def _answered_unseen(self, phone: DialledPhone) -> None:
        """AMI is or was away: a Dial that lasts longer than its ring time has connected two people."""
        if (phone.leg.cut or not self._ami.connected) and not phone.leg.answered:
            phone.leg.answer_unseen(self._clock.now_ms())
            phone.wake()
            self._settle()

    async def _ask_channel(self, phone: DialledPhone, lasted_ms: int, *, alone: bool) -> LegOutcome:
        """The outcome of a Dial of which AMI missed events, from the variables of the caller's channel."""
        try:
            status, cause = await dial_variables(self._channel)
            if not alone and status in ("ANSWER", "BUSY") and await self._channel.get_variable("DIALEDPEERNUMBER") != phone.target.endpoint:
                return "withdrawn"
            return judge_reply(status, cause, withdrawn=phone.leg.facts.withdrawn)
        except AGIHangup:  # Dial lasts longer than the ring time only when somebody answered
            return "answered" if alone and lasted_ms > 1000 * _unseen_after_s(phone, phone.target.ring_timeout_ms) else "withdrawn"

    async def _guard(self, phone: DialledPhone, *, alone: bool) -> None:
        """Hang up the agent's leg when the offer is withdrawn, or when the phone does not ring in time."""
        leg, facts = phone.leg, phone.leg.facts
        if not alone and not await self._seen(phone, lambda: facts.began, NEVER_BEGAN_MS) and self._is_left_out(phone):
            phone.end(DialResult("unreachable", self._clock.now_ms() - phone.started_ms))
            return
        await phone.until(lambda: facts.began)
        try:
            async with asyncio.timeout(phone.patience_ms / 1000):
                await phone.until(lambda: facts.rang or facts.picked_up or leg.answered or phone.unwanted)
        except TimeoutError:
            # If this process was delayed, the phone's event may still be unread; and with AMI away it may have rung unseen.
            await self._seen(phone, lambda: facts.rang or facts.picked_up or leg.answered, FIRST_EVENT_MS)
            facts.given_up = not (leg.cut or facts.rang or facts.picked_up or leg.answered)
        while not leg.over:
            await phone.until(lambda: leg.over or (self._ami.connected and (facts.withdrawn if leg.answered else phone.unwanted)))
            if self._talks_on(phone) or leg.over or await self._hang_up(phone):
                return

    def _talks_on(self, phone: DialledPhone) -> bool:
        """Whether an offer that was to be taken back has become a talk, because AMI was away: then it is one."""
        facts, answered_ms = phone.leg.facts, phone.leg.answered_ms
        if answered_ms is None or self._clock.now_ms() - answered_ms <= CROSSING_MS or not facts.withdrawn:
            return False
        facts.withdrawn = False
        phone.wake()
        self._settle()
        return True

    def _is_left_out(self, phone: DialledPhone) -> bool:
        """Whether Dial rings the others and not this phone."""
        return not phone.leg.cut and not phone.leg.facts.recalled and any(other.leg.facts.began for other in self.phones)

    async def _hang_up(self, phone: DialledPhone) -> bool:
        """End the agent's leg; False when it may be tried again."""
        try:
            await self._ami.hangup(phone.leg.channel, NORMAL if phone.leg.facts.timed_out else ANSWERED_ELSEWHERE)
        except AmiRefused as problem:
            log.error("offer_not_withdrawn", offer=phone.target.offer, reason=str(problem))
        except AmiError as problem:
            log.warning("offer_withdrawal_tried_again", offer=phone.target.offer, reason=str(problem))
            return False
        return True

    async def _await_last_events(self, phone: DialledPhone, *, left: bool) -> None:
        """AGI's reply and AMI's events come on two connections, in any order. The Hangup of the caller's channel may say why a talk ended
        that nobody hung up: it comes a moment after the session's end."""
        if await self._seen(phone, lambda: phone.leg.facts.began, FIRST_EVENT_MS):
            over = await self._seen(phone, lambda: phone.leg.over, LAST_EVENT_MS)
            if over and left and phone.leg.answered:
                await self._seen(phone, lambda: phone.leg.end_known, LAST_EVENT_MS)

    async def _seen(self, phone: DialledPhone, condition: Callable[[], bool], within_ms: int) -> bool:
        try:
            async with asyncio.timeout(within_ms / 1000):
                await phone.until(lambda: condition() or not self._ami.connected)
        except TimeoutError:
            return False
        return condition()


def _unseen_after_s(phone: DialledPhone, ring_ms: int) -> float:
    """How long after its beginning a Dial has certainly connected somebody."""
    return (max(1000, ring_ms) + 2 * LAST_EVENT_MS + (SCREENING_MS if phone.target.screened else 0)) / 1000
