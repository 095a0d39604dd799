"""One phone that is rung for an offer: its leg, who waits for news of it, and the progress that was reported."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agi.leg import EndedBy, EndReason, Leg
from agi.outcome import LegOutcome, Refusal

Progress = Literal["ringing", "answered", "transferred"]

SILENT_ACCOUNT_MS = 2_000  # a registered phone rings within this time
SILENT_EXTERNAL_MS = 10_000  # so does an external number, across somebody else's network


@dataclass(frozen=True, slots=True)
class DialTarget:
    """A phone to ring for an offer. Sounds are paths without suffix, several joined by &.

    `endpoint` is a SIP account, or number@trunk. The agent hears `whisper` on picking up and, when `question` is not empty, is connected
    only after pressing 1. With `beep` the phone is asked to answer by itself, and the agent hears that first.
    """

    offer: str
    endpoint: str
    ring_timeout_ms: int
    whisper: str = ""
    question: str = ""
    beep: str = ""

    @property
    def outside(self) -> bool:
        """Whether it is an external number, whose state is unknown."""
        return "@" in self.endpoint

    @property
    def screened(self) -> bool:
        """Whether something comes between picking up and talking."""
        return bool(self.whisper or self.question or self.beep)


@dataclass(frozen=True, slots=True)
class DialResult:
    """How it ended. `ring_ms` until the answer or the end; with `answered`, how long they talked and who hung up first.

    `reason` says why the system ended the talk, where that is known; `refusal` more of an outcome that is no answer, `redirected_to` the
    number that the phone named.
    """

    outcome: LegOutcome
    ring_ms: int = 0
    talk_ms: int = 0
    ended_by: EndedBy = ""
    reason: EndReason = ""
    refusal: Refusal = ""
    redirected_to: str = ""


class DialledPhone:
    """A phone that is rung, perhaps by several Dials one after another.

    `progress` is called once for each step; `result` is done at the end.
    """

    def __init__(self, caller: str, target: DialTarget, progress: Callable[[Progress], None], now_ms: int) -> None:
        self.target = target
        self.leg = self._new_leg(caller)
        self.leg_when_lost = ""
        self.dialled = False  # the Dial that runs now rings it
        self.finished = False  # that Dial has returned
        self.started_ms = now_ms
        self.result: asyncio.Future[DialResult] = asyncio.get_running_loop().create_future()
        self._progress = progress
        self._reported: set[Progress] = set()
        self._news = asyncio.Event()

    @property
    def over(self) -> bool:
        return self.result.done()

    @property
    def unwanted(self) -> bool:
        """Whether its leg is to be hung up."""
        facts = self.leg.facts
        if facts.picked_up:
            return facts.withdrawn or facts.caller_left
        return facts.withdrawn or facts.given_up or facts.timed_out or facts.recalled

    @property
    def patience_ms(self) -> int:
        return SILENT_EXTERNAL_MS if self.target.outside else SILENT_ACCOUNT_MS

    def left_ms(self, now_ms: int) -> int:
        """How much of its ring time is left."""
        return self.started_ms + max(1000, self.target.ring_timeout_ms) - now_ms

    def begin(self, caller: str) -> None:
        """Another Dial rings it."""
        withdrawn = self.leg.facts.withdrawn
        self.leg = self._new_leg(caller)
        self.leg.facts.withdrawn = withdrawn
        self.leg_when_lost = ""
        self.dialled, self.finished = True, False

    def refused(self, outcome: LegOutcome, now_ms: int) -> DialResult:
        """Its result with that outcome, which is no answer, and what more its leg tells of it."""
        facts = self.leg.facts
        refusal = facts.refusal if outcome not in ("withdrawn", "answered") else ""
        to = facts.redirected_to if refusal == "redirected" else ""
        return DialResult(outcome, now_ms - self.started_ms, ended_by=self.leg.ended_by, refusal=refusal, redirected_to=to)

    def end(self, result: DialResult) -> None:
        """Set the result; only the first one counts."""
        if not self.result.done():
            self.result.set_result(result)
            self._news.set()

    def break_off(self, fault: BaseException) -> None:
        """The session is over, or dialling has a defect: whoever asked for this phone gets the exception as it is."""
        if not self.result.done():
            self.result.set_exception(fault)

    def time_out(self) -> None:
        """Its ring time is over while others ring on."""
        if not self.leg.facts.picked_up:
            self.leg.facts.timed_out = True
            self.wake()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that events, or our own doing, make true. One waiter at a time."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    def wake(self) -> None:
        """Something changed: whoever waits looks again, and each step of progress is reported once."""
        self._news.set()
        if self.leg.facts.rang:
            self._report("ringing")
        if self.leg.answered and not self.leg.facts.withdrawn:
            self._report("answered")
        if self.leg.transferred:
            self._report("transferred")

    def _report(self, progress: Progress) -> None:
        if progress not in self._reported and not self.over:
            self._reported.add(progress)
            self._progress(progress)

    def _new_leg(self, caller: str) -> Leg:
        return Leg(caller, self.target.endpoint, screened=self.target.screened, outside=self.target.outside)
