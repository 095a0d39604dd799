"""What happens on agents' phones before the talk: a whisper, a call to be accepted, several phones at once, phones that answer alone."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import yaml

from simulator.phone import EndedBy, IncomingCall, Phone, Policy, Sound, answer_after, answer_when_asked, ignore, reject, sine
from tests.e2e.e2e_house import AGENT_HZ, House, OwnSite, open_site, render_prompts
from tests.e2e.fault_house import LONGEST_SILENCE_S, broken_site, edit, longest_silence_s
from tests.free_ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

HUM = sine(AGENT_HZ, 1.0)
WORDS = {"zh": "来电来自账单查询，客户正在等待。", "en": "A call from the billing line, the customer is waiting."}
QUEUES = {
    "whispered": {"whisper": WORDS},
    "asked": {"whisper": WORDS, "accept": True},
    "together": {"strategy": "ring_all"},
    "stepwise": {"strategy": "ring_progressively", "ring_more_every": "1s", "ring_timeout": "8s"},
    "far": {"ring_timeout": "15s"},
}


MOBILE = "+8613800138000"
CARRIER_PORT = free_port()


def with_queues(site: OwnSite) -> None:
    """Numbers from 4120 on lead to QUEUES. Zhao's phone answers by itself, Sun has a mobile."""
    for number, (queue, policy) in enumerate(QUEUES.items(), 4120):
        flow = (site.folder / "dialplans/any.yaml").read_text().replace("flow: any", f"flow: {queue}").replace("billing", queue)
        (site.folder / f"dialplans/{queue}.yaml").write_text(flow)
        edit(site, "numbers.yaml", {f"numbers.{number}": queue})
        edit(site, "queues.yaml", {f"queues.{queue}": policy})
    path = site.folder / "config/agents.yaml"
    people = yaml.safe_load(path.read_text())
    for agent in people["agents"].values():
        agent["queues"] += [queue for queue in QUEUES if queue != "far"]
    people["agents"]["zhao"]["answer"] = "auto"
    people["agents"]["sun"] = {"name": "孙丽", "number": MOBILE, "skills": {"lang_zh": 5, "billing": 1}, "queues": ["far"]}
    edit(site, "hotline.yaml", {"transfer.allow": ["1XXX", "+861XXXXXXXXXX"]})
    carrier = {"kind": "ip", "host": f"127.0.0.1:{CARRIER_PORT}", "match": ["192.0.2.1"], "outbound": True, "caller_id": "+861055550000"}
    (site.folder / "config/trunks.yaml").write_text(yaml.safe_dump({"trunks": {"carrier": carrier}}))
    path.write_text(yaml.safe_dump(people, allow_unicode=True))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def carrier() -> AsyncIterator[Phone]:
    """What the outbound trunk leads to."""
    async with Phone("carrier", port=CARRIER_PORT) as phone:
        yield phone


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones_site(carrier: Phone, request: pytest.FixtureRequest) -> AsyncIterator[OwnSite]:
    """A site for the tests of this file."""
    async with open_site(lambda: request.session.testsfailed > 0, with_queues) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def house(phones_site: OwnSite) -> AsyncIterator[House]:
    async with House(phones_site) as house:
        yield house


def picks_up(*keys: str, after_s: float = 1.0, hangs_up: bool = False) -> Policy:
    """An agent who picks up at once and after a while presses a key, or hangs up."""

    async def policy(call: IncomingCall) -> None:
        call.ring()
        call.play(HUM, repeat=True)
        call.answer()
        await call.pause(after_s)
        for key in keys:
            await call.press(key)
        if hangs_up:
            await call.hang_up()

    return policy


