"""Calls on a whole server node: a real Redis, a fake Asterisk on both its sides, FastAGI and AMI."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from routing.domain.events.agents import AgentPaused
from routing.domain.events.calls import CallArrived, CallEnded, TransferEnded
from routing.domain.events.contacts import ContactEnded, ContactLeft, ContactQueued
from routing.domain.messages import ContactArrived, Message
from server.calls.caller_words import NOBODY_THERE, spoken_to_callers
from server.calls.checkpoint import Checkpoint, pack, unpack
from server.cluster.neighbour import is_alive
from simulator.fake_asterisk import FakeCall
from tests.free_ports import free_port
from tests.integration.switchboard import NodeHouse, done, verbs
from tests.private_redis import PrivateRedis
from tests.told import fact

pytestmark = pytest.mark.integration


@pytest.fixture
async def house(tmp_path: Path, redis_server: PrivateRedis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NodeHouse]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = NodeHouse(tmp_path, redis_server.url)
    await made.start()
    yield made
    await made.stop()


async def in_menu(house: NodeHouse, **changes: Any) -> FakeCall:
    call = await house.call(**changes)
    await house.until("node_entered", call=f"call-{call.env['agi_uniqueid']}", node="hello")
    await call.until(lambda call: "STREAM FILE" in verbs(call))
    return call


async def in_queue(house: NodeHouse) -> FakeCall:
    call = await in_menu(house)
    house.board.press(call, "1")
    await house.until("contact_queued")
    return call


async def ringing(house: NodeHouse) -> FakeCall:
    await house.work_begins("wang")
    call = await in_queue(house)
    await house.until("offer_ringing", agent="wang")
    return call


async def talking(house: NodeHouse) -> FakeCall:
    call = await ringing(house)
    house.board.does("1001", "answers")
    await house.until("contact_connected")
    return call


async def all_over(house: NodeHouse, call: FakeCall) -> None:
    """The session is closed and nothing of the call is left on the server."""
    await call.until_gone()
    await house.until("call_ended", call=f"call-{call.env['agi_uniqueid']}")
    await house.node.telephony.agi.drain(5)
    assert house.node.telephony.agi.sessions == 0
    assert len(house.node.telephony.calls) == 0
    assert len(house.node.telephony.live_calls) == 0
    assert house.node.routing.client.stays == {}
    assert house.told(call).count("call_ended") == 1


# -- the path of a call ------------------------------------------------------------------------------------------------


async def test_a_call_to_an_agent_and_back(house: NodeHouse) -> None:
    """Menu, queue, offer, talk, and the flow goes on: every step is an event, in order; only the end says that it is the end."""
    call = await talking(house)
    (held,) = house.node.telephony.calls
    assert (held.stage, held.agent, held.ani) == ("talking", "wang", "+86*******8000")
    assert not done(call)
    house.board.does("1001", "hangs up")
    await all_over(house, call)

    assert done(call)
    ended = await house.until("contact_ended")
    told = house.told(call)  # two writers, each in order: the router about the contact, the server about the call
    assert [type for type in told if type.startswith(("contact", "offer"))] == [
        *("contact_queued", "offer_made", "offer_ringing", "contact_connected", "contact_ended"),
    ]
    assert [type for type in told if not type.startswith(("contact", "offer"))] == [
        *("call_arrived", "flow_started", "node_entered", "input_received", "node_left", "node_entered"),
        *("node_left", "node_entered", "node_left", "flow_ended", "call_ended"),
    ]
    assert (ended.agent, fact(ended, ContactEnded).ended_by) == ("wang", "agent")
    assert fact(await house.until("call_ended"), CallEnded).ended_by == "system"
    played = verbs(call)
    assert played.index("SET MUSIC") < played.index("EXEC DIAL") < len(played) - played[::-1].index("STREAM FILE") < len(played)


async def test_a_waiting_call_is_sent_nothing(house: NodeHouse) -> None:
    """After the music has begun no command goes to Asterisk until something happens."""
    call = await in_queue(house)
    await call.until(lambda call: verbs(call)[-1] == "SET MUSIC")
    sent = len(call.commands)
    for _ in range(3):
        await house.node.routing.client.ask("smith", "log_out")
    assert len(call.commands) == sent


async def test_an_agent_who_declines(house: NodeHouse) -> None:
    """The next agent is rung."""
    call = await ringing(house)
    await house.work_begins("smith")
    house.board.does("1001", "declines")
    await house.until("offer_ringing", agent="smith")
    house.board.does("1002", "answers")
    await house.until("contact_connected", agent="smith")
    house.board.hang_up(call)
    await all_over(house, call)
    assert "offer_declined" in house.told(call)


async def test_an_exit_key_while_waiting(house: NodeHouse) -> None:
    """The flow goes where the key says, and ends the call."""
    call = await in_queue(house)
    house.board.press(call, "0")
    await all_over(house, call)
    assert done(call)
    assert fact(await house.until("contact_left"), ContactLeft).key == "0"


async def test_an_exit_key_while_ringing(house: NodeHouse) -> None:
    """The agent's phone stops ringing, and the agent is free."""
    call = await ringing(house)
    house.board.press(call, "0")
    await house.board.ami.wait_for("Hangup")
    await all_over(house, call)
    assert [message.get("Cause") for message in house.board.ami.actions("Hangup")] == ["26"]
    assert (await house.node.routing.client.ask("wang", "log_in")).state == "ready"


