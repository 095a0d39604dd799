"""The AMI client on a real socket against the fake manager: log in, ask, listen, lose the link, come back; nothing is smuggled in."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvloop
from structlog.testing import capture_logs

from agi.ami.client import AmiClient
from agi.ami.errors import AmiBadField, AmiLinkLost, AmiNotConnected, AmiRefused, AmiTimeout
from agi.ami.protocol import Message
from agi.live_calls import LiveCalls
from agi.phones import PhoneStates
from simulator.fake_ami import FakeAmi, error, listing, success

pytestmark = pytest.mark.integration

SECRET = "s3cret-漢"


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAmi]:
    fake = FakeAmi(secret=SECRET)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def make_client(asterisk: FakeAmi) -> AsyncIterator[Callable[..., AmiClient]]:
    made: list[AmiClient] = []

    def make(**changes: Any) -> AmiClient:
        options: dict[str, Any] = {"port": asterisk.port, "secret": SECRET, "timeout_s": 5.0, "ping_every_s": 60.0} | changes
        made.append(AmiClient("127.0.0.1", options.pop("port"), "hotline", options.pop("secret"), rng=random.Random(1), **options))
        made[-1].start()
        return made[-1]

    yield make
    for client in made:
        await client.stop()


@pytest.fixture
async def client(make_client: Callable[..., AmiClient]) -> AmiClient:
    client = make_client()
    await client.wait_connected(10)
    return client


async def eventually(condition: Callable[[], bool], within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event of its own
            await asyncio.sleep(0.005)


async def test_the_secret_stays_here(client: AmiClient, asterisk: FakeAmi) -> None:
    """The login answers a challenge: the secret itself is never sent."""
    assert (client.connected, client.epoch, asterisk.logins) == (True, 1, 1)
    assert not any(SECRET in value for message in asterisk.received for _, value in message.fields())


def test_it_runs_on_uvloop() -> None:
    """The loop that the server runs on: its transports are asyncio's by behaviour, not by class."""

    async def story() -> str:
        fake = FakeAmi(secret=SECRET)
        await fake.start()
        client = AmiClient("127.0.0.1", fake.port, "hotline", SECRET, rng=random.Random(1))
        client.start()
        await client.wait_connected(10)
        answer = await client.action("Ping")
        await client.stop()
        await fake.stop()
        return answer["Ping"]

    assert uvloop.run(story()) == "Pong"


async def test_answers_find_their_questions(client: AmiClient, asterisk: FakeAmi) -> None:
    """Many actions at once: each gets its own answer, whatever order they come back in."""
    asterisk.answers["Getvar"] = lambda action: [[("Response", "Success"), ("Value", action["Variable"] * 2)]]

    answers = await asyncio.gather(*(client.action("Getvar", Variable=f"V{number}") for number in range(200)))

    assert [answer["Value"] for answer in answers] == [f"V{number}V{number}" for number in range(200)]


@pytest.mark.parametrize("chunk", [0, 1, 13])
async def test_a_list_is_collected(client: AmiClient, asterisk: FakeAmi, chunk: int) -> None:
    """The rows come back as the answer, and do not disturb those who listen to events of that name."""
    live: list[Message] = []
    client.subscribe("DeviceStateChange", live.append)
    states = [[("Event", "DeviceStateChange"), ("Device", f"PJSIP/{number}"), ("State", "NOT_INUSE")] for number in range(50)]
    asterisk.answers["DeviceStateList"] = lambda action: listing(states, "DeviceStateListComplete")
    asterisk.chunk = chunk

    rows = await client.device_states()

    assert [row["Device"] for row in rows] == [f"PJSIP/{number}" for number in range(50)]
    assert live == []


async def test_an_event_may_carry_the_number_of_an_action(client: AmiClient, asterisk: FakeAmi) -> None:
    """OriginateResponse has the ActionID of its Originate: it is an event like others, also before the answer."""
    got: list[Message] = []
    client.subscribe("OriginateResponse", got.append)
    asterisk.answers["Originate"] = lambda action: [[("Event", "OriginateResponse"), ("Reason", "4")], *success()]

    await client.originate("PJSIP/1001", "hotline", "4000")

    assert [event["Reason"] for event in got] == ["4"]


async def test_a_refusal_is_told_in_asterisks_words(client: AmiClient, asterisk: FakeAmi) -> None:
    """Missing rights come back as AmiRefused; a channel that is gone is no error to those who wanted it gone."""
    asterisk.answers["Setvar"] = lambda action: error("Permission denied")
    asterisk.answers["Hangup"] = lambda action: error("No such channel")
    asterisk.answers["ControlPlayback"] = lambda action: error("Channel does not exist.")
    asterisk.answers["Redirect"] = lambda action: error("Permission denied")

    with pytest.raises(AmiRefused, match="refused the AMI action Setvar: Permission denied"):
        await client.set_global("HOTLINE_SERVERS", "a")
    assert not await client.hangup("PJSIP/1001-1")
    assert not await client.stop_playback("PJSIP/1001-1")
    with pytest.raises(AmiRefused):
        await client.redirect("PJSIP/1001-1", "hotline", "s", "again")


