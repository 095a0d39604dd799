"""`up` itself is killed, or told to stop, or finds a server that is frozen: what callers hear, and what becomes of the processes."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from simulator.phone import CallRefused, CallState, IncomingCall, Policy, answer_after, sine
from tests.e2e.e2e_house import AGENT_HZ
from tests.e2e.fault_house import LONGEST_SILENCE_S, Broken, broken_site, edit, heard_now, longest_silence_s

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
HUM = sine(AGENT_HZ, 1.0)
PARTS = ("redis", "asterisk-child", "node")


def pids(house: Broken) -> dict[str, int]:
    return {part: house.pid(part) for part in PARTS}


def runs(pid: int) -> bool:
    """Whether it does: one that has ended has no command line, also before anybody has asked how."""
    path = Path(f"/proc/{pid}/cmdline")
    return path.exists() and path.read_bytes() != b""


def counting(rung: list[str], policy: Policy) -> Policy:
    """The same, and `rung` gets a word for each call."""

    async def counted(call: IncomingCall) -> None:
        rung.append("rung")
        await policy(call)

    return counted


async def again(house: Broken) -> None:
    """The site that has stopped is started; its log goes on."""
    await house.site.start()
    house.feed = house.site.feed


async def test_a_killed_up_is_followed_by_one_that_adopts(measured: list[str]) -> None:
    """Callers in a menu, in a queue and in a talk hear nothing of it; the same processes go on, watched again: one that dies or freezes is
    replaced, and the end of the new `up` ends them all."""
    async with broken_site() as house:
        await house.agent("wang", answer_after(0.1, say=HUM))
        talk = await house.dial("4100", "caller2")
        await talk.event("contact_connected")
        waiting = await house.dial("4100", "caller3")
        await waiting.event("contact_queued")
        menu = await house.dial("4000")
        await menu.at_node("language")
        before, mark = pids(house), len(house.feed.events)
        starts = {guest: heard_now(guest) for guest in (talk, waiting)}

        await house.site.killed()
        began = asyncio.get_running_loop().time()
        await house.site.launch()
        measured.append(f"up killed: the next one is ready after {asyncio.get_running_loop().time() - began:.2f} s")

        assert pids(house) == before
        assert [house.feed.find(type, mark) for type in ("call_ended", "call_resumed", "contact_ended", "server_left")] == [None] * 4
        await menu.call.press("2")
        await menu.at_node("choices")
        await waiting.call.pause(1.0)
        assert max(longest_silence_s(guest, start) for guest, start in starts.items()) < 0.3

        house.kill()
        await house.feed.wait_for("call_resumed", within=20, after=mark, call=waiting.id)
        house.freeze()
        await house.said("is ended", 20)
        await house.serving()
        assert pids(house) == before | {"node": house.pid()}
        assert talk.call.state is CallState.TALKING
        await talk.call.hang_up()
        await asyncio.gather(*(guest.call.hang_up() for guest in (waiting, menu)))
        await house.until(lambda: len(house.told("call_ended")) == 3, 10, "all calls are over")
        living = pids(house)
        assert await house.site.stop() == 0
        assert [part for part, pid in living.items() if runs(pid)] == []
        await again(house)


async def test_what_is_outdated_is_renewed(measured: list[str]) -> None:
    """Between the two starts a number and a flow were added: Asterisk reads its files again, the server is started anew, both know them;
    the caller who waits hears music all the time."""
    async with broken_site(limits__drain="1s") as house:
        waiting = await house.dial("4100")
        contact = (await waiting.event("contact_queued"))["contact"]
        before, mark, start = pids(house), len(house.feed.events), heard_now(waiting)
        await house.site.killed()
        edit(house.site, "numbers.yaml", {"numbers.4199": "any"})
        await house.site.launch()
        await house.said("all nodes have been restarted", 30)
        await house.feed.wait_for("call_resumed", within=20, after=mark, call=waiting.id)
        assert pids(house) == before | {"node": house.pid()}
        assert house.pid() != before["node"]
        assert longest_silence_s(waiting, start) < LONGEST_SILENCE_S
        late = await house.dial("4199", "caller2")
        await late.event("contact_queued")
        await house.agent("wang", answer_after(0.1, 0.3, say=HUM))
        assert (await waiting.event("contact_connected", 10))["contact"] == contact
        await asyncio.gather(waiting.over(20), late.over(20))


async def test_a_frozen_server_leaves_nobody_in_silence(measured: list[str]) -> None:
    """One node: before it is ended its callers hear music, in a menu as in a queue; who talks talks on, and nobody is lost."""
    async with broken_site() as house:
        await house.agent("wang", answer_after(0.1, say=HUM))
        talk = await house.dial("4100", "caller2")
        await talk.event("contact_connected")
        waiting = await house.dial("4100", "caller3")
        await waiting.event("contact_queued")
        menu = await house.dial("4000")
        await menu.at_node("language")
        mark = len(house.feed.events)
        starts = {guest: heard_now(guest) for guest in (talk, waiting, menu)}
        house.freeze()
        for guest in (menu, waiting):
            await house.feed.wait_for("call_resumed", within=20, after=mark, call=guest.id)
        silences = [longest_silence_s(guest, start) for guest, start in starts.items()]
        measured.append(f"frozen, one node: longest silence in talk, queue, menu: {silences}")
        assert max(silences) <= LONGEST_SILENCE_S
        said = [line for line in house.site.words if "the server" in line and "answer" in line]
        assert said == [
            "the server does not answer; 2 of its calls hear music",
            "the server has not answered for 3 s and is ended",
        ]
        assert talk.call.state is CallState.TALKING
        assert house.told("call_ended") == []


async def test_a_server_that_wakes_up_in_time_gets_calls_again(measured: list[str]) -> None:
    """Two nodes, one frozen for a moment: its callers go on at the other, and when it answers it is in Asterisk's list again."""
    async with broken_site(limits__nodes=2) as house:
        await house.both_listed()
        guests = [await house.dial("4100", account) for account in ("caller", "caller2", "caller3")]
        for guest in guests:
            await guest.event("contact_queued")
        victim = 0 if len(await house.calls_at(0)) > len(await house.calls_at(1)) else 1
        moved, agi = await house.calls_at(victim), house.site.ports["agi"]
        mark = len(house.feed.events)
        zombie = house.freeze("node-1" if victim else "node")
        await house.said("hear music", 10)
        await house.eventually(lambda: house.listed([agi + 1 - victim]), 2)
        os.kill(zombie, signal.SIGCONT)
        for call in moved:
            await house.feed.wait_for("call_resumed", within=10, after=mark, call=call)
        await house.eventually(lambda: house.listed([agi, agi + 1]), 10)
        assert house.told("call_ended") == []
        assert house.told("contact_abandoned") == []
        assert all(guest.call.state is CallState.TALKING for guest in guests)