# -- hanging up --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["menu", "queue", "ringing", "talk"])
async def test_the_caller_hangs_up(house: NodeHouse, stage: str) -> None:
    """At every stage: told once, by the caller; no other server needs to be kept away, for the channel is gone; the agent is free again."""
    call = await {"menu": in_menu, "queue": in_queue, "ringing": ringing, "talk": talking}[stage](house)
    house.board.hang_up(call)
    await all_over(house, call)
    assert fact(await house.until("call_ended"), CallEnded).ended_by == "caller"
    assert not done(call)
    if stage in ("queue", "ringing"):
        await house.until("contact_abandoned")
    if stage == "talk":
        assert fact(await house.until("contact_ended"), ContactEnded).ended_by == "caller"
    if stage in ("ringing", "talk"):
        assert (await house.node.routing.client.ask("wang", "log_in")).state == "ready"


async def test_the_caller_hangs_up_at_once(house: NodeHouse) -> None:
    """Before anything was answered: nothing is left of it, and a call that was told of is told to be over."""
    call = await house.call()
    house.board.hang_up(call)
    await call.until_gone()
    await house.node.telephony.agi.drain(5)
    await house.node.routing.events.flush()
    house.events += [event for _, event in await house.store.events(house._after, block_ms=0)]
    assert house.told(call).count("call_arrived") == house.told(call).count("call_ended")
    assert len(house.node.telephony.live_calls) == len(house.node.telephony.calls) == 0
    assert not done(call)


async def test_a_session_that_breaks_without_a_word(house: NodeHouse) -> None:
    """The connection is cut while the caller lives: nothing says that the call is done."""
    call = await in_queue(house)
    call.abort()
    await call.until_gone()
    assert not done(call)


async def test_a_server_that_stops_lets_go_of_its_calls(house: NodeHouse) -> None:
    """The session is closed without an end, so that Asterisk takes the caller to another server."""
    call = await in_queue(house)
    assert await house.node.telephony.agi.drain(0.1) == 1
    await call.until_gone()
    assert not done(call)
    assert "HANGUP" not in verbs(call)


# -- strangers ---------------------------------------------------------------------------------------------------------


async def test_whoever_asks_whether_it_lives_is_answered(house: NodeHouse) -> None:
    """A server asks the next one; one that is frozen takes the connection too and says nothing, one that has ended takes none."""
    host, port = house.node.telephony.agi.address
    assert await is_alive(f"{host}:{port}")
    assert not await is_alive(f"{host}:{free_port()}")
    assert not await is_alive("nowhere")


