"""Two phones on loopback call each other without a server: signalling, keys and sound both ways."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from simulator.phone import (
    CallOver,
    CallRefused,
    CallState,
    EndedBy,
    IncomingCall,
    Phone,
    PhoneError,
    Sound,
    answer_after,
    answer_when_asked,
    classify,
    dead,
    find_tone,
    hears,
    ignore,
    only_trying,
    read_wav,
    reject,
    sine,
)
from simulator.phone.call import Call
from simulator.phone.sip import build, new_request, with_body
from simulator.phone.transaction import Timers

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def alice() -> AsyncIterator[Phone]:
    async with Phone("alice", name="Alice") as phone:
        yield phone


@pytest_asyncio.fixture
async def bob() -> AsyncIterator[Phone]:
    async with Phone("bob") as phone:
        phone.on_invite = answer_after()
        yield phone


async def connect(alice: Phone, bob: Phone) -> tuple[Call, IncomingCall]:
    """A call from alice that bob has answered, seen from both ends."""
    outgoing = await alice.call(bob.contact)
    incoming = await bob.next_call()
    await outgoing.answered()
    await incoming.answered()
    return outgoing, incoming


async def test_a_call_rings_is_answered_and_ended_by_the_caller(alice: Phone, bob: Phone) -> None:
    """Both ends see ringing, answer and end in order, agree who ended it, and keep no call."""
    outgoing, incoming = await connect(alice, bob)

    await outgoing.hang_up()

    assert await incoming.ended() is EndedBy.THEM
    assert await outgoing.ended() is EndedBy.US
    steps = [outgoing.at[step] for step in ("invite", "180", "200", "ack", "bye", "ended")]
    assert sorted(steps) == steps
    assert incoming.remote.name == "Alice"
    assert alice.calls == bob.calls == []


async def test_the_called_side_may_end_the_call(alice: Phone, bob: Phone) -> None:
    """A BYE from the called phone ends the caller's call."""
    outgoing, incoming = await connect(alice, bob)

    await incoming.hang_up()

    assert await outgoing.ended() is EndedBy.THEM
    assert incoming.ended_by is EndedBy.US


async def test_keys_cross_in_both_directions(alice: Phone, bob: Phone) -> None:
    """Every key pressed is heard once, in order, with the time it was held; equal keys in a row stay apart."""
    outgoing, incoming = await connect(alice, bob)

    await asyncio.gather(outgoing.press("1227#", gap_ms=60), incoming.press("*0", gap_ms=60))

    assert "".join(digit.digit for digit in incoming.digits) == "1227#"
    assert "".join(digit.digit for digit in outgoing.digits) == "*0"
    assert [digit.held_ms for digit in outgoing.digits] == [100, 100]


async def test_tones_cross_in_both_directions(alice: Phone, bob: Phone, tmp_path: Path) -> None:
    """Each end hears the other's tone and not its own, and the recording can be written and read."""
    outgoing, incoming = await connect(alice, bob)

    outgoing.play(sine(440, 0.6))
    incoming.play(sine(880, 0.6))
    at_bob, at_alice = await asyncio.gather(incoming.hears(440), outgoing.hears(880))
    await asyncio.sleep(0.4)
    await outgoing.hang_up()
    outgoing.heard.write_wav(tmp_path / "heard.wav")

    assert hears(incoming.heard.samples(at_bob, at_bob + 3200), 440)
    assert find_tone(incoming.heard.samples(), 880) is None
    assert find_tone(read_wav(tmp_path / "heard.wav"), 880) == at_alice
    assert find_tone(outgoing.heard.samples(), 440) is None


async def test_silence_is_sent_from_the_first_moment(alice: Phone, bob: Phone) -> None:
    """RTP flows both ways as soon as a call is up, though nobody says anything."""
    outgoing, incoming = await connect(alice, bob)

    await outgoing.pause(0.3)

    assert outgoing.statistics.received > 5
    assert incoming.statistics.received > 5
    assert outgoing.statistics.first_at is not None
    assert outgoing.statistics.first_at - outgoing.at["200"] < 0.2
    assert classify(outgoing.heard.samples()) is Sound.SILENCE


