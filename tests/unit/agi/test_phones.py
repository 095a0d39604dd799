"""Phone states follow Asterisk's device states, and a snapshot never undoes what is newer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agi.ami.events import DeviceStateChange
from agi.ami.protocol import Message
from agi.phones import PHONE_STATES, PhoneStates

pytestmark = pytest.mark.unit


def row(device: str, state: str) -> Message:
    return Message([("Event", "DeviceStateChange"), ("Device", device), ("State", state)])


def listing(*rows: Message) -> Callable[[], Awaitable[list[Message]]]:
    async def device_states() -> list[Message]:
        return list(rows)

    return device_states


@pytest.mark.parametrize(("device_state", "state"), [*PHONE_STATES.items(), ("SOMETHING_NEW", "unavailable")])
def test_every_device_state_has_a_meaning(device_state: str, state: str) -> None:
    """Each state of Asterisk maps to one of ours; one that we do not know is not offered calls."""
    phones = PhoneStates()

    phones.take(DeviceStateChange("PJSIP/1001", device_state))

    assert state == phones.state("1001")


def test_changes_are_told_once() -> None:
    """Only a real change is told; devices that are no phones are ignored; an unknown phone is unavailable."""
    told = []
    phones = PhoneStates(lambda endpoint, state: told.append((endpoint, state)))

    for device, state in [
        ("PJSIP/1001", "INUSE"),
        ("PJSIP/1001", "BUSY"),
        ("Custom:x", "INUSE"),
        ("PJSIP/", "INUSE"),
        ("PJSIP/1001", "NOT_INUSE"),
    ]:
        phones.take(DeviceStateChange(device, state))

    assert told == [("1001", "busy"), ("1001", "available")]
    assert phones.state("9999") == "unavailable"


async def test_a_snapshot_sets_all_phones() -> None:
    """Phones in the snapshot get its state; one that is missing in it is unavailable."""
    phones = PhoneStates()
    phones.take(DeviceStateChange("PJSIP/1001", "NOT_INUSE"))

    await phones.refresh(listing(row("PJSIP/1002", "RINGING"), row("MWI:x", "INUSE")))

    assert [phones.state("1001"), phones.state("1002")] == ["unavailable", "ringing"]


async def test_a_change_during_the_snapshot_is_newer() -> None:
    """An event that comes while the snapshot is on its way wins over it."""
    phones = PhoneStates()

    async def device_states() -> list[Message]:
        phones.take(DeviceStateChange("PJSIP/1001", "INUSE"))
        return [row("PJSIP/1001", "NOT_INUSE"), row("PJSIP/1002", "NOT_INUSE")]

    await phones.refresh(device_states)

    assert [phones.state("1001"), phones.state("1002")] == ["busy", "available"]


async def test_a_phone_whose_call_just_ended_is_waited_for() -> None:
    """A busy phone that becomes free in time is free; one that stays busy is not."""
    phones = PhoneStates()
    phones.take(DeviceStateChange("PJSIP/1001", "INUSE"))
    asking = asyncio.ensure_future(phones.is_free("1001", 60_000))
    await asyncio.sleep(0)

    phones.take(DeviceStateChange("PJSIP/1001", "NOT_INUSE"))

    assert await asking
    phones.take(DeviceStateChange("PJSIP/1001", "RINGING"))
    assert not await phones.is_free("1001", 0)


def test_a_receiver_that_fails_harms_nobody() -> None:
    """The state is kept although the receiver raised."""

    def fail(endpoint: str, state: str) -> None:
        raise RuntimeError("broken receiver")

    phones = PhoneStates(fail)
    phones.take(DeviceStateChange("PJSIP/1001", "INUSE"))

    assert phones.state("1001") == "busy"
