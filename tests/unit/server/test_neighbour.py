"""Servers that watch over each other where nobody else does; in virtual time."""

import asyncio
from typing import Any

import pytest

from agi.ami.protocol import Message
from server.asterisk.dialplan_names import SERVERS
from server.cluster import neighbour
from server.cluster.neighbour import Neighbour
from simulator import virtual

pytestmark = pytest.mark.unit


class Asterisk:
    """Two calls at the server h:2, one of them in a talk."""

    def __init__(self) -> None:
        self.servers = "h:1&h:2"
        self.moved: list[tuple[str, float]] = []

    async def get_global(self, name: str) -> str:
        assert name == SERVERS
        return self.servers

    async def set_global(self, name: str, value: str) -> None:
        self.servers = value

    async def core_show_channels(self) -> list[Message]:
        plain = {"Exten": "4000", "Application": "AGI", "ApplicationData": "agi://h:2/call,"}
        return [
            Message(list((plain | {"Channel": name, "BridgeId": bridge}).items())) for name, bridge in (("waits", ""), ("talks", "b-1"))
        ]

    async def redirect(self, channel: str, context: str, extension: str, priority: str = "1") -> bool:
        self.moved.append((f"{channel} to {context},{extension},{priority}", asyncio.get_running_loop().time()))
        return True


class ServerList:
    next_one = "h:2"


class Other:
    """The server at h:2: whether it answers."""

    def __init__(self) -> None:
        self.awake = asyncio.Event()
        self.awake.set()

    async def __call__(self, agi: str) -> bool:
        assert agi == "h:2"
        await self.awake.wait()
        return True


def watch(monkeypatch: pytest.MonkeyPatch, *pauses: tuple[float, float], up: bool = False) -> Asterisk:
    """The other server is awake and then frozen, for so many seconds each time."""

    async def whole() -> Asterisk:
        asterisk, other, server_list = Asterisk(), Other(), ServerList()
        monkeypatch.setattr(neighbour, "is_alive", other)
        parts: Any = (server_list, asterisk, lambda: up)
        running = asyncio.create_task(Neighbour(*parts).run())
        for awake_s, frozen_s in pauses:
            await asyncio.sleep(awake_s)
            other.awake.clear()
            await asyncio.sleep(frozen_s)
            other.awake.set()
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return asterisk

    return virtual.run(whole())


def test_the_calls_of_a_frozen_neighbour_are_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second; not the one that talks. New ones do not go there until it answers."""
    asterisk = watch(monkeypatch, (3.1, 60.0))
    ((what, at),) = asterisk.moved
    assert what == "waits to hotline,4000,resume"
    assert at - 3.1 == pytest.approx(1.15, abs=0.15)
    assert asterisk.servers == "h:1&h:2"


def test_a_short_pause_is_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch(monkeypatch, (3.1, 0.7), (3.1, 0.7)).moved == []


def test_who_was_taken_for_frozen_and_was_not_gets_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is only slow would get its calls back and be slower still."""
    asterisk = watch(monkeypatch, (3.0, 1.6), (3.0, 1.6), (3.0, 1.6))
    assert len(asterisk.moved) == 1


def test_where_an_up_watches_the_servers_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that move the same call would move it twice."""
    assert watch(monkeypatch, (3.0, 60.0), up=True).moved == []