@pytest.mark.parametrize("status", [486, 603, 480, 404])
async def test_a_refused_call_tells_its_status(alice: Phone, bob: Phone, status: int) -> None:
    """Whatever the called phone refuses with reaches the caller."""
    bob.on_invite = reject(status)

    outgoing = await alice.call(bob.contact)

    with pytest.raises(CallRefused) as refused:
        await outgoing.answered()
    assert refused.value.status == status
    assert outgoing.ended_by is EndedBy.REFUSED
    assert (await bob.next_call()).status == status


async def test_a_call_that_rings_for_ever_can_be_taken_back(alice: Phone, bob: Phone) -> None:
    """A CANCEL ends ringing at both ends, and the called side knows that it was not its doing."""
    bob.on_invite = ignore()
    outgoing = await alice.call(bob.contact)
    incoming = await bob.next_call()
    await outgoing.ringing()

    await outgoing.hang_up()

    assert await incoming.ended() is EndedBy.CANCELLED
    assert (outgoing.status, outgoing.ended_by) == (487, EndedBy.US)
    with pytest.raises(CallOver):
        incoming.answer()


async def test_a_dead_phone_gives_no_sign_of_life(alice: Phone, bob: Phone) -> None:
    """Nothing answers, and giving up does not hang; power back on, it works again."""
    bob.on_invite = dead
    outgoing = await alice.call(bob.contact)

    with pytest.raises(TimeoutError):
        await outgoing.ringing(0.2)
    assert "100" not in outgoing.at
    assert bob.transport.statistics.ignored >= 1
    bob.on_invite = answer_after()
    await outgoing.answered()


async def test_trying_is_not_ringing(alice: Phone, bob: Phone) -> None:
    """A phone that only confirms the INVITE never counts as ringing."""
    bob.on_invite = only_trying()
    outgoing = await alice.call(bob.contact)

    with pytest.raises(TimeoutError):
        await outgoing.ringing(0.2)

    assert "100" in outgoing.at
    assert outgoing.state is CallState.CALLING


async def test_an_auto_answer_phone_answers_only_calls_that_ask_for_it(alice: Phone, bob: Phone) -> None:
    """Call-Info with answer-after=0, as desk phones have it; any other call rings."""
    bob.on_invite = answer_when_asked()
    asking = await alice.call(bob.contact, headers={"Call-Info": "<sip:hotline>;answer-after=0"})
    await asking.answered(1)
    await asking.hang_up()
    plain = await alice.call(bob.contact)
    await plain.ringing(1)
    with pytest.raises(TimeoutError):
        await plain.answered(0.2)


async def test_hold_silences_the_held_side_until_resumed(alice: Phone, bob: Phone) -> None:
    """Either side may hold: the held one knows, stops sending, and sends again afterwards."""
    outgoing, incoming = await connect(alice, bob)

    await outgoing.hold()
    assert incoming.held_by_them
    before = outgoing.statistics.received
    await outgoing.pause(0.2)
    assert outgoing.statistics.received - before <= 1
    await outgoing.resume()
    assert not incoming.held_by_them
    incoming.play(sine(880, 0.5))

    await outgoing.hears(880)


async def test_sound_before_the_answer(alice: Phone, bob: Phone) -> None:
    """A 183 opens the sound; the answer keeps it open."""

    async def announce(call: IncomingCall) -> None:
        call.play(sine(440, 0.5))
        call.progress()
        await call.pause(0.5)
        call.answer()

    bob.on_invite = announce
    outgoing = await alice.call(bob.contact)

    await outgoing.hears(440)

    assert outgoing.state is CallState.RINGING
    await outgoing.answered()


