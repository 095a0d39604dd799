"""What a phone does with a call that comes in, as small scripts: answer after a while, refuse, let it ring, or be dead.
A policy of your own is any `async def` that takes an IncomingCall; a call that ends under it raises CallOver there,
which the phone takes as the end of the script."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from simulator.phone.audio import Samples
from simulator.phone.incoming import IncomingCall

Policy = Callable[[IncomingCall], Awaitable[None]]


def answer_after(ring_s: float = 0.0, talk_s: float | None = None, *, say: Samples | None = None) -> Policy:
    """Ring, answer after `ring_s` seconds, say `say` over and over, hang up after `talk_s` seconds (None: leave that to the caller)."""

    async def policy(call: IncomingCall) -> None:
        call.ring()
        if ring_s > 0:
            await call.pause(ring_s)
        if say is not None:
            call.play(say, repeat=True)
        call.answer()
        if talk_s is not None:
            await call.pause(talk_s)
            await call.hang_up()

    return policy


def answer_on(signal: asyncio.Event, *, say: Samples | None = None) -> Policy:
    """Ring, and answer in the moment of that signal."""

    async def policy(call: IncomingCall) -> None:
        call.ring()
        await signal.wait()
        if say is not None:
            call.play(say, repeat=True)
        call.answer()

    return policy


def reject(status: int = 486, *, after_s: float = 0.0) -> Policy:
    """Refuse with this status: at once, or after ringing for `after_s` seconds."""

    async def policy(call: IncomingCall) -> None:
        if after_s > 0:
            call.ring()
            await call.pause(after_s)
        call.reject(status)

    return policy


def ignore() -> Policy:
    """Ring and never answer."""

    async def policy(call: IncomingCall) -> None:
        call.ring()

    return policy


def answer_when_asked(talk_s: float | None = None, *, say: Samples | None = None) -> Policy:
    """An auto-answer phone: answer at once, without ringing, a call that asks for it (Call-Info with answer-after=0); let others ring."""
    at_once = answer_after(0, talk_s, say=say)

    async def policy(call: IncomingCall) -> None:
        if "answer-after=0" in ", ".join(call.invite.headers.all("Call-Info")):
            await at_once(call)
        else:
            call.ring()

    return policy


def only_trying() -> Policy:
    """Confirm the INVITE with 100 and do nothing more."""

    async def policy(call: IncomingCall) -> None:
        call.trying()

    return policy


async def dead(call: IncomingCall) -> None:
    """No answer to anything from outside, as without power. The phone does not even see the call."""