async def test_the_actions_that_we_use(client: AmiClient, asterisk: FakeAmi) -> None:
    """Each goes out with the headers that Asterisk wants."""
    for name in ("Hangup", "ControlPlayback", "Redirect", "Setvar", "Originate"):
        asterisk.answers[name] = lambda action: success()
    asterisk.answers["CoreShowChannels"] = lambda action: listing(
        [[("Event", "CoreShowChannel"), ("Uniqueid", "1.1")]], "CoreShowChannelsComplete"
    )
    asterisk.answers["BridgeList"] = lambda action: listing([], "BridgeListComplete")

    assert await client.hangup("PJSIP/1001-1", 16)
    assert await client.stop_playback("PJSIP/1001-1")
    assert await client.redirect("PJSIP/1001-1", "hotline", "s", "again")
    await client.set_global("G", "1")
    await client.originate("PJSIP/1001", "hotline", "4000", caller_id="Hotline <4000>", variables={"A": "1", "B": "2"})
    assert [row["Uniqueid"] for row in await client.core_show_channels()] == ["1.1"]
    assert await client.bridges() == []

    sent = {message["Action"]: {key: message.all(key) for key, _ in message.fields()} for message in asterisk.received}
    assert sent["Hangup"] | {"Channel": ["PJSIP/1001-1"], "Cause": ["16"]} == sent["Hangup"]
    assert sent["ControlPlayback"] | {"Control": ["stop"]} == sent["ControlPlayback"]
    assert sent["Redirect"] | {"Context": ["hotline"], "Exten": ["s"], "Priority": ["again"]} == sent["Redirect"]
    assert "Channel" not in sent["Setvar"]
    assert sent["Originate"] | {"Async": ["true"], "Variable": ["A=1", "B=2"], "CallerID": ["Hotline <4000>"]} == sent["Originate"]


@pytest.mark.parametrize(
    "value", ["x\r\nAction: Command\r\nCommand: core stop now", "x\r\n\r\nAction: Originate", "x\ny", "x\0", "x" * 5000]
)
async def test_nothing_is_smuggled_in(client: AmiClient, asterisk: FakeAmi, value: str) -> None:
    """A value with a line break never reaches the wire, and the link goes on working."""
    before = len(asterisk.received)

    with pytest.raises(AmiBadField):
        await client.set_global("NAME", value)
    with pytest.raises(AmiBadField):
        await client.action("Setvar", **{"Variable\r\nAction: Command": "x"})
    await client.action("Ping")

    assert [message["Action"] for message in asterisk.received[before:]] == ["Ping"]


@pytest.mark.parametrize("channel", ["/.*/", "/^PJSIP", ""])
async def test_a_pattern_is_no_channel(client: AmiClient, asterisk: FakeAmi, channel: str) -> None:
    """Asterisk would hang up every call that matches."""
    with pytest.raises(AmiBadField, match="no channel name"):
        await client.hangup(channel)
    assert asterisk.actions("Hangup") == []


async def test_a_receiver_that_raises_harms_nobody(client: AmiClient, asterisk: FakeAmi) -> None:
    """Its failure is logged; other receivers and later events go on, in order; who has left gets nothing."""
    got: list[str] = []
    left: list[Message] = []

    def fail(message: Message) -> None:
        raise RuntimeError("broken receiver")

    client.subscribe("Hangup", fail)
    client.subscribe("Hangup", lambda message: got.append(message["Uniqueid"]))
    client.subscribe("Hangup", left.append)()
    with capture_logs() as logs:
        for number in range(20):
            asterisk.push("Hangup", Uniqueid=str(number))
        asterisk.push("SomethingElse", Uniqueid="x")
        await eventually(lambda: len(got) == 20)

    assert got == [str(number) for number in range(20)]
    assert left == []
    assert client.connected
    assert [log["event_name"] for log in logs if log["event"] == "ami_receiver_failed"] == ["Hangup"] * 20


async def test_an_action_without_a_link_fails_at_once(asterisk: FakeAmi, make_client: Callable[..., AmiClient]) -> None:
    """No waiting and no queue: the reason is in the message."""
    port = asterisk.port
    await asterisk.stop()
    client = make_client(port=port)
    with pytest.raises(AmiNotConnected):
        await client.wait_connected(0.3)

    with pytest.raises(AmiNotConnected, match=f"Hangup was not sent: no AMI connection to 127.0.0.1:{port}"):
        await client.hangup("PJSIP/1001-1")


