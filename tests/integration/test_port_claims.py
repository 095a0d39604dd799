"""Ports on a real machine: who has chosen one keeps it, until its process ends."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import pytest

from server.state_folder.port_claims import PortClaims
from server.state_folder.ports import Ports, ports_for
from tests.free_ports import free_port

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
START = """
import sys, pathlib
from server.state_folder.port_claims import PortClaims
from server.state_folder.ports import ports_for
sys.stdin.readline()
claims = PortClaims()
ports_for(pathlib.Path(sys.argv[1]), claims, nodes=2)
print("chosen", flush=True)
sys.stdin.readline()
"""


async def prepared(state: Path) -> asyncio.subprocess.Process:
    """A process that chooses ports for a state folder when it gets a line, says so, and holds them until it gets another."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, "-c", START, state, cwd=ROOT, stdin=pipe, stdout=pipe)


async def test_starts_in_the_same_second_take_different_ports(tmp_path: Path) -> None:
    """Six processes choose at once, and none has bound anything: no port is taken twice, of no node."""
    states = [tmp_path / str(number) for number in range(6)]
    starts = [await prepared(state) for state in states]
    for start in starts:
        assert start.stdin is not None
        start.stdin.write(b"now\n")
    for start in starts:
        assert start.stdout is not None
        assert await start.stdout.readline() == b"chosen\n"
    for start in starts:
        start.kill()
        await start.wait()

    chosen = [Ports(**json.loads((state / "ports.json").read_text())) for state in states]
    tcp = [port for ports in chosen for port in (ports.agi, ports.agi + 1, ports.http, ports.http + 1, ports.ami, ports.asterisk_http)]
    assert len(set(tcp)) == len(tcp)
    assert len({ports.sip for ports in chosen}) == len({ports.rtp_first for ports in chosen}) == len(chosen)


def test_a_port_is_held_while_nothing_is_bound_to_it() -> None:
    """A part that is being started again does not lose it to another site."""
    port = free_port()
    ours, theirs = PortClaims(), PortClaims()
    assert ours.take("agi", port)
    assert ours.take("agi", port)
    assert not theirs.take("http", port)
    assert theirs.take("sip", port), "UDP has ports of its own"
    ours.release()
    assert theirs.take("http", port)
    theirs.release()


def test_a_port_of_another_program_is_not_claimed() -> None:
    """Whoever finds it bound leaves it to the next."""
    ours, theirs = PortClaims(), PortClaims()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not ours.take("http", port)
    assert theirs.take("http", port)
    theirs.release()


async def test_the_claims_of_a_killed_process_end_with_it(tmp_path: Path) -> None:
    """kill -9 leaves nothing behind that would keep the site from starting again with its ports."""
    start = await prepared(tmp_path)
    assert start.stdin is not None
    assert start.stdout is not None
    start.stdin.write(b"now\n")
    assert await start.stdout.readline() == b"chosen\n"
    start.send_signal(signal.SIGKILL)
    await start.wait()

    claims = PortClaims()
    first = json.loads((tmp_path / "ports.json").read_text())
    assert ports_for(tmp_path, claims, nodes=2) == Ports(**first)
    claims.release()


def test_a_port_that_our_process_has_is_ours_while_another_start_tries_it() -> None:
    """An `up` that adopts what runs is not kept from it by one that is looking for free ports in the same moment."""
    trying, adopting = PortClaims(), PortClaims()
    assert trying.take("http", port := free_port())
    assert not adopting.take("http", port)
    adopting.bound = ("http",)
    assert adopting.take("http", port)
    trying.release()
    adopting.release()
