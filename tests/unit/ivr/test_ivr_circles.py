"""Circles in which a call would spin, over one flow or several, and what judging a large flow costs."""

import sys
from pathlib import Path

import pytest

from ivr.loading.draft import SiteFacts
from ivr.loading.loader import load_flows
from sources.problems import ProblemsFound


def said(folder: Path, **flows: str) -> list[str]:
    for name, nodes in flows.items():
        (folder / f"{name}.yaml").write_text(f"flow: {name}\nlanguages: [en]\nstart: a\nnodes:\n{nodes}")
    try:
        load_flows(folder, SiteFacts(queues=["q"], transfer_allowed=lambda number: True))
    except ProblemsFound as found:
        return [str(problem).replace(f"{folder}/", "") for problem in found.problems]
    return []


def test_a_circle_over_two_flows_is_named_with_the_way_round(tmp_path: Path) -> None:
    """Flows that only lead into each other would spin for ever."""
    play = "  a: {type: play, prompt: {en: x}, next: 'flow:%s'}\n"
    told = "one.yaml:5:3: these flows lead in a circle without any input: one.a -> two.a -> one.a"
    assert said(tmp_path, one=play % "two", two=play % "one") == [f"{told} - put a menu or a collect into it, or an exit"]


REFUSED = " - lead its other exits to a node that ends the call or asks the caller"


@pytest.mark.parametrize(
    ("nodes", "way"),
    [
        ("  a: {type: queue, queue: q, otherwise: a}\n", "a -> a"),
        ("  a: {type: transfer, to: '1', otherwise: a}\n", "a -> a"),
        ("  a: {type: queue, queue: q, closed: a, otherwise: hangup}\n", "a -> a"),
        (
            "  a: {type: queue, queue: q, otherwise: b}\n  b: {type: transfer, to: '1', no_answer: hangup, otherwise: a}\n",
            "a -> b -> a",
        ),
    ],
)
def test_a_queue_or_a_transfer_whose_refusal_leads_back_to_it_is_named(tmp_path: Path, nodes: str, way: str) -> None:
    """A queue that is closed and a number that is busy answer at once: who is led back to them goes round at once."""
    assert said(tmp_path, one=nodes) == [f"one.yaml:5:3: a call that is refused at once goes in a circle: {way}{REFUSED}"]


@pytest.mark.parametrize(
    "nodes",
    [
        "  a: {type: queue, queue: q, timed_out: a, exit_keys: {1: a}, otherwise: hangup}\n",
        "  a: {type: transfer, to: '1', no_answer: a, otherwise: hangup}\n",
        "  a: {type: queue, queue: q, otherwise: b}\n"
        "  b: {type: menu, prompt: {en: x}, options: {1: a}, no_input: {en: x}, failure: hangup}\n",
    ],
)
def test_a_way_back_behind_a_wait_or_a_question_is_no_circle(tmp_path: Path, nodes: str) -> None:
    """Waiting again after a wait, or when a caller asks for it, spins nothing."""
    assert [problem for problem in said(tmp_path, one=nodes) if "circle" in problem] == []


@pytest.mark.parametrize("order", [1, -1], ids=["forwards", "backwards"])
def test_what_a_flow_costs_to_judge_grows_as_its_nodes(tmp_path: Path, order: int) -> None:
    """Four times the nodes are at most five times the work, counted in calls, whichever way they lead."""

    def work(nodes: int) -> int:
        calls = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += 1

        lines = [f"  {'a' if not at else f'n{at}'}: {{type: play, prompt: {{en: x}}, next: n{at + 1}}}\n" for at in range(nodes)]
        lines.append(f"  n{nodes}: {{type: hangup}}\n")
        sys.setprofile(count)
        try:
            assert said(tmp_path, one="".join(lines[::order])) == []
        finally:
            sys.setprofile(None)
        return calls

    work(10)
    assert work(1200) < 5 * work(300)
