"""A waiting caller who does what a test says: fits `routing.ports.WaitingCaller`, on virtual time, with the habits of the real one.

A withdrawal works from the moment a ring has begun until a second after its answer; a prompt is made for a while before it is said, and
ends when it is interrupted or the caller is gone. tests/contract/test_waiting_caller.py holds it and the real one to the same.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from routing.domain.outcomes import EndedBy, EndReason, OfferOutcome
from routing.ports import Offer, OfferResult, Progress

CROSSING_S = 1.0


@dataclass(frozen=True, slots=True)
class Phone:
    """What an agent's phone does: the outcome comes after `after_ms`; an answered one is talked on for `talk_ms`."""

    outcome: OfferOutcome = "answered"
    after_ms: int = 1000
    talk_ms: int = 60_000
    ended_by: EndedBy = "agent"
    picked_up: Callable[[], None] = lambda: None  # called when it is answered, before anybody is told
    fault: Exception | None = None


class ScriptedCaller:
    """`did` tells what was asked of it, with the milliseconds since the loop began; `phones` are rung in their order.

    Several may ring at once: the first to answer has the caller, and the others come back withdrawn. `rings` is what was asked for.
    """

    def __init__(self, *phones: Phone, prompt_ms: int = 3000, render_ms: int = 0) -> None:
        self.phones = list(phones)
        self.prompt_ms = prompt_ms
        self.render_ms = render_ms  # before a prompt is said; the music goes on meanwhile
        self.did: list[tuple[int, str]] = []
        self.silent = False  # the caller's end is that no RTP came any more
        self.elsewhere = False  # when the caller is gone the call goes on at another server
        self.deaf = False  # prompts cannot be interrupted: AMI is away
        self.fault: Exception | None = None  # raised by music and announce
        self.rings: list[Offer] = []
        self._talking = ""  # the offer that was answered
        self._withdrawable: set[str] = set()
        self._withdrawn: set[str] = set()
        self._interrupted = False
        self._hung_up = False
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._news = asyncio.Event()

    # -- what the caller does ---------------------------------------------------------------------------------------

    def hang_up(self) -> None:
        self._hung_up = True
        self._change()

    def press(self, *keys: str) -> None:
        for key in keys:
            self._keys.put_nowait(key)

    # -- routing.ports.Line -----------------------------------------------------------------------------------------

    async def music(self) -> None:
        self._note("music")
        if self.fault:
            raise self.fault

    async def announce(self, kind: Literal["position", "comfort"], *, position: int, wait_ms: int | None) -> None:
        self._interrupted = False
        if self.render_ms and await self._until(lambda: self._interrupted or self._hung_up, self.render_ms):
            return
        self._note(f"{kind} {position}" if wait_ms is None else f"{kind} {position} wait {wait_ms}")
        if self.fault:
            raise self.fault
        await self._until(lambda: (self._interrupted and not self.deaf) or self._hung_up, self.prompt_ms)
        if not self._interrupted and not self._hung_up:
            self._note("music")

    async def interrupt(self) -> None:
        self._note("interrupt")
        self._interrupted = True
        self._change()

    async def ring(self, offer: Offer, progress: Callable[[Progress], None]) -> OfferResult:
        self._note(f"ring {offer.phone}")
        self.rings.append(offer)
        phone = self.phones.pop(0) if self.phones else Phone("rang_out", offer.ring_timeout_ms)
        if phone.fault:
            raise phone.fault
        self._withdrawable.add(offer.id)
        try:
            progress("ringing")
            if await self._until(lambda: offer.id in self._withdrawn or self._hung_up or bool(self._talking), phone.after_ms):
                return OfferResult("withdrawn")
            if phone.outcome != "answered":
                return OfferResult(phone.outcome, phone.after_ms)
            asyncio.get_running_loop().call_later(CROSSING_S, self._withdrawable.discard, offer.id)
            phone.picked_up()
            self._talking = offer.id
            progress("answered")
            self._change()
            began = self._now_ms()
            cut = await self._until(lambda: self._hung_up or offer.id in self._withdrawn, phone.talk_ms)
            if cut and not self._hung_up:
                self._talking = ""
                return OfferResult("withdrawn")
            gone = self._hung_up
            return OfferResult("answered", phone.after_ms, self._now_ms() - began, "caller" if gone else phone.ended_by)
        finally:
            self._withdrawable.discard(offer.id)

    async def withdraw(self, offer: str) -> bool:
        self._note(f"withdraw {offer}")
        if offer not in self._withdrawable:
            return False
        self._withdrawn.add(offer)
        self._change()
        return True

    async def next_key(self) -> str:
        return await self._keys.get()

    async def gone(self) -> None:
        await self._until(lambda: self._hung_up, None)

    async def call_over(self) -> bool:
        return not self.elsewhere

    @property
    def end_reason(self) -> EndReason:
        return "no_audio_from_caller" if self.silent else ""

    # -- inside -----------------------------------------------------------------------------------------------------

    def _note(self, what: str) -> None:
        self.did.append((self._now_ms(), what))

    def _now_ms(self) -> int:
        return round(1000 * asyncio.get_running_loop().time())

    def _change(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _until(self, condition: Callable[[], bool], within_ms: int | None) -> bool:
        """Whether it became true in time."""
        try:
            async with asyncio.timeout(None if within_ms is None else within_ms / 1000):
                while not condition():
                    await self._news.wait()
        except TimeoutError:
            return condition()
        return True
