"""What an AGI session does, by its name: `call` serves a caller, `agent` takes a feature code, `transfer` passes a caller on.

A session that has reached its end says so on the channel (HOTLINE_DONE); one that ends without saying it is taken up by the next server.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

import structlog

from agi.channel import Channel
from agi.errors import ChannelHungUp
from agi.live_calls import Watch
from ivr.call import CallContext
from ivr.numbers import normalise
from server import stage
from server.caller import Caller, Facilities, dial, mark_done
from server.calls import FollowedEvents, LiveCall
from server.feature_codes import FeatureCodes
from server.logs import bind_call
from server.settings import Site
from server.stage import Stage

log = structlog.get_logger(__name__)
LAST_EVENT_MS = 1000  # AMI tells the end of a call a moment after AGI
_SAFE_NAME = re.compile(r"[^\w .,()'-]")
_ENDPOINT = re.compile(r"PJSIP/([A-Za-z0-9_-]{1,40})-[0-9a-f]{8}")


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
        bind_call(call_id(channel))
        await serve(channel)

    async def _serve_call(self, channel: Channel, *, anew: bool = False) -> None:
        """`anew`: the caller begins at the number dialled, wherever the call was before."""
        site = self._all.site()
        dnis = channel.env.get("agi_extension", "")
        flow = site.flow_for(dnis)
        if not flow:
            log.warning("number_unknown", dnis=dnis)
            await mark_done(channel)
            return
        before = None if anew else stage.unpack(await channel.get_variable(stage.VARIABLE))
        call = self._live_call(channel, site, dnis, before)
        watch = self._all.live_calls.watch(channel.unique_id, channel.env.get("agi_channel", ""))
        events = FollowedEvents(call, self._all.events.of_call(call.id))
        call.channel = watch.channel
        let_go = self._all.calls.add(call)
        facts = {"ani": call.ani, "dnis": dnis, "server": self._all.server, "channel": watch.channel}
        events.emit("call_resumed" if before or anew else "call_arrived", **facts)
        caller, ended_by = Caller(self._all, site, call, channel, watch, before), "system"
        try:
            await caller.follow(flow, events)
            ended_by = "caller" if watch.caller_hung_up else "system"
        except ChannelHungUp:
            ended_by = await _who_hung_up(watch)
            raise
        except asyncio.CancelledError:  # this server ends; the call goes on at another one
            ended_by = ""
            raise
        finally:
            let_go()
            if ended_by and not caller.passed_on:
                lasted_ms = self._all.clock.now_ms() - call.started_at_ms
                events.emit("call_ended", ended_by=ended_by, lasted_ms=lasted_ms, node=call.node, flow=call.flow, stage=call.stage)
            self._all.live_calls.forget(watch.uniqueid)

    def _live_call(self, channel: Channel, site: Site, dnis: str, before: Stage | None) -> LiveCall:
        caller = normalise(channel.env.get("agi_callerid", ""), site.main.country)
        name = _SAFE_NAME.sub("", channel.env.get("agi_calleridname", ""))[:60]
        variables = {} if name in ("", "unknown") else {"caller_name": name}
        id = call_id(channel)
        if before:
            context = CallContext(id, caller.text, dnis, before.language, dict(before.variables))
            return LiveCall(id, caller, dnis, before.started_at_ms, context, flow=before.flow, node=before.node)
        context = CallContext(id, caller.text, dnis, site.main.languages[0], variables)
        return LiveCall(id, caller, dnis, self._all.clock.now_ms(), context)

    async def _serve_transfer(self, channel: Channel) -> None:
        """An agent passed the caller on: to a number of ours, a phone of ours or an allowed number."""
        target = channel.env.get("agi_extension", "")
        site = self._all.site()
        if target in site.numbers:
            await self._serve_call(channel, anew=True)
            return
        watch = self._all.live_calls.watch(channel.unique_id, channel.env.get("agi_channel", ""))
        outcome = await dial(self._all.ringer, site, channel, target, 60_000)
        events = self._all.events.of_call(call_id(channel))
        events.emit("call_transferred", target=target, outcome=outcome)
        await mark_done(channel)
        ended_by = await _who_hung_up(watch) if channel.hung_up else "system"
        events.emit("call_ended", ended_by=ended_by, lasted_ms=0, node="", flow="", stage="transferred")
        self._all.live_calls.forget(watch.uniqueid)

    async def _serve_agent(self, channel: Channel) -> None:
        found = _ENDPOINT.fullmatch(channel.env.get("agi_channel", ""))
        words = channel.env.get("agi_arg_1", "").split()
        codes = FeatureCodes(self._all.site(), self._all.desk, self._all.sounds)
        await mark_done(channel)
        await codes.serve(channel, found.group(1) if found else "", words)


async def _who_hung_up(watch: Watch) -> str:
    """Who ended a call whose AGI session is over. AMI tells it a moment later; without AMI it was most likely the caller."""
    await watch.gone_or(LAST_EVENT_MS)
    return watch.ended_by or "caller"


def call_id(channel: Channel) -> str:
    """The id of a call: it outlives its sessions, as Asterisk's Uniqueid does."""
    return f"call-{channel.unique_id}"
