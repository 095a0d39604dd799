"""What the end-to-end tests use: a site in a state folder of its own, callers and agents at SIP phones, and the books that must balance."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from ivr.loading.static_speech import static_speech
from server.agents.agent_phones import spoken_to_agents
from server.install.programs import speech_program
from server.installation import Installation
from server.settings import load_site
from simulator import backend
from simulator.books import loose_ends
from simulator.feed import Event, EventFeed
from simulator.phone import Call, Phone, Policy, Sound, answer_after, classify, dead, sine
from simulator.site import RunningSite
from tests.free_ports import free_port

TEMPLATE = Path(__file__).resolve().parent / "site"
CALLER_HZ, AGENT_HZ = 440.0, 880.0


class OwnSite(RunningSite):
    """The test site with a backend of its own. `keep` leaves the state folder behind for a look at it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hl-e2e-"))
        self.keep = False
        self.backend_port, self._silent_port = free_port(), free_port()
        self._backend: web.AppRunner | None = None
        copy_site(self.folder, BACKEND_PORT=self.backend_port, SILENT_PORT=self._silent_port)
        super().__init__(self.folder / "state", self.folder / "config", self.folder / "dialplans")

    async def start(self, within: float = 60.0) -> None:
        self._backend = self._backend or await backend.serve(self.backend_port)
        self.feed = EventFeed(self.state, self.folder / "config", self.folder / "dialplans")
        await super().start(within)

    async def stop(self) -> int:
        code = await super().stop()
        if self._backend:
            await self._backend.cleanup()
            self._backend = None
        return code

    def clean(self) -> None:
        if self.keep:
            print(f"kept for a look: {self.folder} (logs in state/log)")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def copy_site(folder: Path, **words: object) -> None:
    """Copy config/ and dialplans/ of the test site to `folder`, with each of `words` replaced by its value."""
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
    for flow in (folder / "dialplans").glob("*.yaml"):
        text = flow.read_text()
        for word, value in words.items():
            text = text.replace(word, str(value))
        flow.write_text(text)


async def render_prompts(site: OwnSite) -> None:
    """Returns when every prompt is in the cache: on a fresh machine the first callers would hear them late."""
    settings = load_site(site.folder / "config", site.folder / "dialplans")
    installation = Installation(site.state, speech_program=await asyncio.to_thread(speech_program, lambda line: None))
    library = installation.sounds(settings)
    assert await library.prepare([*spoken_to_agents(settings), *static_speech(settings.flows)]) == []
    await library.close()


@asynccontextmanager
async def open_site(failed: Callable[[], bool], prepare: Callable[[OwnSite], None] = lambda site: None) -> AsyncIterator[OwnSite]:
    """A site for several tests, changed by `prepare` before its start, with every prompt rendered; kept for a look when one `failed`."""
    site = OwnSite()
    prepare(site)
    try:
        await site.start()
        await render_prompts(site)
        yield site
    finally:
        await site.stop()
        site.keep = failed()
        site.clean()


@dataclass(frozen=True, slots=True)
class Guest:
    """A caller in a call: `call` is their side of it, `id` the server's name for it."""

    feed: EventFeed
    phone: Phone
    call: Call
    id: str

    async def event(self, type: str, within: float = 6, **fields: Any) -> Event:
        """The first event of this call like that, past or coming."""
        return await self.feed.wait_for(type, within=within, call=self.id, **fields)

    async def at_node(self, node: str, within: float = 8) -> None:
        await self.event("node_entered", within, node=node)

    async def over(self, within: float = 10) -> Event:
        """Wait for the call's end; its `call_ended`."""
        await self.call.ended(within)
        return await self.event("call_ended")

    async def listen(self, seconds: float) -> Sound:
        """What the next seconds sound like."""
        start = len(self.call.heard)
        await self.call.pause(seconds)
        return classify(self.call.heard.samples(start))

    def told(self, type: str) -> list[Event]:
        """The events of that type so far."""
        return [event for event in self.feed.events if event["type"] == type and event.get("call") == self.id]


