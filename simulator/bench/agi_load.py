"""The fake Asterisk under load, a process of its own: thousands of AGI sessions that answer every command at once.

As lean as Python allows (epoll and bare sockets), so that the server is what is measured. It opens all sessions and answers none until
each has sent its first command, says `idle`, waits for a line on stdin, then answers for some seconds and prints how many and how fast.
"""

import argparse
import json
import os
import select
import socket
import sys
from time import perf_counter

from agi.protocol import environment_bytes
from simulator.bench.figures import percentile
from simulator.bench.process_figures import processor_seconds, raise_file_limit
from simulator.fake_asterisk import environment

REPLY = b"200 result=0\n"
OPEN_AT_ONCE = 100
EARLIEST_S = 0.25  # of each run is for warming up


class Load:
    """`sessions` connections to one server on this machine."""

    def __init__(self, port: int, sessions: int) -> None:
        self._port = port
        self._sessions = sessions
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._answered_at: dict[int, float] = {}
        self._asked: set[int] = set()

    def open(self, within_s: float) -> None:
        """Returns when every session has sent its first command. Raises TimeoutError, OSError."""
        until = perf_counter() + within_s
        while len(self._asked) < self._sessions:
            for _ in range(min(OPEN_AT_ONCE, self._sessions - len(self._sockets))):
                self._connect()
            target = len(self._sockets) - OPEN_AT_ONCE if len(self._sockets) < self._sessions else self._sessions
            while len(self._asked) < target:
                if perf_counter() > until:
                    raise TimeoutError(f"{len(self._asked)} of {self._sessions} sessions had sent a command after {within_s:.0f} s")
                for fd, _ in self._poll.poll(0.1):
                    if os.read(fd, 4096).endswith(b"\n"):
                        self._asked.add(fd)

    def run(self, seconds: float) -> dict[str, float]:
        """Answer every command at once; the time from an answer to the next command is the server's."""
        read, write, poll, answered_at = os.read, os.write, self._poll, self._answered_at
        for fd in self._sockets:
            write(fd, REPLY)
            answered_at[fd] = perf_counter()
        times: list[float] = []
        begin = perf_counter() + EARLIEST_S
        end, busy = begin + seconds, processor_seconds(os.getpid())
        now = perf_counter()
        while now < end:
            for fd, _ in poll.poll(0.1):
                if not read(fd, 4096).endswith(b"\n"):
                    continue
                now = perf_counter()
                if now >= begin:
                    times.append(now - answered_at[fd])
                write(fd, REPLY)
                answered_at[fd] = now
            now = perf_counter()
        busy = (processor_seconds(os.getpid()) - busy) / (seconds + EARLIEST_S)
        return {
            "commands": len(times),
            "per_s": len(times) / seconds,
            "p50_ms": 1000 * percentile(times, 50),
            "p99_ms": 1000 * percentile(times, 99),
            "load_busy": busy,
            "seconds": seconds,
            "whole_seconds": seconds + EARLIEST_S,
        }

    def close(self) -> None:
        for connection in self._sockets.values():
            connection.close()

    def _connect(self) -> None:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(environment_bytes(environment()))
        self._sockets[connection.fileno()] = connection
        self._poll.register(connection, select.EPOLLIN)


def main() -> int:
    """The exit code: 1 with a sentence as JSON when the server did not take all sessions."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("sessions", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--within", type=float, default=60.0)
    given = parser.parse_args()
    raise_file_limit(given.sessions + 64)
    load = Load(given.port, given.sessions)
    try:
        load.open(given.within)
        print("idle", flush=True)
        sys.stdin.readline()
        print(json.dumps(load.run(given.seconds)), flush=True)
    except (OSError, ValueError) as reason:
        print(json.dumps({"failed": f"{type(reason).__name__}: {reason}"}), flush=True)
        return 1
    finally:
        load.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
