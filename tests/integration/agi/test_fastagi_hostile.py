"""The FastAGI port on a real socket: whatever one connection sends, the others go on; limits, drain, and what is in the log."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import structlog
from structlog.testing import capture_logs

from agi.channel import Channel
from agi.errors import ChannelHungUp, ListenFailed
from agi.protocol import environment_bytes
from agi.server import FastAgiServer
from simulator.fake_asterisk import FakeAsterisk, FakeCall, environment, holding, verb

pytestmark = pytest.mark.integration

ENV = environment_bytes(environment())


async def serve_caller(channel: Channel) -> None:
    """A handler that asks for keys until the caller is gone."""
    while True:
        await channel.wait_for_digit(60_000)


@asynccontextmanager
async def listening(
    handler: Callable[[Channel], object] = serve_caller, **settings: float
) -> AsyncIterator[tuple[FastAgiServer, FakeAsterisk]]:
    server = FastAgiServer(handler, port=0, **settings)  # type: ignore[arg-type]
    await server.start()
    asterisk = FakeAsterisk(*server.address)
    try:
        yield server, asterisk
    finally:
        await asterisk.close()
        await server.close()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError("waited 10 s in vain")


async def attack(server: FastAgiServer, data: bytes, *, then_close: bool) -> bytes:
    """Sends, and closes or waits for the server to close. What the server sent."""
    reader, writer = await asyncio.open_connection(*server.address)
    received = b""
    try:
        writer.write(data)
        await writer.drain()
        if not then_close:
            async with asyncio.timeout(10):
                received = await reader.read()
    except ConnectionError:
        pass
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return received


HOSTILE = {
    "nothing at all": (b"", True, "early_close"),
    "half a line": (b"agi_chan", True, "early_close"),
    "half an environment": (ENV[:200], True, "early_close"),
    "silence": (b"", False, "environment_timeout"),
    "half an environment, then silence": (ENV[:-1], False, "environment_timeout"),
    "a megabyte without newline": (b"agi_x: " + b"x" * 1_000_000, False, "line_too_long"),
    "a megabyte of lines": (b"agi_arg_1: x\n" * 80_000, False, "garbage"),
    "too many lines": (b"".join(b"agi_arg_%d: x\n" % n for n in range(500)), False, "environment_too_large"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: hotline\r\n\r\n", False, "garbage"),
    "TLS": (bytes(range(256)) + b"\n", False, "garbage"),
    "invalid UTF-8": (b"\xff\xfe\xfd\n" * 10, False, "garbage"),
    "an empty environment": (b"\n", False, "garbage"),
    "a good environment, then garbage": (ENV + b"\xff\xfe not agi\n", False, "garbage"),
    "a good environment, then an endless line": (ENV + b"x" * 1_000_000, False, "line_too_long"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_bad_input_is_refused_and_others_go_on(name: str) -> None:
    """Closed with one line in the log, counted by reason; a call before, during and after it is served."""
    data, then_close, reason = HOSTILE[name]
    async with listening(env_timeout_s=0.2) as (server, asterisk):
        before = await asterisk.call(script=holding("WAIT FOR DIGIT"))
        await before.until_running("WAIT FOR DIGIT")
        with capture_logs() as logged:
            await attack(server, data, then_close=then_close)
            await until(lambda: server.rejected)
        assert server.rejected == {reason: 1}
        assert [entry["reason"] for entry in logged if entry["event"] == "agi_connection_rejected"] == [reason]
        before.press("1")
        await before.until(lambda call: len(call.commands) == 2)
        after = await asterisk.call(script=holding("WAIT FOR DIGIT"))
        await after.until_running("WAIT FOR DIGIT")
        assert server.sessions == 2


async def test_one_byte_at_a_time_is_a_call() -> None:
    """A slow network is no attack."""
    async with listening() as (server, _):
        reader, writer = await asyncio.open_connection(*server.address)
        for byte in ENV:
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await reader.readline()).startswith(b"WAIT FOR DIGIT")
        writer.close()
        await writer.wait_closed()
        await until(lambda: server.sessions == 0)


async def test_environment_and_reply_in_one_packet() -> None:
    """A reply that came before its command is nobody's; the session goes on."""
    async with listening() as (server, _):
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(ENV + b"200 result=49\n")
        assert await reader.readline() == b"WAIT FOR DIGIT 60000\n"
        writer.write(b"200 result=50\n")
        assert await reader.readline() == b"WAIT FOR DIGIT 60000\n"
        writer.close()
        await writer.wait_closed()


async def test_a_reset_is_the_end_of_one_session() -> None:
    """RST in the middle of a command."""
    async with listening() as (server, asterisk):
        stays = await asterisk.call(script=holding("WAIT FOR DIGIT"))
        connection = socket.create_connection(server.address)
        connection.sendall(ENV)
        await until(lambda: server.sessions == 2)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()
        await until(lambda: server.sessions == 1)
        assert not stays.gone
        assert server.rejected == {}