async def test_after_a_cut_the_client_is_back_and_replays_nothing(client: AmiClient, asterisk: FakeAmi) -> None:
    """The action under way fails, is not sent again, subscriptions live on, and the hooks tell of both."""
    told: list[str] = []
    asterisk.answers["Originate"] = lambda action: []  # taken, and never answered

    async def connected() -> None:
        told.append(f"connected {client.epoch}")
        await client.action("Ping")

    client.on_connect(connected)
    client.on_lost(lambda: told.append("lost"))
    got: list[Message] = []
    client.subscribe("Hangup", got.append)
    calling = asyncio.create_task(client.originate("PJSIP/1001", "hotline", "4000"))
    await asterisk.wait_for("Originate")

    asterisk.drop()
    with pytest.raises(AmiLinkLost, match="Originate"):
        await calling
    await eventually(lambda: len(asterisk.actions("Ping")) == 1)
    asterisk.push("Hangup", Uniqueid="1.1")
    await eventually(lambda: len(got) == 1)

    assert (told, client.epoch, asterisk.logins) == (["lost", "connected 2"], 2, 2)
    assert len(asterisk.actions("Originate")) == 1


async def test_a_hook_that_asterisk_does_not_answer_is_run_again(make_client: Callable[..., AmiClient], asterisk: FakeAmi) -> None:
    """What the hook should have learnt is not known: the connection is made anew, and the hook runs on that one."""
    client = make_client(timeout_s=0.2)
    told: list[int] = []

    async def learn() -> None:
        told.append(client.epoch)
        if len(told) == 1:
            raise AmiTimeout("Asterisk did not answer the AMI action CoreShowChannels within 5 s")

    client.on_connect(learn)
    await eventually(lambda: told == [1, 2])
    await client.wait_connected(10)

    assert (client.connected, asterisk.logins) == (True, 2)


async def test_asterisk_restarts(client: AmiClient, asterisk: FakeAmi) -> None:
    """Down for a while, on the same port again: found again without help."""
    port = asterisk.port
    await asterisk.stop()
    await eventually(lambda: not client.connected)
    await asyncio.sleep(0.3)
    await asterisk.start(port)

    await client.wait_connected(10)

    await client.action("Ping")


async def test_a_half_open_link_is_noticed(asterisk: FakeAmi, make_client: Callable[..., AmiClient]) -> None:
    """A peer that takes our bytes and never answers is given up after the ping's deadline, and tried anew."""
    client = make_client(ping_every_s=0.05, timeout_s=0.2)
    lost: list[str] = []
    client.on_lost(lambda: lost.append(client.failure))
    await client.wait_connected(10)
    await asterisk.wait_for("Ping", 2)
    assert lost == []

    asterisk.silent = True
    await eventually(lambda: bool(lost))
    asterisk.silent = False
    await client.wait_connected(10)

    assert "did not answer a ping" in lost[0]
    assert client.epoch >= 2


async def test_an_answer_that_never_comes(asterisk: FakeAmi, make_client: Callable[..., AmiClient]) -> None:
    """The action times out, and its late answer disturbs nobody."""
    client = make_client(timeout_s=0.2)
    await client.wait_connected(10)
    asterisk.answers["Setvar"] = lambda action: []

    with pytest.raises(AmiTimeout, match=r"Setvar within 0\.2 s"):
        await client.set_global("A", "1")
    late = asterisk.actions("Setvar")[0]["ActionID"]
    asterisk.push_bytes(f"Response: Success\r\nActionID: {late}\r\n\r\n".encode())

    assert (await client.action("Ping"))["Ping"] == "Pong"


async def test_a_wrong_secret_is_said_and_not_hammered(asterisk: FakeAmi, make_client: Callable[..., AmiClient]) -> None:
    """The reason names the user and what to check; tries come with growing pauses and are logged once."""
    with capture_logs() as logs:
        client = make_client(secret="wrong")
        with pytest.raises(AmiNotConnected, match=r"Authentication failed .*'hotline'.*check secret"):
            await client.wait_connected(1.0)

    assert 2 <= len(asterisk.actions("Login")) <= 10
    assert [log["event"] for log in logs] == ["ami_not_connected"]


GARBAGE = [b"\xff\xfe" * 1000 + b"\r\n\r\n", b"no colon here\r\n\r\n", b"\r\n\r\n\r\n\r\n", b"Event: Strange\r\nName: \xe5\xbc\r\n\r\n"]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_does_not_end_the_link(client: AmiClient, asterisk: FakeAmi, garbage: bytes) -> None:
    """Bytes that mean nothing are passed over."""
    asterisk.push_bytes(garbage)

    await client.action("Ping")

    assert client.epoch == 1


