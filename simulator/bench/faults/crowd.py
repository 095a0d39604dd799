"""Forty people on the telephone: each knows what it wants, and notices when it is cut off, hears nothing, or is mistaken for another."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from simulator.bench.crowd import DIAL_GAP_S, Floor
from simulator.bench.faults.site import ACCOUNTS, DIGITS, FIRST_PHONE, JOINING, LOOKING_UP, MENU, TALKING, WAITING, FaultSite
from simulator.feed import Event
from simulator.phone import Call, CallOver, CallState, Phone, sine
from simulator.phone.rtp import RATE
from simulator.phone.tones import rms

HEARD_IN = {MENU, WAITING, TALKING, JOINING}  # where somebody who hears nothing for long is left alone
QUIET = 100.0  # RMS below which a tenth of a second is silent
STEP = RATE // 10
BEFORE, AFTER = "12", "345678"  # keyed before the fault, and behind it; a third part distinguishes callers


@dataclass(slots=True)
class Person:
    """One caller: the number dialled, the call, its id in the event log, and the sample from which silence counts."""

    dialled: str
    call: Call
    id: str
    from_sample: int = 0
    released: bool = False  # the agent or the caller has ended it on purpose

    @property
    def is_up(self) -> bool:
        return self.call.state is CallState.TALKING

    def silence_s(self, until_s: float) -> float:
        """The longest time without sound from `from_sample` to the loop time `until_s`; packets that did not come are silence, too."""
        heard = self.call.heard
        samples = heard.samples(self.from_sample)
        longest = run = 0
        for at in range(0, len(samples) - STEP + 1, STEP):
            run = 0 if rms(samples[at : at + STEP]) > QUIET else run + 1
            longest = max(longest, run)
        if self.is_up:
            run += max(0, round((until_s - heard.started_at) * RATE) - len(heard)) // STEP
        return max(longest, run) / 10


@dataclass(slots=True)
class Backend:
    """The system that flows ask: it remembers which numbers it was asked for, and answers slowly where it is asked to."""

    asked: list[str] = field(default_factory=list)
    slow_s: float = 8.0
    _runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Serve on a free port of loopback; returns the port."""
        app = web.Application()
        app.router.add_get("/accounts/{number}", self._account)
        app.router.add_get("/slow", self._slow)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(site._server.sockets[0].getsockname()[1])  # type: ignore[union-attr]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _account(self, request: web.Request) -> web.Response:
        self.asked.append(request.match_info["number"])
        return web.json_response({})

    async def _slow(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.slow_s)
        return web.json_response({})


class Crowd:
    """The people at one site. `plan`: number dialled -> how many dial it."""

    def __init__(self, site: FaultSite, backend: Backend, plan: Mapping[str, int]) -> None:
        self.site, self.backend, self.plan = site, backend, plan
        self.people: list[Person] = []
        self.floor: Floor
        self._agents: list[Phone] = []
        self._callers: list[Phone] = []

    async def come(self) -> None:
        """Agents log in, callers get where they want to be. Raises TimeoutError when they do not."""
        site = self.site
        self._agents = [site.phone(str(FIRST_PHONE + number)) for number in range(site.shape.agents)]
        self._callers = [site.phone(account) for account in ACCOUNTS]
        for phone in self._agents:
            await phone.register(600)
        self.floor = Floor(self._agents, say=sine(660, 1.0, 3000))
        if JOINING not in self.plan:
            await self.log_in()
        for number in (TALKING, WAITING, MENU, DIGITS, LOOKING_UP, JOINING):
            await self._dial(number, self.plan.get(number, 0))
            if number == TALKING and self.plan.get(TALKING):
                await self.floor.until_talking(self.plan[TALKING], 30)
        keying = [self.key(person, BEFORE) for person in self.of(DIGITS)]
        await asyncio.gather(*keying)

    async def log_in(self) -> None:
        for number in range(self.site.shape.agents):
            await self.site.post(f"/api/agents/a{number}", {"action": "log_in"})

    def of(self, number: str) -> list[Person]:
        return [person for person in self.people if person.dialled == number]

    async def listen(self) -> None:
        """From now on silence counts."""
        for person in self.people:
            person.from_sample = len(person.call.heard)

    async def release_agents(self, count: int) -> None:
        """So many agents end their talks, one after the other."""
        talking = {call.call_id: call for call in self.floor.talking.values()}
        for call in list(talking.values())[:count]:
            await call.hang_up()
            await asyncio.sleep(0.05)

    async def key(self, person: Person, keys: str) -> None:
        """Press keys; somebody who was cut off presses nothing."""
        with contextlib.suppress(CallOver):
            await person.call.press(keys)

    def number_of(self, person: Person) -> str:
        """The eight digits that a caller of DIGITS keys: nobody else has them."""
        return f"{BEFORE}{AFTER[:4]}{self.people.index(person):02}"

    async def finish_digits(self, after: int) -> None:
        """Callers who are asked again key the complete number, others what is missing. `after`: index of the first event after a fault that
        loses servers, -1 after any other."""
        events = self.site.feed.events[after:] if after >= 0 else []
        asked_again = {event["call"] for event in events if event["type"] == "call_resumed"}
        numbers = [(person, self.number_of(person)) for person in self.of(DIGITS)]
        await asyncio.gather(*(self.key(person, number[0 if person.id in asked_again else len(BEFORE) :]) for person, number in numbers))

    async def finish_queue(self, within_s: float = 60.0) -> None:
        """Agents serve whoever waits, one after the other, until nobody is left in talk or queue."""
        async with asyncio.timeout(within_s):
            while any(person.is_up for person in (*self.of(TALKING), *self.of(WAITING), *self.of(JOINING))):
                await self.release_agents(1)
                await asyncio.sleep(0.2)

    async def leave(self) -> None:
        """Whoever is still there hangs up, and phones are put away."""
        await asyncio.gather(*(person.call.hang_up() for person in self.people), return_exceptions=True)
        await asyncio.gather(*(phone.close() for phone in (*self._agents, *self._callers)), return_exceptions=True)

    async def _dial(self, number: str, count: int) -> None:
        feed = self.site.feed
        for place in range(count):
            known = len(feed.events)
            call = await self._callers[place % len(self._callers)].call(number)
            await call.answered(20)
            event: Event = await feed.wait_for("call_arrived", within=10, after=known, dnis=number)
            self.people.append(Person(number, call, event["call"]))
            if number == WAITING:
                await feed.wait_for("contact_queued", within=10, call=event["call"])
            await asyncio.sleep(DIAL_GAP_S)
