"""When a server counts as frozen, and what is done then; in virtual time."""

import asyncio

import pytest

from server.cluster.silence import ASK_EVERY_S, Silence
from server.processes.watchdog import Watchdog
from simulator import virtual

pytestmark = pytest.mark.unit
NOBODY = 2**30  # a process id that the system does not give


def verdicts(*looks: dict[str, float]) -> list[str]:
    silence = Silence()
    return [silence.unheard(**look) for look in looks]


def test_a_server_that_stands_still_is_seen_after_a_second_and_dead_after_three() -> None:
    """Each is said once."""
    told = verdicts(*[{"passed_s": 0.25}] * 16)
    assert [(at + 1, verdict) for at, verdict in enumerate(told) if verdict] == [(4, "still"), (12, "dead")]


def test_a_server_that_is_at_work_keeps_its_calls_until_it_is_ended() -> None:
    """One that goes round in circles is as silent as one that has much to do; the calls of the second would only come back to it."""
    told = verdicts(*[{"passed_s": 0.25, "worked_s": 0.24}] * 12)
    assert [(at + 1, verdict) for at, verdict in enumerate(told) if verdict] == [(12, "dead")]


def test_who_waits_for_a_processor_is_not_silent() -> None:
    """On a machine that does three times what it can everybody is late, whoever asks and whoever is asked."""
    assert verdicts(*[{"passed_s": 3.0}] * 3) == ["", "", ""], "the asker came late itself"
    assert verdicts(*[{"passed_s": 0.25, "worked_s": 0.08, "held_up_s": 0.17}] * 30) == [""] * 30


def test_an_answer_begins_anew() -> None:
    """And tells whether the silence had been noticed."""
    silence = Silence()
    for _ in range(3):
        silence.unheard(0.25)
    assert not silence.heard()
    assert [silence.unheard(0.25) for _ in range(4)] == ["", "", "", "still"]
    assert silence.heard()
    assert not silence.heard()
    assert [silence.unheard(0.25) for _ in range(4)] == ["", "", "", "still"]


class Node:
    """A server that answers, freezes, and is ended."""

    name = "the server"

    def __init__(self) -> None:
        self.pid = NOBODY
        self.serving = asyncio.Event()
        self.serving.set()
        self._awake = asyncio.Event()
        self._awake.set()
        self.asked = 0

    def freezes(self) -> None:
        self._awake.clear()

    def wakes(self) -> None:
        self._awake.set()

    async def answers(self, within_s: float) -> bool:
        self.asked += 1
        await self._awake.wait()
        return self.pid != 0

    def kill(self) -> None:
        self.pid = 0
        self.serving.clear()


class Calls:
    """What was done to the calls, and when."""

    def __init__(self, held: int | None = 3) -> None:
        self.done: list[tuple[str, float]] = []
        self._held = held

    async def take_from(self, agi: str) -> int | None:
        self.done.append((f"take from {agi}", asyncio.get_running_loop().time()))
        return self._held

    async def give_back(self, agi: str) -> None:
        self.done.append((f"give back {agi}", asyncio.get_running_loop().time()))


def watched(*steps: tuple[float, str], calls: Calls | None = None) -> tuple[Node, Calls, list[str]]:
    """Let the node do what the steps say, each so many seconds after the one before; then a second more."""

    async def whole() -> tuple[Node, Calls, list[str]]:
        node, known, said = Node(), calls or Calls(), list[str]()
        watching = asyncio.create_task(Watchdog(node, known, "h:1", said.append).watch())
        for seconds, step in steps:
            await asyncio.sleep(seconds)
            getattr(node, step)()
        await asyncio.sleep(1.0)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        return node, known, said

    return virtual.run(whole())


def test_a_frozen_server_loses_its_calls_first_and_then_its_life() -> None:
    """Before the second second is over its calls hear music; two seconds later it is ended, and whoever keeps it starts it again."""
    node, calls, said = watched((5.1, "freezes"), (4.0, "wakes"))
    ((what, at),) = calls.done
    assert what == "take from h:1"
    assert at - 5.1 == pytest.approx(1.15, abs=0.15)
    assert node.pid == 0
    assert said == ["the server does not answer; 3 of its calls hear music", "the server has not answered for 3 s and is ended"]


def test_a_server_that_wakes_up_is_not_ended_and_gets_calls_again() -> None:
    """Its address goes back into Asterisk's list."""
    node, calls, said = watched((5.1, "freezes"), (2.0, "wakes"))
    assert [what for what, _ in calls.done] == ["take from h:1", "give back h:1"]
    assert node.pid == NOBODY
    assert len(said) == 1


def test_a_short_pause_is_nobodys_business() -> None:
    """A second that is not whole."""
    _, calls, said = watched((5.1, "freezes"), (0.7, "wakes"), (3.0, "freezes"), (0.7, "wakes"))
    assert (calls.done, said) == ([], [])


def test_without_asterisk_it_says_so() -> None:
    """The server is ended all the same."""
    node, _, said = watched((1.0, "freezes"), (4.0, "wakes"), calls=Calls(None))
    assert said[0] == "the server does not answer; its calls cannot be moved: Asterisk does not answer either"
    assert node.pid == 0


def test_one_question_at_a_time() -> None:
    """A server that is frozen does not find a crowd of questions when it wakes."""
    node, _, _ = watched((1.0, "freezes"), (2.5, "wakes"))
    assert node.asked <= 2 / ASK_EVERY_S + 2
