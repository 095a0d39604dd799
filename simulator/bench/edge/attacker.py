"""`python -m simulator.bench.edge.attacker ATTACK SECONDS PORTS`: one attack, in a process of its own: it must not hold up the phones that
listen. PORTS is JSON as in ports.json; the last line that it prints is JSON: what was sent and what came back, by name.
"""

import asyncio
import json
import random
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from simulator.bench.edge.malformed import malformed, sound
from simulator.bench.edge.sipp import run_scenario

STRANGER, TRUNK = "127.0.0.66", "127.0.0.77"
HOST = "127.0.0.1"
QUEUE_NUMBER = "7003"
SEED = 20260101
Ports = Mapping[str, int]


class Sender:
    """A UDP socket that sends at a rate and counts the answers by their status."""

    def __init__(self, address: str, port: int) -> None:
        self.to = (HOST, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.setblocking(False)
        self.source: tuple[str, int] = self._socket.getsockname()
        self.count = Counter[str]()

    async def send_all(self, messages: "list[bytes] | Callable[[int], bytes]", rate: float, seconds: float) -> None:
        """One after the other, `rate` a second, for so long; a list is sent again from its beginning."""
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0
        while (passed := loop.time() - began) < seconds:
            while sent < passed * rate:
                self._send(messages(sent) if callable(messages) else messages[sent % len(messages)])
                sent += 1
            self._read()
            await asyncio.sleep(0.002)

    def _send(self, message: bytes) -> None:
        try:
            self._socket.sendto(message[:65000], self.to)
            self.count["sent"] += 1
        except OSError:
            self.count["not sent"] += 1

    def _read(self) -> None:
        while True:
            try:
                answer = self._socket.recv(65535)
            except OSError:
                return
            self.count[answer.split(b" ", 2)[1].decode(errors="replace") if answer.startswith(b"SIP/2.0 ") else "requests"] += 1


async def _malformed(ports: Ports, seconds: float) -> Counter[str]:
    """From a stranger: 500 wrong messages a second."""
    sender = Sender(STRANGER, ports["sip"])
    await sender.send_all(list(malformed(random.Random(SEED), 20_000, sender.source, sender.to)), 500, seconds)
    return sender.count


async def _malformed_trunk(ports: Ports, seconds: float) -> Counter[str]:
    """From the address of a trunk, whose messages are believed more: 200 wrong ones a second."""
    sender = Sender(TRUNK, ports["sip"])
    await sender.send_all(list(malformed(random.Random(SEED + 1), 8_000, sender.source, sender.to)), 200, seconds)
    return sender.count


def _flood(method: str, rate: float) -> Callable[[Ports, float], Awaitable[Counter[str]]]:
    async def act(ports: Ports, seconds: float) -> Counter[str]:
        sender, chance = Sender(STRANGER, ports["sip"]), random.Random(SEED)

        def message(number: int) -> bytes:
            lines = sound(chance, number, sender.source, sender.to)
            was = lines[0].split(" ", 1)[0]
            return "\r\n".join(line.replace(was, method, 1) if line.startswith((was, "CSeq")) else line for line in lines).encode()

        await sender.send_all(message, rate, seconds)
        return sender.count

    return act


async def _rtp(ports: Ports, seconds: float) -> Counter[str]:
    """Sound and noise to the ports where calls have theirs, 2,000 packets a second."""
    sender, chance = Sender(STRANGER, ports["sip"]), random.Random(SEED)
    header = bytes([0x80, 0]) + bytes(10)
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0
    while (passed := loop.time() - began) < seconds:
        while sent < passed * 2000:
            sender.to = (HOST, ports["rtp_first"] + chance.randrange(400))
            sender._send(header + chance.randbytes(160) if sent % 3 else chance.randbytes(chance.randrange(1, 200)))
            sent += 1
        await asyncio.sleep(0.002)
    return sender.count


def _slow(kind: str, count: int) -> Callable[[Ports, float], Awaitable[Counter[str]]]:
    """So many connections that send a byte a second and never finish."""

    async def act(ports: Ports, seconds: float) -> Counter[str]:
        begins = b"GET /api/queues HTTP/1.1\r\nHost: x\r\nX-Slow: " if kind == "http" else b"agi_network: yes\nagi_request: "
        counts, writers = Counter[str](), []
        for _ in range(count):
            try:
                reader, writer = await asyncio.open_connection(HOST, ports[kind], local_addr=(STRANGER, 0))
                writer.write(begins)
                writers.append((reader, writer))
                counts["opened"] += 1
            except OSError:
                counts["refused"] += 1
        for _ in range(round(seconds)):
            await asyncio.sleep(1)
            for _, writer in writers:
                if not writer.is_closing():
                    writer.write(b"a")
        counts["closed by us"] = sum(not (reader.at_eof() or writer.is_closing()) for reader, writer in writers)
        counts["closed by the server"] = counts["opened"] - counts["closed by us"]
        return counts

    return act


def _sipp(scenario: str, rate: int) -> Callable[[Ports, float], Awaitable[Counter[str]]]:
    """Calls over the trunk into the queue whose agents all talk."""

    async def act(ports: Ports, seconds: float) -> Counter[str]:
        return await run_scenario(scenario, source=TRUNK, to=(HOST, ports["sip"]), number=QUEUE_NUMBER, rate=rate, seconds=seconds)

    return act


ATTACKS: dict[str, Callable[[Ports, float], Awaitable[Counter[str]]]] = {
    "malformed messages": _malformed,
    "malformed messages from a trunk": _malformed_trunk,
    "INVITE flood": _flood("INVITE", 1000),
    "REGISTER flood": _flood("REGISTER", 1000),
    "OPTIONS flood": _flood("OPTIONS", 1000),
    "calls that are never acknowledged": _sipp("never_ack", 5),
    "calls that are taken back at once": _sipp("cancel", 20),
    "noise at RTP ports": _rtp,
    "slow HTTP connections": _slow("http", 800),
    "slow AGI connections": _slow("agi", 800),
}


def main(name: str, seconds: str, ports: str) -> int:
    """Returns 0 when the attack was carried out."""
    counts = asyncio.run(_carry_out(name, float(seconds), json.loads(ports)))
    print(json.dumps(counts), flush=True)
    return 0


async def _carry_out(name: str, seconds: float, ports: Ports) -> dict[str, int]:
    return dict(await ATTACKS[name](ports, seconds))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
