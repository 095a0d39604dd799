"""`bench edge`: its wrong messages, and what it judges."""

import random

import pytest

from simulator.bench.edge.malformed import KINDS, malformed, sound
from simulator.bench.edge.run import EdgeOptions, Heard, report

pytestmark = pytest.mark.unit

SOURCE, TO = ("127.0.0.66", 5099), ("127.0.0.1", 5060)


def test_the_same_chance_makes_the_same_messages() -> None:
    """A message that does harm can be sent again; none is larger than a UDP packet may be."""
    first, second = (list(malformed(random.Random(7), 5 * len(KINDS), SOURCE, TO)) for _ in range(2))

    assert first == second
    assert all(0 < len(message) <= 65000 for message in first)
    assert len(set(first)) > 4 * len(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sound"])
def test_each_kind_changes_messages(kind: str) -> None:
    """A kind whose word stands in no message would test nothing."""
    chance = random.Random(7)
    before = [sound(chance, number, SOURCE, TO) for number in range(100)]
    changed = [KINDS[kind](chance, list(lines)) != "\r\n".join(lines).encode() for lines in before]
    assert sum(changed) > 3


def heard(attack: str, gap_ms: float, **facts: object) -> Heard:
    made = Heard(attack, gap_ms, {"sent": 10})
    for name, value in facts.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (heard("INVITE flood", 120), []),
        (heard("INVITE flood", 140), ["a gap of 140 ms, at most twice the 60 ms without an attack"]),
        (heard("INVITE flood", 0, calls_lost=2), ["2 calls were cut"]),
        (heard("INVITE flood", 0, server_lives=False, ready=False), ["the server was started anew", "the site was not ready behind it"]),
    ],
)
def test_a_gap_is_judged_by_the_longest_without_an_attack(row: Heard, words: list[str]) -> None:
    """Both rows without one count, since a machine has other work as well."""
    made = report([heard("none", 20), row, heard("none, again", 60)], [], EdgeOptions())

    assert made.misses == [f"INVITE flood: {sentence}" for sentence in words]
    assert made.line["messages"] == 30
    assert report([heard("none", 0)], ["call x: began 1 times, ended 0 times"], EdgeOptions()).misses != []
