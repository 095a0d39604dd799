"""The two processes of `bench router`: a router, and servers without telephones that load it. Each has a store of its own at one Redis.

`load` plays some servers: contacts arrive, its agents answer at once and end at once, and for each contact that has ended the next one
arrives. Its part of the work - JSON, three messages and an order per contact - is what real servers would share. It says what it did in
one line of JSON.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from time import perf_counter

import uvloop

from routing.clock import SystemClock
from routing.domain.current_directory import CurrentDirectory
from routing.domain.identifiers import Ids
from routing.domain.messages import AgentAsked, Message, OfferAnswered, PhoneReported, ServerAlive, TalkEnded
from routing.domain.orders import OfferOrder
from routing.router import Router
from routing.store.redis import RedisStore
from simulator.bench.process_figures import processor_seconds
from simulator.bench.router_floor import QUEUES, SERVER, arrival, directory, own_phone

TURN_MS = 200
START_S = 60.0
SERVERS = 3  # so that the router has something to do while one of them writes
CONTACTS = 100_000_000  # of each server at most


async def route(url: str, agents: int) -> None:
    """Route until SIGTERM; then say how much processor time it took."""
    store = RedisStore(url)
    router = Router(store, CurrentDirectory(directory(agents)), Ids(), SystemClock(), server="router")
    task = asyncio.create_task(router.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.gather(task, return_exceptions=True)
    said = {"largest_batch": router.largest_batch, "commits": router.commits, "skipped": router.skipped}
    print(json.dumps({"busy_s": processor_seconds(os.getpid()), **said}), flush=True)
    await store.close()


class Load:
    """A server whose callers and agents lose no time."""

    def __init__(self, url: str, agents: int, number: int = 0) -> None:
        self.server = f"{SERVER}-{number}"
        self._first = number * CONTACTS
        self.store = RedisStore(url)
        self.clock = SystemClock()
        self.site = directory(agents)
        self.arrived = self.ended = 0
        self._read = "0"  # nobody has had this name before: every order is meant for it
        self._alive_s = 0.0

    async def log_in(self) -> None:
        """All agents, with free phones."""
        for profile in self.site.agents.values():
            request = AgentAsked(profile.id, "log_in", profile.id, self.server, at_ms=self.clock.now_ms())
            await self.store.post(PhoneReported(own_phone(profile), "available"), request)

    async def arrive(self, count: int) -> None:
        """So many contacts join."""
        await self.store.post(*self._alive(), *(self._next() for _ in range(count)))

    async def turn(self, keep: bool) -> None:
        """Take what was ordered: each ring is answered and ended, and with `keep` a next contact arrives."""
        orders = await self.store.orders(self.server, self._read, block_ms=TURN_MS, limit=500)
        messages = list(self._alive())
        for position, order in orders:
            self._read = position
            if isinstance(order, OfferOrder):
                messages += (OfferAnswered(order.contact, order.offer), TalkEnded(order.contact, order.offer, "caller", 1))
                self.ended += 1
                if keep:
                    messages.append(self._next())
        if messages:
            await self.store.post(*messages)

    def _next(self) -> Message:
        self.arrived += 1
        return arrival(self._first + self.arrived, self.arrived % QUEUES, self.clock.now_ms(), self.server)

    def _alive(self) -> tuple[Message, ...]:
        now = perf_counter()
        if now - self._alive_s < 1:
            return ()
        self._alive_s = now
        return (ServerAlive(self.server),)


async def load(url: str, agents: int, under_way: int, seconds: float, warm_up: float) -> None:
    """Say `steady`, wait for a line, and load for `seconds`; then the figures."""
    servers = [Load(url, agents, number) for number in range(SERVERS)]
    await servers[0].log_in()
    for made in servers:
        await made.arrive(under_way // SERVERS)
    until = perf_counter() + START_S
    while not sum(made.ended for made in servers) and perf_counter() < until:  # the router is starting
        await _for(servers, 0.1)
    await _for(servers, warm_up)
    print("steady", flush=True)
    sys.stdin.readline()
    began, before, busy = perf_counter(), sum(made.ended for made in servers), processor_seconds(os.getpid())
    await _for(servers, seconds)
    lasted, ended = perf_counter() - began, sum(made.ended for made in servers) - before
    print(json.dumps({"ended": ended, "seconds": lasted, "busy_s": processor_seconds(os.getpid()) - busy}), flush=True)
    for made in servers:
        await made.store.close()


async def _for(servers: list[Load], seconds: float) -> None:
    until = perf_counter() + seconds

    async def work(made: Load) -> None:
        while perf_counter() < until:
            await made.turn(keep=True)

    await asyncio.gather(*map(work, servers))


async def wait(url: str, agents: int, count: int) -> None:
    """Let `count` contacts wait, nobody being at work; `steady` when each was taken."""
    made = Load(url, agents)
    for at in range(0, count, 200):
        await made.arrive(min(200, count - at))
    while len((await made.store.load()).contacts) < count:  # noqa: ASYNC110 - the router is another process
        await asyncio.sleep(0.2)
    print("steady", flush=True)
    while not await asyncio.to_thread(sys.stdin.readline):
        pass
    await made.store.close()


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("route", "load", "wait"))
    parser.add_argument("url")
    parser.add_argument("agents", type=int)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--warm-up", type=float, default=2.0)
    given = parser.parse_args()
    if given.part == "route":
        uvloop.run(route(given.url, given.agents))
    elif given.part == "load":
        uvloop.run(load(given.url, given.agents, given.count, given.seconds, given.warm_up))
    else:
        uvloop.run(wait(given.url, given.agents, given.count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
