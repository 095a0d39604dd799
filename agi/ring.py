"""One ring of one phone: what is known of it, who waits for news of it, and what has been told of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agi.leg import EndedBy, EndReason, Leg
from agi.outcome import RingOutcome

Progress = Literal["ringing", "answered", "transferred"]

SILENT_PHONE_MS = 2_000  # a phone that is there rings within this time
SILENT_LINE_MS = 10_000  # so does one outside, across somebody else's network


@dataclass(frozen=True, slots=True)
class Called:
    """A phone to ring for an offer. Sounds are paths without suffix, several joined by &.

    `endpoint` is a SIP account, or number@trunk. The agent hears `whisper` on picking up and, when `question` is not empty, is connected
    only after pressing 1. With `beep` the phone is told to answer by itself, and the agent hears that first.
    """

    offer: str
    endpoint: str
    ring_timeout_ms: int
    whisper: str = ""
    question: str = ""
    beep: str = ""

    @property
    def outside(self) -> bool:
        """Whether it is a line outside, whose state nobody knows."""
        return "@" in self.endpoint

    @property
    def screened(self) -> bool:
        """Whether something comes between picking up and talking."""
        return bool(self.whisper or self.question or self.beep)


@dataclass(frozen=True, slots=True)
class RingResult:
    """How a ring ended. `ring_ms` until the answer or the end; with `answered`, how long they talked and who hung up first.

    `reason` says why the system ended the talk, where that is known.
    """

    outcome: RingOutcome
    ring_ms: int = 0
    talk_ms: int = 0
    ended_by: EndedBy = ""
    reason: EndReason = ""


class Ring:
    """A ring under way, perhaps in several dials one after another.

    `progress` is called once for each news; `result` is done at its end.
    """

    def __init__(self, caller: str, called: Called, progress: Callable[[Progress], None], now_ms: int) -> None:
        self.called = called
        self.leg = self._new_leg(caller)
        self.leg_when_lost = ""
        self.dialled = False  # the dial that goes on now rings it
        self.finished = False  # that Dial has returned
        self.started_ms = now_ms
        self.result: asyncio.Future[RingResult] = asyncio.get_running_loop().create_future()
        self._progress = progress
        self._told: set[Progress] = set()
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
        return SILENT_LINE_MS if self.called.outside else SILENT_PHONE_MS

    def left_ms(self, now_ms: int) -> int:
        """How much of its ring time is left."""
        return self.started_ms + max(1000, self.called.ring_timeout_ms) - now_ms

    def begin(self, caller: str) -> None:
        """Another Dial rings it."""
        withdrawn = self.leg.facts.withdrawn
        self.leg = self._new_leg(caller)
        self.leg.facts.withdrawn = withdrawn
        self.leg_when_lost = ""
        self.dialled, self.finished = True, False

    def end(self, result: RingResult) -> None:
        """It has come to its end; only the first end counts."""
        if not self.result.done():
            self.result.set_result(result)
            self._news.set()

    def break_off(self, fault: BaseException) -> None:
        """The session is over, or ringing has a defect: whoever asked for the ring gets it as it is."""
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
        """Something changed: whoever waits looks again, and progress is told once."""
        self._news.set()
        if self.leg.facts.rang:
            self._tell("ringing")
        if self.leg.answered:
            self._tell("answered")
        if self.leg.transferred:
            self._tell("transferred")

    def _tell(self, progress: Progress) -> None:
        if progress not in self._told and not self.over:
            self._told.add(progress)
            self._progress(progress)

    def _new_leg(self, caller: str) -> Leg:
        return Leg(caller, self.called.endpoint, screened=self.called.screened, outside=self.called.outside)