async def test_a_whisper(house: House) -> None:
    """The agent hears the words while the caller still hears music; only then are they connected, and only that is an answer."""
    phone = await house.agent("wang", answer_after(0.1, say=HUM))
    guest = await house.dial("4120")
    offered = await guest.event("offer_ringing")
    call = await phone.next_call(5)
    await call.answered(5)
    assert await guest.listen(1.0) is not Sound.SILENCE
    assert guest.told("contact_connected") == []
    connected = await guest.event("contact_connected", 10)
    assert connected["at_ms"] - offered["at_ms"] > 1500
    await guest.call.hears(AGENT_HZ, 3, start=len(guest.call.heard))
    await guest.call.pause(0.5)
    await guest.call.hang_up()
    ended = await guest.event("contact_ended")
    assert ended["data"]["talk_ms"] < 4000
    await house.state("wang", "ready", 5)


async def test_a_call_is_taken_with_one(house: House) -> None:
    """Pressing 1 in the middle of the words connects at once."""
    await house.agent("wang", picks_up("1"))
    guest = await house.dial("4121")
    await guest.event("contact_connected", 5)
    await guest.call.hears(AGENT_HZ, 3)
    await guest.call.hang_up()
    await guest.event("contact_ended")


@pytest.mark.parametrize(
    "policy",
    [picks_up("2"), picks_up("*"), picks_up("7"), picks_up("#"), picks_up(), picks_up(hangs_up=True)],
    ids=["2", "star", "another key", "hash", "nothing", "hanging up"],
)
async def test_whatever_else_declines(house: House, policy: Policy) -> None:
    """Nobody is connected; the caller hears music on and keeps the place; the next agent gets the call."""
    phone = await house.agent("wang", policy)
    guest = await house.dial("4121")
    declined = await guest.event("offer_declined", 20, agent="wang")
    assert guest.told("contact_connected") == []
    assert (await phone.next_call(1)).ended_by is not None or await (phone.calls[0]).ended(5)
    assert await house.now("wang") == "ready"
    await house.agent("li", picks_up("1", after_s=0.2))
    connected = await guest.event("contact_connected", 8)
    assert connected["agent"] == "li"
    assert len(guest.told("contact_queued")) == 1
    assert connected["data"]["waited_ms"] > declined["at_ms"] - guest.told("contact_queued")[0]["at_ms"]
    await guest.call.hang_up()
    await guest.event("contact_ended")


async def test_the_caller_hangs_up_in_the_whisper(house: House) -> None:
    """The agent is free within a second; the record says abandoned, by the caller."""
    phone = await house.agent("wang", answer_after(0, say=HUM))
    guest = await house.dial("4120")
    call = await phone.next_call(5)
    await call.answered(5)
    await guest.call.pause(0.5)
    mark = len(house.feed.events)
    await guest.call.hang_up()
    assert await call.ended(5) is EndedBy.THEM
    assert call.at["ended"] - guest.call.at["bye"] < 1
    ready = await house.feed.wait_for("agent_ready", within=5, agent="wang", after=mark)
    abandoned = await guest.event("contact_abandoned")
    assert ready["at_ms"] - abandoned["at_ms"] < 1000
    assert abandoned["data"]["outcome"] == "abandoned"
    assert (await guest.over())["data"]["ended_by"] == "caller"
    assert guest.told("contact_connected") == []


# -- several phones ----------------------------------------------------------------------------------------------------


async def test_the_first_to_answer_has_the_caller(house: House) -> None:
    """Both phones ring; the loser's stops without a missed call, and its agent is ready at once."""
    losing, winning = await house.agent("li", ignore()), await house.agent("wang", answer_after(1.0, say=HUM))
    guest = await house.dial("4122")
    lost, won = await losing.next_call(5), await winning.next_call(5)
    assert abs(lost.at["invite"] - won.at["invite"]) < 1
    connected = await guest.event("contact_connected")
    assert connected["agent"] == "wang"
    assert await lost.ended(5) is EndedBy.CANCELLED
    assert "cause=26" in lost.reason or "elsewhere" in lost.reason.lower()
    withdrawn = await guest.event("offer_withdrawn", agent="li")
    assert withdrawn["at_ms"] - connected["at_ms"] < 500
    assert await house.now("li") == "ready"
    await guest.call.hears(AGENT_HZ, 3)
    await guest.call.hang_up()
    assert (await guest.event("contact_ended"))["agent"] == "wang"


