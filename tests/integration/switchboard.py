"""A fake Asterisk machine: calls reach a server over FastAGI, and what becomes of them is told over AMI. Its agents' phones do what a
test says. Beside it, a whole server node on it and a real Redis.
"""

import asyncio
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from agi.ami.protocol import Message
from routing.domain.events.envelope import Event
from routing.store.redis import RedisStore
from server.installation import Installation
from server.node.node import Node
from server.node_settings import NodeSettings
from server.settings import pins
from server.sounds import audio, tones
from simulator.fake_ami import FakeAmi, Fields, listing, success
from simulator.fake_asterisk import FakeAsterisk, FakeCall, at_once, environment, verb
from tests.settings_house import SmallSite

WITHIN_S = 10.0
FLOW = """\
flow: main
languages: [en]
start: hello
variables: {caller_name: ""}
nodes:
  hello: {type: menu, prompt: {en: Press one.}, options: {"1": wait, "2": colleague, "3": outside, "4": bye}, failure: bye}
  wait: {type: queue, queue: billing, exit_keys: {"0": bye}, answered: thanks, otherwise: sorry}
  colleague: {type: transfer, to: "1002", otherwise: bye}
  outside: {type: transfer, to: "{caller_name}", otherwise: bye}
  thanks: {type: hangup, prompt: {en: Thank you.}}
  sorry: {type: hangup, prompt: {en: We are sorry.}}
  bye: {type: hangup}
"""