class House:
    """One test's visit to a site: `async with`, at the end of which everybody goes home and the books are closed."""

    def __init__(self, site: RunningSite) -> None:
        self.site = site
        self.feed = site.feed
        self._first = len(site.feed.events)
        self.unplugged: set[str] = set()  # agents whose phones have lost power: Asterisk finds out later
        self._phones: list[Phone] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        await self.send_home()
        if kind is None:
            await self.tidy()

    async def phone(self, account: str, *, name: str = "", policy: Policy | None = None) -> Phone:
        """A registered phone."""
        phone = self.site.phone(account, name=name)
        if policy:
            phone.on_invite = policy
        self._phones.append(phone)
        await phone.register()
        return phone

    async def agent(self, id: str, policy: Policy | None = None, *, log_in: bool = True) -> Phone:
        """An agent at a phone that can ring, logged in; without a policy they answer at once and hum."""
        profile = await self.site.get(f"/api/agents/{id}")
        policy = policy or answer_after(0.1, say=sine(AGENT_HZ, 1.0))
        mark = len(self.feed.events)
        phone = await self.phone(profile["phone"], policy=None if policy is dead else policy)  # it may be rung at once
        free = {"agent": id, "phone_state": "available"}
        await self.until(
            lambda: self.latest("phone_state", id) == "available" or self.feed.find("phone_state_changed", mark, **free) is not None,
            5,
            f"the phone of {id} is available",
        )
        phone.on_invite = policy
        if log_in:
            await self.ask(id, "log_in")
        return phone

    async def ask(self, agent: str, action: str, reason: str = "") -> str:
        """A state change over HTTP; the state then."""
        body = {"action": action} | ({"reason": reason} if reason else {})
        return str((await self.site.post(f"/api/agents/{agent}", body))["state"])

    async def dial(self, number: str, account: str = "caller", *, name: str = "") -> Guest:
        """Call a number of the site; returns when the hotline has answered."""
        phone = await self.phone(account, name=name)
        mark = len(self.feed.events)
        call = await phone.call(number)
        arrived = await self.feed.wait_for("call_arrived", within=6, after=mark)
        await call.answered(6)
        return Guest(self.feed, phone, call, arrived["call"])

    def latest(self, field: str, agent: str) -> str:
        """What the log last said about an agent's `state`, its `reason`, or `phone_state`."""
        said = (event["data"][field] for event in reversed(self.feed.events) if event.get("agent") == agent and field in event["data"])
        return str(next(said, ""))

    async def now(self, agent: str) -> str:
        """The state that an agent is in, being reserved included."""
        return str((await self.site.get(f"/api/agents/{agent}"))["state"])

    async def state(self, agent: str, state: str, within: float = 5) -> None:
        """Wait for an agent to be in that state, as the log tells it: it has no word for being reserved, nor for being that no more."""
        await self.until(lambda: self.latest("state", agent) == state, within, f"{agent} is {state}")

    async def until(self, true: Callable[[], bool], within: float, what: str) -> None:
        """Wait for something that events make true."""
        news = asyncio.Event()
        listener = lambda event: news.set()  # noqa: E731
        self.feed.listeners.append(listener)
        try:
            async with asyncio.timeout(within):
                while not true():
                    news.clear()
                    await news.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {within:g} s: {what}; {self.tail()}") from None
        finally:
            self.feed.listeners.remove(listener)

    def tail(self, count: int = 15) -> str:
        return "the last events: " + ", ".join(_brief(event) for event in self.feed.events[-count:])

    async def send_home(self) -> None:
        """Everybody hangs up and goes."""
        await asyncio.gather(*(phone.close() for phone in self._phones))

    async def tidy(self) -> None:
        """When everybody has gone every call, contact and offer must have come to exactly one end; agents are logged out for the next."""
        await self.until(lambda: not loose_ends(self._mine(), still=True), 10, "every call is over")
        agents = (await self.site.get("/api/agents"))["agents"]
        for agent in agents:
            if agent["state"] != "logged_out":
                await self.ask(agent["id"], "log_out")
        for agent in agents:
            if self.latest("phone_state", agent["id"]) and agent["id"] not in self.unplugged:
                await self.until(lambda id=agent["id"]: self.latest("phone_state", id) == "unavailable", 5, f"{agent['id']} is gone")  # type: ignore[misc]
            if self.latest("state", agent["id"]):
                await self.state(agent["id"], "logged_out")
        assert loose_ends(self._mine()) == []

    def _mine(self) -> list[Event]:
        return self.feed.events[self._first :]


def likeness(one: list[float], other: list[float], most_shift: int = 25) -> float:
    """How alike two courses of loudness are, 1 for the same, at the best shift of so many frames."""
    best = -1.0
    for shift in range(-most_shift, most_shift + 1):
        pairs = [(one[at], other[at + shift]) for at in range(len(one)) if 0 <= at + shift < len(other)]
        if len(pairs) > 20:
            best = max(best, _correlation(pairs))
    return best


def _correlation(pairs: list[tuple[float, float]]) -> float:
    means = [sum(side) / len(pairs) for side in zip(*pairs, strict=True)]
    covariance = sum((a - means[0]) * (b - means[1]) for a, b in pairs)
    spread = sum((a - means[0]) ** 2 for a, _ in pairs) * sum((b - means[1]) ** 2 for _, b in pairs)
    return covariance / spread**0.5 if spread else 0.0


def _brief(event: Event) -> str:
    about = event.get("node") or event.get("agent") or re.sub(r".*-", "", event.get("call", ""))
    return f"{event['type']}({about})"
