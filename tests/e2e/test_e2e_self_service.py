"""Digits collected, confirmed and looked up at a real HTTP backend."""

import pytest

from tests.e2e.e2e_house import Guest, House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _enter(house: House, number: str) -> Guest:
    guest = await house.dial("4001")
    await guest.at_node("number")
    await guest.call.press(f"{number}#")
    await guest.event("input_received", node="number", keys=number)
    await guest.call.pause(0.5)
    return guest


async def test_an_account_is_confirmed_and_found(house: House) -> None:
    """The number is read back; the key 1 takes it, and the answer of the backend is told."""
    guest = await _enter(house, "20260315")
    await guest.call.press("1")
    found = await guest.event("lookup_answered")
    assert (found["data"]["outcome"], found["data"]["status"]) == ("found", 200)
    await guest.at_node("balance")
    assert await guest.listen(1.5) == "speech"
    await guest.call.hang_up()


async def test_a_wrong_number_is_entered_again(house: House) -> None:
    """The key 2 at the read-back asks for the number again; the second one is looked up."""
    guest = await _enter(house, "11111111")
    await guest.call.press("2")
    await guest.call.pause(1.0)
    await guest.call.press("22222222#")
    await guest.event("input_received", node="number", keys="22222222")
    await guest.call.press("1")
    await guest.event("lookup_answered", outcome="found")
    await guest.call.hang_up()


async def test_an_unknown_account_is_told_so(house: House) -> None:
    """404 of the backend leads to the exit not_found, and the flow goes on to its end."""
    guest = await _enter(house, "90000000")
    await guest.call.press("1")
    assert (await guest.event("lookup_answered"))["data"]["outcome"] == "not_found"
    await guest.at_node("unknown")
    assert (await guest.over())["data"]["ended_by"] == "system"


async def test_a_silent_backend_has_an_exit(house: House) -> None:
    """Nobody listens at the backend's port: the caller hears so instead of silence."""
    guest = await house.dial("4002")
    assert (await guest.event("lookup_answered"))["data"]["outcome"] == "failed"
    await guest.at_node("trouble")
    assert (await guest.over())["data"]["ended_by"] == "system"
