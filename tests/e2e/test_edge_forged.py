"""What a peer at a line's address writes into its requests: it reaches flow and log as text, and never begins a line of AMI."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
import yaml

from server.installation import AMI_USER
from tests.e2e.e2e_house import OwnSite
from tests.e2e.fault_house import Broken, broken_site
from tests.free_ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]

PEER = "127.0.0.9"
FORGED = "Event%3A%20DeviceStateChange%0D%0ADevice%3A%20PJSIP/1001%0D%0AState%3A%20UNAVAILABLE%0D%0AForged%3A%20yes%0D%0A%0D%0A"
SDP = f"v=0\r\no=- 1 1 IN IP4 {PEER}\r\ns=-\r\nc=IN IP4 {PEER}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
INJECTION = f"%0D%0A%0D%0A{FORGED}"


def with_a_line(site: OwnSite) -> None:
    """A gateway known by its address."""
    (site.folder / "config/trunks.yaml").write_text(yaml.safe_dump({"trunks": {"edge": {"kind": "ip", "host": f"{PEER}:5999"}}}))
    numbers = site.folder / "config/numbers.yaml"
    numbers.write_text(numbers.read_text() + "default: any\n")


class Gateway(asyncio.DatagramProtocol):
    """A peer that sends what it is told to, byte by byte; what is answered is acknowledged, and ended at once."""

    def __init__(self, port: int) -> None:
        self._asterisk = ("127.0.0.1", port)
        self._callers: list[str] = []
        self._statuses: dict[int, list[str]] = {}
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.DatagramTransport, transport)
        self._here = "{}:{}".format(*transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: object) -> None:
        text = data.decode("utf-8", "replace")
        status, call = re.match(r"SIP/2.0 (\d+)", text), re.search(r"Call-ID: edge-(\d+)@", text)
        if not (status and call and "1 INVITE" in text):
            return
        number, code = int(call.group(1)), status.group(1)
        tag = re.search(r"To:.*;tag=([^;\s]+)", text)
        if code >= "200" and tag:
            self._send("ACK", number, tag.group(1))
            if code == "200":
                self._send("BYE", number, tag.group(1))
        self._statuses.setdefault(number, []).append(code)
        self._news.set()

    def close(self) -> None:
        self._socket.close()

    def invite(self, called: str, caller: str, *headers: str) -> int:
        """A call; its number."""
        self._callers.append(caller)
        number = len(self._callers) - 1
        self._send("INVITE", number, "", called, *headers)
        return number

    def cancel(self, number: int, called: str) -> None:
        self._send("CANCEL", number, "", called)

    async def status(self, number: int, wanted: str, within: float = 5) -> None:
        """Wait for that answer."""
        async with asyncio.timeout(within):
            while wanted not in self._statuses.get(number, []):
                self._news.clear()
                await self._news.wait()

    def _send(self, method: str, number: int, to_tag: str = "", called: str = "4100", *headers: str) -> None:
        uri = f"sip:{called}@127.0.0.1:{self._asterisk[1]}"
        sdp = SDP if method == "INVITE" else ""
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._here};branch=z9hG4bK-{number}{method if method == 'BYE' else ''}",
            "Max-Forwards: 70",
            f"From: {self._callers[number]};tag=t{number}",
            f"To: <{uri}>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: edge-{number}@{PEER}",
            f"CSeq: {2 if method == 'BYE' else 1} {method}",
            f"Contact: <sip:x@{self._here}>",
            *headers,
            *(["Content-Type: application/sdp"] if sdp else []),
            f"Content-Length: {len(sdp)}",
        ]
        self._socket.sendto("\r\n".join([*lines, "", sdp]).encode(), self._asterisk)


@asynccontextmanager
async def gateway(house: Broken) -> AsyncIterator[Gateway]:
    loop = asyncio.get_running_loop()
    port = house.site.ports["sip"]
    _, peer = await loop.create_datagram_endpoint(lambda: Gateway(port), local_addr=(PEER, free_port()))
    try:
        yield peer
    finally:
        peer.close()


@asynccontextmanager
async def ami_bytes(house: Broken) -> AsyncIterator[bytearray]:
    """All that AMI sends to a user with the rights of a server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.site.ports["ami"])
    writer.write(f"Action: Login\r\nUsername: {AMI_USER}\r\nSecret: {house.site.secrets['ami']}\r\nEvents: on\r\n\r\n".encode())
    read = bytearray()

    async def collect() -> None:
        while data := await reader.read(65536):
            read.extend(data)

    task = asyncio.create_task(collect())
    try:
        yield read
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        writer.close()


@pytest.mark.timeout(180)
async def test_nothing_from_a_peer_begins_a_line_of_ami() -> None:
    """Line breaks in the caller's and the called number, in names and in headers, cancelled at every moment: no event is forged."""
    async with broken_site(with_a_line) as house, gateway(house) as peer, ami_bytes(house) as ami:
        await house.agent("wang")
        callers = [f"<sip:1{INJECTION}@{PEER}>", f'"Bob" <sip:%2B86{INJECTION}10@{PEER}>', f"<sip:1@{PEER}>"]
        asserted = [(), (f"P-Asserted-Identity: <sip:1{INJECTION}@{PEER}>",), (f'Remote-Party-ID: "x" <sip:1{INJECTION}@{PEER}>',)]
        for turn in range(27):
            number = peer.invite("4100", callers[turn % 3], *asserted[turn // 3 % 3])
            await asyncio.sleep(0.002 * (turn % 5))
            peer.cancel(number, "4100")
        for called in ("4100" + INJECTION, "9" + INJECTION, "+" + INJECTION, "4100%0A", "4100'", "4100,1", "4" * 33):
            await peer.status(peer.invite(called, f"<sip:1@{PEER}>"), "404")
        await asyncio.sleep(1)
        lines = bytes(ami).decode("utf-8", "replace").split("\r\n")
        assert sum(line == "Event: Hangup" for line in lines) >= 10
        assert not [line for line in lines if "Forged" in line or "%0" in line]
        assert house.latest("phone_state", "wang") == "available"
        await house.site.get("/readyz")


@pytest.mark.timeout(120)
async def test_who_calls_is_read_from_the_headers() -> None:
    """The number that the carrier asserts, else that of From; a name in any script; what is no number is malformed."""
    async with broken_site(with_a_line) as house, gateway(house) as peer:

        async def arrives(caller: str, *headers: str) -> str:
            mark = len(house.feed.events)
            await peer.status(peer.invite("4100", caller, *headers), "200", 8)
            event = await house.feed.wait_for("call_arrived", within=8, after=mark)
            await house.feed.wait_for("call_ended", within=8, call=event["call"])
            return str(event["data"].get("ani", ""))

        assert await arrives(f'"王, 芳 (x)" <sip:13800138000@{PEER}>') == "+86*******8000"
        assert await arrives(f"<sip:1@{PEER}>", f'P-Asserted-Identity: "A" <sip:+8613900139000@{PEER}>') == "+86*******9000"
        assert await arrives(f"<sip:1@{PEER}>", "P-Asserted-Identity: <tel:+8613900139000;phone-context=x>") == "+86*******9000"
        assert await arrives(f"<sip:(010)6255-0100@{PEER}>") == "+86******0100"
        assert await arrives(f"<sip:anonymous@{PEER}>") == "withheld"
        assert await arrives(f"<sip:138%0D%0A00138000@{PEER}>") == "malformed"