class Switchboard:
    """`phones` are the states of the agents' phones; `legs` the calls to them that are under way."""

    def __init__(self, *endpoints: str) -> None:
        self.ami = FakeAmi()
        self.phones = dict.fromkeys(endpoints, "NOT_INUSE")
        self.legs: dict[str, asyncio.Future[str]] = {}  # channel of an agent's leg -> what becomes of it
        self.calls: dict[str, FakeCall] = {}  # Uniqueid -> call
        self._numbers = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        answers = {"CoreShowChannels": self._channels, "DeviceStateList": self._devices, "Hangup": self._hang_up_leg}
        self.ami.answers = {**answers, "ControlPlayback": lambda message: success(), "Setvar": lambda message: success()}

    async def call(
        self, address: tuple[str, int], script: str = "call", variables: Mapping[str, str] | None = None, **changes: str
    ) -> FakeCall:
        """A call with these variables, or another AGI session of one (`uniqueid`), reaches the server."""
        env = environment(network_script=script, **changes)
        asterisk = FakeAsterisk(*address)
        call = await asterisk.call(env, self._script, **(variables or {}))
        if script == "call":
            self.calls[call.env["agi_uniqueid"]] = call
        return call

    def press(self, call: FakeCall, key: str) -> None:
        key_of_caller = {"Uniqueid": call.env["agi_uniqueid"], "Direction": "Received", "Digit": key}
        self.ami.push("DTMFBegin", **key_of_caller)
        self.ami.push("DTMFEnd", **key_of_caller, DurationMs="100")

    def hang_up(self, call: FakeCall) -> None:
        """The caller does."""
        uniqueid = call.env["agi_uniqueid"]
        self.ami.push("HangupRequest", Uniqueid=uniqueid, Channel=call.env["agi_channel"])
        self._over(call)
        for ended in self.legs.values():
            if not ended.done():
                ended.set_result("caller gone")
        call.hang_up()

    def does(self, endpoint: str, what: str) -> None:
        """The agent answers, declines, or hangs up."""
        (ended,) = [ended for channel, ended in self.legs.items() if channel.startswith(f"PJSIP/{endpoint}-")]
        ended.set_result(what)

    async def close(self) -> None:
        for call in self.calls.values():
            call.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.ami.stop()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _script(self, call: FakeCall, words: list[str]) -> str | None:
        if verb(words) == "EXEC DIAL":
            task = asyncio.create_task(self._dial(call, words[2]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return None
        if verb(words) == "HANGUP":
            call.finish("200 result=1")
            self._over(call)
            call.hang_up()
            return None
        return at_once(call, words)

    def _over(self, call: FakeCall) -> None:
        uniqueid = call.env["agi_uniqueid"]
        self.calls.pop(uniqueid, None)
        self.ami.push("Hangup", Uniqueid=uniqueid, Channel=call.env["agi_channel"], Cause="16")

    async def _dial(self, call: FakeCall, options: str) -> None:
        endpoint = options.split(",")[0].removeprefix("PJSIP/")
        caller, number = call.env["agi_uniqueid"], next(self._numbers)
        leg, channel = f"1700000001.{number}", f"PJSIP/{endpoint}-{number:08x}"
        status, cause = "ANSWER", "16"
        self.ami.push("DialBegin", Uniqueid=caller, Channel=call.env["agi_channel"], DestUniqueid=leg, DestChannel=channel)
        self.ami.push("DialState", Uniqueid=caller, DestUniqueid=leg, DialStatus="RINGING")
        what = await self._next(channel)
        if what == "answers":
            self.ami.push("DialEnd", Uniqueid=caller, DestUniqueid=leg, DialStatus="ANSWER")
            for uniqueid in (leg, caller):
                self.ami.push("BridgeEnter", Uniqueid=uniqueid, BridgeUniqueid=f"bridge-{number}")
            what = await self._next(channel)
            if what == "hangs up":
                self.ami.push("HangupRequest", Uniqueid=leg, Channel=channel)
            self.ami.push("BridgeLeave", Uniqueid=leg, BridgeUniqueid=f"bridge-{number}")
        else:
            status, cause = {"declines": ("NOANSWER", "21")}.get(what, ("CANCEL", "26"))
            self.ami.push("DialEnd", Uniqueid=caller, DestUniqueid=leg, DialStatus=status)
        self.ami.push("Hangup", Uniqueid=leg, Channel=channel, Cause=cause)
        if not call.hung_up:
            call.variables |= {"DIALSTATUS": status, "HANGUPCAUSE": cause}
            call.finish("200 result=0")

    async def _next(self, channel: str) -> str:
        self.legs[channel] = asyncio.get_running_loop().create_future()
        try:
            return await self.legs[channel]
        finally:
            del self.legs[channel]

    def _channels(self, message: Message) -> list[Fields]:
        rows = [
            [("Event", "CoreShowChannel"), ("Uniqueid", uniqueid), ("Channel", call.env["agi_channel"])]
            for uniqueid, call in self.calls.items()
        ]
        return listing(rows, "CoreShowChannelsComplete")

    def _devices(self, message: Message) -> list[Fields]:
        rows = [[("Event", "DeviceStateChange"), ("Device", f"PJSIP/{name}"), ("State", state)] for name, state in self.phones.items()]
        return listing(rows, "DeviceStateListComplete")

    def _hang_up_leg(self, message: Message) -> list[Fields]:
        ended = self.legs.get(message.get("Channel"))
        if ended and not ended.done():
            ended.set_result("cancelled")
        return success()


class NodeHouse:
    """A node with two agents, 1001 and 1002; `events` are all events of the log so far."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.site = SmallSite(folder)
        beep = folder / "beep.wav"
        audio.write_wav(beep, tones.beep())
        speech = f'speech: {{en: \'sh -c "cp \\"$0\\" \\"$1\\"" {beep} {{out}} {{text}}\'}}\n'
        pauses = 'pause_reasons: {"1": lunch}\n'
        self.site.write("config/hotline.yaml", f'site: small\nlanguages: [en]\ntransfer: {{allow: ["100X"]}}\n{pauses}{speech}')
        self.site.write("config/queues.yaml", "queues:\n  billing: {wrap_up: 0, announce_position: {first: 0, every: 0}}\n")
        self.site.change("config/agents.yaml", "queues: [billing, sales], wrap_up: 20s", "queues: [billing]")
        self.site.change("config/agents.yaml", 'phone: "1001"', f'phone: "1001", pin: "{pins.hashed("4711")}"')
        self.site.write("dialplans/main.yaml", FLOW)
        self.board = Switchboard("1001", "1002")
        self.store = RedisStore(redis_url)
        self.events: list[Event] = []
        self._redis_url = redis_url
        self._folder = folder
        self._after = "0"
        self.node: Node

    async def start(self) -> None:
        await self.board.ami.start()
        settings = NodeSettings(
            Installation(self._folder / "state"),
            self._redis_url,
            ("127.0.0.1", self.board.ami.port),
            ("hotline", "s3cret"),
            ("127.0.0.1", 0),
            ("127.0.0.1", 0),
            {},
        )
        self.node = Node(self.site.load(), settings)
        await self.node.start()
        await self.node.telephony.ami.wait_connected(WITHIN_S)

    async def stop(self) -> None:
        await self.board.close()
        self.node.serving.stopping.set()
        await self.node.stop()
        await self.store.close()

    async def call(self, script: str = "call", variables: Mapping[str, str] | None = None, **changes: str) -> FakeCall:
        return await self.board.call(self.node.telephony.agi.address, script, variables, **changes)

    async def work_begins(self, *agents: str) -> None:
        for agent in agents:
            assert (await self.node.routing.client.ask(agent, "log_in")).error == ""
        await self.until("phone_state_changed", agent=agents[-1])

    async def until(self, type: str, **facts: str) -> Event:
        """The first event of that type, and with these fields; waited for."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                for event in self.events:
                    if event.type == type and all(getattr(event, name) == value for name, value in facts.items()):
                        return event
                for position, event in await self.store.events(self._after, block_ms=1_000):
                    self._after = position
                    self.events.append(event)

    def told(self, call: FakeCall) -> list[str]:
        """The types of a call's events, in order."""
        return [event.type for event in self.events if event.call == f"call-{call.env['agi_uniqueid']}"]


def verbs(call: FakeCall) -> list[str]:
    """What the server had Asterisk do, in order."""
    return [verb(words) for words in call.commands]


def done(call: FakeCall) -> bool:
    """Whether the dialplan was told that this call needs no other server."""
    return call.variables.get("HOTLINE_DONE") == "1"
