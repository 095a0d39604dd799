"""What an AGI session does, by its name: `call` serves a caller, `agent` takes a feature code, `transfer` passes a caller on.

A session that has reached its end says so on the channel (HOTLINE_DONE); one that ends without saying it is taken up by the next server.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import structlog

from agi.ami.errors import AmiError
from agi.channel import Channel
from agi.errors import ChannelHungUp
from agi.live_calls import CallEndedBy, Watch
from agi.phone import AsteriskPhone, DialOutcome
from agi.ringing import DIALED_OUT
from ivr.call import CallContext
from ivr.numbers import normalise
from routing.domain.events.calls import CallArrived, CallEnded, CallResumed, CallTransferred, TransferEnded, TransferOutcome
from server.agents.feature_codes import FeatureCodes, agent_at
from server.agents.pin_locks import PinLocks
from server.asterisk.dialplan_names import ALIVE, ODD_TARGET
from server.calls import checkpoint
from server.calls.caller import Caller, SessionServices, dial
from server.calls.caller_phone import mark_done
from server.calls.checkpoint import Checkpoint
from server.calls.open_calls import LiveCall
from server.calls.waiting_caller import call_over
from server.events.flow_events import FlowEvents
from server.logs import bind_call
from server.outbound.outbound_calls import OutboundCall
from server.settings import Site

log = structlog.get_logger(__name__)
DIALLED = "HOTLINE_DIALLED"  # the number that a transfer has dialled; the dialplan clears it for each transfer
TAKEN_BACK = "back"  # in its place: the transfer came to nothing, and the caller is back in the flow
TRANSFER_RING_MS = 60_000
_SAFE_NAME = re.compile(r"[^\w .,()'-]")
_ENDPOINT = re.compile(r"PJSIP/([A-Za-z0-9_-]{1,40})-[0-9a-f]{8}")


@dataclass(slots=True)
class ServedCall:
    """A call in a session: its watch and the events of its flows; `caller` while a flow is walked."""

    watch: Watch
    events: FlowEvents
    caller: Caller | None = None

    @property
    def passed_on(self) -> bool:
        """Whether the session ended because the agent transferred the caller."""
        return self.caller is not None and self.caller.passed_on


class Sessions:
    """Fits `FastAgiServer`'s handler."""

    def __init__(self, services: SessionServices) -> None:
        self._all = services
        self._locks = PinLocks(services.counts)
        self._kinds: dict[str, Callable[[Channel], Awaitable[None]]] = {
            "call": self._serve_call,
            "transfer": self._serve_transfer,
            "agent": self._serve_agent,
            "overtime": self._serve_overtime,
        }

    async def __call__(self, channel: Channel) -> None:
        kind = channel.env.get("agi_network_script", "")
        if kind == ALIVE:
            return  # that it ends is the answer
        serve = self._kinds.get(kind)
        if serve is None:
            log.warning("agi_session_unknown", script=kind[:40], known=sorted(self._kinds))
            return
        bind_call(call_id(channel))
        await serve(channel)

    async def _serve_call(self, channel: Channel) -> None:
        """A caller of one of our numbers, or one whose server is gone: then the channel says how far the call had come."""
        site = self._all.site()
        dnis = channel.env.get("agi_extension", "")
        flow = site.flow_for(dnis)
        if not flow:
            log.warning("number_unknown", dnis=dnis)
            await mark_done(channel)
            return
        before = await _stage_on(channel)
        call = self._live_call(channel, site, dnis, before)
        async with self._serving(channel, call) as served:
            call.write(self._all.events, CallResumed if before else CallArrived, self._all.server)
            served.caller = Caller(self._all, site, call, channel, served.watch, before)
            await served.caller.follow(flow, served.events)

    async def _serve_transfer(self, channel: Channel) -> None:
        """An agent passed the caller on: to a number of ours, whose flow goes on with the call's data, or to a phone or outside number."""
        site = self._all.site()
        target = channel.env.get("agi_extension", "")
        before = await _stage_on(channel)
        call = self._live_call(channel, site, target, before)
        by = _ENDPOINT.fullmatch(await channel.get_variable("BLINDTRANSFER"))
        agent = agent_at(site, self._all.view, by.group(1)) if by else ""
        call.dnis = target = target.replace(ODD_TARGET, "")
        wanted = OutboundCall(target, "", f"agent {agent or 'unknown'}")
        if not before and not await channel.get_variable("BLINDTRANSFER"):
            await self._ask_first(channel, wanted, site)
            return
        taken_back = before is not None and await channel.get_variable(DIALLED) == TAKEN_BACK
        async with self._serving(channel, call) as served:
            if taken_back:
                call.write(self._all.events, CallResumed, self._all.server)
                served.caller = Caller(self._all, site, call, channel, served.watch, before)
                await served.caller.follow("", served.events)
                return
            call.write(self._all.events, CallTransferred, self._all.server, agent=agent)
            if target in site.numbers:
                served.caller = Caller(self._all, site, call, channel, served.watch, None)
                await served.caller.follow(site.numbers[target], served.events)
                return
            call.stage = "transferred"
            outcome = await self._pass_on(channel, call, wanted, site)
            if outcome == "answered":
                await mark_done(channel)
            else:  # nobody took the call: the caller goes back to where the agent got it from
                served.caller = Caller(self._all, site, call, channel, served.watch, replace(before, contact="") if before else None)
                await channel.set_variable(DIALLED, TAKEN_BACK)
                await served.caller.take_back(served.events)

    async def _ask_first(self, channel: Channel, wanted: OutboundCall, site: Site) -> None:
        """An agent keyed *2: this is the agent's own call to whoever is asked, before the caller is passed on or is not."""
        if wanted.number in site.numbers:
            await self._serve_call(channel)
            return
        await self._dial_once(channel, wanted, site)
        await mark_done(channel)

    async def _pass_on(self, channel: Channel, call: LiveCall, wanted: OutboundCall, site: Site) -> TransferOutcome:
        """Dial the target, and tell how that ended."""
        outcome: TransferOutcome = "caller_left"
        try:
            outcome = await self._dial_once(channel, wanted, site)
        finally:
            self._all.events.write(TransferEnded(wanted.number, outcome), call=call.id)
        return outcome

    async def _dial_once(self, channel: Channel, wanted: OutboundCall, site: Site) -> TransferOutcome:
        """Dial the target: a session that takes over from one that died finds on the channel that it was, and how it ended."""
        target = wanted.number
        if not target:
            return "not_allowed"
        status = await channel.get_variable("DIALSTATUS") if await channel.get_variable(DIALLED) == target else ""
        if status:
            return DIALED_OUT.get(status, "unreachable")
        await channel.set_variable(DIALLED, target)
        await channel.set_variable("DIALSTATUS", "")
        return await dial(self._all, site, channel, wanted, TRANSFER_RING_MS)

    @contextlib.asynccontextmanager
    async def _serving(self, channel: Channel, call: LiveCall) -> AsyncIterator["ServedCall"]:
        """This server has the call: it is watched, and its end is written unless the call goes on without this session."""
        watch = self._all.live_calls.watch(channel.unique_id, channel.env.get("agi_channel", ""))
        served = ServedCall(watch, FlowEvents(self._all.events, call.id, call.enter))
        call.channel = watch.channel
        let_go = self._all.calls.add(call)
        ended_by: CallEndedBy = "system"
        silent = False
        try:
            yield served
            ended_by = "caller" if watch.caller_hung_up else "system"
        except ChannelHungUp:
            ended_by = await _who_hung_up(channel, watch)
            silent = watch.no_audio
            raise
        except asyncio.CancelledError:  # this server ends; the call goes on at another one
            ended_by = ""
            raise
        finally:
            let_go()
            if ended_by and not served.passed_on:
                duration_ms = self._all.clock.now_ms() - call.started_at_ms
                reason: Literal["no_audio_from_caller"] | None = "no_audio_from_caller" if silent else None
                call.write_end(self._all.events, CallEnded(ended_by, duration_ms, call.stage, reason=reason))
            if call.id not in self._all.calls:  # it may have come back to this server, in a session of its own
                self._all.live_calls.forget(watch.uniqueid)

    def _live_call(self, channel: Channel, site: Site, dnis: str, before: Checkpoint | None) -> LiveCall:
        caller = normalise(channel.env.get("agi_callerid", ""), site.main.country)
        name = _SAFE_NAME.sub("", channel.env.get("agi_calleridname", ""))[:60]
        id = call_id(channel)
        if before:
            context = CallContext(id, caller.text, dnis, before.language, dict(before.variables))
            context.caller_list, context.places, context.data = site.callers.of(caller.text), dict(before.places), dict(before.data)
            return LiveCall(id, caller, dnis, before.started_at_ms, context, flow=before.flow, node=before.node)
        variables = {} if name in ("", "unknown") else {"caller_name": name}
        context = CallContext(id, caller.text, dnis, site.main.languages[0], variables, caller_list=site.callers.of(caller.text))
        return LiveCall(id, caller, dnis, self._all.clock.now_ms(), context)

    async def _serve_overtime(self, channel: Channel) -> None:
        """Asterisk took the caller out of everything: the call has reached the site's `max_call_length`."""
        before = checkpoint.unpack(await channel.get_variable(checkpoint.VARIABLE))
        call = self._live_call(channel, self._all.site(), channel.env.get("agi_dnid", ""), before)
        caller = Caller(self._all, self._all.site(), call, channel, self._all.live_calls.watch(channel.unique_id, ""), None)
        try:
            await caller.say_overtime()
        finally:
            duration_ms = self._all.clock.now_ms() - call.started_at_ms
            call.write_end(self._all.events, CallEnded("time_limit", duration_ms, call.stage))

    async def _serve_agent(self, channel: Channel) -> None:
        found = _ENDPOINT.fullmatch(channel.env.get("agi_channel", ""))
        words = channel.env.get("agi_arg_1", "").split()
        codes = FeatureCodes(self._all.site(), self._all.routing_client, self._all.view, self._locks, self._all.clock)
        watch = self._all.live_calls.watch(channel.unique_id, channel.env.get("agi_channel", ""))

        async def stop_playback() -> None:
            with contextlib.suppress(AmiError):
                await self._all.ami.stop_playback(watch.channel)

        sounds: Any = self._all.sounds  # takes Speech alone, and is given nothing else
        phone = AsteriskPhone(channel, sounds=sounds, keys=watch.keys, dial=_dial_nowhere, stop_playback=stop_playback)
        await mark_done(channel)
        try:
            await codes.serve(phone, found.group(1) if found else "", words)
        finally:
            self._all.live_calls.forget(watch.uniqueid)


async def _dial_nowhere(target: str, timeout_ms: int) -> DialOutcome:
    """A feature code connects nobody."""
    return "not_allowed"


async def _who_hung_up(channel: Channel, watch: Watch) -> CallEndedBy:
    """Who ended a call whose AGI session is over; without AMI it was most likely the caller. "" when the call goes on at another server."""
    return (watch.ended_by or "caller") if await call_over(channel, watch) else ""


async def _stage_on(channel: Channel) -> Checkpoint | None:
    """How far the call had come, as its channel says. Always asked: a server that was frozen when the call came finds out by it that the
    call is at another server by now, before it writes an event."""
    return checkpoint.unpack(await channel.get_variable(checkpoint.VARIABLE))


def call_id(channel: Channel) -> str:
    """The id of a call: it outlives its sessions, as Asterisk's Uniqueid does."""
    return f"call-{channel.unique_id}"
