"""A stay in a queue whose offer is taken back while, or after, it is answered."""

import asyncio

import pytest

from routing.domain.messages import ContactLeft, OfferAnswered, OfferEnded, TalkEnded
from tests.scripted_caller import Phone
from tests.unit.routing.test_queue_stay import Scene, play

pytestmark = pytest.mark.unit


def test_an_offer_is_taken_back_in_the_instant_of_its_answer() -> None:
    """The talk ends before it has begun, the caller waits on, and what was offered meanwhile rings when that is over."""

    async def script(scene: Scene) -> None:
        def crosses() -> None:
            scene.takes_back("o1")
            scene.rings("o2", "o3")
            scene.takes_back("o3")

        scene.line.phones = [Phone(picked_up=crosses, talk_ms=30_000), Phone(talk_ms=5_000)]
        scene.rings("o1")

    scene = play(Scene(), script)
    assert scene.did("ring") == [(0, "ring phone-o1"), (1000, "ring phone-o2")]
    assert scene.waited is not None
    assert (scene.waited.outcome, scene.waited.agent) == ("answered", "agent-o2")
    assert [message for message in scene.posted if isinstance(message, ContactLeft)] == []
    assert [message.offer for message in scene.posted if isinstance(message, TalkEnded)] == ["o2"]


def test_an_offer_that_is_taken_back_too_late_is_a_talk() -> None:
    """The router is told once more that they talk; what it offered meanwhile comes to nothing."""

    async def script(scene: Scene) -> None:
        scene.line.phones = [Phone(talk_ms=30_000)]
        scene.rings("o1")
        await asyncio.sleep(5)
        scene.takes_back("o1")
        scene.rings("o2")

    scene = play(Scene(), script)
    assert scene.did("ring") == [(0, "ring phone-o1")]
    assert scene.posted.count(OfferAnswered("c1", "o1")) == 2
    assert OfferEnded("c1", "o2", "withdrawn") in scene.posted
    assert isinstance(scene.posted[-1], TalkEnded)