async def test_one_of_several_declines(house: House) -> None:
    """That is told at once while the other rings on."""
    await house.agent("li", reject(603, after_s=0.3))
    await house.agent("wang", answer_after(1.5, say=HUM))
    guest = await house.dial("4122")
    declined = await guest.event("offer_declined", 3, agent="li")
    connected = await guest.event("contact_connected", 5, agent="wang")
    assert connected["at_ms"] - declined["at_ms"] > 800
    await guest.call.hang_up()
    await guest.event("contact_ended")


async def test_the_caller_hangs_up_while_several_ring(house: House) -> None:
    """All of them stop, all agents are free."""
    phones = [await house.agent("li", ignore()), await house.agent("wang", ignore())]
    guest = await house.dial("4122")
    calls = [await phone.next_call(5) for phone in phones]
    await guest.call.pause(0.3)
    await guest.call.hang_up()
    for call in calls:
        assert await call.ended(5) is EndedBy.CANCELLED
    await guest.event("contact_abandoned")
    for agent in ("li", "wang"):
        await guest.event("offer_withdrawn", agent=agent)
        assert await house.now(agent) == "ready"


async def test_an_agent_pauses_while_several_ring(house: House) -> None:
    """Only that agent's phone stops."""
    pausing, other = await house.agent("li", ignore()), await house.agent("wang", answer_after(2.0, say=HUM))
    guest = await house.dial("4122")
    stopped = await pausing.next_call(5)
    await guest.event("offer_ringing", 3, agent="li")
    await house.ask("li", "pause")
    assert await stopped.ended(5) is EndedBy.CANCELLED
    assert (await guest.event("contact_connected", 5))["agent"] == "wang"
    assert len(other.calls) == 1
    assert [event["agent"] for event in guest.told("offer_made")].count("wang") == 1
    await guest.call.hang_up()
    await guest.event("contact_ended")


async def test_more_and_more_phones_ring(house: House) -> None:
    """The second phone joins after a second: the first is rung anew beside it, without a missed call and without a word to anybody."""
    first, second = await house.agent("wang", ignore()), await house.agent("li", answer_after(2.0, say=HUM))
    guest = await house.dial("4123")
    both = {"wang": first, "li": second}
    early = (await guest.event("offer_made", 3))["agent"]
    late = "li" if early == "wang" else "wang"
    await guest.event("offer_made", 3, agent=late)
    stopped = await both[early].next_call(5)
    await both[late].next_call(5)
    again = await both[early].next_call(5)
    assert await stopped.ended(5) is EndedBy.CANCELLED
    assert "26" in stopped.reason or "elsewhere" in stopped.reason.lower()
    assert (await guest.event("contact_connected", 6))["agent"] == "li"
    if early == "wang":
        assert await again.ended(5) is EndedBy.CANCELLED
    await guest.event("offer_withdrawn", agent="wang")
    assert {event["agent"] for event in guest.told("offer_withdrawn")} == {"wang"}
    assert len(guest.told("offer_made")) == 2
    await guest.call.hang_up()
    await guest.event("contact_ended")


# -- phones that answer by themselves -----------------------------------------------------------------------------------


async def test_a_phone_that_answers_by_itself(house: House) -> None:
    """It is told to, and its agent hears a beep before the caller."""
    phone = await house.agent("zhao", answer_when_asked(say=HUM))
    guest = await house.dial("4100")
    call = await phone.next_call(5)
    assert call.invite.headers.all("Alert-Info") == ["auto-answer"]
    await guest.event("contact_connected", 3)
    assert max(map(abs, call.heard.samples(0)), default=0) > 1000
    await guest.call.hears(AGENT_HZ, 3)
    await guest.call.hang_up()
    await guest.event("contact_ended")


