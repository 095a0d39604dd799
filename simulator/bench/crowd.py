"""The people of a benchmark: agents who answer at once, and callers who call again as soon as their call is over."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from time import perf_counter

from simulator.phone import Call, CallOver, CallRefused, CallState, IncomingCall, Phone, PhoneError
from simulator.phone.audio import Samples

ANSWER_S = 20.0
DIAL_GAP_S = 0.02
AGAIN_S = (0.02, 0.12)


class Floor:
    """Agents at their phones, who say `say` over and over. `talking`: each one's call, in the order of answering."""

    def __init__(self, phones: Sequence[Phone], say: Samples | None = None) -> None:
        self.phones = phones
        self._say = say
        self.talking: dict[Phone, IncomingCall] = {}
        self._awaited: dict[Phone, asyncio.Future[float]] = {}
        self._next: asyncio.Future[float] | None = None
        self._news = asyncio.Condition()
        for phone in phones:
            phone.on_invite = self._answer

    def next_offer(self, phone: Phone | None = None) -> "asyncio.Future[float]":
        """When the next call reaches this phone, or any, by perf_counter: uvloop's own time counts whole milliseconds."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        if phone is None:
            self._next = future
        else:
            self._awaited[phone] = future
        return future

    async def long_talk(self, least_talk_s: float) -> Phone:
        """Wait for an agent who has talked for so long, and whose next offer nobody waits for; the one with the longest talk."""
        while True:
            phone = self._long_talk(least_talk_s)
            if phone is not None:
                return phone
            await asyncio.sleep(0.01)

    def _long_talk(self, least_talk_s: float) -> Phone | None:
        now = asyncio.get_running_loop().time()
        for phone, call in self.talking.items():
            waiting = self._awaited.get(phone)
            if (waiting is None or waiting.done()) and "ack" in call.at and now - call.at["ack"] >= least_talk_s:
                return phone
        return None

    async def until_talking(self, count: int, within_s: float) -> None:
        """Wait until exactly so many agents talk. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self._news:
            while len(self.talking) != count:
                await self._news.wait()

    async def hang_up(self) -> None:
        await asyncio.gather(*(call.hang_up() for call in list(self.talking.values())))

    async def _answer(self, call: IncomingCall) -> None:
        offered_at = perf_counter()
        phone = call.line
        assert isinstance(phone, Phone)
        for future in (self._awaited.pop(phone, None), self._next):
            if future is not None and not future.done():
                future.set_result(offered_at)
        call.ring()
        if self._say is not None:
            call.play(self._say, repeat=True)
        call.answer()
        self.talking[phone] = call
        await self._report()
        try:
            await call.pause(3600)
        except CallOver:
            pass
        finally:
            if self.talking.get(phone) is call:
                del self.talking[phone]
            await self._report()

    async def _report(self) -> None:
        async with self._news:
            self._news.notify_all()


class Callers:
    """`count` people who call `number`, and again whenever their call is over, until `leave`. `failed` has a sentence per call lost."""

    def __init__(self, phones: Sequence[Phone], number: str, chance: random.Random) -> None:
        self._phones = phones
        self._number = number
        self._chance = chance
        self._people: list[asyncio.Task[None]] = []
        self._calls: set[Call] = set()
        self._leaving = False
        self._news = asyncio.Condition()
        self.failed: list[str] = []

    @property
    def answered(self) -> int:
        """Calls that the hotline has answered and that are up."""
        return sum(call.state is CallState.TALKING for call in self._calls)

    async def come(self, count: int, within_s: float = 120.0) -> None:
        """Returns when all are in their calls. Raises TimeoutError."""
        for place in range(count):
            self._people.append(asyncio.create_task(self._live(self._phones[place % len(self._phones)])))
            await asyncio.sleep(DIAL_GAP_S)
        async with asyncio.timeout(within_s):
            await self.until_answered(count)

    async def until_answered(self, count: int) -> None:
        """Wait until at least so many calls are up."""
        async with self._news:
            while self.answered < count:
                await self._news.wait()

    async def leave(self) -> None:
        """All hang up and go."""
        self._leaving = True
        for first in range(0, len(self._people), 20):
            for person in self._people[first : first + 20]:
                person.cancel()
            await asyncio.gather(*self._people[first : first + 20], return_exceptions=True)
        self._people.clear()

    async def _live(self, phone: Phone) -> None:
        while not self._leaving:
            call = await phone.call(self._number)
            self._calls.add(call)
            try:
                await call.answered(ANSWER_S)
                async with self._news:
                    self._news.notify_all()
                await call.ended(3600)
            except (CallOver, CallRefused, PhoneError, TimeoutError) as reason:
                self.failed.append(f"{type(reason).__name__}: {reason}")
            finally:
                self._calls.discard(call)
                with contextlib.suppress(PhoneError, TimeoutError):
                    await call.hang_up()
            await asyncio.sleep(self._chance.uniform(*AGAIN_S))