async def test_garbage_on_the_signalling_port_disturbs_nobody(alice: Phone, bob: Phone) -> None:
    """Bytes that are no SIP are counted and dropped, also in the middle of a call."""
    outgoing, incoming = await connect(alice, bob)
    hostile = [
        b"\x00" * 40,
        b"INVITE\r\n\r\n",
        b"\xff\xfe" * 700,
        b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n",
        b"BYE sip:x SIP/2.0\r\n" + b"a" * 30000,
    ]

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        for data in hostile:
            attacker.sendto(data, ("127.0.0.1", bob.port))
    await outgoing.press("5")

    assert [digit.digit for digit in incoming.digits] == ["5"]
    assert bob.transport.statistics.malformed == 4


async def test_garbage_on_the_sound_port_disturbs_nobody(alice: Phone, bob: Phone) -> None:
    """Bytes that are no RTP are counted and dropped."""
    outgoing, incoming = await connect(alice, bob)
    port = incoming.negotiation.ours().peer[1]

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        for data in (b"", b"\x80", b"\xff" * 12, b"\x90\x00" + b"\x00" * 10, b"\xaf" + b"\xff" * 20):
            attacker.sendto(data, ("127.0.0.1", port))
    await outgoing.press("9")

    assert [digit.digit for digit in incoming.digits] == ["9"]
    assert incoming.statistics.malformed == 5


async def test_load_phones_press_keys_without_listening(bob: Phone) -> None:
    """With media off a call works and its keys arrive, but nothing is read and hardly anything sent."""
    async with Phone("load", media=False) as load:
        outgoing, incoming = await connect(load, bob)

        await outgoing.press("42")
        await outgoing.pause(0.2)

        assert [digit.digit for digit in incoming.digits] == ["4", "2"]
        assert outgoing.statistics.received == 0
        assert incoming.statistics.received < 40


async def test_two_calls_at_once_on_one_phone(alice: Phone, bob: Phone) -> None:
    """Calls of one phone do not mix their sound."""
    first, to_first = await connect(alice, bob)
    second, to_second = await connect(alice, bob)

    first.play(sine(440, 0.5))
    second.play(sine(880, 0.5))

    await asyncio.gather(to_first.hears(440), to_second.hears(880))
    assert find_tone(to_first.heard.samples(), 880) is None


async def test_a_phone_that_loses_power_tells_nobody(alice: Phone, bob: Phone) -> None:
    """After unplugging the far end goes on believing in the call, and hears nothing more."""
    outgoing, incoming = await connect(alice, bob)

    await bob.unplug()
    await outgoing.pause(0.2)

    assert outgoing.state is CallState.TALKING
    assert incoming.state is CallState.ENDED


async def test_signalling_survives_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """With half of all datagrams lost, calls are made, held, resumed and ended: only later."""
    fast = Timers(t1=0.02, t2=0.08, t4=0.2)
    alice, bob = Phone("alice", timers=fast), Phone("bob", timers=fast)
    chance = random.Random(3)
    for phone in (alice, bob):
        lose_half(monkeypatch, phone, chance)
    bob.on_invite = answer_after()

    async with alice, bob:
        for _ in range(5):
            outgoing, incoming = await connect(alice, bob)
            await outgoing.hold()
            await outgoing.resume()
            await outgoing.hang_up()
            assert await incoming.ended() is EndedBy.THEM

    assert alice.transport.statistics.retransmitted + bob.transport.statistics.retransmitted > 0


def lose_half(monkeypatch: pytest.MonkeyPatch, phone: Phone, chance: random.Random) -> None:
    send = phone.transport._write

    def lossy(data: bytes, peer: tuple[str, int]) -> None:
        if chance.randrange(2):
            send(data, peer)

    monkeypatch.setattr(phone.transport, "_write", lossy)


async def test_damaged_and_forged_messages_raise_nowhere(alice: Phone, bob: Phone) -> None:
    """Thousands of damaged messages of real dialogs, one ringing and one answered, reach no further than the counters."""
    raised: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: raised.append(context))
    chance = random.Random(11)
    bob.on_invite = ignore()
    await alice.call(bob.contact)
    early = await bob.next_call()
    bob.on_invite = answer_after()
    _, talking = await connect(alice, bob)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        for number in range(3000):
            attacker.sendto(forged(chance, (early, talking)[number % 2], number), ("127.0.0.1", bob.port))
            await asyncio.sleep(0)

    assert raised == []
    statistics = bob.transport.statistics
    assert 500 < statistics.malformed < statistics.received - 1000


