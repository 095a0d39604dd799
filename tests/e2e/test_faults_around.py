"""What the server depends on fails: Redis, AMI, Asterisk; and all servers at once."""

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable

import pytest
import redis.asyncio

from server.state_folder.sockets import socket_folder
from simulator.phone import CallState, answer_after, sine
from tests.e2e.fault_house import Broken, broken_site, cut_ami, longest_silence_s

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
AGENT_HZ = 880.0
HUM = sine(AGENT_HZ, 1.0)
NUMBERS = {"caller": "9001", "caller2": "9002", "caller3": "9003"}


async def flush(house: Broken) -> None:
    client = redis.asyncio.Redis(unix_socket_path=str(socket_folder(house.site.state) / "redis.sock"))
    await client.flushall()
    await client.aclose()


async def slow(house: Broken) -> None:
    pid = house.freeze("redis")
    await asyncio.sleep(2.0)
    os.kill(pid, signal.SIGCONT)


async def killed(house: Broken) -> None:
    house.kill("redis")


@pytest.mark.parametrize("harm", [killed, slow, flush])
async def test_redis_fails(harm: Callable[[Broken], Awaitable[None]], measured: list[str]) -> None:
    """One talks, one waits, one is in a menu: nothing is lost, agents' states are as before, nobody is booked twice."""
    async with broken_site() as house:
        wang = await house.agent("wang", answer_after(0.1, say=HUM))
        await house.agent("li", answer_after(0.1, 0.5, say=HUM))
        await house.ask("li", "pause", "1")
        talking = await house.dial("4100")
        await talking.event("contact_connected")
        waiting = await house.dial("4100", "caller2")
        contact = await waiting.event("contact_queued")
        choosing = await house.dial("4000", "caller3")
        await choosing.at_node("language")
        await talking.call.pause(0.5)
        start, mark = len(waiting.call.heard), len(house.feed.events)
        await harm(house)
        await talking.call.pause(3.0)
        await talking.call.hears(AGENT_HZ, 2, start=len(talking.call.heard) - 4000)
        assert longest_silence_s(waiting, start) < 2
        agents = {row["id"]: row for row in (await house.site.get("/api/agents"))["agents"]}
        assert (agents["wang"]["state"], agents["li"]["state"]) == ("on_contact", "paused")
        row = (await house.site.get("/api/queues/billing"))["contacts"][0]
        assert (row["id"], row["enqueued_at_ms"]) == (contact["contact"], contact["data"]["enqueued_at_ms"])
        await house.ask("li", "resume")
        connected = await house.feed.wait_for("contact_connected", within=10, after=mark, contact=contact["contact"])
        assert connected["agent"] == "li"
        await waiting.over()
        await wang.calls[0].hang_up()
        assert (await talking.event("contact_ended", 5))["data"]["talk_ms"] >= 3000
        await talking.over()
        await choosing.call.press("1")
        await choosing.at_node("choices")
        await choosing.call.hang_up()
        await choosing.over()


async def test_ami_is_cut(measured: list[str]) -> None:
    """Keys work without AMI, an agent can be rung, a caller who left meanwhile is missed when it is back."""
    async with broken_site() as house:
        await house.agent("wang", answer_after(0.1, 1.5, say=HUM))
        leaving = await house.dial("4102", "caller2")
        await leaving.event("contact_queued")
        back = await cut_ami(house)
        guest = await house.dial("4000")
        await guest.at_node("language")
        await guest.call.press("1")
        await guest.at_node("choices")
        await guest.call.press("3")
        await guest.event("contact_connected", 10)
        await leaving.call.hang_up()
        assert (await guest.event("contact_ended", 10))["data"]["talk_ms"] > 500
        await guest.over(15)
        await back()
        await leaving.over(15)
        await leaving.event("contact_abandoned", 5)
        assert len(leaving.told("contact_abandoned")) == 1
        await house.serving()
        await house.state("wang", "ready", 5)


