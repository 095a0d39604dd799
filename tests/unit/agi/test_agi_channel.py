"""A channel: one command at a time, never one reply off, and the end of a session noticed at once. No sockets."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agi import commands
from agi.channel import Channel
from agi.errors import (
    AGIHangup,
    AGIInvalidCommand,
    AGIUnknownError,
    AGIUsageError,
    ChannelHungUp,
    CommandFailed,
    ProtocolViolation,
    UnsafeValue,
)
from simulator.fake_asterisk import FakeCall, Script, at_once, connect, environment, holding

pytestmark = pytest.mark.unit


class Keeper:
    """Notes what a channel tells its owner."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.is_ready = asyncio.Event()

    def opened(self, channel: Channel) -> None:
        self.told.append("opened")

    def ready(self, channel: Channel) -> None:
        self.told.append("ready")
        self.is_ready.set()

    def ended(self, channel: Channel) -> None:
        self.told.append("ended")


async def session(script: Script = at_once) -> tuple[Channel, FakeCall, Keeper]:
    keeper, call = Keeper(), FakeCall(environment(uniqueid="17.1"), script)
    channel = Channel(keeper)
    connect(call, channel)
    await keeper.is_ready.wait()
    return channel, call, keeper


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_environment_comes_first() -> None:
    """The owner is told once the environment is whole."""
    channel, call, keeper = await session()
    assert (keeper.told, channel.unique_id, channel.env["agi_extension"]) == (["opened", "ready"], "17.1", "4000")
    assert not channel.hung_up
    call.close()
    await settle()
    assert keeper.told == ["opened", "ready", "ended"]


async def test_commands_go_one_by_one() -> None:
    """A second command is not on the wire before the first has its reply, and each gets its own."""
    channel, call, _ = await session(lambda call, words: None)
    first, second = (asyncio.create_task(channel.send(commands.noop(text))) for text in ("1", "2"))
    await call.until_running("NOOP")
    await settle()
    assert call.commands == [["NOOP", "1"]]
    call.finish("200 result=11")
    assert (await first).result == "11"
    await call.until_running("NOOP")
    call.finish("200 result=22")
    assert (await second).result == "22"


async def test_a_cancelled_command_does_not_shift_replies() -> None:
    """Its reply is still awaited before the next command goes out, and goes to nobody."""
    channel, call, _ = await session(lambda call, words: None)
    lost = asyncio.create_task(channel.send(commands.noop("lost")))
    await call.until_running("NOOP")
    lost.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lost
    following = asyncio.create_task(channel.send(commands.noop("next")))
    await settle()
    assert call.commands == [["NOOP", "lost"]]
    call.finish("200 result=1")
    await call.until(lambda call: len(call.commands) == 2)
    call.finish("200 result=2")
    assert (await following).result == "2"


async def test_hangup_line_is_no_reply() -> None:
    """HANGUP arrives while a command runs: the command gets its own reply, the session is over."""
    channel, call, _ = await session(lambda call, words: None)
    running = asyncio.create_task(channel.appexec("Dial", "PJSIP/1001"))
    await call.until_running("EXEC DIAL")
    call.hang_up()
    assert (await running).failed
    assert channel.hung_up
    with pytest.raises(ChannelHungUp):
        await channel.noop()


@pytest.mark.parametrize("end", [FakeCall.hang_up, FakeCall.close, FakeCall.abort, lambda call: call.send(b"HANGUP\n")])
async def test_an_idle_channel_notices_the_end(end: Callable[[FakeCall], None]) -> None:
    """No command and no timer is needed; everybody who waits is told."""
    channel, call, _ = await session()
    waiting = [asyncio.create_task(channel.wait_closed()) for _ in range(2)]
    await settle()
    waiting[0].cancel()
    end(call)
    await waiting[1]
    await channel.wait_closed()
    assert channel.hung_up


