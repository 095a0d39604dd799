"""An answer and a withdrawal that cross on their way."""

import asyncio

import pytest

from tests.unit.agi.test_ringing import AGENT, FakeAsterisk, Run, Scene, run

__all__ = ["run"]
pytestmark = pytest.mark.unit


def test_an_offer_is_taken_back_in_the_instant_of_its_answer(run: Run) -> None:
    """The leg is hung up, the caller stays: for whoever took it back nobody has talked."""

    async def dial(asterisk: FakeAsterisk) -> None:
        asterisk.begin()
        asterisk.ringing()
        await asyncio.sleep(1)
        asterisk.end("ANSWER")
        asterisk.bridge()
        await asterisk.leg_hung_up.wait()
        asterisk.part(AGENT)

    async def story() -> None:
        scene = Scene(dial)
        ringing = asyncio.create_task(scene.ring())
        await asyncio.sleep(1.005)

        assert await scene.ringer.withdraw("offer-1")

        assert (await ringing).outcome == "withdrawn"
        assert [sent[0] for sent in scene.asterisk.sent].count("hangup") == 1

    run(story())
