"""The server is killed while callers are at every stage: no call is lost, places are kept, nobody hears silence for long."""

import asyncio

import pytest
from aiohttp import web

from simulator.phone import CallState, answer_after, ignore, sine
from tests.e2e.e2e_house import Guest, OwnSite
from tests.e2e.fault_house import LONGEST_SILENCE_S, Broken, broken_site, edit, heard_now, longest_silence_s
from tests.free_ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
AGENT_HZ = 880.0
HUM = sine(AGENT_HZ, 1.0)


SLOW = """flow: slow
languages: [en]
start: number
nodes:
  number: {type: collect, prompt: {en: Number.}, save: number, min_length: 8, max_length: 8, failure: goodbye, next: lookup}
  lookup: {type: lookup, url: "http://127.0.0.1:PORT/{number}", timeout: 8s, save: {balance: balance}, found: goodbye, failed: goodbye}
  goodbye: {type: hangup}
"""


def with_slow_look_up(site: OwnSite, port: int) -> None:
    """Number 4107: eight digits, and a look-up that takes its time."""
    (site.folder / "dialplans/slow.yaml").write_text(SLOW.replace("PORT", str(port)))
    edit(site, "numbers.yaml", {"numbers.4107": "slow"})


async def slow_backend(port: int) -> web.AppRunner:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(4.0)
        return web.json_response({"balance": request.path[1:]})

    app = web.Application()
    app.router.add_get("/{number}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


async def killed(house: Broken, guest: Guest, measured: list[str], where: str) -> None:
    """Kill the server, wait until one has the call again, and judge what the caller heard meanwhile."""
    mark, start = len(house.feed.events), heard_now(guest)
    began = asyncio.get_running_loop().time()
    house.kill()
    await house.feed.wait_for("call_resumed", within=20, after=mark, call=guest.id)
    took_s = asyncio.get_running_loop().time() - began
    await guest.call.pause(1.0)
    silent_s = longest_silence_s(guest, start)
    measured.append(f"killed {where}: back after {took_s:.2f} s, longest silence {silent_s:.1f} s")
    assert silent_s <= LONGEST_SILENCE_S
    assert guest.call.state is CallState.TALKING


async def test_in_a_menu(measured: list[str]) -> None:
    """The caller hears the menu again, in the language chosen, and goes on."""
    async with broken_site() as house:
        guest = await house.dial("4000")
        await guest.at_node("language")
        await guest.call.press("2")
        await guest.at_node("choices")
        await guest.call.pause(1.0)
        await killed(house, guest, measured, "in a menu")
        assert [event["node"] for event in guest.told("node_entered")][-1] == "choices"
        await guest.call.press("3")
        queued = await guest.event("contact_queued")
        assert queued["data"]["language"] == "en"
        await guest.call.hang_up()
        await guest.over()


async def test_in_a_menu_that_was_reached_from_a_queue(measured: list[str]) -> None:
    """The place in the queue is kept, also by the server that takes the call over: the caller comes back before one who joined later."""
    async with broken_site() as house:
        first = await house.dial("4110")
        await first.event("contact_queued", queue="billing")
        second = await house.dial("4100", "caller2")
        await second.event("contact_queued")
        await first.call.press("9")
        await first.at_node("menu")
        await killed(house, first, measured, "in a menu reached from a queue")
        mark = len(house.feed.events)
        await first.call.press("1")
        back = await house.feed.wait_for("contact_queued", within=8, after=mark, call=first.id)
        assert back["queue"] == "billing"
        waiting = (await house.site.get("/api/queues/billing"))["contacts"]
        assert [contact["call"] for contact in waiting] == [first.id, second.id]
        await asyncio.gather(*(guest.call.hang_up() for guest in (first, second)))


async def test_while_digits_are_entered(measured: list[str]) -> None:
    """The caller is asked for the number again; afterwards the look-up works."""
    async with broken_site() as house:
        guest = await house.dial("4001")
        await guest.at_node("number")
        await guest.call.press("123")
        await killed(house, guest, measured, "while digits are entered")
        await guest.call.press("12345678")
        await guest.call.pause(0.5)
        await guest.call.press("1")
        await guest.event("lookup_answered", 15)
        await guest.over(20)


@pytest.mark.parametrize("pause_s", [0.0, 0.3])
async def test_while_an_entry_of_any_length_is_keyed(pause_s: float) -> None:
    """The rest of an entry that the death of the server cut in two is no entry: the question is put again and answered whole."""
    async with broken_site() as house:
        guest = await house.dial("4111")
        await guest.call.press("0")
        await guest.at_node("entry")
        await guest.call.press("12")
        mark = len(house.feed.events)
        house.kill()
        await guest.call.pause(pause_s)
        await guest.call.press("34#")
        await house.feed.wait_for("node_entered", within=20, after=mark, call=guest.id, node="entry")
        await guest.call.pause(2.0)
        await guest.call.press("5678#")
        await guest.event("input_received", node="entry", keys="5678")
        assert [event["data"]["keys"] for event in guest.told("input_received") if event["node"] == "entry"] == ["5678"]
        await guest.call.hang_up()
        await guest.over()


async def test_in_a_look_up(measured: list[str]) -> None:
    """The look-up is done again, without asking the caller again."""
    port = free_port()
    slow = await slow_backend(port)
    async with broken_site(lambda site: with_slow_look_up(site, port)) as house:
        guest = await house.dial("4107")
        await guest.at_node("number")
        await guest.call.press("12345678")
        await guest.at_node("lookup")
        await guest.call.pause(0.5)
        await killed(house, guest, measured, "in a look-up")
        assert (await guest.event("lookup_answered", 15))["data"]["outcome"] == "found"
        assert [event["node"] for event in guest.told("node_entered")].count("number") == 1
        await guest.over(20)
    await slow.cleanup()


async def test_asterisk_dies_in_a_look_up(measured: list[str]) -> None:
    """The server has nothing to ask of the call meanwhile, and does not notice: its end is told all the same, once, with the number."""
    port = free_port()
    slow = await slow_backend(port)
    async with broken_site(lambda site: with_slow_look_up(site, port)) as house:
        guest = await house.dial("4107")
        await guest.at_node("number")
        await guest.call.press("12345678")
        await guest.at_node("lookup")
        house.kill("asterisk-child")
        ended = await guest.event("call_ended", 30)
        assert (ended["data"]["ended_by"], ended["data"]["ani"]) == ("asterisk_restarted", "9001")
        assert [row["call"] for row in (await house.site.get("/api/calls/lost"))["calls"]] == [guest.id]
        await house.serving()
        again = await house.dial("4000", "caller2")
        await again.at_node("language")
        await again.call.hang_up()
        await again.over()
        assert len(guest.told("call_ended")) == 1
    await slow.cleanup()


async def test_while_waiting(measured: list[str]) -> None:
    """Two callers keep their places and their time; the music goes on."""
    async with broken_site() as house:
        first, second = await house.dial("4100"), await house.dial("4100", "caller2")
        contacts = [(await guest.event("contact_queued"))["contact"] for guest in (first, second)]
        before = {row["id"]: row for row in (await house.site.get("/api/queues/billing"))["contacts"]}
        await first.call.pause(2)
        await killed(house, first, measured, "while waiting")
        await second.event("call_resumed")
        rows = (await house.site.get("/api/queues/billing"))["contacts"]
        assert [row["id"] for row in rows] == contacts
        assert [row["enqueued_at_ms"] for row in rows] == [before[contact]["enqueued_at_ms"] for contact in contacts]
        await house.agent("wang", answer_after(0.1, 0.5, say=HUM))
        assert (await house.feed.wait_for("contact_connected", within=10))["contact"] == contacts[0]
        await first.over()
        await second.over(15)


async def test_while_ringing_and_answered(measured: list[str]) -> None:
    """The phone rings on and is answered when no server is there yet: the agent is with the caller, and free afterwards."""
    async with broken_site() as house:
        await house.agent("wang", answer_after(1.0, 5.0, say=HUM))
        guest = await house.dial("4100")
        offer = (await house.feed.wait_for("offer_ringing", within=6))["data"]["offer"]
        house.kill()
        await guest.call.hears(AGENT_HZ, 5)
        connected = await guest.event("contact_connected", 15)
        assert connected["data"]["offer"] == offer
        ended = await guest.event("contact_ended", 15)
        assert ended["data"]["ended_by"] == "agent"
        assert len(house.told("offer_made")) == 1
        await guest.over()
        await house.state("wang", "ready", 5)


async def test_while_ringing_and_answered_late(measured: list[str]) -> None:
    """The phone rings on until it is answered when the server has long been back; the caller's phone did not notice."""
    async with broken_site(lambda site: edit(site, "queues.yaml", {"defaults.ring_timeout": "12s"})) as house:
        await house.agent("wang", answer_after(7.0, 1.0, say=HUM))
        guest = await house.dial("4100")
        await house.feed.wait_for("offer_ringing", within=6)
        start = len(guest.call.heard)
        house.kill()
        await guest.call.hears(AGENT_HZ, 12)
        await guest.event("contact_connected", 5)
        assert longest_silence_s(guest, start) <= LONGEST_SILENCE_S
        await guest.over(15)
        assert len(house.told("offer_made")) == 1
        await house.state("wang", "ready", 5)


async def test_while_ringing_and_not_answered(measured: list[str]) -> None:
    """The phone rings out: that is told, and the next agent gets the caller."""
    async with broken_site() as house:
        await house.agent("wang", ignore())
        guest = await house.dial("4100")
        await house.feed.wait_for("offer_ringing", within=6)
        house.kill()
        await house.feed.wait_for("offer_rang_out", within=15, agent="wang")
        await house.agent("li", answer_after(0.1, 0.5, say=HUM))
        assert (await guest.event("contact_connected", 10))["agent"] == "li"
        await guest.over()


@pytest.mark.parametrize("by", ["agent", "caller", "agent while no server is there", "caller while no server is there"])
async def test_while_talking(measured: list[str], by: str) -> None:
    """The talk goes on; whoever ends it, and whenever: it is told once, and the agent is free."""
    alone = "while" in by
    async with broken_site() as house:
        agent = await house.agent("wang", answer_after(0.1, say=HUM))
        guest = await house.dial("4100")
        await guest.event("contact_connected")
        await guest.call.pause(0.5)
        house.kill()
        await guest.call.pause(0.3 if alone else 4.0)
        await guest.call.hears(AGENT_HZ, 2, start=max(0, len(guest.call.heard) - 4000))
        assert house.latest("state", "wang") == "on_contact"
        leaving = agent.calls[0] if by.startswith("agent") else guest.call
        await leaving.hang_up()
        ended = await guest.event("contact_ended", 15)
        assert ended["data"]["ended_by"] == by.split()[0]
        assert (await guest.over(15))["data"]["ended_by"] == ("caller" if by.startswith("caller") else "system")
        await house.state("wang", "ready", 5)


async def test_what_is_known_of_a_queue(measured: list[str]) -> None:
    """The service level of the last half hour and the wait to expect are what they were, although another process tells them."""

    async def known(house: Broken) -> tuple[float, bool]:
        row = await house.site.get("/api/queues/billing")
        return row["service_level"]["percent"], row["expected_wait_ms"] is not None

    async with broken_site() as house:
        wang = await house.agent("wang", answer_after(0.1, 0.5, say=HUM))
        served = await house.dial("4100")
        await served.event("contact_ended")
        await house.state("wang", "ready")
        wang.on_invite = answer_after(0.1, say=HUM)
        talking = await house.dial("4100", "caller2")
        await talking.event("contact_connected")  # nobody is free: the wait to expect follows from what was measured
        before = await known(house)
        assert before == (100.0, True)
        house.kill()
        await house.serving()

        async def as_before() -> bool:
            return await known(house) == before

        await house.eventually(as_before, 5)
        await talking.call.hang_up()
        await talking.over(15)
