"""A server that is frozen, and two servers on one Asterisk: calls go on at the one that lives, a woken zombie does no harm."""

import asyncio
import os
import signal
from typing import Any

import pytest

from simulator.phone import CallState, answer_after, sine
from tests.e2e.e2e_house import Guest
from tests.e2e.fault_house import Broken, broken_site, edit, longest_silence_s

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
AGENT_HZ = 880.0
HUM = sine(AGENT_HZ, 1.0)
TWO: dict[str, Any] = {"limits__nodes": 2}
CALLS = 20  # all of them at the one that lives, by chance: once in a million times


async def holder(house: Broken, guest: Guest) -> str:
    """The pid file's name of the node that has the call."""
    for number, name in ((0, "node"), (1, "node-1")):
        rows = await house.calls_at(number)
        if guest.id in rows:
            return name
    raise AssertionError(f"no node has {guest.id}")


async def test_frozen_while_waiting(measured: list[str]) -> None:
    """One node: it is ended and started again; the caller waits on with music and keeps the place."""
    async with broken_site(lambda site: edit(site, "queues.yaml", {"defaults.announce_position.first": "30s"})) as house:
        guest = await house.dial("4100")
        contact = (await guest.event("contact_queued"))["contact"]
        await guest.call.pause(1.0)
        start, began = len(guest.call.heard), asyncio.get_running_loop().time()
        house.freeze()
        await guest.event("call_resumed", 20)
        measured.append(f"frozen while waiting, one node: back after {asyncio.get_running_loop().time() - began:.2f} s")
        assert longest_silence_s(guest, start) < 2
        await house.agent("wang", answer_after(0.1, 0.5, say=HUM))
        assert (await guest.event("contact_connected", 10))["contact"] == contact
        await guest.over()


async def test_frozen_while_talking(measured: list[str]) -> None:
    """One node: the talk goes on, and the agent who ends it is free."""
    async with broken_site() as house:
        agent = await house.agent("wang", answer_after(0.1, say=HUM))
        guest = await house.dial("4100")
        await guest.event("contact_connected")
        house.freeze()
        await guest.call.pause(2.0)
        assert guest.call.state is CallState.TALKING
        await agent.calls[0].hang_up()
        await guest.event("contact_ended", 20)
        await guest.over(20)
        await house.state("wang", "ready", 5)


async def test_calls_of_a_killed_node_go_on_at_the_other(measured: list[str]) -> None:
    """Two nodes: a waiting caller and one in a menu are at the other node within a second."""
    async with broken_site(**TWO) as house:
        await house.both_listed()
        guests = [await house.dial("4100", account) for account in ("caller3", "caller", "caller2")]  # the first one has priority
        for guest in guests:
            await guest.event("contact_queued")
        victim = await holder(house, guests[0])
        moved = [guest for guest in guests if await holder(house, guest) == victim]
        starts = {guest.id: len(guest.call.heard) for guest in moved}
        mark, began = len(house.feed.events), asyncio.get_running_loop().time()
        house.kill(victim)
        for guest in moved:
            await house.feed.wait_for("call_resumed", within=10, after=mark, call=guest.id)
        measured.append(f"killed one of two nodes: {len(moved)} calls at the other after {asyncio.get_running_loop().time() - began:.2f} s")
        await guests[0].call.pause(1.0)
        assert max(longest_silence_s(guest, starts[guest.id]) for guest in moved) < 2
        await house.agent("wang", answer_after(0.1, 0.3, say=HUM))
        for guest in guests:
            await guest.over(20)
        assert [event["call"] for event in house.told("contact_connected")] == [guest.id for guest in guests]


