"""The one call of the demo: a caller serves herself, asks for a billing agent in English, waits, and talks to the right one.

Everything is checked by ear: speech in the menu, music while waiting, and each side's tone at the other end.
"""

import asyncio
from dataclasses import dataclass

from simulator.demo.timeline import Timeline
from simulator.phone import Call, IncomingCall, Phone, Sound, classify, sine
from simulator.site import RunningSite

CALLER_TONE, AGENT_TONE = 440.0, 880.0
ACCOUNT = "20260315"
RIGHT_AGENT, RIGHT_PHONE = "smith", "1008"
TALK_S = 2.5


class StoryFailed(Exception):
    """Something did not happen as it must; the message says what."""


@dataclass(frozen=True, slots=True)
class Talk:
    """The two ends of the conversation."""

    caller: Call
    agent: IncomingCall


class Story:
    """`play` places the call and returns when it is over; StoryFailed says what went wrong."""

    def __init__(self, site: RunningSite, agent: Phone, timeline: Timeline) -> None:
        self._site = site
        self._agent = agent
        self._timeline = timeline
        self._call_id = ""

    async def play(self) -> None:
        feed = self._site.feed
        feed.listeners.append(self._timeline.follow(lambda: self._call_id))
        await self._dial_code("*42", f"{RIGHT_AGENT} takes a break")
        async with self._site.phone("caller", name="Emma Green") as phone:
            await phone.register()
            self._timeline.begin()
            self._timeline.say("caller", "dials 4000")
            first = len(feed.events)
            call = await phone.call("4000")
            arrived = await feed.wait_for("call_arrived", within=10, after=first)
            self._call_id = arrived["call"]
            await call.answered(10)
            try:
                await self._serve_herself(call)
                await self._wait(call)
                await self._talk(call)
            except TimeoutError as late:
                raise StoryFailed(str(late) or "something took too long") from late

    async def _serve_herself(self, call: Call) -> None:
        await self._node("language")
        await self._listen(call, 2.0, Sound.SPEECH, "the welcome")
        await self._press(call, "2", "for English")
        await self._node("main_menu")
        await self._listen(call, 2.0, Sound.SPEECH, "the menu")
        await self._press(call, "1", "for the balance, while the menu is still being read")
        await self._node("account")
        await asyncio.sleep(1.5)
        await self._press(call, f"{ACCOUNT}#", "her account number")
        await asyncio.sleep(3.0)
        await self._press(call, "1", "to confirm it")
        await self._node("balance_answer")
        await self._listen(call, 2.5, Sound.SPEECH, "her balance")
        await self._node("what_next", within=20)
        await asyncio.sleep(1.5)
        await self._press(call, "2", "to speak to a billing agent")

    async def _wait(self, call: Call) -> None:
        feed = self._site.feed
        await feed.wait_for("contact_queued", within=5, call=self._call_id)
        await self._listen(call, 4.0, Sound.MUSIC, "music while waiting")
        queue = await self._site.get("/api/queues/billing", "viewer")
        waiting = queue["contacts"][0]
        self._timeline.say("hotline", f"GET /api/queues/billing: {queue['waiting']} waiting, position {waiting['position']}")
        await asyncio.sleep(4.2)  # the first announcement comes 8 s after joining
        await self._listen(call, 1.6, Sound.SPEECH, "her position announced")
        self._timeline.say("agent", f"{RIGHT_AGENT} is back (POST /api/agents/{RIGHT_AGENT}), in the middle of the announcement")
        await self._site.post(f"/api/agents/{RIGHT_AGENT}", {"action": "resume"})

    async def _dial_code(self, code: str, why: str) -> None:
        """A feature code, keyed on the agent's phone."""
        self._timeline.say("agent", f"{why}: dials {code}")
        call = await self._agent.call(code)
        await call.answered(5)
        await call.ended(10)

    async def _talk(self, call: Call) -> None:
        feed = self._site.feed
        offered = await feed.wait_for("offer_made", within=10, call=self._call_id)
        if offered["agent"] != RIGHT_AGENT:
            raise StoryFailed(f"offered to {offered['agent']}; only {RIGHT_AGENT} has English and billing")
        await feed.wait_for("contact_connected", within=20, call=self._call_id)
        answered = self._agent.calls[0]
        call.play(sine(CALLER_TONE, 1.0), repeat=True)
        answered.play(sine(AGENT_TONE, 1.0), repeat=True)
        await call.hears(AGENT_TONE, 5)
        self._timeline.say("caller", f"hears the agent ({AGENT_TONE:.0f} Hz)")
        await answered.hears(CALLER_TONE, 5)
        self._timeline.say("agent", f"hears the caller ({CALLER_TONE:.0f} Hz)")
        await asyncio.sleep(TALK_S)
        self._timeline.say("agent", "hangs up")
        await answered.hang_up()
        await call.ended(10)
        await feed.wait_for("contact_ended", within=5, call=self._call_id)
        await feed.wait_for("call_ended", within=5, call=self._call_id)

    # -- small steps -----------------------------------------------------------------------------------------------------

    async def _node(self, name: str, within: float = 15) -> None:
        await self._site.feed.wait_for("node_entered", within=within, call=self._call_id, node=name)

    async def _press(self, call: Call, keys: str, why: str) -> None:
        self._timeline.say("caller", f"presses {keys} {why}")
        await call.press(keys)

    async def _listen(self, call: Call, seconds: float, expected: Sound, what: str) -> None:
        start = len(call.heard)
        await asyncio.sleep(seconds)
        heard = classify(call.heard.samples(start))
        if heard is Sound.SILENCE or (Sound.MUSIC in (heard, expected) and heard is not expected):
            raise StoryFailed(f"the caller should hear {what} and hears {heard}")
        self._timeline.say("caller", f"hears {what}")
