"""`./hotline restart`: asks the `up` that runs to start its servers anew, one after the other, and waits for it."""

import json
import os
import signal
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from server.cli.options import CommandFailed, Options, say, shown
from server.readiness import is_up
from server.settings import load_site
from server.state_folder.lock import StateLock
from server.state_folder.ports import read_ports
from server.state_folder.sockets import socket_folder
from sources.problems import ProblemsFound

LOOK_EVERY_S = 0.1
LOOK_WITHIN_S = 1.0
FAR_S = 10.0
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
    servers = {path: _pid(path) for path in sorted(socket_folder(state).glob("node*.pid"), key=_number)}
    if not all(servers.values()) or not servers:
        raise CommandFailed("a server is being started at this moment: try again in some seconds")
    if len(servers) == 1:
        say("there is one server: callers in menus and queues hear music until it is back, talks go on")
    os.kill(supervisor, signal.SIGHUP)
    until = time.monotonic() + len(servers) * (drain_s + START_S)
    for path, before in servers.items():
        number = _number(path)
        began_s = time.monotonic()
        while not _serves(options, number, _pid(path), before, began_s):
            if time.monotonic() > until or StateLock(state).holder() != supervisor:
                raise CommandFailed(f"server {number} has not come back: ./hotline logs server says why")
            time.sleep(LOOK_EVERY_S)
        say(f"server {number} has been started anew and takes calls")
    return 0


def _serves(options: Options, number: int, pid: int, before: int, since_s: float) -> bool:
    """Whether another process than before is there and says that it is ready; one that listens on another port is believed after a
    while."""
    ports = read_ports(options.state)
    if pid in (0, before) or ports is None:
        return False
    near = build_opener(ProxyHandler({}))  # what is asked is near, no proxy knows it
    try:
        with near.open(f"http://127.0.0.1:{ports.http + number}/readyz", timeout=LOOK_WITHIN_S) as answer:
            return bool(json.load(answer).get("pid") == pid)
    except HTTPError as refusal:  # it is there and not ready
        return _is_up_all_the_same(refusal, pid)
    except (OSError, ValueError):
        return time.monotonic() > since_s + FAR_S


def _is_up_all_the_same(refusal: HTTPError, pid: int) -> bool:
    try:
        said = json.load(refusal)
        return is_up(said) and bool(said["pid"] == pid)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _number(path: Path) -> int:
    """Of the server whose pid file it is: node.pid, node-1.pid ..."""
    return int(path.stem.partition("-")[2] or 0)


def _pid(path: Path) -> int:
    """What stands in a pid file; 0 while it is not there."""
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
