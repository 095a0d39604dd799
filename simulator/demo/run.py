"""Brings the demo up, plays its call, keeps traffic flowing, and takes it down again."""

import asyncio
import contextlib
import random
import signal
from dataclasses import dataclass
from pathlib import Path

from simulator.backend import Backend
from simulator.demo.people import Agents, Traffic
from simulator.demo.story import RIGHT_PHONE, Story, StoryFailed
from simulator.demo.timeline import Timeline
from simulator.home import ROOT
from simulator.phone import PhoneError
from simulator.site import RunningSite, SiteFailed

START_S = 900.0  # the first start fetches Asterisk


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says."""

    state: Path
    once: bool = False
    listen: str = "127.0.0.1"
    seed: int | None = None


async def demo(options: DemoOptions) -> int:
    """Returns the exit code: 0 when caller and agent heard each other."""
    site = RunningSite(options.state, ROOT / "config", ROOT / "dialplans", listen=options.listen, say=say)
    chance = random.Random(options.seed)
    say("Hotline demo: a complete hotline on this machine. The first start installs what is missing; later ones take seconds.")
    stopping = _on_signal(asyncio.current_task())
    shop = Backend()
    try:
        await site.start(START_S)
        shop.start()
        return await _play(site, options, chance)
    except SiteFailed as reason:
        say(f"demo: the site did not start: {reason}")
        return 1
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise
        say("stopping: running calls may finish")
        return 0
    finally:
        await site.stop()
        await shop.stop()


async def _play(site: RunningSite, options: DemoOptions, chance: random.Random) -> int:
    agents = Agents(site, chance)
    try:
        count = await agents.come()
        say(f"{count} agents sit at their SIP phones and are logged in.\n\nOne call, as it happens:")
        try:
            await Story(site, agents.phones[RIGHT_PHONE], Timeline(say)).play()
        except (StoryFailed, PhoneError, TimeoutError, LookupError) as reason:
            say(f"\nFAILED: {reason}")
            say(f"logs: {options.state}/log; the state folder is kept")
            return 1
        say("\nPASSED: caller and agent heard each other.")
        if options.once:
            return 0
        _say_what_next(site, options)
        await Traffic(site, chance).flow()
        return 0
    finally:
        with contextlib.suppress(Exception):
            await agents.leave()


def _say_what_next(site: RunningSite, options: DemoOptions) -> None:
    host = "127.0.0.1" if options.listen == "127.0.0.1" else options.listen
    token = site.secrets["tokens"]["viewer"]
    say(
        f"""
Light traffic goes on until Ctrl-C. What you can do now, in another terminal:

  ./hotline status{_state(options)}            queues, agents, calls
  ./hotline events -f{_state(options)}         every event as it happens
  curl -H 'Authorization: Bearer {token}' {site.url}/api/queues

Dial it yourself with a softphone (Linphone, Zoiper, MicroSIP):
  server {host}:{site.ports["sip"]} (UDP), user caller, password {site.secrets["sip"]["caller"]}, number 4000
  from another device: stop this and start ./hotline demo --listen ADDRESS, with an address of this machine
"""
    )


def _state(options: DemoOptions) -> str:
    return "" if options.state == Path(".state") else f" --state {options.state}"


def _on_signal(task: "asyncio.Task[object] | None") -> asyncio.Event:
    """Ctrl-C and SIGTERM cancel the demo once; the clean-up then runs to its end."""
    stopping = asyncio.Event()

    def stop() -> None:
        if task and not stopping.is_set():
            stopping.set()
            task.cancel()

    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop)
    return stopping


def say(line: str) -> None:
    print(line, flush=True)