async def test_asterisk_is_started_again(measured: list[str]) -> None:
    """Its calls are over: told as such, with the number to call back; agents are free, and new calls are served."""
    async with broken_site() as house:
        await house.agent("wang", answer_after(0.1, say=HUM))
        guests = [await house.dial("4100", "caller"), await house.dial("4100", "caller2"), await house.dial("4000", "caller3")]
        await guests[0].event("contact_connected")
        await guests[1].event("contact_queued")
        await guests[2].at_node("language")
        house.kill("asterisk-child")
        for guest in guests:
            ended = await guest.event("call_ended", 20)
            assert (ended["data"]["ended_by"], ended["data"]["ani"]) == ("asterisk_restarted", NUMBERS[guest.phone.user])
        assert len(guests[1].told("contact_abandoned")) == 0
        lost = (await house.site.get("/api/calls/lost"))["calls"]
        assert sorted(row["call"] for row in lost) == sorted(guest.id for guest in guests)
        await house.state("wang", "ready", 5)
        await house.serving()
        await house.send_home()
        again = await house.dial("4000")
        await again.at_node("language")
        await again.call.hang_up()
        await again.over()


async def test_all_servers_are_gone(measured: list[str]) -> None:
    """Asterisk apologises in the caller's language and rings the fallback."""
    async with broken_site(asterisk__fallback={"dial": "1005", "after": "3s"}) as house:
        fallback = await house.phone("1005")
        fallback.on_invite = answer_after(0.1, say=HUM)
        guest = await house.dial("4000")
        await guest.at_node("language")
        await guest.call.press("2")
        await guest.at_node("choices")
        await guest.call.pause(0.3)
        dialplan = (house.site.state / "etc/asterisk/extensions.conf").read_text()
        sounds = dict(re.findall(r'HOTLINE_LANGUAGE}" = "(\w+)".*Playback\((.*?)\)\)', dialplan))
        house.site.send_signal(signal.SIGSTOP)
        start = len(guest.call.heard)
        house.kill()
        await house.eventually(lambda: house.plays(sounds["en"]), 8)
        await guest.call.pause(1.0)
        await guest.call.hears(AGENT_HZ, 15)
        assert longest_silence_s(guest, start) < 2
        assert guest.call.state is CallState.TALKING
        house.site.send_signal(signal.SIGCONT)
        await house.serving()
        await guest.call.hang_up()
        await guest.over(10)


async def test_a_call_too_long(measured: list[str]) -> None:
    """In a queue, and in a talk: words, and the end, which is told as such; the agent is free."""
    async with broken_site(asterisk__max_call_length="6s") as house:
        await house.agent("wang", answer_after(0.1, say=HUM))
        waiting = await house.dial("4102", "caller2")
        talking = await house.dial("4106")
        await talking.event("contact_connected")
        await waiting.event("contact_queued")
        for guest in (waiting, talking):
            ended = await guest.over(25)
            assert ended["data"]["ended_by"] == "time_limit"
        await house.state("wang", "ready", 5)


async def test_one_call_too_many(measured: list[str]) -> None:
    """A server at its limit refuses the next one, who hears an apology; the others notice nothing, and a free place is taken again."""
    async with broken_site(limits__calls=2, asterisk__fallback={"dial": "", "after": "2s"}) as house:
        guests = [await house.dial("4000", account) for account in ("caller", "caller2")]
        third = await house.phone("caller3")
        refused = await third.call("4000")
        await refused.answered(10)
        await refused.ended(20)
        assert max(map(abs, refused.heard.samples()), default=0) > 1000
        assert all(guest.call.state is CallState.TALKING for guest in guests)
        assert len(house.told("call_arrived")) == 2
        await guests[0].call.hang_up()
        await guests[0].over()
        again = await house.dial("4000", "caller3", name="again")
        for guest in (guests[1], again):
            await guest.call.hang_up()
            await guest.over()