# -- an agent at an external number ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["1", ""], ids=["who answers", "whose voicemail answers"])
async def test_an_agent_at_a_mobile(house: House, carrier: Phone, key: str) -> None:
    """The trunk dials it; it needs no state, and may take long to ring; who does not press 1 does not get the caller."""

    async def mobile(call: IncomingCall) -> None:
        call.trying()
        await call.pause(3.0)
        call.ring()
        await call.pause(0.5)
        await picks_up(*key, after_s=2.0)(call)

    carrier.on_invite = mobile
    await house.ask("sun", "log_in")
    guest = await house.dial("4124")
    call = await carrier.next_call(5)
    assert call.invite.uri.startswith(f"sip:{MOBILE}@")
    assert "861055550000" in call.invite.headers.get("From")
    if key:
        await guest.event("contact_connected", 10, agent="sun")
        await guest.call.hears(AGENT_HZ, 3)
        await guest.call.hang_up()
        await guest.event("contact_ended")
        await house.state("sun", "ready", 5)
    else:
        await guest.event("offer_declined", 20, agent="sun")
        assert guest.told("contact_connected") == []
        await guest.call.hang_up()
        await guest.over()


# -- the server is killed in the whisper --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [(answer_after(0, 7.0, say=HUM), "connected"), (picks_up(after_s=1.5, hangs_up=True), "declined")],
    ids=["and the agent stays", "and the agent hangs up"],
)
async def test_the_server_is_killed_in_the_whisper(policy: Policy, outcome: str) -> None:
    """Asterisk alone goes on: the caller hears music until the words are over, then the agent, or is offered anew at the old place."""
    async with broken_site(with_queues) as house:
        await render_prompts(house.site)
        phone = await house.agent("wang", policy)
        guest = await house.dial("4120")
        queued = await guest.event("contact_queued")
        await (await phone.next_call(5)).answered(5)
        await guest.call.pause(0.3)
        start = len(guest.call.heard)
        house.kill()
        if outcome == "connected":
            await guest.call.hears(AGENT_HZ, 12)
            assert longest_silence_s(guest, start) <= LONGEST_SILENCE_S
            ended = await guest.event("contact_ended", 15)
            assert (ended["agent"], ended["data"]["ended_by"]) == ("wang", "agent")
            await guest.over(15)
        else:
            await guest.event("contact_taken_over", 20)
            await guest.event("offer_declined", 3, agent="wang")
            await house.agent("li", answer_after(0.1, 7.0, say=HUM))
            connected = await guest.event("contact_connected", 15, agent="li")
            assert connected["data"]["waited_ms"] == pytest.approx(connected["at_ms"] - queued["data"]["enqueued_at_ms"], abs=50)
            await guest.over(15)
            assert longest_silence_s(guest, start) <= LONGEST_SILENCE_S
        await house.state("wang", "ready", 8)


@pytest.mark.parametrize("gone", ["the agent", "the caller"])
async def test_the_server_is_killed_while_several_ring(gone: str) -> None:
    """The one who answers is known by the phone: that agent is taken, the other one free; whoever ends the talk, it is told once."""
    async with broken_site(with_queues) as house:
        losing, winning = await house.agent("li", ignore()), await house.agent("wang", answer_after(2.0, say=HUM))
        guest = await house.dial("4122")
        lost, won = await losing.next_call(5), await winning.next_call(5)
        await house.feed.wait_for("offer_ringing", within=3, agent="wang")
        house.kill()
        await guest.call.hears(AGENT_HZ, 6)
        assert await lost.ended(5) is EndedBy.CANCELLED
        await guest.event("contact_connected", 12, agent="wang")
        await house.state("li", "ready", 5)
        await (won if gone == "the agent" else guest.call).hang_up()
        ended = await guest.event("contact_ended", 15)
        assert (ended["agent"], ended["data"]["ended_by"]) == ("wang", gone.split()[1])
        await guest.over(15)
        await house.state("wang", "ready", 8)