async def test_a_session_of_an_unknown_name(house: NodeHouse) -> None:
    """It is ended without any command; the server goes on serving."""
    stranger = await house.call("shell")
    await stranger.until_gone()
    assert stranger.commands == []
    call = await in_menu(house)
    house.board.press(call, "4")
    await all_over(house, call)


async def test_a_number_that_nobody_answers(house: NodeHouse) -> None:
    """The call is over for the dialplan, too: no server would do more with it."""
    house.site.change("config/numbers.yaml", "default: main\n", "")
    await house.node.change_site(house.site.load())
    call = await house.call(dnis="4999")
    await call.until_gone()
    assert (verbs(call), done(call)) == (["SET VARIABLE"], True)


HOSTILE = [
    '"; EXEC System(rm) "',
    "Bob\\nEXEC System rm",
    "${SHELL(id)}",
    "a\rAction: Originate\r\rApplication: System",
    "1001&PJSIP/evil@trunk",
    "agi_extension: 1000",
    "\x1b[2J\x00",
    "王" * 200,
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_caller(house: NodeHouse, text: str) -> None:
    """Name and number are data: no command of theirs reaches Asterisk, also when a flow puts them into a transfer."""
    call = await in_menu(house, ani=text, calleridname=text)
    house.board.press(call, "3")
    await all_over(house, call)
    assert set(verbs(call)) <= {"EXEC ANSWER", "EXEC MSET", "GET VARIABLE", "SET VARIABLE", "STREAM FILE", "SET MUSIC", "HANGUP"}
    assert {message.get("Action") for message in house.board.ami.received} <= {
        *("Challenge", "Login", "Ping", "CoreShowChannels", "DeviceStateList", "ControlPlayback", "Getvar", "Setvar"),
    }
    name = fact(await house.until("call_arrived"), CallArrived).ani
    assert "\x1b" not in name
    assert "\r" not in name


# -- transfers ---------------------------------------------------------------------------------------------------------


async def test_a_transfer_by_the_flow(house: NodeHouse) -> None:
    """To a number that is allowed; it is dialled and the flow ends after the talk."""
    call = await in_menu(house)
    house.board.press(call, "2")
    await call.until_running("EXEC DIAL")
    house.board.does("1002", "answers")
    await call.until(lambda call: True)
    await house.node.routing.store.now_ms()
    house.board.does("1002", "hangs up")
    await all_over(house, call)
    assert [words[2].split(",")[0] for words in call.commands if words[:2] == ["EXEC", "Dial"]] == ["PJSIP/1002"]


PASSED_ON = {"BLINDTRANSFER": "PJSIP/1001-0000000a"}


async def test_an_agent_passes_the_caller_on(house: NodeHouse) -> None:
    """A session of its own, with the target as extension: a phone of ours is dialled, and then the call is done."""
    call = await house.call("transfer", PASSED_ON, extension="1002")
    await call.until_running("EXEC DIAL")
    assert not done(call)
    house.board.does("1002", "declines")
    await call.until_gone()
    assert done(call)
    assert (await house.until("transfer_ended")).data == TransferEnded("1002", "busy")


async def test_an_agent_asks_a_colleague_first(house: NodeHouse) -> None:
    """With *2 this is the agent's own call: the colleague is dialled, and no caller is told of."""
    call = await house.call("transfer", extension="1002")
    await call.until_running("EXEC DIAL")
    house.board.does("1002", "declines")
    await call.until_gone()
    assert done(call)
    assert [event.type for _, event in await house.store.events("0", block_ms=1) if event.call] == []


def waited_before() -> dict[str, str]:
    """The variables of a caller whose agent got the call from the queue."""
    return {"HOTLINE_CALL": pack(Checkpoint("main", "wait", "en", 1_790_000_000_000))}


def dialled(call: FakeCall) -> list[str]:
    return [words[2].split(",")[0] for words in call.commands if words[:2] == ["EXEC", "Dial"]]


@pytest.mark.parametrize("speech", ["false {out} {text}", "sh -c 'sleep 20' {out} {text}"])
async def test_nobody_took_the_call_and_nothing_can_be_said(speech: str, tmp_path: Path, redis_server: PrivateRedis) -> None:
    """The speech program is missing or slow: the caller is back in the queue without a word, and the target is not dialled again."""
    house = NodeHouse(tmp_path, redis_server.url)
    house.site.write("config/hotline.yaml", f'site: small\nlanguages: [en]\ntransfer: {{allow: ["100X"]}}\nspeech: {{en: "{speech}"}}\n')
    await house.start()
    try:
        call = await house.call("transfer", waited_before(), extension="1002")
        await call.until_running("EXEC DIAL")
        house.board.does("1002", "declines")
        await house.until("contact_queued", queue="billing")
        assert dialled(call) == ["PJSIP/1002"]
        assert "STREAM FILE" not in verbs(call)
        house.board.hang_up(call)
        await call.until_gone()
    finally:
        await house.stop()


async def test_what_is_said_of_a_transfer_that_failed_was_rendered_at_the_start(house: NodeHouse) -> None:
    """Nobody waits for a speech program then."""
    speech = [each for each in spoken_to_callers(house.node.site) if each.text == NOBODY_THERE["en"]]
    await house.node.telephony.sounds.prepare(speech)  # waits for what is under way
    (house.site.folder / "beep.wav").unlink()
    call = await house.call("transfer", waited_before(), extension="1002")
    await call.until_running("EXEC DIAL")
    house.board.does("1002", "declines")
    await house.until("contact_queued", queue="billing")
    assert [words[2] for words in call.commands if words[:2] == ["STREAM", "FILE"]] == await house.node.telephony.sounds.files(speech)
    house.board.hang_up(call)
    await call.until_gone()


@pytest.mark.parametrize(("left", "words"), [({"HOTLINE_DIALLED": "1002", "DIALSTATUS": "BUSY"}, 1), ({"HOTLINE_DIALLED": "back"}, 0)])
async def test_a_transfer_that_failed_is_not_tried_again_by_the_next_server(house: NodeHouse, left: dict[str, str], words: int) -> None:
    """The channel says that the target was dialled, or that the caller is back already: then it is not even said again."""
    call = await house.call("transfer", waited_before() | left, extension="1002")
    await house.until("contact_queued", queue="billing")
    assert dialled(call) == []
    assert verbs(call).count("STREAM FILE") == words
    house.board.hang_up(call)
    await call.until_gone()


async def test_the_caller_hangs_up_after_being_passed_on(house: NodeHouse) -> None:
    """That is how most calls end: it is told, once, and nothing is left."""
    call = await house.call("transfer", PASSED_ON, extension="1002")
    await call.until_running("EXEC DIAL")
    house.board.hang_up(call)
    await all_over(house, call)
    assert fact(await house.until("call_ended"), CallEnded).ended_by == "caller"
    assert fact(await house.until("transfer_ended"), TransferEnded).target == "1002"


@pytest.mark.parametrize("target", ["2000", "110", "+8613800138000", "1002&PJSIP/2000@trunk", "s", ""])
async def test_an_agent_passes_the_caller_on_to_what_is_not_allowed(house: NodeHouse, target: str) -> None:
    """Nothing is dialled."""
    call = await house.call("transfer", PASSED_ON, extension=target)
    await call.until_gone()
    assert "EXEC DIAL" not in verbs(call)
    assert done(call)


async def test_an_agent_passes_the_caller_back_to_the_hotline(house: NodeHouse) -> None:
    """A number of ours: the caller is in its flow."""
    call = await house.call("transfer", PASSED_ON, extension="4000")
    await house.until("node_entered", node="hello")
    house.board.press(call, "4")
    await call.until_gone()
    assert done(call)


async def test_what_the_agent_was_shown_goes_with_a_caller_who_is_passed_on(house: NodeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a queue whose flow says nothing of it: the next agent sees the same."""
    kept = Checkpoint("main", "wait", "en", 1, {}, "contact-1", 1, data={"account": "12"})
    monkeypatch.setattr("server.calls.session.checkpoint.unpack", lambda text: kept)
    call = await house.call("transfer", PASSED_ON, extension="4000")
    await house.until("node_entered", node="hello")
    house.board.press(call, "1")
    joined = await house.until("contact_queued")
    assert (fact(joined, ContactQueued).caller, joined.contact != "contact-1") == ({"account": "12"}, True)
    house.board.hang_up(call)


# -- agents' phones ----------------------------------------------------------------------------------------------------


async def keyed(house: NodeHouse, words: str, channel: str = "PJSIP/1001-0000000a", **changes: Any) -> FakeCall:
    call = await house.call("agent", channel=channel, arg_1=words, **changes)
    await call.until_gone()
    return call


async def test_feature_codes(house: NodeHouse) -> None:
    """In, paused with a reason, back, out: each is done, said in words, and the call is over."""
    for words, type in (
        ("login", "agent_logged_in"),
        ("pause 1", "agent_paused"),
        ("resume", "agent_ready"),
        ("logout", "agent_logged_out"),
    ):
        call = await keyed(house, words)
        assert (await house.until(type, agent="wang")).type == type
        assert verbs(call)[-2:] == ["STREAM FILE", "HANGUP"]
        assert done(call)
    assert fact(await house.until("agent_paused"), AgentPaused).reason == "lunch"


async def test_a_feature_code_is_for_the_phone_that_dials(house: NodeHouse) -> None:
    """A caller's number proves nothing: the endpoint does."""
    await keyed(house, "login", callerid="1002", calleridname="smith")
    await house.until("agent_logged_in", agent="wang")
    assert "agent_logged_in" not in [event.type for event in house.events if event.agent == "smith"]


@pytest.mark.parametrize(
    ("words", "channel"),
    [
        ("login", "PJSIP/9999-0000000a"),
        ("login", "PJSIP/trunk-0000000a"),
        ("login", "Local/1001@agents-0000000a;1"),
        ("login", "SIP/1001-0000000a"),
        ("", "PJSIP/1001-0000000a"),
        ("reboot now", "PJSIP/1001-0000000a"),
        ("log_in", "PJSIP/1001-0000000a"),
    ],
)
async def test_a_feature_code_that_means_nothing(house: NodeHouse, words: str, channel: str) -> None:
    """No agent's state changes; the phone is told so, and the call is over."""
    call = await keyed(house, words, channel)
    assert verbs(call)[-2:] == ["STREAM FILE", "HANGUP"]
    assert done(call)
    await keyed(house, "login", "PJSIP/1002-0000000b")
    await house.until("agent_logged_in", agent="smith")
    assert [event.agent for event in house.events if event.type.startswith("agent_")] == ["smith"]


# -- joining a queue ---------------------------------------------------------------------------------------------------

BACK = """\
flow: main
languages: [en]
start: night
nodes:
  night: {type: queue, queue: night, closed: wait, otherwise: bye}
  wait:
    type: queue
    queue: billing
    exit_keys: {"0": menu}
    preferred_agents: [smith]
    preferred_for: 40s
    exclude_agents: [wang]
    otherwise: bye
  menu: {type: menu, prompt: {en: Press one.}, options: {"1": wait}, failure: bye}
  bye: {type: hangup}
"""


def joined(house: NodeHouse) -> list[ContactArrived]:
    """Every joining that is posted from now on."""
    found: list[ContactArrived] = []
    post = house.node.routing.client.post

    def watched(message: Message) -> None:
        found.extend([message] if isinstance(message, ContactArrived) else [])
        post(message)

    house.node.routing.client.post = watched  # type: ignore[method-assign]
    return found


@pytest.fixture
async def rich(tmp_path: Path, redis_server: PrivateRedis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NodeHouse]:
    """A house with a queue that is closed for ever, a list of callers, and a way back into the queue."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = NodeHouse(tmp_path, redis_server.url)
    made.site.write("config/hours.yaml", "hours:\n  never: {}\n")
    made.site.change("config/queues.yaml", "queues:", "queues:\n  night: {hours: never}")
    made.site.change("config/queues.yaml", "  billing: {", "  billing: {overflow: [{expected_wait: 10m}], ")
    made.site.write("config/callers.yaml", 'lists:\n  vip: {priority: 120, numbers: ["+8613800138000"]}\n')
    made.site.write("dialplans/main.yaml", BACK)
    await made.start()
    yield made
    await made.stop()


async def test_what_a_caller_joins_with(rich: NodeHouse) -> None:
    """The list's priority, the agents that the flow names, and the expected wait where a rule asks for it; a closed queue takes nobody."""
    found = joined(rich)
    expected = {"night": None, "billing": 90_000}
    asked: list[tuple[str, int]] = []

    def expected_wait_ms(queue: str, steps: object, now_ms: int, priority: int, *, asterisk: str) -> int | None:
        asked.append((queue, priority))
        return expected[queue]

    rich.node.routing.view.expected_wait_ms = expected_wait_ms  # type: ignore[method-assign, assignment]
    call = await rich.call()
    await call.until(lambda call: len(found) == 2)
    closed, message = found
    assert (closed.queue, message.queue) == ("night", "billing")
    left = await rich.until("contact_left")
    assert (left.contact, fact(left, ContactLeft).outcome) == (closed.contact, "closed")
    wishes = message.wishes
    assert (wishes.priority, wishes.preferred, wishes.preferred_ms, wishes.exclude) == (120, ["smith"], 40_000, ["wang"])
    assert (wishes.place_ms, message.service_level) == (0, 100.0)
    assert ([message.expected_wait_ms for message in found], asked) == ([0, 90_000], [("billing", 120)])
    (held,) = rich.node.telephony.calls
    assert held.context.known()["caller_list"] == "vip"


async def test_a_caller_who_comes_back_from_a_menu_has_the_old_place(rich: NodeHouse) -> None:
    """The place counts from the first joining, and is on the channel for another server."""
    found = joined(rich)
    call = await rich.call()
    await rich.until("contact_queued", queue="billing")
    rich.board.press(call, "0")
    await rich.until("node_entered", node="menu")
    await call.until(lambda call: "STREAM FILE" in verbs(call))
    rich.board.press(call, "1")
    await call.until(lambda call: len(found) == 3)
    _, first, second = found
    assert second.contact != first.contact
    assert second.wishes.place_ms == pytest.approx(second.enqueued_at_ms - first.enqueued_at_ms, abs=100)
    kept = unpack(call.variables["HOTLINE_CALL"])
    assert kept is not None
    assert kept.places["billing"].from_ms == pytest.approx(first.enqueued_at_ms, abs=100)
    rich.board.hang_up(call)


# -- hot desks ---------------------------------------------------------------------------------------------------------


async def test_log_in_at_another_phone(house: NodeHouse) -> None:
    """Number and PIN are keyed while the questions are asked; the right ones log the agent in."""
    call = await house.call("agent", channel="PJSIP/1002-0000000a", arg_1="desk_login")
    await call.until(lambda call: verbs(call).count("STREAM FILE") == 1)
    for key in "1001#":
        house.board.press(call, key)
    await call.until(lambda call: verbs(call).count("STREAM FILE") == 2)
    for key in "4711#":
        house.board.press(call, key)
    await call.until_gone()
    await house.until("agent_logged_in", agent="wang")
    assert verbs(call)[-2:] == ["STREAM FILE", "HANGUP"]
    assert len(house.node.telephony.live_calls) == 0


async def test_a_part_of_the_server_that_fails_is_started_again(house: NodeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a way that nobody foresaw: the callers of this server notice nothing, and it goes on taking calls."""
    read, broken = house.node.routing.store.orders, [ValueError("odd"), asyncio.CancelledError()]

    async def orders(*given: Any, **more: Any) -> Any:
        found = await read(*given, **more)
        if found and broken:
            raise broken.pop()
        return found

    monkeypatch.setattr(house.node.routing.store, "orders", orders)
    call = await talking(house)
    house.board.does("1001", "hangs up")
    await all_over(house, call)

    assert house.node.parts.restarted["routing_client"] == 2
    assert sum(house.node.parts.restarted.values()) == 2
    assert not house.node.serving.stopping.is_set()
