"""The story of the demo's call: one line per thing that happens, with its second."""

import asyncio
from typing import Any

import pytest

from simulator import virtual
from simulator.demo.timeline import Timeline, sentence

pytestmark = pytest.mark.unit


def event(type: str, call: str = "call-1", **data: Any) -> dict[str, Any]:
    return {"type": type, "call": call, "agent": "wang", "queue": "billing", "flow": "main", "node": "hello", "data": data}


def test_lines_carry_the_seconds_since_the_beginning() -> None:
    """In columns: the second, who, what. Before the beginning it is second zero."""

    async def story() -> list[str]:
        said: list[str] = []
        timeline = Timeline(said.append)
        timeline.say("hotline", "is ready")
        await asyncio.sleep(5)
        timeline.begin()
        await asyncio.sleep(1.25)
        timeline.say("caller", "presses 1")
        return said

    assert virtual.run(story()) == ["    0.00 s  hotline  is ready", "    1.25 s  caller   presses 1"]


def test_only_the_events_of_one_call_are_told() -> None:
    """Others happen beside it; some events need no words."""

    async def story() -> list[str]:
        said: list[str] = []
        listen = Timeline(said.append).follow(lambda: "call-1")
        listen(event("call_arrived", ani="+86*8000", dnis="4000"))
        listen(event("call_arrived", "call-2", ani="+86*8001", dnis="4000"))
        listen(event("node_left", exit="next"))
        return said

    assert virtual.run(story()) == ["    0.00 s  hotline  call from +86*8000 on number 4000"]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (event("contact_queued", steps=[[0, "billing >= 3"], [30_000, ""]]), "joins queue billing, wants: billing >= 3 / "),
        (event("contact_queued", steps=[[0, ""]]), "joins queue billing, wants: anybody"),
        (event("offer_made", phone="1001", waited_ms=1250), "offered to wang (phone 1001) after waiting 1.2 s"),
        (event("contact_connected", waited_ms=60_000), "connected to wang, waited 60.0 s"),
        (event("contact_ended", talk_ms=4_000, ended_by=""), "talk with wang is over: 4.0 s, ended by nobody"),
        (event("something_new"), ""),
    ],
)
def test_events_in_words(told: dict[str, Any], words: str) -> None:
    """An unknown event is left out."""
    assert sentence(told) == words
