"""The managed Asterisk, really started: what it offers to the server, and what its dialplan does with servers that die."""

import asyncio
import contextlib
import os
import re
import signal
import wave
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.asterisk.configuration import PhoneAccount, Plan
from server.install.asterisk import AsteriskProgram, find_asterisk
from server.processes.asterisk_process import AsteriskProcess, reachable_file_limit
from server.settings.trunks import Trunk
from server.state_folder.sockets import socket_folder
from simulator.phone import CallRefused, Phone
from tests.free_ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.fresh]


@pytest.fixture(scope="module")
def program() -> AsteriskProgram:
    return find_asterisk(print)


class Sessions:
    """A FastAGI server that keeps every session's environment and lets the test say what comes next."""

    def __init__(self) -> None:
        self.port = 0
        self.begun: asyncio.Queue[tuple[dict[str, str], asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\n\n")).decode().splitlines()
        self.begun.put_nowait((dict(line.split(": ", 1) for line in lines if ": " in line), reader, writer))

    async def next(self) -> tuple[dict[str, str], asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.wait_for(self.begun.get(), 10)


@pytest.fixture
async def sessions() -> AsyncIterator[Sessions]:
    sessions = Sessions()
    server = await asyncio.start_server(sessions.serve, "127.0.0.1", 0)
    sessions.port = server.sockets[0].getsockname()[1]
    yield sessions
    server.close()


@pytest.fixture
def plan(program: AsteriskProgram, sessions: Sessions, tmp_path: Path) -> Plan:
    music = tmp_path / "music"
    music.mkdir()
    with wave.open(str(music / "silence.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    return Plan(
        state=tmp_path,
        run=socket_folder(tmp_path),
        modules=program.modules,
        data=program.data,
        available_modules=program.module_names(),
        music=music,
        ami_user="hotline",
        ami_secret="secret",
        agi_servers=(f"127.0.0.1:{sessions.port}",),
        phones=(PhoneAccount("1001", "a", "王芳"), PhoneAccount("caller", "b", "Guest", context="callers")),
        numbers=("4000",),
        trunks={"gateway": Trunk(kind="ip", host="127.0.0.9")},
        emergency=("110",),
        sip_port=free_port(),
        ami_port=free_port(),
        rtp_first=30000,
        rtp_last=30199,
        rounds=3,
        file_limit=reachable_file_limit(4096),
    )


@pytest.fixture
async def asterisk(program: AsteriskProgram, plan: Plan) -> AsyncIterator[AsteriskProcess]:
    asterisk = AsteriskProcess(program, plan)
    await asterisk.start()
    yield asterisk
    await asterisk.stop()


class Ami:
    """Just enough AMI to ask and to read events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, **headers: str) -> dict[str, str]:
        self._writer.write("".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n")
        return await self.until("Response")

    async def until(self, header: str, value: str = "") -> dict[str, str]:
        while True:
            block = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 10)).decode()
            message = dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line)
            if header in message and value in message[header]:
                return message

    async def call(self, destination: str) -> dict[str, str]:
        """Begins a call whose far leg runs the dialplan at `number@context`."""
        return await self.ask(
            Action="Originate", Channel=f"Local/{destination}/n", Application="Wait", Data="60", Timeout="30000", Async="true"
        )


@contextlib.asynccontextmanager
async def ami_on(plan: Plan, secret: str = "secret") -> AsyncIterator[Ami]:
    reader, writer = await asyncio.open_connection("127.0.0.1", plan.ami_port)
    await reader.readline()
    ami = Ami(reader, writer)
    try:
        login = await ami.ask(Action="Login", Username="hotline", Secret=secret)
        if login["Response"] != "Success":
            raise PermissionError(login["Message"])
        yield ami
    finally:
        writer.close()


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str) -> str:
    writer.write(f"{command}\n".encode())
    return (await asyncio.wait_for(reader.readline(), 10)).decode()


async def test_it_starts_without_a_complaint_and_knows_its_phones(asterisk: AsteriskProcess, plan: Plan) -> None:
    """Nothing that it needs is missing: no warning and no error in its log."""
    endpoints = await asterisk.command("pjsip show endpoints")

    assert re.findall(r"Endpoint:  ([^<\s/]+)", endpoints) == ["1001", "caller", "gateway"]
    assert [line for line in (plan.state / "log/asterisk.log").read_text().splitlines() if "ERROR" in line or "WARNING" in line] == []
    assert "[resume]" in await asterisk.command("dialplan show hotline")


async def test_all_that_the_dialplan_uses_is_loaded(program: AsteriskProgram, plan: Plan) -> None:
    """An application or function of a module that is not loaded would end the call only when it is reached."""
    asterisk = AsteriskProcess(program, plan)
    await asterisk.start()
    dialplan = (plan.state / "etc/asterisk/extensions.conf").read_text()
    applications = set(re.findall(r"(?:,1,|same => n(?:\(\w+\))?,|\?)(\w+)\(", dialplan)) | set(re.findall(r"[?:](\w+)\(", dialplan))
    functions = set(re.findall(r"[{(]([A-Z]+)\(", dialplan))
    try:
        answers = {name: await asterisk.command(f"core show application {name}") for name in applications}
        answers |= {name: await asterisk.command(f"core show function {name}") for name in functions}
    finally:
        await asterisk.stop()

    assert {"Gosub", "AGI", "ExecIf", "StartMusicOnHold", "Log"} <= applications
    assert {"CUT", "FIELDQTY", "TIMEOUT", "LOCAL"} <= functions
    assert [name for name, answer in answers.items() if "(are) not registered" in answer or "No function" in answer or not answer] == []


async def test_ami_asks_for_the_secret_and_gives_few_rights(asterisk: AsteriskProcess, plan: Plan) -> None:
    """A wrong secret is refused; commands and configuration are out of reach; what routing asks is allowed."""
    with pytest.raises(PermissionError):
        async with ami_on(plan, "guess"):
            pass
    async with ami_on(plan) as ami:
        for forbidden in ({"Action": "Command", "Command": "core show version"}, {"Action": "GetConfig", "Filename": "manager.conf"}):
            assert "Permission denied" in (await ami.ask(**forbidden))["Message"]
        for allowed in ("CoreShowChannels", "BridgeList", "DeviceStateList"):
            assert (await ami.ask(Action=allowed))["Response"] == "Success"


async def test_a_call_outlives_a_server_that_dies(asterisk: AsteriskProcess, plan: Plan, sessions: Sessions) -> None:
    """The same call (uniqueid, number dialled) comes back until a server says that it is done; then it ends."""
    async with ami_on(plan) as ami:
        await ami.call("4000@hotline-trunks")
        first, _, writer = await sessions.next()
        writer.close()
        second, reader, writer = await sessions.next()

        assert "200 result=1" in await say(reader, writer, "SET VARIABLE HOTLINE_DONE 1")
        writer.close()
        hangup = await ami.until("Event", "Hangup")

    assert first["agi_network_script"] == "call"
    assert (first["agi_uniqueid"], first["agi_extension"]) == (second["agi_uniqueid"], "4000")
    assert second["agi_uniqueid"] in (hangup["Uniqueid"], hangup["Linkedid"]) or hangup["Channel"].startswith("Local/4000@hotline-trunks")


async def test_a_call_can_be_pulled_over_from_a_frozen_server(asterisk: AsteriskProcess, plan: Plan, sessions: Sessions) -> None:
    """AMI Redirect to the label `resume` begins a new session of the same call at once, though the old one never answers."""
    async with ami_on(plan) as ami:
        await ami.call("4000@hotline-trunks")
        frozen, _, writer = await sessions.next()
        moved = await ami.ask(Action="Redirect", Channel=frozen["agi_channel"], Context="hotline", Exten="4000", Priority="resume")
        again, _, second = await sessions.next()
        writer.close()
        second.close()

    assert moved["Response"] == "Success"
    assert (again["agi_uniqueid"], again["agi_extension"]) == (frozen["agi_uniqueid"], "4000")


async def test_without_any_server_a_call_ends_after_a_few_rounds(program: AsteriskProgram, plan: Plan) -> None:
    """Nobody waits for ever for a server that does not come."""
    asterisk = AsteriskProcess(program, replace(plan, agi_servers=(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")))
    await asterisk.start()
    try:
        async with ami_on(plan) as ami:
            await ami.call("4000@hotline-callers")
            assert (await ami.until("Event", "Hangup"))["Channel"].startswith("Local/4000@hotline-callers")
    finally:
        await asterisk.stop()


async def test_a_dead_server_is_passed_over(program: AsteriskProgram, plan: Plan, sessions: Sessions) -> None:
    """With two servers of which one is gone every call reaches the other."""
    asterisk = AsteriskProcess(program, replace(plan, agi_servers=(f"127.0.0.1:{free_port()}", *plan.agi_servers)))
    await asterisk.start()
    try:
        async with ami_on(plan) as ami:
            for _ in range(4):
                await ami.call("4000@hotline-trunks")
                environment, _, writer = await sessions.next()
                assert environment["agi_network_script"] == "call"
                writer.write(b"SET VARIABLE HOTLINE_DONE 1\n")
                writer.close()
    finally:
        await asterisk.stop()


@pytest.mark.parametrize(
    ("destination", "script", "argument"),
    [
        ("*40@hotline-agents", "agent", "login"),
        ("*42@hotline-agents", "agent", "pause"),
        ("*423@hotline-agents", "agent", "pause 3"),
        ("billing@hotline-transfer", "transfer", ""),
    ],
)
async def test_feature_codes_and_transfers_reach_the_server(
    asterisk: AsteriskProcess, plan: Plan, sessions: Sessions, destination: str, script: str, argument: str
) -> None:
    """The session's name says what it is about, its first argument what was keyed, the extension where the caller is sent."""
    async with ami_on(plan) as ami:
        await ami.call(destination)
        environment, _, writer = await sessions.next()
        writer.close()

    assert (environment["agi_network_script"], environment.get("agi_arg_1", "")) == (script, argument)
    assert environment["agi_extension"] == destination.split("@")[0]


@pytest.mark.parametrize(
    "destination",
    ["110@hotline-callers", "1001@hotline-callers", "*40@hotline-callers", "1001@hotline-trunks-nowhere", "*40@hotline-trunks"],
)
async def test_outsiders_reach_nothing_but_the_hotline(asterisk: AsteriskProcess, plan: Plan, sessions: Sessions, destination: str) -> None:
    """No agent's phone, no feature code, no line to the outside."""
    async with ami_on(plan) as ami:
        await ami.call(destination)
        assert (await ami.until("Event", "OriginateResponse"))["Response"] == "Failure"

    assert sessions.begun.empty()


async def test_one_that_was_left_over_is_ended_first(asterisk: AsteriskProcess, program: AsteriskProgram, plan: Plan) -> None:
    """A start after a supervisor was killed takes over the ports of the old Asterisk."""
    heir = AsteriskProcess(program, plan)

    await heir.start()

    try:
        assert await asyncio.wait_for(asterisk.wait(), 5) in (0, -signal.SIGTERM)
        assert heir.pid != 0
    finally:
        await heir.stop()


async def test_its_death_is_noticed_and_it_starts_again(asterisk: AsteriskProcess) -> None:
    """kill -9 ends `wait`, and the socket and pid files left behind do no harm."""
    os.kill(asterisk.pid, signal.SIGKILL)

    assert await asyncio.wait_for(asterisk.wait(), 5) == -signal.SIGKILL
    await asterisk.start()

    assert "Asterisk" in await asterisk.command("core show version")


async def called(phone: Phone) -> int:
    """The SIP status that a call to the hotline is refused with; 200 when a session has begun."""
    call = await phone.call("4000")
    try:
        await call.answered(2)
    except CallRefused as refusal:
        return refusal.status
    except TimeoutError:
        pass
    await call.hang_up()
    return 200


async def test_nobody_becomes_a_trunk_or_an_agent_by_a_name(program: AsteriskProgram, plan: Plan, sessions: Sessions) -> None:
    """A trunk is its address: its name in From opens nothing, and its caller who is numbered like an agent is a caller of the trunk."""
    asterisk = AsteriskProcess(program, plan)
    await asterisk.start()
    server = ("127.0.0.1", plan.sip_port)
    try:
        async with Phone("gateway", "guess", server) as liar, Phone("1001", "wrong", server) as guesser:
            assert [await called(liar), await called(guesser)] == [401, 401]
        assert sessions.begun.empty()
        async with Phone("1001", "", server, host="127.0.0.9") as gateway:
            assert await called(gateway) == 200
        environment, _, writer = await sessions.next()
        writer.close()
        assert environment["agi_callerid"] == "1001"
        assert environment["agi_channel"].startswith("PJSIP/gateway-")
        async with Phone("1001", "a", server) as agent:
            await agent.register()
            assert await called(agent) == 200
        environment, _, writer = await sessions.next()
        writer.close()
        assert environment["agi_channel"].startswith("PJSIP/1001-")
    finally:
        await asterisk.stop()


async def test_phones_at_a_trunks_address_work_when_the_trunk_names_its_port(
    program: AsteriskProgram, plan: Plan, sessions: Sessions
) -> None:
    """Behind one address (a NAT, a gateway with phones) the line is told apart by its port."""
    line = free_port()
    shared = {"gateway": Trunk(kind="ip", host=f"127.0.0.1:{line}", match=[f"127.0.0.1:{line}"])}
    asterisk = AsteriskProcess(program, replace(plan, trunks=shared))
    await asterisk.start()
    server = ("127.0.0.1", plan.sip_port)
    try:
        async with Phone("1001", "a", server) as agent:
            await agent.register()
            assert await called(agent) == 200
        environment, _, writer = await sessions.next()
        writer.close()
        assert environment["agi_channel"].startswith("PJSIP/1001-")
        async with Phone("1001", "", server, port=line) as gateway:
            assert await called(gateway) == 200
        environment, _, writer = await sessions.next()
        writer.close()
        assert environment["agi_channel"].startswith("PJSIP/gateway-")
    finally:
        await asterisk.stop()
