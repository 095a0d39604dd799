"""The table of faults: what is done to a site, who is calling meanwhile, and what may become of the calls."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from simulator.bench.faults.crowd import Crowd
from simulator.bench.faults.site import DIGITS, JOINING, LOOKING_UP, MENU, SLOW_SPEECH_S, TALKING, WAITING, Shape

EVERYWHERE = {MENU: 10, DIGITS: 10, WAITING: 10, TALKING: 10}


@dataclass(frozen=True, slots=True)
class Deed:
    """`act` does it and returns when it is over.

    `ends_calls`: the calls cannot outlive it, so what counts is that their end is written. `asks_again`: calls come to another server, so
    whoever was keying digits hears the question once more. `joins`: callers are in a queue when agents log in, and what counts is how soon
    they are connected.
    """

    name: str
    act: Callable[[Crowd], Awaitable[None]]
    shape: Shape = field(default_factory=Shape)
    plan: Mapping[str, int] = field(default_factory=lambda: dict(EVERYWHERE))
    asks_again: bool = False
    ends_calls: bool = False
    ends_site: bool = False
    joins: bool = False


def _kill(part: str) -> Callable[[Crowd], Awaitable[None]]:
    async def act(crowd: Crowd) -> None:
        crowd.site.kill(part)
        await asyncio.sleep(0.1)
        await crowd.release_agents(3)

    return act


def _freeze(part: str, seconds: float) -> Callable[[Crowd], Awaitable[None]]:
    async def act(crowd: Crowd) -> None:
        await asyncio.gather(crowd.site.freeze(part, seconds), _soon(crowd))

    return act


async def _soon(crowd: Crowd) -> None:
    """Some agents end their talks while the fault lasts."""
    await asyncio.sleep(0.2)
    await crowd.release_agents(3)


async def _flush(crowd: Crowd) -> None:
    await crowd.site.redis_command("FLUSHALL")
    await crowd.release_agents(3)


async def _cut_ami(crowd: Crowd) -> None:
    """Everybody at AMI is thrown out; they may come again at once."""
    for line in (await crowd.site.asterisk("manager show connected")).splitlines():
        if line.lstrip().startswith("hotline"):
            await crowd.site.asterisk(f"manager kick session {line.split()[4]}")
    await crowd.release_agents(3)


async def _disk_full(crowd: Crowd) -> None:
    """Neither Redis nor a log can write a byte more for ten seconds."""
    crowd.site.fill_disk()
    await crowd.release_agents(3)
    await asyncio.sleep(10)
    crowd.site.empty_disk()


async def _kill_up(crowd: Crowd) -> None:
    await asyncio.gather(crowd.site.up_killed(), _soon(crowd))


async def _restart(crowd: Crowd) -> None:
    crowd.site.send_signal(signal.SIGHUP)
    await _soon(crowd)
    await asyncio.sleep(crowd.site.shape.drain_s + 5)


async def _sigterm(crowd: Crowd) -> None:
    crowd.site.send_signal(signal.SIGTERM)
    await crowd.site.ended(within_s=crowd.site.shape.drain_s + 60)


async def _offers_while_rendering(crowd: Crowd) -> None:
    """Agents log in while the first announcement is still being rendered."""
    await crowd.log_in()
    await asyncio.sleep(SLOW_SPEECH_S / 2)


TWO = Shape(nodes=2)
DEEDS: tuple[Deed, ...] = (
    Deed("server killed (one server)", _kill("server"), asks_again=True),
    Deed("server killed (of two)", _kill("server"), TWO, asks_again=True),
    Deed("server frozen for 8 s (one server)", _freeze("server", 8), asks_again=True),
    Deed("server frozen for 8 s (of two)", _freeze("server", 8), TWO, asks_again=True),
    Deed("`up` killed, `up` again", _kill_up),
    Deed("Redis killed", _kill("redis")),
    Deed("Redis frozen for 3 s", _freeze("redis", 3), TWO),
    Deed("Redis lost its data (two servers)", _flush, TWO),
    Deed("disk full for 10 s", _disk_full, Shape(small_disk=True)),
    Deed("AMI cut", _cut_ami),
    Deed("rolling restart (two servers)", _restart, TWO, asks_again=True),
    Deed("Asterisk killed in look-ups", _kill("asterisk"), plan={LOOKING_UP: 40}, ends_calls=True),
    Deed("Asterisk killed", _kill("asterisk"), ends_calls=True),
    Deed("SIGTERM under load", _sigterm, ends_calls=True, ends_site=True),
    Deed(
        "offers while an announcement is rendered", _offers_while_rendering, Shape(agents=40, slow_speech=True), {JOINING: 40}, joins=True
    ),
)