async def test_an_event_that_a_caller_wrote_is_not_believed(client: AmiClient, asterisk: FakeAmi) -> None:
    """A line break in a caller's number: the connection is given up with the reason, and what came with it reaches nobody."""
    seen: list[Message] = []
    for event in ("Hangup", "DeviceStateChange"):
        client.subscribe(event, seen.append)
    forged = b"Event: DeviceStateChange\r\nDevice: PJSIP/1001\r\nState: UNAVAILABLE"
    with capture_logs() as logs:
        asterisk.push_bytes(
            b"Event: Hangup\r\nCallerIDNum: 1\r\n\r\n" + forged + b"\r\n\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\nCause: 16\r\n\r\n"
        )
        await eventually(lambda: client.epoch == 2)

    assert seen == []
    assert any("an AMI event that Asterisk cannot have written" in str(log) for log in logs)


async def test_a_message_without_end_costs_the_link_not_the_memory(client: AmiClient, asterisk: FakeAmi) -> None:
    """The connection is given up with the reason, and made anew."""
    asterisk.push_bytes(b"Event: X\r\n" + b"A: b\r\n" * 100_000)

    await eventually(lambda: client.epoch == 2)

    assert "AMI message of more than" in client.failure


async def test_another_service_on_the_port_is_recognised(make_client: Callable[..., AmiClient]) -> None:
    """A port that greets with something else gives a sentence that says so."""

    async def ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(ssh, "127.0.0.1", 0)
    client = make_client(port=server.sockets[0].getsockname()[1])

    with pytest.raises(AmiNotConnected, match="no Asterisk manager"):
        await client.wait_connected(0.5)
    await client.stop()
    server.close()
    await server.wait_closed()


async def test_a_port_that_says_nothing_is_given_up(make_client: Callable[..., AmiClient]) -> None:
    """A listener that never greets: no endless wait for the login."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = make_client(port=listener.getsockname()[1], timeout_s=0.1)

        with pytest.raises(AmiNotConnected, match="no answer within"):
            await client.wait_connected(0.5)
        await client.stop()


async def test_a_hook_that_fails_harms_nobody(client: AmiClient, asterisk: FakeAmi) -> None:
    """Neither a failing connect hook nor a failing loss hook ends the client."""
    told: list[int] = []

    async def fail() -> None:
        raise RuntimeError("broken hook")

    async def tell() -> None:
        told.append(client.epoch)

    def fail_too() -> None:
        raise RuntimeError("broken hook")

    client.on_connect(fail)
    client.on_connect(tell)
    client.on_lost(fail_too)
    with capture_logs() as logs:
        asterisk.drop()
        await eventually(lambda: told == [2])

    assert {"ami_connect_hook_failed", "ami_lost_hook_failed"} <= {log["event"] for log in logs}


async def test_snapshots_after_a_reconnect_set_calls_and_phones_right(client: AmiClient, asterisk: FakeAmi) -> None:
    """What ended or changed while AMI was away is true again after the connect hook, and keys flow again."""
    calls, phones = LiveCalls(), PhoneStates()
    calls.attach(client)
    phones.attach(client)
    calls.set_connected(True)

    async def snapshot() -> None:
        await calls.reconcile(client.core_show_channels)
        await phones.refresh(client.device_states)

    client.on_connect(snapshot)
    client.on_lost(lambda: calls.set_connected(False))
    here, ended = calls.watch("1.1", "PJSIP/trunk-1"), calls.watch("1.2", "PJSIP/trunk-2")
    asterisk.push("DeviceStateChange", Device="PJSIP/1001", State="INUSE")
    await eventually(lambda: phones.state("1001") == "busy")
    asterisk.answers["CoreShowChannels"] = lambda action: listing(
        [[("Event", "CoreShowChannel"), ("Uniqueid", "1.1")]], "CoreShowChannelsComplete"
    )
    free = [("Event", "DeviceStateChange"), ("Device", "PJSIP/1001"), ("State", "NOT_INUSE")]
    asterisk.answers["DeviceStateList"] = lambda action: listing([free], "DeviceStateListComplete")

    asterisk.drop()
    await eventually(lambda: phones.state("1001") == "available")
    waiting = asyncio.create_task(here.keys.next(5000))
    asterisk.push("DTMFEnd", Uniqueid="1.1", Direction="Received", Digit="7")

    assert await waiting == "7"
    assert (here.gone.done(), ended.gone.done()) == (False, True)


async def test_no_digit_and_no_secret_is_logged(client: AmiClient, asterisk: FakeAmi) -> None:
    """Even a failing receiver of keys leaves no digit in the log."""

    def fail(message: Message) -> None:
        raise RuntimeError("broken receiver")

    client.subscribe("DTMFEnd", fail)
    with capture_logs() as logs:
        asterisk.push("DTMFEnd", Uniqueid="1.1", Direction="Received", Digit="8")
        await eventually(lambda: bool(logs))

    assert "8" not in str(logs)
    assert SECRET not in str(logs)