async def test_nobody_is_taken_for_frozen_on_a_machine_that_has_too_much_to_do(measured: list[str]) -> None:
    """Three programs for each processor that never rest: everybody is late, whoever asks and whoever is asked. No call is moved."""
    async with broken_site() as house:
        guest = await house.dial("4100")
        await guest.event("contact_queued")
        crowd = [await asyncio.create_subprocess_exec("sh", "-c", "while :; do :; done") for _ in range(3 * (os.cpu_count() or 1))]
        try:
            await guest.call.pause(8.0)
        finally:
            for one in crowd:
                one.kill()
            await asyncio.gather(*(one.wait() for one in crowd))
        assert [line for line in house.site.words if "answer" in line] == []
        assert house.told("call_resumed") == []


async def test_without_an_up_servers_watch_over_each_other(measured: list[str]) -> None:
    """Two nodes whose `up` is gone: the calls of a frozen one are at the other before its loss is even counted, and talks go on."""
    async with broken_site(limits__nodes=2) as house:
        await house.both_listed()
        guests = [await house.dial("4100", account) for account in ("caller", "caller2", "caller3")]
        for guest in guests:
            await guest.event("contact_queued")
        await house.site.killed()
        await guests[0].call.pause(3.0)  # they see that nobody watches over them
        victim = 0 if len(await house.calls_at(0)) > len(await house.calls_at(1)) else 1
        moved = {guest: heard_now(guest) for guest in guests if guest.id in await house.calls_at(victim)}
        mark, began = len(house.feed.events), asyncio.get_running_loop().time()
        zombie = house.freeze("node-1" if victim else "node")
        for guest in moved:
            await house.feed.wait_for("call_resumed", within=20, after=mark, call=guest.id)
        measured.append(f"frozen, two nodes without up: at the other after {asyncio.get_running_loop().time() - began:.2f} s")
        assert house.told("server_lost") == []
        os.kill(zombie, signal.SIGCONT)
        await house.eventually(lambda: house.listed([house.site.ports["agi"], house.site.ports["agi"] + 1]), 10)
        await guests[0].call.pause(1.0)
        assert max(longest_silence_s(guest, start) for guest, start in moved.items()) <= LONGEST_SILENCE_S
        assert house.told("call_ended") == []
        assert all(guest.call.state is CallState.TALKING for guest in guests)
        await house.site.launch()


async def test_the_end_of_a_drain(measured: list[str]) -> None:
    """Who still waits hears words, then the fallback rings; new calls are refused so that the carrier takes another route; the ends are
    told at once, with the numbers; two nodes drain together."""
    fallback = {"dial": "1002", "after": "5s"}
    async with broken_site(limits__nodes=2, limits__drain="4s", asterisk__fallback=fallback) as house:
        await house.both_listed()
        rung: list[str] = []
        await house.agent("li", counting(rung, answer_after(0.2, 1.0, say=HUM)), log_in=False)
        guests = [await house.dial("4100", account) for account in ("caller", "caller2")]
        for guest in guests:
            await guest.event("contact_queued")
        late = await house.phone("caller3")
        began = asyncio.get_running_loop().time()
        house.site.send_signal(signal.SIGTERM)
        await house.said("stopping the server", 5)
        refused = await late.call("4100")
        with pytest.raises(CallRefused) as refusal:
            await refused.answered(5)
        assert refusal.value.status == 503
        for guest in guests:
            ended = await guest.event("call_ended", 15)
            assert ended["data"]["ended_by"] == "site_stopped"
            assert ended["data"]["ani"] in ("9001", "9002")
            await guest.event("contact_left", 5)
        await asyncio.gather(*(guest.call.ended(40) for guest in guests))
        assert len(rung) == len(guests)
        await house.said("stopping Redis", 30)
        measured.append(f"drain of two nodes with two who wait on: {asyncio.get_running_loop().time() - began:.1f} s")
        await house.site.stop()
        await again(house)
        await house.until(lambda: len(house.told("call_ended")) == len(guests), 10, "the log is read again")