def forged(chance: random.Random, call: IncomingCall, number: int) -> bytes:
    """A request that belongs to the call but for some bytes of damage."""
    method = chance.choice(["INVITE", "UPDATE", "ACK", "CANCEL", "NOTIFY", "OPTIONS", "REFER", "MESSAGE"])
    target = call.invite.recipient.tagged(call.local_tag) if chance.randrange(4) else call.invite.recipient
    request = new_request(method, call.invite.uri, call.invite.sender, target, call.call_id, number + 2)
    request.headers.add("Via", f"SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx{number};rport")
    request.headers.add("Contact", chance.choice(["<sip:127.0.0.1:9>", "<tel:1>", "<", "sip:x"]))
    request.headers.add("Event", "refer")
    with_body(request, "application/sdp", chance.choice([b"", b"SIP/2.0 999", call.invite.body, call.invite.body[:60]]))
    data = bytearray(build(request))
    for _ in range(chance.randrange(3)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


async def test_a_policy_that_fails_leaves_no_caller_ringing(alice: Phone, bob: Phone) -> None:
    """A bug in a script ends the call, and is told to the event loop."""
    raised: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: raised.append(context["exception"]))

    async def broken(call: IncomingCall) -> None:
        call.ring()
        raise ZeroDivisionError

    bob.on_invite = broken
    outgoing = await alice.call(bob.contact)

    assert await outgoing.ended() is EndedBy.REFUSED
    assert [type(error) for error in raised] == [ZeroDivisionError]


async def test_more_calls_than_lines_are_busy(alice: Phone) -> None:
    """The number of calls of a phone is bounded."""
    async with Phone("small", lines=1) as small:
        await alice.call(small.contact)
        await small.next_call()

        second = await alice.call(small.contact)

        with pytest.raises(CallRefused, match="486"):
            await second.answered()


async def test_the_payload_type_of_keys_is_the_offerers(bob: Phone) -> None:
    """Digits go under the number of the offer, whatever the called phone would have chosen."""
    async with Phone("odd", dtmf=96) as odd:
        outgoing, incoming = await connect(odd, bob)

        await asyncio.gather(outgoing.press("1"), incoming.press("2"))

        assert ([digit.digit for digit in incoming.digits], [digit.digit for digit in outgoing.digits]) == (["1"], ["2"])


async def test_a_law_is_spoken_too(bob: Phone) -> None:
    """A phone that knows only PCMA is understood."""
    async with Phone("european", codecs=(8,)) as european:
        outgoing, incoming = await connect(european, bob)
        outgoing.play(sine(440, 0.5))
        incoming.play(sine(880, 0.5))

        await asyncio.gather(incoming.hears(440), outgoing.hears(880))


async def test_without_a_common_codec_there_is_no_call() -> None:
    """488, at once."""
    async with Phone("american", codecs=(0,)) as american, Phone("european", codecs=(8,)) as european:
        european.on_invite = answer_after()
        outgoing = await american.call(european.contact)

        with pytest.raises(CallRefused, match="488"):
            await outgoing.answered()


@pytest.mark.parametrize("target", ["4000", "sip:bob@some.name", "sip:", "sips:x y"])
async def test_a_target_that_cannot_be_dialled_is_refused_in_words(alice: Phone, target: str) -> None:
    """Without a server only URIs with an address can be dialled; nothing is left behind."""
    with pytest.raises(PhoneError):
        await alice.call(target)

    assert alice.calls == []


async def test_recordings_are_as_long_as_asked_for(alice: Phone) -> None:
    """A phone that works all day keeps only the first seconds of each call, and still counts every packet."""
    async with Phone("bob", record_s=0.1) as bob:
        bob.on_invite = answer_after()
        _, incoming = await connect(alice, bob)

        await incoming.pause(0.4)

        assert len(incoming.heard) == 800
        assert incoming.statistics.received > 10