@pytest.mark.parametrize("end", [FakeCall.close, FakeCall.abort])
async def test_the_end_during_a_command_is_a_hang_up(end: Callable[[FakeCall], None]) -> None:
    """Also in pyst2's words; commands that wait for their turn end as well."""
    channel, call, _ = await session(lambda call, words: None)
    tasks = [asyncio.create_task(channel.noop()) for _ in range(3)]
    await call.until_running("NOOP")
    end(call)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [ChannelHungUp] * 3
    assert isinstance(results[0], AGIHangup)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("510 Invalid or unknown command", AGIInvalidCommand),
        ("511 Command Not Permitted on a dead channel", ChannelHungUp),
        ("520 Invalid command syntax.  Proper usage not available.", AGIUsageError),
        ("520-Invalid command syntax.  Proper usage follows:\nUsage: NOOP\n520 End of proper usage.", AGIUsageError),
        ("503 result=-2 Memory allocation failure", AGIUnknownError),
        ("200 result=-1", CommandFailed),
    ],
)
async def test_refusals_are_exceptions(text: str, error: type[Exception]) -> None:
    """Each kind has its own, and the next command works unless the channel is dead."""
    channel, _, _ = await session(lambda call, words: text if words == ["NOOP"] else "200 result=0")
    with pytest.raises(error):
        await channel.noop()
    if error is ChannelHungUp:
        assert channel.hung_up
    else:
        await channel.verbose("still here")


async def test_trying_is_waited_out() -> None:
    """100 announces the reply."""
    channel, call, _ = await session(lambda call, words: None)
    running = asyncio.create_task(channel.send(commands.gosub("sub", "s", "1")))
    await call.until_running("GOSUB")
    call.send(b"100 Trying...\n")
    await settle()
    assert not running.done()
    call.finish("200 result=0 Gosub complete")
    assert (await running).result == "0"


async def test_a_reply_that_nobody_asked_for_is_dropped() -> None:
    """It is not kept for the next command."""
    channel, call, _ = await session(lambda call, words: "200 result=1 (mine)")
    call.send(b"200 result=1 (forged)\n")
    await settle()
    assert await channel.get_variable("X") == "mine"


async def test_garbage_ends_the_session() -> None:
    """After a line that is no AGI no reply could be trusted."""
    channel, call, keeper = await session()
    call.send(b"hello\n")
    await channel.wait_closed()
    assert isinstance(channel.fault, ProtocolViolation)
    await settle()
    assert keeper.told[-1] == "ended"


async def test_an_unsafe_value_sends_nothing() -> None:
    """And leaves the channel usable."""
    channel, call, _ = await session()
    with pytest.raises(UnsafeValue):
        await channel.set_variable("NAME", 'x"\nHANGUP')
    await channel.set_variable("NAME", 'a "quoted" \\ 王')
    assert call.commands == [["SET", "VARIABLE", "NAME", 'a "quoted" \\ 王']]
    assert await channel.get_variable("NAME") == 'a "quoted" \\ 王'
    assert await channel.get_variable("OTHER") == ""


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (lambda c: c.answer(), ["ANSWER"]),
        (lambda c: c.stream_file("/s/a", "1#"), ["STREAM", "FILE", "/s/a", "1#", "0"]),
        (lambda c: c.wait_for_digit(100), ["WAIT", "FOR", "DIGIT", "100"]),
        (lambda c: c.get_data("/s/a", 3000, 4), ["GET", "DATA", "/s/a", "3000", "4"]),
        (lambda c: c.record_file("/r/a"), ["RECORD", "FILE", "/r/a", "wav", "#", "20000", "BEEP"]),
        (lambda c: c.say_digits("12"), ["SAY", "DIGITS", "12", ""]),
        (lambda c: c.say_number(12), ["SAY", "NUMBER", "12", ""]),
        (lambda c: c.set_music(True), ["SET", "MUSIC", "ON"]),
        (lambda c: c.set_callerid("+49"), ["SET", "CALLERID", "+49"]),
        (lambda c: c.channel_status(), ["CHANNEL", "STATUS"]),
        (lambda c: c.appexec("Wait", "1"), ["EXEC", "Wait", "1"]),
    ],
)
async def test_methods_send_their_command(method: Callable[[Channel], Awaitable[object]], words: list[str]) -> None:
    """pyst2's names, Asterisk's commands."""
    channel, call, _ = await session()
    await method(channel)
    assert call.commands == [words]


async def test_a_key_that_stops_a_prompt_is_returned() -> None:
    """As pyst2 does it."""
    channel, call, _ = await session(holding("STREAM FILE"))
    playing = asyncio.create_task(channel.stream_file("/s/a", "12"))
    await call.until_running("STREAM FILE")
    assert not call.press("9")
    assert call.press("2")
    assert await playing == "2"
