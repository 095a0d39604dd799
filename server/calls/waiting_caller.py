"""A caller who waits for an agent: fits `routing.ports.WaitingCaller` on an AGI channel, its AMI watch and the ringer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import structlog

from agi.channel import Channel
from agi.errors import ChannelHungUp
from agi.live_calls import Watch
from agi.phone import AsteriskPhone
from agi.ringing import DialTarget, Ringer
from ivr.ports import Speech
from ivr.speech import queue_phrase
from routing.domain.outcomes import EndReason
from routing.domain.phone_address import ExternalNumber
from routing.ports import Offer, OfferResult, Progress
from server.agents.agent_phones import endpoint_of, question_in, whisper_of
from server.calls.open_calls import LiveCall
from server.settings import Site
from server.sounds.library import SoundLibrary

log = structlog.get_logger(__name__)
AMI_AWAY_S = 1.0
RENDER_S = 1.0  # what is not rendered by then is not said
STOP_WITHIN_S, STOP_TRIES = 0.2, 3  # an announcement stops so long after the command, else the command is sent again
LAST_EVENT_MS = 1000  # AMI reports the end of a call a moment after AGI


class QueuedCaller:
    """One caller in a queue. `remember` keeps on the channel that the caller waits: the first thing that is done, while the router already
    knows of the contact."""

    def __init__(
        self,
        call: LiveCall,
        channel: Channel,
        phone: AsteriskPhone,
        watch: Watch,
        ringer: Ringer,
        stop_playback: Callable[[], Awaitable[object]],
        site: Site,
        sounds: SoundLibrary,
        *,
        music: str = "default",
    ) -> None:
        self._call = call
        self._channel = channel
        self._phone = phone
        self._watch = watch
        self._ringer = ringer
        self._stop_playback = stop_playback
        self._site = site
        self._sounds = sounds
        self._music = music
        self.remember: Callable[[], Awaitable[None]] | None = None
        self._ringing = 0
        self._preparing: set[str] = set()  # offers whose whisper is being rendered
        self._interrupted = asyncio.Event()
        self._announced = asyncio.Event()  # no announcement is being made or said
        self._announced.set()

    async def music(self) -> None:
        remember, self.remember = self.remember, None
        if remember:
            await remember()
        await self._phone.music(True, self._music)

    async def announce(self, kind: Literal["position", "comfort"], *, position: int, wait_ms: int | None) -> None:
        self._interrupted.clear()
        self._announced.clear()
        text = queue_phrase(kind, self._call.context.language, position or None, wait_ms)
        try:
            await self._say([Speech(self._call.context.language, text)])
        except ChannelHungUp:
            return
        except Exception as error:  # a prompt that cannot be said is no reason to lose the caller
            log.warning("announcement_failed", call=self._call.id, reason=str(error))
        finally:
            self._announced.set()
        if not self._interrupted.is_set():
            await self._phone.music(True, self._music)

    async def _say(self, speech: Sequence[Speech]) -> None:
        """Say it, unless that is interrupted; what is rendered by then is kept for the next time."""
        rendering = asyncio.ensure_future(self._sounds.files(speech))
        interrupted = asyncio.ensure_future(self._interrupted.wait())
        try:
            await asyncio.wait((rendering, interrupted), return_when=asyncio.FIRST_COMPLETED)
            if not interrupted.done():
                await rendering
                await self._phone.play(speech)
        finally:
            for part in (rendering, interrupted):
                part.cancel()
            await asyncio.gather(rendering, interrupted, return_exceptions=True)

    async def interrupt(self) -> None:
        """Also where the file begins to play in this very moment: a command that came too early for Asterisk is sent again."""
        self._interrupted.set()
        for _ in range(STOP_TRIES):
            if self._announced.is_set():
                return
            try:
                await self._stop_playback()
                async with asyncio.timeout(STOP_WITHIN_S):
                    await self._announced.wait()
            except TimeoutError:
                continue
            except Exception as error:
                log.warning("announcement_not_stopped", call=self._call.id, reason=str(error))
                return

    async def ring(self, offer: Offer, progress: Callable[[Progress], None]) -> OfferResult:
        def follow(step: Progress) -> None:
            if step == "answered":
                self._call.stage, self._call.agent = "talking", offer.agent
            progress(step)

        endpoint = endpoint_of(self._site, offer.phone)
        if not endpoint:
            log.warning(
                "external_number_not_dialled",
                phone=str(offer.phone),
                advice="needs an outbound trunk, and to be an agent's phone or allowed",
            )
            return OfferResult("unreachable")
        plain = not (offer.whisper or offer.accept or offer.auto_answer or isinstance(offer.phone, ExternalNumber))
        target = DialTarget(offer.id, endpoint, offer.ring_timeout_ms) if plain else await self._screened(offer, endpoint)
        if target is None:
            return OfferResult("withdrawn")
        self._call.in_dial, self._ringing = True, self._ringing + 1
        try:
            result = await self._ringer.ring(self._channel, self._watch, target, music_class=self._music, progress=follow)
        except ChannelHungUp:
            return OfferResult("withdrawn")
        finally:
            self._ringing -= 1
            if not self._ringing:
                self._call.stage, self._call.agent, self._call.in_dial = "waiting", "", False
        return OfferResult(
            result.outcome, result.ring_ms, result.talk_ms, result.ended_by, result.reason, result.refusal, result.redirected_to
        )

    async def _screened(self, offer: Offer, endpoint: str) -> DialTarget | None:
        """A phone whose agent hears something first, or is asked; None when the offer was withdrawn meanwhile.

        What answers an external number may be a voicemail: it is always asked.
        """
        language = self._call.context.language
        self._preparing.add(offer.id)
        whisper = await self._files(whisper_of(self._site, offer, language))
        question = ""
        if offer.accept or isinstance(offer.phone, ExternalNumber):
            question = await self._files([question_in(language)]) or self._sounds.tone()
        beep = self._sounds.tone() if offer.auto_answer else ""
        if offer.id not in self._preparing:
            return None
        self._preparing.discard(offer.id)
        return DialTarget(offer.id, endpoint, offer.ring_timeout_ms, whisper, question, beep)

    async def _files(self, speech: Sequence[Speech]) -> str:
        """Sound files as Dial takes them; none when they cannot be rendered, which is no reason to keep an agent from a caller."""
        try:
            async with asyncio.timeout(RENDER_S):
                return "&".join(await self._sounds.files(speech))
        except Exception as error:
            log.warning("whisper_not_rendered", call=self._call.id, reason=str(error) or "it takes too long")
            return ""

    async def withdraw(self, offer: str) -> bool:
        if offer in self._preparing:
            self._preparing.discard(offer)
            return True
        return await self._ringer.withdraw(offer)

    async def next_key(self) -> str:
        while True:
            key = await self._watch.keys.next(None)
            if key:
                return key
            await asyncio.sleep(AMI_AWAY_S)  # without AMI no key is seen here; it comes back by itself

    async def gone(self) -> None:
        over = asyncio.ensure_future(self._channel.wait_closed())
        try:
            await asyncio.wait([self._watch.gone, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()

    async def call_over(self) -> bool:
        return await call_over(self._channel, self._watch)

    @property
    def end_reason(self) -> EndReason:
        return "no_audio_from_caller" if self._watch.no_audio else ""


async def call_over(channel: Channel, watch: Watch) -> bool:
    """Whether with its AGI session the call is over, too: not when it was moved to another server, or the connection broke.

    AMI knows, a moment later. While AMI is away Asterisk's word on AGI is believed. `OrphanedCalls` reports what ended unseen.
    """
    if await watch.gone_or(LAST_EVENT_MS):
        return not watch.ended_unseen
    return channel.notified and not watch.keys.connected