async def test_too_many_sessions_are_refused_at_once() -> None:
    """The limit counts sessions that still owe their environment; a place that is free again is used."""
    async with listening(max_sessions=3) as (server, asterisk):
        calls = [await asterisk.call(script=holding("WAIT FOR DIGIT")) for _ in range(3)]
        for call in calls:
            await call.until_running("WAIT FOR DIGIT")
        refused = [await asterisk.call() for _ in range(5)]
        for call in refused:
            await call.until_gone()
        assert server.rejected == {"over_capacity": 5}
        calls[0].hang_up()
        await until(lambda: server.sessions == 2)
        late = await asterisk.call(script=holding("WAIT FOR DIGIT"))
        await late.until_running("WAIT FOR DIGIT")


async def test_a_flow_that_crashes_ends_only_its_own_call() -> None:
    """The log has the call's id and the exception; the caller goes on in the dialplan."""

    async def handler(channel: Channel) -> None:
        if channel.env["agi_extension"] == "13":
            raise RuntimeError("a bug in a flow")
        await serve_caller(channel)

    async with listening(handler) as (server, asterisk):
        good = await asterisk.call(script=holding("WAIT FOR DIGIT"))
        with capture_logs(processors=[structlog.processors.format_exc_info]) as logged:
            bad = await asterisk.call(environment(dnis="13", uniqueid="17.13"))
            await bad.until_gone()
        (entry,) = logged
        assert (entry["event"], entry["call"]) == ("agi_call_failed", "17.13")
        assert "a bug in a flow" in entry["exception"]
        await good.until_running("WAIT FOR DIGIT")
        assert server.sessions == 1


async def test_hanging_up_is_no_failure() -> None:
    """Nothing is logged for what happens in every call."""
    async with listening() as (server, asterisk):
        with capture_logs() as logged:
            call = await asterisk.call(script=holding("WAIT FOR DIGIT"))
            await call.until_running("WAIT FOR DIGIT")
            call.hang_up()
            await until(lambda: server.sessions == 0)
        assert logged == []
        assert server.rejected == {}


async def test_values_from_outside_inject_nothing() -> None:
    """A caller's name with quotes and AGI commands goes round as text."""
    name = 'Bob" \\" HANGUP ${SHELL(id)} `id` \\'
    done = asyncio.Event()

    async def handler(channel: Channel) -> None:
        await channel.set_variable("NAME", channel.env["agi_calleridname"])
        assert await channel.get_variable("NAME") == name
        await channel.verbose(name)
        done.set()

    async with listening(handler) as (_, asterisk):
        call = await asterisk.call(environment(calleridname=name))
        await asyncio.wait_for(done.wait(), 10)
        assert [verb(words) for words in call.commands] == ["SET VARIABLE", "GET VARIABLE", "VERBOSE"]
        assert call.commands[2][1] == name


async def test_drain_lets_calls_finish_and_takes_no_new_ones() -> None:
    """Running calls end by themselves, half-open connections are closed."""
    async with listening() as (server, asterisk):
        call = await asterisk.call(script=holding("WAIT FOR DIGIT"))
        await call.until_running("WAIT FOR DIGIT")
        reader, writer = await asyncio.open_connection(*server.address)
        draining = asyncio.create_task(server.drain(10))
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        with pytest.raises(OSError, match=r"."):
            await asterisk.call()
        call.hang_up()
        assert await draining == 0


async def test_drain_ends_what_does_not_finish() -> None:
    """After its time the rest is ended; handlers can clean up; Asterisk sees the sessions closed."""
    cleaned: list[str] = []

    async def handler(channel: Channel) -> None:
        try:
            await channel.wait_closed()
        finally:
            cleaned.append(channel.unique_id)

    async with listening(handler) as (server, asterisk):
        calls: list[FakeCall] = [await asterisk.call() for _ in range(3)]
        await until(lambda: server.sessions == 3)
        assert await server.drain(0) == 3
        for call in calls:
            await call.until_gone()
        assert len(cleaned) == 3
        assert server.sessions == 0


async def test_a_port_in_use_is_explained() -> None:
    """The message names the port and says what to do."""
    async with listening() as (server, _):
        other = FastAgiServer(serve_caller, port=server.address[1])
        with pytest.raises(ListenFailed, match=rf"{server.address[1]}.*in use.*choose another port"):
            await other.start()
    with pytest.raises(ListenFailed, match="not an address of this machine"):
        await FastAgiServer(serve_caller, host="192.0.2.1", port=0).start()


async def test_hundreds_of_calls_at_once() -> None:
    """Each gets the replies to its own commands."""

    async def handler(channel: Channel) -> None:
        for turn in range(5):
            await channel.set_variable("ID", f"{channel.unique_id}/{turn}")
            assert await channel.get_variable("ID") == f"{channel.unique_id}/{turn}"
        await channel.wait_closed()
        with pytest.raises(ChannelHungUp):
            await channel.noop()

    async with listening(handler) as (server, asterisk):
        with capture_logs() as logged:
            calls = [await asterisk.call() for _ in range(300)]
            for call in calls:
                await call.until(lambda call: len(call.commands) == 10)
            for call in calls:
                call.hang_up()
            await until(lambda: server.sessions == 0)
        assert logged == []
