"""The people of the demo: agents at their SIP phones, and callers who keep light traffic flowing."""

import asyncio
import contextlib
import random

from simulator.phone import CallOver, CallRefused, IncomingCall, Phone, RegistrationFailed, sine
from simulator.site import RunningSite

# Ways through the menu of dialplans/main.yaml, as (seconds to listen, keys) each.
WAYS = (
    ((2.0, "1"), (2.0, "3")),
    ((2.0, "1"), (2.0, "4"), (2.0, "1")),
    ((2.0, "1"), (2.0, "6")),
    ((2.0, "1"), (1.5, "0")),
    ((2.0, "2"), (2.0, "4"), (2.0, "2")),
    ((2.0, "2"), (2.0, "0")),
    ((2.0, "1"), (2.0, "2"), (2.0, "100002#"), (8.0, "9")),
)
AT_ONCE = 3
PAUSE_S = (4.0, 12.0)
PATIENCE_S = 45.0


class Agents:
    """Every agent of the site at a phone of their own, logged in. `phones` maps the phone's account to it."""

    def __init__(self, site: RunningSite, chance: random.Random) -> None:
        self._site = site
        self._chance = chance
        self.phones: dict[str, Phone] = {}

    async def come(self) -> int:
        """Register and log in; returns how many there are."""
        agents = (await self._site.get("/api/agents"))["agents"]
        for agent in agents:
            phone = self.phones[agent["phone"]] = self._site.phone(agent["phone"], name=agent["id"])
            phone.on_invite = self._answer
            await phone.register()
        for agent in agents:
            await self._site.post(f"/api/agents/{agent['id']}", {"action": "log_in"})
        return len(agents)

    async def leave(self) -> None:
        await asyncio.gather(*(phone.close() for phone in self.phones.values()), return_exceptions=True)

    async def _answer(self, call: IncomingCall) -> None:
        """Ring for a moment, answer and talk; the caller mostly hangs up, else the agent does."""
        call.ring()
        await call.pause(self._chance.uniform(0.5, 2.0))
        call.play(sine(660, 1.0, 3000), repeat=True)
        call.answer()
        await call.pause(90)
        await call.hang_up()


class Traffic:
    """Callers, a few at a time, until cancelled. `placed` and `failed` count them."""

    def __init__(self, site: RunningSite, chance: random.Random) -> None:
        self._site = site
        self._chance = chance
        self.placed = 0
        self.failed = 0

    async def flow(self) -> None:
        """Call after call on the trial accounts."""
        async with asyncio.TaskGroup() as group:
            for number in range(AT_ONCE - 1):
                group.create_task(self._caller(f"caller{number + 2}"))

    async def _caller(self, account: str) -> None:
        async with self._site.phone(account) as phone:
            await phone.register()
            while True:
                await asyncio.sleep(self._chance.uniform(*PAUSE_S))
                self.placed += 1
                try:
                    await self._call(phone)
                except (CallOver, CallRefused, RegistrationFailed, TimeoutError):
                    self.failed += 1

    async def _call(self, phone: Phone) -> None:
        call = await phone.call("4000")
        await call.answered(10)
        with contextlib.suppress(CallOver):
            for seconds, keys in self._chance.choice(WAYS):
                await call.pause(seconds)
                await call.press(keys)
            await call.pause(self._chance.uniform(10, PATIENCE_S))
            await call.hang_up()
