"""Traces: the steps of servers set beside offers, and the server's own share of them."""

from pathlib import Path

import pytest

from simulator.bench.offer_trace import Window, facts, read, tables, traces

pytestmark = pytest.mark.unit

# Two offers of 10 ms; in the second the server takes twice as long. Beside them somebody else's Dial.
STEPS = [
    (0.999, "AGI EXEC Dial"),
    (1.001, "AGI EXEC Dial done"),
    (1.002, "commit"),
    (1.003, "AGI EXEC Dial"),
    (2.0005, "AGI EXEC Dial"),
    (2.001, "AGI EXEC Dial done"),
    (2.004, "commit"),
    (2.005, "AGI EXEC Dial"),
]
WINDOWS = [Window("hotline", "free", 1.0, 1.010), Window("hotline", "free", 2.0, 2.010)]


def test_the_servers_share_is_from_its_first_word_to_its_last() -> None:
    """A Dial for somebody else, before Asterisk has said a word of this offer, is not the last word."""
    (found,) = traces(WINDOWS, {"hotline": STEPS})

    assert (found.offers, found.share.count) == (2, 2)
    assert (round(found.share.p50, 3), round(found.share.worst, 3)) == (2.0, 4.0)


def test_steps_come_in_the_order_of_their_medians_and_end_with_the_invite() -> None:
    (found,) = traces(WINDOWS, {"hotline": STEPS})

    assert [step.name for step in found.steps] == ["AGI EXEC Dial done", "commit", "AGI EXEC Dial", "INVITE at the agent's phone"]
    assert [round(step.p50, 3) for step in found.steps] == [1.0, 2.0, 3.0, 10.0]
    assert facts([found])[0]["share_p50_ms"] == found.share.p50
    assert [table.title for table in tables([found], {"free": "an agent becomes free"})][-1] == "the server's own share, in ms"


def test_a_step_that_few_offers_had_is_not_shown() -> None:
    """It belongs to another call that went on at the same time."""
    (found,) = traces([*WINDOWS, Window("hotline", "free", 3.0, 3.01)], {"hotline": [*STEPS, (3.001, "AMI Hangup")]})

    assert "AMI Hangup" not in [step.name for step in found.steps]


def test_steps_are_read_from_the_files_of_all_servers(tmp_path: Path) -> None:
    (tmp_path / "1.steps").write_text("2000000000\tcommit\n")
    (tmp_path / "2.steps").write_text("1000000000\tpost TalkEnded done\n")

    assert read(tmp_path) == [(1.0, "post TalkEnded done"), (2.0, "commit")]
