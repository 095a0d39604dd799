"""What nobody may do: guests, callers beyond our numbers, forbidden transfers, text that is meant to be a command."""

from pathlib import Path

import pytest

from simulator.phone import CallRefused, Phone, RegistrationFailed, answer_after, reject, sine
from tests.e2e.e2e_house import AGENT_HZ, CALLER_HZ, House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_strangers_are_refused(house: House) -> None:
    """No account and a wrong password: neither a call nor a registration, and no call is told."""
    server = ("127.0.0.1", house.site.ports["sip"])
    mark = len(house.feed.events)
    for user, password in (("nobody", ""), ("caller", "wrong"), ("1001", ""), ("4000", "")):
        async with Phone(user, password, server) as phone:
            with pytest.raises(RegistrationFailed) as unregistered:
                await phone.register()
            assert unregistered.value.status in (401, 403, 404)
            with pytest.raises(CallRefused) as refused:
                await (await phone.call("4000")).answered(5)
            assert refused.value.status in (401, 403)
    assert house.feed.find("call_arrived", mark) is None


@pytest.mark.parametrize("number", ["1001", "*40", "*421", "110", "18612345678", "4999", "s", "h", "resume"])
async def test_callers_reach_our_numbers_only(house: House, number: str) -> None:
    """A caller's account dials no agent, no feature code, no outside number and no label of the dialplan."""
    await house.agent("wang", log_in=False)
    caller = await house.phone("caller")
    with pytest.raises(CallRefused) as refused:
        await (await caller.call(number)).answered(5)
    assert refused.value.status == 404
    assert house.latest("state", "wang") in ("", "logged_out")


async def test_agents_dial_colleagues_and_no_outside_number(house: House) -> None:
    """Without a trunk an agent's phone reaches the other phones and nothing beyond."""
    wang = await house.agent("wang", log_in=False)
    await house.agent("li", log_in=False)
    call = await wang.call("1002")
    await call.answered(5)
    await call.hang_up()
    for number in ("18612345678", "110"):
        with pytest.raises(CallRefused):
            await (await wang.call(number)).answered(5)


@pytest.mark.parametrize(
    "name",
    [
        '"quoted" \\ and \\" more',
        'x"\\nHANGUP\\nSET VARIABLE HOTLINE_DONE 1',
        "${SHELL(touch {here})}",
        "$[1+1] ${HOTLINE_SERVERS}&agi://127.0.0.1:1",
        "王芳'; DROP TABLE agents; --",
        "a" * 300,
        "Action: Originate%0d%0aChannel: PJSIP/1001%0d%0a",
    ],
    ids=["quotes", "agi", "shell", "dialplan", "unicode", "long", "ami"],
)
async def test_a_callers_name_is_only_a_name(house: House, name: str, tmp_path: Path) -> None:
    """Whatever stands in the display name, the call goes its way and nothing else happens."""
    trap = tmp_path / "trap"
    phone = await house.agent("wang", answer_after(0.1))
    guest = await house.dial("4000", name=name.replace("{here}", str(trap)))
    await guest.call.press("13")
    await guest.event("contact_connected", agent="wang")
    rung = await phone.next_call(1)
    assert len(rung.remote.name) <= 80
    await guest.call.hang_up()
    assert (await guest.over())["data"]["ended_by"] == "caller"
    assert not trap.exists()
    assert len([event for event in house.feed.events if event["type"] == "offer_made" and event["call"] == guest.id]) == 1


async def test_a_transfer_to_an_allowed_number(house: House) -> None:
    """The flow dials a phone that the site allows, and both hear each other; the end of the talk ends the call."""
    phone = await house.agent("zhao", answer_after(0.1, say=sine(AGENT_HZ, 1.0)), log_in=False)
    guest = await house.dial("4003")
    await guest.call.press("1003#")
    dialled = await phone.next_call(5)
    guest.call.play(sine(CALLER_HZ, 1.0), repeat=True)
    await guest.call.hears(AGENT_HZ, 5)
    await dialled.hears(CALLER_HZ, 5)
    await dialled.hang_up()
    ended = await guest.over()
    assert ended["data"]["ended_by"] == "system"
    assert (await guest.event("node_left", node="dialled"))["data"]["exit"] == "answered"


@pytest.mark.parametrize("number", ["18612345678", "4000", "12345"])
async def test_a_transfer_to_any_other_number_is_refused(house: House, number: str) -> None:
    """What the caller enters is dialled only when the site allows it."""
    guest = await house.dial("4003")
    await guest.call.press(f"{number}#")
    assert (await guest.event("node_left", node="dialled"))["data"]["exit"] == "not_allowed"
    await guest.at_node("refused")
    await guest.call.hang_up()


async def test_a_busy_transfer_has_its_exit(house: House) -> None:
    """A busy phone leads to the exit for it."""
    await house.agent("zhao", reject(486), log_in=False)
    guest = await house.dial("4003")
    await guest.call.press("1003#")
    assert (await guest.event("node_left", node="dialled"))["data"]["exit"] == "busy"
    await guest.over()