@pytest.mark.parametrize("talking", [False, True])
async def test_a_woken_zombie_does_no_harm(measured: list[str], talking: bool) -> None:
    """Two nodes, one frozen and woken again: its caller is at the other, or talks on; nothing is told twice, nobody is lost."""
    async with broken_site(**TWO) as house:
        await house.both_listed()
        agent = await house.agent("wang", answer_after(0.1, say=HUM)) if talking else None
        guest = await house.dial("4100")
        await guest.event("contact_connected" if talking else "contact_queued")
        await guest.call.pause(0.5)
        start, mark = len(guest.call.heard), len(house.feed.events)
        began = asyncio.get_running_loop().time()
        house.site.send_signal(signal.SIGSTOP)  # so that the supervisor does not end it
        zombie = house.freeze(await holder(house, guest))
        if agent:
            await house.feed.wait_for("server_lost", within=12, after=mark)
            await agent.calls[0].hang_up()
        await house.feed.wait_for("call_resumed", within=12, after=mark, call=guest.id)
        measured.append(f"frozen, two nodes, talking={talking}: at the other after {asyncio.get_running_loop().time() - began:.2f} s")
        if not agent:
            await guest.call.pause(0.5)
            assert longest_silence_s(guest, start) < 2
        os.kill(zombie, signal.SIGCONT)
        await asyncio.sleep(3.0)
        if not agent:
            assert guest.told("call_ended") == []
            assert house.told("contact_abandoned") == []
            await house.agent("wang", answer_after(0.1, 0.5, say=HUM))
            await guest.event("contact_connected", 8)
        await guest.over(10)
        await house.state("wang", "ready", 6)
        house.site.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("leads", [True, False])
async def test_calls_that_come_to_a_frozen_server(measured: list[str], leads: bool) -> None:
    """It takes their connections and says nothing until its loss is noticed: then the other serves them. Once, also when it wakes."""
    async with broken_site(**TWO) as house:
        await house.both_listed()
        leader = await house.leader(2)
        phones = [await house.phone(account) for account in ("caller", "caller2", "caller3")]
        house.site.send_signal(signal.SIGSTOP)
        began = asyncio.get_running_loop().time()
        zombie = house.freeze("node-1" if (leader == 1) is leads else "node")
        calls = [await phones[place % 3].call("4000") for place in range(CALLS)]
        await asyncio.sleep(1.0)
        at_once = len(house.told("call_arrived"))
        assert at_once < CALLS
        await asyncio.gather(*(call.answered(15) for call in calls))
        took_s = asyncio.get_running_loop().time() - began
        measured.append(f"frozen ({leads=}): {CALLS - at_once} of {CALLS} new calls came to it, all answered after {took_s:.1f} s")
        os.kill(zombie, signal.SIGCONT)
        await asyncio.sleep(3.0)
        assert len({event["call"] for event in house.told("call_arrived")}) == len(house.told("call_arrived")) == CALLS
        assert house.told("call_ended") == []
        assert all(call.state is CallState.TALKING for call in calls)
        house.site.send_signal(signal.SIGCONT)
        await asyncio.gather(*(call.hang_up() for call in calls))


async def keep_calling(house: Broken, over: asyncio.Event) -> int:
    """One caller after another until it is over; gives how many were served. Each must be answered."""
    phone, served = await house.phone("caller3"), 0
    while not over.is_set():
        mark = len(house.feed.events)
        call = await phone.call("4000")
        await call.answered(5)
        await house.feed.wait_for("node_entered", within=5, after=mark, node="language")
        await call.pause(0.2)
        await call.hang_up()
        served += 1
    return served


async def test_a_rolling_restart_loses_nothing(measured: list[str]) -> None:
    """Two nodes are started anew, one after the other, while calls come in: waiting callers move, talks end where they are, in seconds."""
    async with broken_site(**TWO) as house:
        await house.both_listed()
        await house.agent("wang", answer_after(0.1, 3.0, say=HUM))
        guests = []
        for account in ("caller", "caller2"):
            guests.append(await house.dial("4100", account))
            await guests[-1].event("contact_queued")
        await guests[0].event("contact_connected")
        starts = [len(guest.call.heard) for guest in guests]
        began, over = asyncio.get_running_loop().time(), asyncio.Event()
        others = asyncio.create_task(keep_calling(house, over))
        said = await house.hotline("restart")
        assert said.splitlines() == [f"server {number} has been started anew and takes calls" for number in (0, 1)]
        await house.said("all nodes have been restarted", 10)
        over.set()
        took_s, served = asyncio.get_running_loop().time() - began, await others
        measured.append(f"rolling restart of two nodes: {took_s:.1f} s, {served} new calls served meanwhile")
        for guest, start in zip(guests, starts, strict=True):
            await guest.over(30)
            assert longest_silence_s(guest, start) < 2
        assert [event["call"] for event in house.told("contact_connected")] == [guest.id for guest in guests]
        for guest in guests:
            await guest.event("contact_ended")
        assert len(house.told("contact_ended")) == 2
        assert served > 3
