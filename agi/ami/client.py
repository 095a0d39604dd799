"""The AMI client: keeps a connection, comes back with back-off when it is lost, spreads events, and offers the actions that we use.

Nothing is replayed after a reconnect: an action that was under way fails with AmiLinkLost and its sender decides.
What is known about calls and phones is stale after each reconnect: the owner takes a snapshot in an `on_connect` hook.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from agi.ami.errors import AmiBadField, AmiError, AmiNotConnected, AmiRefused, AmiTimeout
from agi.ami.link import Link, open_link
from agi.ami.protocol import Message

log = structlog.get_logger("agi")

Callback = Callable[[Message], None]
Value = str | Sequence[str]

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
ANSWERED_ELSEWHERE = 26  # Q.850: no missed call on the phone


class AmiClient:
    """`connected`: whether actions can be sent; `epoch` counts connections; `failure` says in words why there is none."""

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        secret: str,
        *,
        rng: random.Random,
        timeout_s: float = 5.0,
        ping_every_s: float = 5.0,
    ) -> None:
        self._address = (host, port)
        self._login = (username, secret)
        self._rng = rng
        self._timeout_s = timeout_s
        self._ping_every_s = ping_every_s
        self._link: Link | None = None
        self._callbacks: dict[str, list[Callback]] = {}
        self._on_connect: list[Callable[[], Awaitable[None]]] = []
        self._on_lost: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.epoch = 0
        self.failure = "not started"

    @property
    def connected(self) -> bool:
        return self._link is not None and not self._link.closed.done()

    def start(self) -> None:
        """Connect and stay connected until `stop`; returns at once."""
        if self._task is None:
            self._task = asyncio.create_task(self.run(), name="ami")

    async def stop(self) -> None:
        """Close the connection; returns when everything has ended."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def log_in_again(self) -> None:
        """Give the connection up and make a new one: rights of the user in manager.conf apply from the login on."""
        if self._link is not None:
            self._link.close("to log in again")

    async def wait_connected(self, timeout_s: float) -> None:
        """Returns once connected. Raises AmiNotConnected with the reason after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self.connected:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AmiNotConnected(self.failure) from None

    def on_connect(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Run `hook` after each login, beside the events that already arrive; cancelled when the connection is lost meanwhile.

        One that raises AmiError ends the connection, to be made anew."""
        self._on_connect.append(hook)

    def on_lost(self, hook: Callable[[], None]) -> None:
        """Call `hook` each time the connection is lost."""
        self._on_lost.append(hook)

    def subscribe(self, name: str, callback: Callback) -> Callable[[], None]:
        """Call `callback` with each event of that name, in order, on the loop; calling the result ends it."""
        callbacks = self._callbacks.setdefault(name, [])
        callbacks.append(callback)

        def cancel() -> None:
            if callback in callbacks:
                callbacks.remove(callback)

        return cancel

    async def action(self, name: str, /, **headers: Value) -> Message:
        """Asterisk's answer; a list gives a header several times. Raises AmiNotConnected at once when there is no connection,
        else AmiRefused, AmiTimeout, AmiLinkLost, AmiBadField."""
        return await self._need_link(name).action(name, _fields(headers), self._timeout_s)

    async def list_action(self, name: str, /, **headers: Value) -> list[Message]:
        """The rows of an action that answers with a list. Raises as `action` does."""
        return await self._need_link(name).list_action(name, _fields(headers), self._timeout_s)

    async def hangup(self, channel: str, cause: int = ANSWERED_ELSEWHERE) -> bool:
        """End that channel; False when it was gone already."""
        return await self._unless_gone("Hangup", Channel=_one_channel(channel), Cause=str(cause))

    async def stop_playback(self, channel: str) -> bool:
        """Stop the file that is being played to that channel; harmless when there is none; False when the channel is gone."""
        return await self._unless_gone("ControlPlayback", Channel=_one_channel(channel), Control="stop")

    async def redirect(self, channel: str, context: str, extension: str, priority: str = "1") -> bool:
        """Send the channel to another place of the dialplan (`priority` may be a label); False when it was gone already."""
        return await self._unless_gone("Redirect", Channel=_one_channel(channel), Context=context, Exten=extension, Priority=priority)

    async def set_global(self, name: str, value: str) -> None:
        """Set a global variable of Asterisk."""
        await self.action("Setvar", Variable=name, Value=value)

    async def set_variable(self, channel: str, name: str, value: str) -> bool:
        """Set a variable of a channel; False when it was gone already."""
        return await self._unless_gone("Setvar", Channel=_one_channel(channel), Variable=name, Value=value)

    async def get_variable(self, channel: str, name: str) -> str:
        """A variable of a channel, "" when it is not set or the channel is gone."""
        try:
            return (await self.action("Getvar", Channel=_one_channel(channel), Variable=name)).get("Value")
        except AmiRefused:
            return ""

    async def get_global(self, name: str) -> str:
        """A global variable of Asterisk, "" when it is not set."""
        return (await self.action("Getvar", Variable=name)).get("Value")

    async def originate(
        self,
        channel: str,
        context: str,
        extension: str,
        *,
        caller_id: str = "",
        timeout_ms: int = 30_000,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Ask Asterisk to call `channel` and put it into the dialplan; returns when the request was taken, not when answered."""
        headers: dict[str, Value] = {"Channel": channel, "Context": context, "Exten": extension, "Priority": "1"}
        headers |= {"Async": "true", "Timeout": str(timeout_ms), "Variable": [f"{key}={value}" for key, value in (variables or {}).items()]}
        if caller_id:
            headers["CallerID"] = caller_id
        await self.action("Originate", **headers)

    async def core_show_channels(self) -> list[Message]:
        """One row per live channel: Channel, Uniqueid, Linkedid, ChannelStateDesc ..."""
        return await self.list_action("CoreShowChannels")

    async def device_states(self) -> list[Message]:
        """One row per device that Asterisk knows: Device, State."""
        return await self.list_action("DeviceStateList")

    async def bridges(self) -> list[Message]:
        """One row per bridge: BridgeUniqueid, BridgeNumChannels ..."""
        return await self.list_action("BridgeList")

    def _need_link(self, name: str) -> Link:
        if self._link is None:
            raise AmiNotConnected(f"the AMI action {name} was not sent: {self.failure}")
        return self._link

    async def _unless_gone(self, name: str, **headers: Value) -> bool:
        try:
            await self.action(name, **headers)
        except AmiRefused as refusal:
            if "no such channel" in refusal.reason.lower() or "does not exist" in refusal.reason.lower():
                return False
            raise
        return True

    async def run(self) -> None:
        """Connect and stay connected until cancelled; `start` and `stop` are the same for whoever keeps no task."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                link = await open_link(*self._address, self._login, self._spread, self._timeout_s)
            except AmiError as problem:
                if str(problem) != self.failure:  # said once, not at every try
                    log.warning("ami_not_connected", reason=str(problem))
                self.failure = str(problem)
            else:
                if await self._stay(link) > LONGEST_PAUSE_S:  # one that dies at once must not be tried ten times a second
                    pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s * self._rng.uniform(0.5, 1.0))
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _stay(self, link: Link) -> float:
        """Serve this connection until it is lost; gives the seconds that it lived."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        self._link = link
        self.epoch += 1
        self._changed.set()
        log.info("ami_connected", epoch=self.epoch)
        beside = [asyncio.create_task(self._ping(link)), *(asyncio.create_task(self._run_hook(hook, link)) for hook in self._on_connect)]
        try:
            self.failure = await asyncio.shield(link.closed)
            log.warning("ami_lost", reason=self.failure)
        finally:
            self._link = None
            link.close("the client was stopped")
            for task in beside:
                task.cancel()
            self._report_lost()
            await asyncio.gather(*beside, return_exceptions=True)
        return loop.time() - since

    async def _ping(self, link: Link) -> None:
        """A link whose other end has silently died takes our bytes for many minutes: only an answer proves that it lives."""
        while True:
            await asyncio.sleep(self._ping_every_s)
            try:
                await link.action("Ping", (), self._timeout_s)
            except AmiTimeout:
                link.close(f"Asterisk did not answer a ping within {self._timeout_s:g} s")
            except AmiRefused:
                continue  # an answer all the same
            except AmiNotConnected:
                return

    async def _run_hook(self, hook: Callable[[], Awaitable[None]], link: Link) -> None:
        """A hook that Asterisk does not answer leaves us with stale knowledge of calls and phones: connecting again runs it again."""
        try:
            await hook()
        except AmiNotConnected as problem:
            log.warning("ami_connect_hook_cut_short", reason=str(problem))
        except AmiError as problem:
            link.close(f"what is under way could not be learnt: {problem}")
        except Exception:
            log.exception("ami_connect_hook_failed")

    def _report_lost(self) -> None:
        for hook in self._on_lost:
            try:
                hook()
            except Exception:
                log.exception("ami_lost_hook_failed")

    def _spread(self, message: Message) -> None:
        for callback in tuple(self._callbacks.get(message["Event"], ())):
            try:
                callback(message)
            except Exception:
                log.exception("ami_receiver_failed", event_name=message["Event"])


def _fields(headers: Mapping[str, Value]) -> list[tuple[str, str]]:
    return [(key, one) for key, value in headers.items() for one in ((value,) if isinstance(value, str) else value)]


def _one_channel(channel: str) -> str:
    """Asterisk reads `/.../` as a pattern over all channels; a name never looks like that."""
    if not channel or channel.startswith("/"):
        raise AmiBadField(f"{channel!r} is no channel name; expected one like 'PJSIP/1001-00000007'")
    return channel
