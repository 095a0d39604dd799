"""`./hotline restart`: asks the `up` that runs to start its servers anew, one after the other, and waits for it."""

import os
import signal
import time
from pathlib import Path

from ivr.loading.problems import ProblemsFound
from server.cli.options import CommandFailed, Options, say, shown
from server.settings import load_site
from server.socket_folder import socket_folder
from server.state_lock import StateLock

LOOK_EVERY_S = 0.1
START_S = 60.0  # what a server may take beyond draining


def run(options: Options) -> int:
    """Returns when the last one has been started. The settings are read first: with a mistake in them no server would come back."""
    state = options.state
    supervisor = StateLock(state).holder()
    if not supervisor:
        raise CommandFailed(
            f"no Hotline runs with the state folder {shown(state)}: start it with ./hotline up, or name its folder: --state DIR"
        )
    try:
        drain_s = load_site(options.config, options.dialplans).main.limits.drain / 1000
    except ProblemsFound as problems:
        raise CommandFailed(f"nothing is restarted, no server would come back:\n{problems}") from None
    servers = {path: _pid(path) for path in sorted(socket_folder(state).glob("node*.pid"))}
    if not all(servers.values()) or not servers:
        raise CommandFailed("a server is being started at this moment: try again in some seconds")
    if len(servers) == 1:
        say("there is one server: callers in menus and queues hear music until it is back, talks go on")
    os.kill(supervisor, signal.SIGHUP)
    until = time.monotonic() + len(servers) * (drain_s + START_S)
    for number, (path, before) in enumerate(servers.items()):
        while _pid(path) in (0, before):
            if time.monotonic() > until or StateLock(state).holder() != supervisor:
                raise CommandFailed(f"server {number} has not come back: ./hotline logs server says why")
            time.sleep(LOOK_EVERY_S)
        say(f"server {number} has been started anew")
    return 0


def _pid(path: Path) -> int:
    """What stands in a pid file; 0 while it is not there."""
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
