"""One caller on this server: the phone, the flow and the queue brought together, and how far they have come kept on the channel.

Fits `ivr.ports.QueueDesk` and `Lookup`. A caller who was at another server before goes on where the channel says.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError
from agi.channel import Channel
from agi.dial_reply import OFFER, last_offer
from agi.errors import ChannelHungUp
from agi.live_calls import LiveCalls, Watch
from agi.phone import AsteriskPhone, DialOutcome
from agi.ringing import DIALED_OUT, Ringer
from ivr.interpreter import Interpreter
from ivr.ports import Events, Lookup, LookupReply, LookupRequest, QueueRequest, QueueResult, Speech
from routing.desk import Desk
from routing.joining import Joining
from routing.messages import TalkEnded
from routing.ports import Clock
from routing.requirement import readable
from routing.view import View
from server import stage
from server.calls import Calls, LiveCall
from server.event_log import EventLog
from server.line import CallerLine
from server.settings import Site
from server.sounds.library import SoundLibrary
from server.stage import Stage, stage_of

log = structlog.get_logger(__name__)
DONE = "HOTLINE_DONE"
NOBODY_THERE = {
    "zh": "非常抱歉，无法接通，请您稍候，我们继续为您服务。",
    "en": "We are sorry, nobody could be reached there. Please hold on, we are with you again.",
}
OVERTIME = {
    "zh": "非常抱歉，通话已达到最长时间，即将结束。感谢您的来电，再见。",
    "en": "We are sorry, this call has reached its longest length and ends now. Thank you for calling. Goodbye.",
}


@dataclass(frozen=True, slots=True)
class Facilities:
    """What every session of this server uses. `site` is read when a call arrives: running calls keep the flows they started with."""

    site: Callable[[], Site]
    ami: AmiClient
    live_calls: LiveCalls
    ringer: Ringer
    desk: Desk
    view: View
    sounds: SoundLibrary
    lookup: Lookup
    events: EventLog
    clock: Clock
    calls: Calls
    server: str


class CallerGone(ChannelHungUp):
    """The caller left while waiting."""


class HotlinePhone(AsteriskPhone):
    """An Asterisk phone whose end is the end of the call for the dialplan, too; before it speaks, the channel learns where the call is."""

    def __init__(self, channel: Channel, keep_stage: Callable[[], Any], call: LiveCall, **rest: Any) -> None:
        super().__init__(channel, **rest)
        self._line = channel
        self._call = call
        self._keep_stage = keep_stage

    async def play(self, speech: Any, *, keys: str = "") -> str:
        await self._keep_stage()
        return await super().play(speech, keys=keys)

    async def hang_up(self) -> None:
        if self._line.hung_up:
            raise ChannelHungUp("the session was over before the flow was; the call may go on elsewhere")
        self._call.done = True
        await mark_done(self._line)
        await super().hang_up()


async def mark_done(channel: Channel) -> None:
    """Tell the dialplan that this call needs no other server."""
    with contextlib.suppress(ChannelHungUp):
        await channel.set_variable(DONE, "1")


class Caller:
    """One caller going through a flow. `before` is how far the call had come at another server."""

    def __init__(self, facilities: Facilities, site: Site, call: LiveCall, channel: Channel, watch: Watch, before: Stage | None) -> None:
        self._all = facilities
        self._site = site
        self._call = call
        self._channel = channel
        self._watch = watch
        self._before = before
        self._kept: tuple[str, str] = ("", "")  # flow and node that the channel knows of
        self.passed_on = False  # the agent transferred the caller: this session ends and the call goes on
        self._phone = HotlinePhone(
            channel, self._keep_stage, call, sounds=facilities.sounds, keys=watch.keys, dial=self._dial, stop_playback=self._stop_playback
        )

    async def follow(self, flow: str, events: Events) -> None:
        """Answer, and walk the flow to its end; or go on where the call was."""
        site, before = self._site, self._before
        interpreter = Interpreter(
            site.flows,
            self._phone,
            self,
            self,
            events,
            self._all.clock,
            hours=site.hours,
            time_zone=site.main.time_zone,
            gone=(ChannelHungUp,),
        )
        if before and before.flow in site.flows:
            await self._phone.music(True)
            node = before.node if before.node in site.flows[before.flow].nodes else ""
            await interpreter.run(self._call.context, before.flow, node)
        else:
            await interpreter.run(self._call.context, flow)

    async def fetch(self, request: LookupRequest) -> LookupReply:
        """Look something up; a server that takes the call over meanwhile does it again."""
        await self._keep_stage()
        return await self._all.lookup.fetch(request)

    async def take_back(self, events: Events) -> None:
        """A transfer came to nothing: say so, and go on where the agent got the caller from; end when that is not known."""
        language = self._call.context.language
        await self._phone.play([Speech(language, NOBODY_THERE.get(language, NOBODY_THERE["en"]))])
        if self._before:
            await self.follow("", events)
        else:
            await self._phone.hang_up()

    async def say_overtime(self) -> None:
        """The last words of a call that has reached its longest length."""
        language = self._call.context.language
        await self._phone.play([Speech(language, OVERTIME.get(language, OVERTIME["en"]))])
        await self._phone.hang_up()

    async def wait(self, request: QueueRequest) -> QueueResult:
        """Wait for an agent, and talk to them."""
        call = self._call
        call.stage, call.queue = "waiting", request.queue
        stop = self._stop_playback
        line = CallerLine(call, self._channel, self._phone, self._watch, self._all.ringer, stop, self._site, self._all.sounds)
        try:
            joining = await self._joining(request)
            if joining is None:
                return QueueResult("answered")
            call.contact = joining.contact
            waited = await self._all.desk.wait(joining, line)
        finally:
            call.stage, call.queue, call.agent, call.contact = "in_flow", "", "", ""
            self._kept = ("", "")
        self.passed_on = waited.result is not None and waited.result.ended_by == "transfer" and self._channel.hung_up
        if waited.outcome == "abandoned" or self._channel.hung_up:
            raise CallerGone("the caller is gone, or at another server")
        self._phone.forget_keys()
        return QueueResult(waited.outcome, key=waited.key, agent=waited.agent)

    # -- going on after another server ------------------------------------------------------------------------------------

    async def _joining(self, request: QueueRequest) -> Joining | None:
        """How to join the queue: anew, or at the old place. None when the talk took place while no server was there."""
        before, self._before = self._before, None
        contact, enqueued_at_ms = (before.contact, before.enqueued_at_ms) if before else ("", 0)
        offer, outcome, back = "", "withdrawn", bool(contact)
        if contact:
            offer, outcome = await last_offer(self._channel)
            if offer and outcome == "answered":
                self._report_talk(contact, offer)
                return None
        else:
            contact, enqueued_at_ms = self._all.desk.new_contact(), self._all.clock.now_ms()
        await self._remember(contact, enqueued_at_ms)
        return Joining(
            self._call.id,
            request.queue,
            list(request.steps),
            self._priority(request),
            request.exit_keys,
            self._call.caller.text,
            self._call.context.language,
            dict(request.data),
            contact,
            enqueued_at_ms,
            back,
            offer,
            outcome,  # type: ignore[arg-type]
            **self._seen(request, enqueued_at_ms),
        )

    def _seen(self, request: QueueRequest, enqueued_at_ms: int) -> dict[str, Any]:
        """What the flow wants beside the requirement, and how the queue looks from here."""
        now_ms, view = self._all.clock.now_ms(), self._all.view
        policy = self._site.directory.queues[request.queue]
        asked = {name for rule in policy.overflow for name in ("expected_wait_ms", "service_level") if getattr(rule, name)}
        level = view.service_level(request.queue, now_ms) if "service_level" in asked else None  # reckoned where a rule asks for it
        place_ms = max(0, enqueued_at_ms - request.place_from_ms) if request.place_from_ms else 0
        known = "expected_wait_ms" in asked and all(readable(text) for _, text in request.steps)  # else the router refuses it
        ahead_s = policy.priority + self._priority(request) + int(self._site.directory.ageing_in(request.queue) * place_ms / 1000)
        return {
            "preferred": list(request.preferred),
            "preferred_ms": request.preferred_ms,
            "exclude": list(request.exclude),
            "place_ms": place_ms,
            "expected_wait_ms": (view.expected_wait_ms(request.queue, request.steps, now_ms, ahead_s) if known else None) or 0,
            "service_level": 100.0 if level is None else level,
        }

    def _priority(self, request: QueueRequest) -> int:
        """The flow's and the caller list's, in seconds."""
        return request.priority + self._site.callers.priority(self._call.caller.text)

    def _report_talk(self, contact: str, offer: str) -> None:
        """They talked while the server was away; Asterisk brought the caller back when the agent hung up."""
        known = self._all.view.contacts.get(contact)
        talk_ms = self._all.clock.now_ms() - known.connected_at_ms if known and known.connected_at_ms else 0
        self._all.desk.post(TalkEnded(contact, offer, "agent", talk_ms))

    async def _remember(self, contact: str, enqueued_at_ms: int) -> None:
        """Keep on the channel that the caller waits. What an earlier offer left there must not be taken for this one's."""
        call = self._call
        kept = stage_of(call.context, call.flow, call.node, call.started_at_ms, contact=contact, enqueued_at_ms=enqueued_at_ms)
        await self._put(kept)
        for name in (f"__{OFFER}", "DIALSTATUS"):
            await self._channel.set_variable(name, "")

    async def _keep_stage(self) -> None:
        """Keep on the channel where in the flow the call is, once per node.

        Not beyond a sensitive value, which the channel must not hold: whoever takes the call over asks for that again.
        """
        call = self._call
        if (call.flow, call.node) != self._kept and call.stage == "in_flow":
            self._kept = (call.flow, call.node)
            if not any(call.context.variables.get(name) for name in call.context.sensitive):
                await self._put(stage_of(call.context, call.flow, call.node, call.started_at_ms))
            await self._channel.set_variable(stage.LANGUAGE, call.context.language)

    async def _put(self, kept: Stage) -> None:
        await self._channel.set_variable(stage.VARIABLE, stage.pack(kept))

    # -- Asterisk ----------------------------------------------------------------------------------------------------------

    async def _stop_playback(self) -> None:
        with contextlib.suppress(AmiError):
            await self._all.ami.stop_playback(self._watch.channel)

    async def _dial(self, target: str, timeout_ms: int) -> DialOutcome:
        call, before, self._before = self._call, self._before, None
        if before and before.in_dial:  # Asterisk went on with it while no server was there
            return DIALED_OUT.get(await self._channel.get_variable("DIALSTATUS"), "unreachable")
        await self._channel.set_variable("DIALSTATUS", "")
        await self._put(stage_of(call.context, call.flow, call.node, call.started_at_ms, in_dial=True))
        self._kept = ("", "")
        call.stage, call.in_dial = "transferred", True
        try:
            return await dial(self._all.ringer, self._site, self._channel, target, timeout_ms)
        finally:
            call.in_dial = False


async def dial(ringer: Ringer, site: Site, channel: Channel, target: str, timeout_ms: int) -> DialOutcome:
    """Connect the caller to a number that config/ allows: one of our phones, or a number outside by the outbound trunk."""
    if not site.may_dial(target):
        log.warning("transfer_not_allowed", target=target)
        return "not_allowed"
    if target in site.phones:
        return await ringer.dial_out(channel, f"PJSIP/{target}", timeout_ms)
    trunk = next((name for name, trunk in site.trunks.items() if trunk.outbound), "")
    if not trunk:
        log.warning("transfer_without_trunk", target=target, advice="no trunk in config/trunks.yaml is outbound")
        return "unreachable"
    return await ringer.dial_out(channel, f"PJSIP/{target}@{trunk}", timeout_ms)
