"""How long it takes from a free agent to a ringing phone: measured and told, judged only roughly."""

import asyncio
from statistics import median

import pytest

from simulator.phone import answer_after
from tests.e2e.e2e_house import Guest, House

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
ROUNDS = 6


async def test_free_to_offer(house: House, measured: list[str]) -> None:
    """An agent without wrap-up hangs up while others wait: milliseconds from the BYE to the INVITE of the next caller."""
    phone = await house.agent("wang", answer_after(0))
    waiting: asyncio.Queue[Guest] = asyncio.Queue()
    for account in ("caller", "caller2"):
        waiting.put_nowait(await house.dial("4106", account))
    took = []
    talk = await phone.next_call(3)
    for _ in range(ROUNDS):
        guest = waiting.get_nowait()
        await guest.event("contact_connected")
        await talk.pause(0.2)
        await talk.hang_up()
        following = await phone.next_call(5)
        took.append(1000 * (following.at["invite"] - talk.at["bye"]))
        await guest.over()
        talk = following
        waiting.put_nowait(await house.dial("4106", guest.phone.user))
    measured.append(f"free to offer (agent's BYE to next INVITE): median {median(took):.0f} ms, worst {max(took):.0f} ms of {ROUNDS}")
    assert max(took) < 2000