async def test_an_agent_passes_a_caller_on(house: House) -> None:
    """Blind transfer by the agent's phone to a colleague: the talk ended by transfer, the agent is free, the caller talks on."""
    wang = await house.agent("wang", answer_after(0.1))
    zhao = await house.agent("zhao", log_in=False)
    guest = await house.dial("4100")
    await guest.event("contact_connected")
    talk = await wang.next_call(1)
    await talk.pause(0.5)
    assert 200 <= await talk.refer("1003") < 300
    await zhao.next_call(5)
    await guest.call.hears(AGENT_HZ, 5)
    assert (await guest.event("contact_ended"))["data"]["ended_by"] == "transfer"
    await house.state("wang", "ready")
    assert guest.told("call_ended") == []
    await guest.call.hang_up()
    assert (await guest.over())["data"]["ended_by"] == "caller"
    assert (await guest.event("call_transferred"))["agent"] == "wang"
    assert (await guest.event("transfer_ended"))["data"]["target"] == "1003"


async def test_an_agent_connects_a_caller_to_a_colleague(house: House) -> None:
    """Attended transfer: the agent asks a colleague first, connects both and is free at once; the caller talks on; one end."""
    wang = await house.agent("wang", answer_after(0.1))
    zhao = await house.agent("zhao", answer_after(0.1, say=sine(AGENT_HZ, 1.0)), log_in=False)
    guest = await house.dial("4100")
    await guest.event("contact_connected")
    talk = await wang.next_call(1)
    await talk.pause(0.5)
    await talk.hold()
    await guest.event("hold_started")
    consult = await wang.call("1003")
    await consult.answered(5)
    await consult.pause(0.6)
    assert 200 <= await talk.refer_attended(consult) < 300
    await guest.call.hears(AGENT_HZ, 5)
    assert (await guest.event("contact_ended"))["data"]["ended_by"] == "transfer"
    await house.state("wang", "ready")
    assert guest.told("call_ended") == []
    await (await zhao.next_call(1)).hang_up()
    await guest.over()


async def test_an_agent_connects_a_caller_to_a_queue(house: House) -> None:
    """Attended transfer into a queue that the agent consulted: the caller waits there in the agent's place and comes to the next agent."""
    wang = await house.agent("wang", answer_after(0.1))
    guest = await house.dial("4100")
    await guest.event("contact_connected")
    talk = await wang.next_call(1)
    await talk.pause(0.5)
    first = len(house.feed.events)
    consult = await wang.call("4100")
    await consult.answered(5)
    waiting = await house.feed.wait_for("contact_queued", within=5, after=first)
    await consult.pause(0.6)
    assert await house.ask("wang", "pause", "meeting") == "on_contact"  # so that the next agent is another one
    assert 200 <= await talk.refer_attended(consult) < 300
    assert (await guest.event("contact_ended"))["data"]["ended_by"] == "transfer"
    li = await house.agent("li", answer_after(0.1, say=sine(AGENT_HZ, 1.0)))
    assert (await house.feed.wait_for("contact_connected", within=8, contact=waiting["contact"]))["agent"] == "li"
    start = len(guest.call.heard)
    await guest.call.hears(AGENT_HZ, 5, start=start)
    await (await li.next_call(1)).hang_up()
    await house.feed.wait_for("call_ended", within=8, call=waiting["call"])


async def test_an_agent_connects_a_caller_to_a_queue_whose_agent_is_ringing(house: House) -> None:
    """In mid ring the caller takes the agent's place in it, talks to the next agent, and both are counted and free afterwards."""
    wang = await house.agent("wang", answer_after(0.1))
    guest = await house.dial("4100")
    await guest.event("contact_connected")
    talk = await wang.next_call(1)
    await talk.pause(0.5)
    await house.agent("li", answer_after(2.0, say=sine(AGENT_HZ, 1.0)))
    first = len(house.feed.events)
    consult = await wang.call("4100")
    await consult.answered(5)
    ringing = await house.feed.wait_for("offer_ringing", within=6, after=first)
    assert 200 <= await talk.refer_attended(consult) < 300
    assert (await guest.event("contact_ended"))["data"]["ended_by"] == "transfer"
    await house.feed.wait_for("contact_connected", within=8, contact=ringing["contact"])
    start = len(guest.call.heard)
    await guest.call.hears(AGENT_HZ, 5, start=start)
    await guest.call.pause(1.0)
    await guest.call.hang_up()
    ended = await house.feed.wait_for("contact_ended", within=8, contact=ringing["contact"])
    assert ended["data"]["ended_by"] == "caller"
    assert 800 <= ended["data"]["talk_ms"] <= 6000
    await house.state("wang", "ready")
    await house.state("li", "ready")
