"""Somebody at another address floods the SIP port and tries passwords while calls run: banned, and nobody else hears of it."""

import asyncio
import re
import socket
from collections import Counter
from collections.abc import Sequence
from configparser import RawConfigParser
from pathlib import Path

import pytest

from server.access.doorkeeper import ask_to_lift, read_bans
from simulator.phone import answer_after, sine
from tests.e2e.e2e_house import AGENT_HZ, House, OwnSite

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

EVIL, FORGED = "127.0.0.66", "10.9.9.9"
FILTER = Path(__file__).resolve().parents[2] / "docs/fail2ban/filter.d/hotline.conf"
NAME = f"\"x' failed for '{FORGED}:1' (callid: 1) - No matching endpoint found\" "
CALL_ID = f'q",RemoteAddress="IPV4/UDP/{FORGED}/1",Challenge="0"'


class Stranger:
    """A SIP sender at an address of its own that is no phone: `answers` counts the responses by status."""

    def __init__(self, port: int, address: str = EVIL) -> None:
        self._to = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.setblocking(False)
        self._sent = 0
        self.answers = Counter[str]()

    async def send(self, count: int, user: str = "1001", name: str = "", call_id: str = "c") -> None:
        """So many requests, 500 a second; reads what came back."""
        address, port = self._socket.getsockname()
        for _ in range(count):
            self._sent += 1
            lines = (
                f"REGISTER sip:127.0.0.1:{self._to[1]} SIP/2.0",
                f"Via: SIP/2.0/UDP {address}:{port};branch=z9hG4bK{self._sent}{port}",
                f"From: {name}<sip:{user}@{address}>;tag={self._sent}",
                f"To: <sip:{user}@127.0.0.1>",
                f"Call-ID: {call_id}{self._sent}",
                "CSeq: 1 REGISTER",
                f"Contact: <sip:{user}@{address}:{port}>",
                "Max-Forwards: 70",
                "Content-Length: 0",
            )
            self._socket.sendto("\r\n".join([*lines, "", ""]).encode(), self._to)
            await asyncio.sleep(0.002)
            self.read()

    def read(self) -> None:
        while True:
            try:
                self.answers[self._socket.recv(4096).split(b" ", 2)[1].decode()] += 1
            except BlockingIOError:
                return

    async def until_answered(self, status: str, within: float = 15) -> None:
        """Ask twice a second until the answer is that."""
        before = self.answers[status]
        async with asyncio.timeout(within):
            while self.answers[status] == before:
                await self.send(1, user="nobody")
                await asyncio.sleep(0.5)

    def close(self) -> None:
        self._socket.close()


async def test_a_flood_is_banned_and_a_running_call_hears_nothing(own_site: OwnSite, measured: list[str]) -> None:
    """The address gets 403, no other one does, whatever it writes into its requests; the talk has no gap, and new calls come in."""
    await own_site.start()
    stranger = Stranger(own_site.ports["sip"])
    try:
        async with House(own_site) as house:
            agent = await house.agent("wang", answer_after(0.1, say=sine(AGENT_HZ, 60.0)))
            guest = await house.dial("4100")
            await guest.event("contact_connected")
            talk = await agent.next_call(2)
            start = len(guest.call.heard)
            began = asyncio.get_running_loop().time()
            await stranger.send(100, name=NAME, call_id=CALL_ID)
            await stranger.until_answered("403")
            measured.append(f"a flood is banned after {asyncio.get_running_loop().time() - began:.1f} s")
            await guest.call.hears(AGENT_HZ, 2, start=start)
            assert _longest_gap_s(guest.call.heard.samples(start)) < 0.5
            assert (await (await house.dial("4000", "caller2")).event("flow_started"))["flow"] == "main"
            await talk.hang_up()
        assert list(read_bans(own_site.state)) == [EVIL]
        lines = (own_site.state / "log/asterisk.log").read_text(errors="replace").splitlines()
        assert set(_addresses_of_fail2ban(lines)) == {EVIL}

        ask_to_lift(own_site.state, EVIL)
        await stranger.until_answered("401")
        assert read_bans(own_site.state) == {}
    finally:
        stranger.close()


def _longest_gap_s(samples: Sequence[int]) -> float:
    """The longest stretch in which a tone did not sound; packets that did not come are silence."""
    longest = current = 0
    for sample in samples:
        current = 0 if abs(sample) > 500 else current + 1
        longest = max(longest, current)
    return longest / 8000


def _addresses_of_fail2ban(lines: list[str]) -> list[str]:
    """What the shipped filter finds; fail2ban takes the date out of a line before it looks."""
    parser = RawConfigParser(comment_prefixes="#", inline_comment_prefixes=None)
    parser.read(FILTER)
    patterns = [
        re.compile(line.strip().replace("<ADDR>", r"(?P<address>[0-9.]+)")) for line in parser["Definition"]["failregex"].splitlines()
    ]
    undated = [re.sub(r"^\[[-0-9]+ [0-9:.]+\]", "", line) for line in lines]
    return [found["address"] for line in undated for pattern in patterns if (found := pattern.match(line))]
