"""What an AGI session does, by its name: `call` serves a caller, `agent` takes a feature code, `transfer` passes a caller on.

A session that has reached its end says so on the channel (HOTLINE_DONE); one that ends without saying it is taken up by the next server.
"""

import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError
from agi.channel import Channel
from agi.errors import ChannelHungUp
from agi.live_calls import LiveCalls, Watch
from agi.phone import AsteriskPhone, DialOutcome
from agi.ringing import Ringer
from ivr.call import CallContext
from ivr.interpreter import Interpreter
from ivr.numbers import normalise
from ivr.ports import Lookup, QueueRequest, QueueResult
from routing.desk import Desk, Joining
from routing.ports import Clock
from server.calls import Calls, FollowedEvents, LiveCall
from server.event_log import EventLog
from server.feature_codes import FeatureCodes
from server.line import CallerLine
from server.settings import Site
from server.sounds.library import SoundLibrary

log = structlog.get_logger(__name__)
DONE = "HOTLINE_DONE"
LAST_EVENT_MS = 500  # AMI's events come a little later than the end of the AGI session
_SAFE_NAME = re.compile(r"[^\w .,()'-]")
_ENDPOINT = re.compile(r"PJSIP/([A-Za-z0-9_-]{1,40})-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Facilities:
    """What every session of this server uses. `site` is read when a call arrives: running calls keep the flows they started with."""

    site: Callable[[], Site]
    ami: AmiClient
    live_calls: LiveCalls
    ringer: Ringer
    desk: Desk
    sounds: SoundLibrary
    lookup: Lookup
    events: EventLog
    clock: Clock
    calls: Calls
    server: str


class CallerGone(ChannelHungUp):
    """The caller left while waiting."""


class HotlinePhone(AsteriskPhone):
    """An Asterisk phone whose end is the end of the call for the dialplan, too."""

    def __init__(self, channel: Channel, **rest: Any) -> None:
        super().__init__(channel, **rest)
        self._line = channel

    async def hang_up(self) -> None:
        await mark_done(self._line)
        await super().hang_up()


async def mark_done(channel: Channel) -> None:
    """Tell the dialplan that this call needs no other server."""
    with contextlib.suppress(ChannelHungUp):
        await channel.set_variable(DONE, "1")


class Sessions:
    """Fits `FastAgiServer`'s handler."""

    def __init__(self, facilities: Facilities) -> None:
        self._all = facilities
        self._kinds: dict[str, Callable[[Channel], Awaitable[None]]] = {
            "call": self._serve_call,
            "transfer": self._serve_transfer,
            "agent": self._serve_agent,
        }

    async def __call__(self, channel: Channel) -> None:
        kind = channel.env.get("agi_network_script", "")
        serve = self._kinds.get(kind)
        if serve is None:
            log.warning("agi_session_unknown", script=kind[:40], known=sorted(self._kinds))
            return
        with structlog.contextvars.bound_contextvars(call=call_id(channel)):
            await serve(channel)

    async def _serve_call(self, channel: Channel) -> None:
        site = self._all.site()
        dnis = channel.env.get("agi_extension", "")
        flow = site.flow_for(dnis)
        if not flow:
            log.warning("number_unknown", dnis=dnis)
            await mark_done(channel)
            return
        call = self._live_call(channel, site, dnis)
        watch = self._all.live_calls.watch(channel.unique_id, channel.env.get("agi_channel", ""))
        events = FollowedEvents(call, self._all.events.of_call(call.id))
        let_go = self._all.calls.add(call)
        events.emit("call_arrived", ani=call.ani, dnis=dnis, server=self._all.server, channel=watch.channel)
        caller, ended_by = _Caller(self._all, site, call, channel, watch), "system"
        try:
            await caller.follow(flow, events)
            ended_by = "caller" if watch.caller_hung_up else "system"
        except ChannelHungUp:
            ended_by = "transfer" if caller.passed_on else await _who_hung_up(watch)
            raise
        finally:
            let_go()
            lasted_ms = self._all.clock.now_ms() - call.started_at_ms
            events.emit("call_ended", ended_by=ended_by, lasted_ms=lasted_ms, node=call.node, flow=call.flow, stage=call.stage)
            self._all.live_calls.forget(watch.uniqueid)

    def _live_call(self, channel: Channel, site: Site, dnis: str) -> LiveCall:
        caller = normalise(channel.env.get("agi_callerid", ""), site.main.country)
        name = _SAFE_NAME.sub("", channel.env.get("agi_calleridname", ""))[:60]
        variables = {} if name in ("", "unknown") else {"caller_name": name}
        id = call_id(channel)
        context = CallContext(id, caller.text, dnis, site.main.languages[0], variables)
        return LiveCall(id, caller, dnis, self._all.clock.now_ms(), context)

    async def _serve_transfer(self, channel: Channel) -> None:
        """An agent passed the caller on: to a number of ours, a phone of ours or an allowed number."""
        target = channel.env.get("agi_extension", "")
        site = self._all.site()
        if target in site.numbers:
            await self._serve_call(channel)
            return
        watch = self._all.live_calls.watch(channel.unique_id, channel.env.get("agi_channel", ""))
        outcome = await dial(self._all.ringer, site, channel, target, 60_000)
        self._all.events.tell("call_transferred", call=call_id(channel), target=target, outcome=outcome)
        self._all.live_calls.forget(watch.uniqueid)
        await mark_done(channel)

    async def _serve_agent(self, channel: Channel) -> None:
        found = _ENDPOINT.fullmatch(channel.env.get("agi_channel", ""))
        words = channel.env.get("agi_arg_1", "").split()
        codes = FeatureCodes(self._all.site(), self._all.desk, self._all.sounds)
        await mark_done(channel)
        await codes.serve(channel, found.group(1) if found else "", words)


class _Caller:
    """One caller going through a flow. Fits `ivr.ports.QueueDesk`."""

    def __init__(self, facilities: Facilities, site: Site, call: LiveCall, channel: Channel, watch: Watch) -> None:
        self._all = facilities
        self._site = site
        self._call = call
        self._channel = channel
        self._watch = watch
        self.passed_on = False  # the agent transferred the caller: this session ends and the call goes on
        self._phone = HotlinePhone(
            channel, sounds=facilities.sounds, keys=watch.keys, dial=self._dial, stop_playback=self._stop_playback, music_class="default"
        )

    async def follow(self, flow: str, events: FollowedEvents) -> None:
        """Answer, and walk the flow to its end."""
        site, context = self._site, self._call.context
        interpreter = Interpreter(
            site.flows,
            self._phone,
            self,
            self._all.lookup,
            events,
            self._all.clock,
            hours=site.hours,
            time_zone=site.main.time_zone,
            gone=(ChannelHungUp,),
        )
        await self._phone.answer()
        await interpreter.run(context, flow)

    async def wait(self, request: QueueRequest) -> QueueResult:
        """Wait for an agent, and talk to them."""
        call = self._call
        call.stage, call.queue = "waiting", request.queue
        line = CallerLine(call, self._channel, self._phone, self._watch, self._all.ringer, self._stop_playback)
        joining = Joining(
            call.id,
            request.queue,
            list(request.steps),
            request.priority,
            request.exit_keys,
            call.caller.text,
            call.context.language,
            dict(request.data),
        )
        try:
            waited = await self._all.desk.wait(joining, line)
        finally:
            call.stage, call.queue, call.agent = "in_flow", "", ""
        self.passed_on = waited.result is not None and waited.result.ended_by == "transfer"
        if waited.outcome == "abandoned":
            raise CallerGone("the caller left the queue")
        self._phone.forget_keys()
        return QueueResult(waited.outcome, key=waited.key, agent=waited.agent)

    async def _stop_playback(self) -> None:
        with contextlib.suppress(AmiError):
            await self._all.ami.stop_playback(self._watch.channel)

    async def _dial(self, target: str, timeout_ms: int) -> DialOutcome:
        self._call.stage = "transferred"
        return await dial(self._all.ringer, self._site, self._channel, target, timeout_ms)


async def dial(ringer: Ringer, site: Site, channel: Channel, target: str, timeout_ms: int) -> DialOutcome:
    """Connect the caller to a number that config/ allows: one of our phones, or a number outside by the outbound trunk."""
    if not site.may_dial(target):
        log.warning("transfer_not_allowed", target=target)
        return "not_allowed"
    if any(agent.phone == target for agent in site.directory.agents.values()):
        return await ringer.dial_out(channel, f"PJSIP/{target}", timeout_ms)
    trunk = next((name for name, trunk in site.trunks.items() if trunk.outbound), "")
    if not trunk:
        log.warning("transfer_without_trunk", target=target, advice="no trunk in config/trunks.yaml is outbound")
        return "unreachable"
    return await ringer.dial_out(channel, f"PJSIP/{target}@{trunk}", timeout_ms)


async def _who_hung_up(watch: Watch) -> str:
    """Who ended a call whose AGI session is over. AMI tells it a moment later; without AMI it was most likely the caller."""
    await watch.gone_or(LAST_EVENT_MS)
    return watch.ended_by or "caller"


def call_id(channel: Channel) -> str:
    """The id of a call: it outlives its sessions, as Asterisk's Uniqueid does."""
    return f"call-{channel.unique_id}"
