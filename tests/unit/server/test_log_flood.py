"""One message, whoever causes it, fills no log."""

import pytest
import structlog

from server.logs import MOST_LINES, SPAN_S, Flood

pytestmark = pytest.mark.unit


def test_of_one_message_only_so_many_lines_are_written_in_a_span() -> None:
    """What is left out is counted, and the first line of the next span says how many; other messages go through."""
    now_s = [100.0]
    flood = Flood(lambda: now_s[0])
    written = 0
    for _ in range(1000):
        try:
            flood(None, "warning", {"event": "number_unknown"})
            written += 1
        except structlog.DropEvent:
            pass
    assert written == MOST_LINES
    assert flood(None, "warning", {"event": "draining"}) == {"event": "draining"}

    now_s[0] += SPAN_S
    assert flood(None, "warning", {"event": "number_unknown"}) == {"event": "number_unknown", "left_out_before": 1000 - MOST_LINES}
    assert flood(None, "warning", {"event": "number_unknown"}) == {"event": "number_unknown"}
