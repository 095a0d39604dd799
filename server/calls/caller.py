"""One caller on this server: the phone, the flow and the queue brought together, and how far they have come kept on the channel.

Fits `ivr.ports.QueuePort` and `Lookup`. A caller who was at another server before goes on where the channel says.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from agi.ami.client import AmiClient
from agi.ami.errors import AmiError
from agi.channel import Channel
from agi.dial_reply import OFFER, last_offer
from agi.errors import ChannelHungUp
from agi.live_calls import LiveCalls, Watch
from agi.phone import DialOutcome
from agi.ringing import DIALED_OUT, Ringer
from ivr.flow.nodes.transfer import Transfer
from ivr.interpreter import Interpreter
from ivr.ports import Events, Lookup, LookupReply, LookupRequest, QueueRequest, QueueResult
from routing.client.join_request import JoinRequest
from routing.client.routing_client import RoutingClient
from routing.domain.contact_facts import ContactFacts, ContactWishes
from routing.domain.identifiers import asterisk_of
from routing.domain.messages import TalkEnded
from routing.domain.requirement import readable
from routing.ports import Clock
from routing.read_model.view import View
from routing.store.counts import Counts
from server.asterisk.dialplan_names import MOVED
from server.calls import checkpoint
from server.calls.caller_phone import HotlinePhone
from server.calls.caller_words import NOBODY_THERE, OVERTIME, Words, speech_of
from server.calls.checkpoint import Checkpoint, checkpoint_of
from server.calls.open_calls import Calls, LiveCall
from server.calls.waiting_caller import QueuedCaller
from server.calls.wishes import wishes_of
from server.events.writer import EventLog
from server.outbound.outbound_calls import OutboundCall, OutboundCalls
from server.settings import Site
from server.sounds.library import SoundLibrary

log = structlog.get_logger(__name__)
WORDS_WITHIN_S = 1.0  # what is not rendered by then is not said


@dataclass(frozen=True, slots=True)
class SessionServices:
    """What every session of this server uses. `site` is read when a call arrives: running calls keep the flows they started with."""

    site: Callable[[], Site]
    ami: AmiClient
    live_calls: LiveCalls
    ringer: Ringer
    routing_client: RoutingClient
    view: View
    sounds: SoundLibrary
    lookup: Lookup
    events: EventLog
    clock: Clock
    calls: Calls
    counts: Counts
    outbound_calls: OutboundCalls
    server: str


class CallerGone(ChannelHungUp):
    """The caller left while waiting."""


class Caller:
    """One caller going through a flow. `before` is how far the call had come at another server."""

    def __init__(
        self, services: SessionServices, site: Site, call: LiveCall, channel: Channel, watch: Watch, before: Checkpoint | None
    ) -> None:
        self._all = services
        self._site = site
        self._call = call
        self._channel = channel
        self._watch = watch
        self._before = before
        self._kept: tuple[str, str] = ("", "")  # flow and node that the channel knows of
        self.passed_on = False  # the agent transferred the caller: this session ends and the call goes on
        self._phone = HotlinePhone(
            channel,
            self._save_checkpoint,
            call,
            sounds=services.sounds,
            keys=watch.keys,
            dial=self._dial,
            stop_playback=self._stop_playback,
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
            self._phone.interrupted(not await self._was_moved())
            node = before.node if before.node in site.flows[before.flow].nodes else ""
            await interpreter.run(self._call.context, before.flow, node)
        else:
            await interpreter.run(self._call.context, flow)

    async def _was_moved(self) -> bool:
        """Whether the server before gave the call away on purpose."""
        moved = bool(await self._channel.get_variable(MOVED))
        if moved:
            await self._channel.set_variable(MOVED, "")
        return moved

    async def fetch(self, request: LookupRequest) -> LookupReply:
        """Look something up; a server that takes the call over meanwhile does it again."""
        await self._save_checkpoint()
        return await self._all.lookup.fetch(request)

    async def take_back(self, events: Events) -> None:
        """A transfer came to nothing: say so, and go on where the agent got the caller from; end when that is not known."""
        await self._say(NOBODY_THERE)
        if self._before:
            await self.follow("", events)
        else:
            await self._phone.hang_up()

    async def say_overtime(self) -> None:
        """The last words of a call that has reached its longest length."""
        await self._say(OVERTIME)
        await self._phone.hang_up()

    async def _say(self, words: Words) -> None:
        """Say it, unless it cannot be said at once: what follows matters more."""
        speech = [speech_of(words, self._call.context.language)]
        try:
            async with asyncio.timeout(WORDS_WITHIN_S):
                await self._all.sounds.files(speech)
            await self._phone.play(speech)
        except ChannelHungUp:
            raise
        except Exception as error:
            log.warning("words_not_said", call=self._call.id, reason=str(error) or "rendering them takes too long")

    async def wait(self, request: QueueRequest) -> QueueResult:
        """Wait for an agent, and talk to them."""
        call = self._call
        call.stage, call.queue, call.keyed = "waiting", request.queue, False
        self._phone.interrupted(False)  # whoever waits is asked nothing
        stop = self._stop_playback
        line = QueuedCaller(call, self._channel, self._phone, self._watch, self._all.ringer, stop, self._site, self._all.sounds)
        try:
            join_request = await self._joining(request)
            if join_request is None:
                return QueueResult("answered")
            call.contact = join_request.contact
            line.remember = partial(self._remember, join_request.contact, join_request.enqueued_at_ms)
            waited = await self._all.routing_client.wait(join_request, line)
        finally:
            call.stage, call.queue, call.agent, call.contact = "in_flow", "", "", ""
            self._kept = ("", "")
        self.passed_on = waited.result is not None and waited.result.ended_by == "transfer" and self._channel.hung_up
        if waited.outcome == "abandoned" or self._channel.hung_up:
            raise CallerGone("the caller is gone, or at another server")
        self._phone.forget_keys()
        return QueueResult(waited.outcome, key=waited.key, agent=waited.agent)

    # -- going on after another server ------------------------------------------------------------------------------------

    async def _joining(self, request: QueueRequest) -> JoinRequest | None:
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
            contact, enqueued_at_ms = self._all.routing_client.new_contact(), self._all.clock.now_ms()
        call = self._call
        wishes = wishes_of(request, self._site.callers.priority(call.caller.text), enqueued_at_ms)
        return JoinRequest(
            request.queue,
            ContactFacts(call.id, call.caller.text, call.context.language, dict(request.data)),
            wishes,
            request.exit_keys,
            contact,
            enqueued_at_ms,
            back,
            offer,
            outcome,  # type: ignore[arg-type]
            **self._seen(request.queue, wishes),
        )

    def _seen(self, queue: str, wishes: ContactWishes) -> dict[str, Any]:
        """How the queue looks from here to somebody who wants that."""
        now_ms, view = self._all.clock.now_ms(), self._all.view
        policy = self._site.directory.queues[queue]
        asked = {name for rule in policy.overflow for name in ("expected_wait_ms", "service_level") if getattr(rule, name)}
        reckoned = "service_level" in asked and queue in view.directory.queues  # where a rule asks for it
        level = view.service_level(queue, now_ms) if reckoned else None
        known = "expected_wait_ms" in asked and all(readable(text) for _, text in wishes.steps)  # else the router refuses it
        ahead_s = policy.priority + wishes.priority + int(self._site.directory.ageing_in(queue) * wishes.place_ms / 1000)
        expected = partial(view.expected_wait_ms, queue, wishes.steps, now_ms, ahead_s, asterisk=asterisk_of(self._call.id))
        return {"expected_wait_ms": (expected() if known else None) or 0, "service_level": 100.0 if level is None else level}

    def _report_talk(self, contact: str, offer: str) -> None:
        """They talked while the server was away; Asterisk brought the caller back when the agent hung up."""
        known = self._all.view.contacts.get(contact)
        talk_ms = self._all.clock.now_ms() - known.connected_at_ms if known and known.connected_at_ms else 0
        self._all.routing_client.post(TalkEnded(contact, offer, "agent", talk_ms))

    async def _remember(self, contact: str, enqueued_at_ms: int) -> None:
        """Keep on the channel that the caller waits. What an earlier offer left there must not be taken for this one's."""
        call = self._call
        kept = checkpoint_of(call.context, call.flow, call.node, call.started_at_ms, contact=contact, enqueued_at_ms=enqueued_at_ms)
        await self._channel.set_variables({checkpoint.VARIABLE: checkpoint.pack(kept), f"__{OFFER}": "", "DIALSTATUS": ""})

    async def _save_checkpoint(self) -> None:
        """Keep on the channel where in the flow the call is, once per node.

        Not beyond a sensitive value, which must not stand on the channel: whoever takes the call over asks for that again.
        """
        call = self._call
        if (call.flow, call.node) != self._kept and call.stage == "in_flow":
            self._kept = (call.flow, call.node)
            call.keyed = False
            values = {checkpoint.LANGUAGE: call.context.language}
            if not any(call.context.variables.get(name) for name in call.context.sensitive):
                kept = checkpoint_of(call.context, call.flow, call.node, call.started_at_ms)
                values[checkpoint.VARIABLE] = checkpoint.pack(kept)
            await self._channel.set_variables(values)

    # -- Asterisk ----------------------------------------------------------------------------------------------------------

    async def _stop_playback(self) -> None:
        with contextlib.suppress(AmiError):
            await self._all.ami.stop_playback(self._watch.channel)

    async def _dial(self, target: str, timeout_ms: int) -> DialOutcome:
        call, before, self._before = self._call, self._before, None
        if before and before.in_dial:  # Asterisk went on with it while no server was there
            return DIALED_OUT.get(await self._channel.get_variable("DIALSTATUS"), "unreachable")
        kept = checkpoint_of(call.context, call.flow, call.node, call.started_at_ms, in_dial=True)
        await self._channel.set_variables({"DIALSTATUS": "", checkpoint.VARIABLE: checkpoint.pack(kept)})
        self._kept = ("", "")
        call.stage, call.in_dial = "transferred", True
        try:
            node = self._site.flows[call.flow].nodes.get(call.node) if call.flow in self._site.flows else None
            keyed = isinstance(node, Transfer) and bool(node.to.names)
            wanted = OutboundCall(target, "", f"flow {call.flow}", written_out=not keyed)
            return await dial(self._all, self._site, self._channel, wanted, timeout_ms)
        finally:
            call.in_dial = False


async def dial(services: SessionServices, site: Site, channel: Channel, wanted: OutboundCall, timeout_ms: int) -> DialOutcome:
    """Connect the caller to a number that config/ allows: one of our phones, or a number outside by the outbound trunk."""
    target, ringer = wanted.number, services.ringer
    if not site.may_dial(target):
        log.warning("transfer_not_allowed", target=target)
        return "not_allowed"
    if target in site.phones:
        return await ringer.dial_out(channel, f"PJSIP/{target}", timeout_ms)
    trunk = next((name for name, trunk in site.trunks.items() if trunk.outbound), "")
    if not trunk:
        log.warning("transfer_without_trunk", target=target, advice="no trunk in config/trunks.yaml is outbound")
        return "unreachable"
    if await services.outbound_calls.refusal(replace(wanted, line=trunk), f"call-{channel.unique_id}"):
        return "not_allowed"
    return await ringer.dial_out(channel, f"PJSIP/{target}@{trunk}", timeout_ms)
