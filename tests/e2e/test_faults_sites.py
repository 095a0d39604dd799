"""Two sites, each with an Asterisk of its own, on one Redis: what happens to one does nothing to the calls of the other."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from routing.domain.identifiers import asterisk_of
from simulator.phone import CallState, answer_after, sine
from tests.e2e.e2e_house import Guest
from tests.e2e.fault_house import Broken, broken_site, cut_ami
from tests.private_redis import PrivateRedis

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
HUM = sine(880.0, 1.0)


@asynccontextmanager
async def two_sites(**settings: Any) -> AsyncIterator[tuple[Broken, Broken]]:
    redis = PrivateRedis()
    redis.start()
    try:
        async with broken_site(redis__url=redis.url) as east, broken_site(redis__url=redis.url, **settings) as west:
            yield east, west
    finally:
        redis.stop()


async def lists_are_right(east: Broken, west: Broken) -> None:
    """Each Asterisk knows its own servers and no others."""
    for house in (east, west):
        await house.eventually(lambda house=house: house.listed([house.site.ports["agi"]]), 10)  # type: ignore[misc]


@pytest.mark.timeout(180)
async def test_one_site_is_broken_in_every_way(measured: list[str]) -> None:
    """Its server is killed, its AMI cut, its Asterisk killed: at the other those in a menu, in a queue and in a talk go on."""
    async with two_sites() as (east, west):
        agent = await east.agent("wang", answer_after(0.1, say=HUM))
        talking = await east.dial("4100")
        await talking.event("contact_connected")
        waiting = await east.dial("4100", "caller2")
        contact = (await waiting.event("contact_queued"))["contact"]
        choosing = await east.dial("4000", "caller3")
        await choosing.at_node("language")
        await west.feed.wait_for("node_entered", within=5, call=choosing.id, node="language")  # both read one log
        there = [await west.dial("4000"), await west.dial("4102", "caller2")]
        await there[1].event("contact_queued")
        assert {asterisk_of(guest.id) for guest in (talking, waiting, choosing)} == {asterisk_of(talking.id)} != {""}
        assert {asterisk_of(guest.id) for guest in there}.isdisjoint({asterisk_of(talking.id), ""})
        await lists_are_right(east, west)

        mark = len(east.feed.events)
        west.kill()
        for guest in there:
            await east.feed.wait_for("call_resumed", within=20, after=mark, call=guest.id)
        await west.serving()
        await east.feed.wait_for("server_lost", within=10, after=mark)
        goes_on(talking, waiting, choosing, *there)

        back = await cut_ami(west)
        await back()
        await west.eventually(lambda: _not(west.ami_is_away()), 15)
        goes_on(talking, waiting, choosing, *there)

        west.kill("asterisk-child")
        for guest in there:
            assert (await guest.event("call_ended", 20))["data"]["ended_by"] == "asterisk_restarted"
        await west.serving()
        await lists_are_right(east, west)
        goes_on(talking, waiting, choosing)
        rows = (await west.site.get("/api/queues/billing"))["contacts"]
        assert [row["id"] for row in rows] == [contact]

        await agent.calls[0].hang_up()
        await talking.event("contact_ended", 8)
        assert (await waiting.event("contact_connected", 8))["contact"] == contact
        for guest in (waiting, choosing, talking):
            await guest.call.hang_up()
            await guest.over(10)
        await east.state("wang", "ready", 8)
        await east.send_home()


def goes_on(*guests: Guest) -> None:
    for guest in guests:
        assert guest.call.state is CallState.TALKING, guest.id
        assert guest.told("call_ended") == [], guest.id
        assert guest.told("contact_abandoned") == guest.told("contact_left") == [], guest.id


@pytest.mark.timeout(120)
async def test_a_frozen_server_is_followed_by_one_of_its_own_asterisk(measured: list[str]) -> None:
    """The router leads at the other site, which cannot reach these calls: a server of the same Asterisk pulls them over."""
    async with two_sites(limits__nodes=2) as (east, west):
        agi = west.site.ports["agi"]
        await west.eventually(lambda: west.listed([agi, agi + 1]), 10)
        here = await east.dial("4102")
        await west.feed.wait_for("contact_queued", within=5, call=here.id)
        there = await west.dial("4102", "caller2")
        await there.event("contact_queued")
        name = "node" if there.id in await west.calls_at(0) else "node-1"
        west.site.send_signal(signal.SIGSTOP)
        zombie = west.freeze(name)
        await there.event("call_resumed", 12)
        await west.eventually(lambda: west.listed([agi + 1 if name == "node" else agi]), 5)
        assert await east.listed([east.site.ports["agi"]])
        goes_on(here, there)
        os.kill(zombie, signal.SIGCONT)
        west.site.send_signal(signal.SIGCONT)
        await west.eventually(lambda: west.listed([agi, agi + 1]), 10)
        for guest in (here, there):
            await guest.call.hang_up()
            await guest.over(10)


async def _not(answer: Awaitable[bool]) -> bool:
    return not await answer
